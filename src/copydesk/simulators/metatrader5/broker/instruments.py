"""What this broker lists: FX, metals and indices, with suffixes, contract sizes, executions and hours that differ."""

from dataclasses import dataclass, replace
from decimal import Decimal

from copydesk.simulators.metatrader5.broker.words import Calculation, Execution, TradeMode

FOK_FLAG, IOC_FLAG = 1, 2
_DAY_MIN = 24 * 60
_FRIDAY = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Hours:
    """Every weekday from one minute of the server's day to another; the last may be the end of the day."""

    opens_min: int = 0
    closes_min: int = _DAY_MIN

    def is_open(self, at_ms: int) -> bool:
        """``at_ms``: milliseconds of the server's clock."""
        minutes = at_ms // 60_000
        weekday = (minutes // _DAY_MIN + 3) % 7  # the epoch was a Thursday; Monday is 0
        return weekday <= _FRIDAY and self.opens_min <= minutes % _DAY_MIN < self.closes_min


@dataclass(frozen=True, slots=True, kw_only=True)
class Instrument:
    """Prices in quote currency, volumes in lots, levels and spreads in points, swaps in points a lot and night."""

    name: str
    source: str  # the underlying price: a symbol and its suffixed twin move as one
    path: str
    description: str
    start: Decimal
    digits: int
    contract_size: Decimal
    calculation: Calculation
    execution: Execution
    filling_flags: int
    base: str
    profit: str
    spread: int
    stops_level: int = 0
    freeze_level: int = 0
    trade_mode: TradeMode = TradeMode.FULL
    volume_min: Decimal = Decimal("0.01")
    volume_max: Decimal = Decimal(100)
    volume_step: Decimal = Decimal("0.01")
    volume_limit: Decimal = Decimal(0)  # of one account in one direction; 0 is none
    liquidity: Decimal = Decimal(50)  # lots that one order meets at the current price
    margin_rate: Decimal = Decimal(1)
    swap_long: Decimal = Decimal(0)
    swap_short: Decimal = Decimal(0)
    hours: Hours = Hours()

    @property
    def point(self) -> Decimal:
        return Decimal(1).scaleb(-self.digits)

    @property
    def margin_currency(self) -> str:
        return self.base if self.calculation is Calculation.FOREX else self.profit


_EURUSD = Instrument(
    name="EURUSD",
    source="EURUSD",
    path="Forex\\EURUSD",
    description="Euro against US dollar",
    start=Decimal("1.08500"),
    digits=5,
    contract_size=Decimal(100_000),
    calculation=Calculation.FOREX,
    execution=Execution.MARKET,
    filling_flags=FOK_FLAG | IOC_FLAG,
    base="EUR",
    profit="USD",
    spread=8,
    swap_long=Decimal("-7.1"),
    swap_short=Decimal("2.9"),
)
_GBPUSD = replace(
    _EURUSD,
    name="GBPUSD",
    source="GBPUSD",
    path="Forex\\GBPUSD",
    description="Pound sterling against US dollar",
    start=Decimal("1.27000"),
    base="GBP",
    spread=12,
    filling_flags=IOC_FLAG,
    swap_long=Decimal("-3.2"),
    swap_short=Decimal("-1.1"),
)
_USDJPY = replace(
    _EURUSD,
    name="USDJPY",
    source="USDJPY",
    path="Forex\\USDJPY",
    description="US dollar against yen",
    start=Decimal("150.000"),
    digits=3,
    base="USD",
    profit="JPY",
    spread=10,
    filling_flags=FOK_FLAG,
    swap_long=Decimal("9.6"),
    swap_short=Decimal("-21.4"),
)
_EURGBP = replace(
    _EURUSD,
    name="EURGBP",
    source="EURGBP",
    path="Forex\\EURGBP",
    description="Euro against pound sterling",
    start=Decimal("0.85430"),
    profit="GBP",
    spread=14,
    stops_level=10,
    freeze_level=5,
    swap_long=Decimal("-6.0"),
    swap_short=Decimal("1.7"),
)
_EURUSD_M = replace(
    _EURUSD, name="EURUSD.m", path="Forex.m\\EURUSD.m", execution=Execution.INSTANT, volume_max=Decimal(20)
)
_METAL_HOURS = Hours(opens_min=61, closes_min=_DAY_MIN - 2)
_INDEX_HOURS = Hours(opens_min=61, closes_min=_DAY_MIN - 15)

_ALL = (
    _EURUSD,
    _GBPUSD,
    _USDJPY,
    _EURGBP,
    _EURUSD_M,
    Instrument(
        name="XAUUSD",
        source="XAUUSD",
        path="Metals\\XAUUSD",
        description="Gold against US dollar, 100 oz",
        start=Decimal("2650.00"),
        digits=2,
        contract_size=Decimal(100),
        calculation=Calculation.CFD_LEVERAGE,
        execution=Execution.MARKET,
        filling_flags=IOC_FLAG,
        base="XAU",
        profit="USD",
        spread=20,
        swap_long=Decimal("-35.1"),
        swap_short=Decimal("18.3"),
        hours=_METAL_HOURS,
    ),
    Instrument(
        name="XAUUSD.m",
        source="XAUUSD",
        path="Metals.m\\XAUUSD.m",
        description="Gold against US dollar, 10 oz",
        start=Decimal("2650.00"),
        digits=2,
        contract_size=Decimal(10),
        calculation=Calculation.CFD_LEVERAGE,
        execution=Execution.INSTANT,
        filling_flags=FOK_FLAG,
        base="XAU",
        profit="USD",
        spread=20,
        volume_min=Decimal("0.1"),
        volume_step=Decimal("0.1"),
        swap_long=Decimal("-35.1"),
        swap_short=Decimal("18.3"),
        hours=_METAL_HOURS,
    ),
    Instrument(
        name="XAGUSD",
        source="XAGUSD",
        path="Metals\\XAGUSD",
        description="Silver against US dollar, 5000 oz",
        start=Decimal("31.200"),
        digits=3,
        contract_size=Decimal(5_000),
        calculation=Calculation.CFD_LEVERAGE,
        execution=Execution.MARKET,
        filling_flags=FOK_FLAG | IOC_FLAG,
        base="XAG",
        profit="USD",
        spread=15,
        hours=_METAL_HOURS,
    ),
    Instrument(
        name="US500",
        source="US500",
        path="Indices\\US500",
        description="US 500 index, 1 dollar a point",
        start=Decimal("5900.0"),
        digits=1,
        contract_size=Decimal(1),
        calculation=Calculation.CFD,
        execution=Execution.EXCHANGE,
        filling_flags=IOC_FLAG,
        base="USD",
        profit="USD",
        spread=5,
        volume_min=Decimal("0.1"),
        volume_step=Decimal("0.1"),
        volume_max=Decimal(250),
        margin_rate=Decimal("0.05"),
        hours=_INDEX_HOURS,
    ),
    Instrument(
        name="GER40.cash",
        source="GER40",
        path="Indices\\GER40.cash",
        description="Germany 40 index, 1 euro a point",
        start=Decimal("19300.0"),
        digits=1,
        contract_size=Decimal(1),
        calculation=Calculation.CFD_INDEX,
        execution=Execution.MARKET,
        filling_flags=FOK_FLAG | IOC_FLAG,
        base="EUR",
        profit="EUR",
        spread=12,
        volume_min=Decimal("0.1"),
        volume_step=Decimal("0.1"),
        margin_rate=Decimal("0.05"),
        hours=_INDEX_HOURS,
    ),
)
INSTRUMENTS = {each.name: each for each in _ALL}
