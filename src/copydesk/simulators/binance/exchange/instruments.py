"""The six contracts this venue lists: filters, leverage brackets, funding (fact sheet §2.1, one reading of 2026-05-20)."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

MAX_OPEN_ORDERS = 200
MAX_OPEN_ALGOS = 10
BAND_UP = Decimal("1.05")
BAND_DOWN = Decimal("0.95")
LIQUIDATION_FEE = Decimal("0.0125")
TRIGGER_PROTECT = Decimal("0.05")
MAX_AMENDMENTS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Bracket:
    number: int
    leverage: int
    floor: Decimal
    cap: Decimal
    maintenance: Decimal
    cum: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Instrument:
    symbol: str
    base: str
    start_price: Decimal
    tick: Decimal
    step: Decimal
    price_precision: int
    quantity_precision: int
    quantity_min: Decimal
    price_max: Decimal
    quantity_max: Decimal
    market_quantity_max: Decimal
    notional_min: Decimal
    brackets: tuple[Bracket, ...]
    funding_hours: int

    @property
    def leverage_max(self) -> int:
        return self.brackets[0].leverage

    def notional_cap(self, leverage: int) -> Decimal:
        """The largest position the brackets allow at this leverage."""
        return max(bracket.cap for bracket in self.brackets if bracket.leverage >= leverage)

    def bracket(self, notional: Decimal) -> Bracket:
        return next((bracket for bracket in self.brackets if notional <= bracket.cap), self.brackets[-1])

    def maintenance(self, notional: Decimal) -> Decimal:
        """Maintenance margin of a position of this absolute notional."""
        if not notional:
            return Decimal(0)
        bracket = self.bracket(notional)
        return notional * bracket.maintenance - bracket.cum


_Rung = tuple[int, str, str]  # initial leverage, notional cap, maintenance margin rate
_BIG: tuple[_Rung, ...] = (
    (125, "300000", "0.004"),
    (100, "800000", "0.005"),
    (75, "3000000", "0.0065"),
    (50, "12000000", "0.01"),
    (20, "70000000", "0.025"),
    (10, "100000000", "0.05"),
    (5, "230000000", "0.1"),
    (2, "480000000", "0.25"),
    (1, "1800000000", "0.5"),
)
_SMALL: tuple[_Rung, ...] = (
    (75, "10000", "0.006"),
    (50, "60000", "0.01"),
    (25, "600000", "0.02"),
    (10, "3000000", "0.05"),
    (5, "8000000", "0.1"),
    (2, "20000000", "0.25"),
    (1, "60000000", "0.5"),
)


def _brackets(rungs: tuple[_Rung, ...]) -> tuple[Bracket, ...]:
    built: list[Bracket] = []
    floor, rate, cum = Decimal(0), Decimal(0), Decimal(0)
    for number, (leverage, cap, maintenance) in enumerate(rungs, start=1):
        if built:
            cum += floor * (Decimal(maintenance) - rate)
        rate = Decimal(maintenance)
        built.append(
            Bracket(number=number, leverage=leverage, floor=floor, cap=Decimal(cap), maintenance=rate, cum=cum)
        )
        floor = Decimal(cap)
    return tuple(built)


def _listed(
    symbol: str,
    start: str,
    tick: str,
    step: str,
    precisions: tuple[int, int],
    maxima: tuple[str, str, str],
    notional_min: str,
    rungs: tuple[_Rung, ...],
    *,
    quantity_min: str | None = None,
    funding_hours: int = 8,
) -> Instrument:
    return Instrument(
        symbol=symbol,
        base=symbol.removesuffix("USDT"),
        start_price=Decimal(start),
        tick=Decimal(tick),
        step=Decimal(step),
        price_precision=precisions[0],
        quantity_precision=precisions[1],
        quantity_min=Decimal(quantity_min or step),
        price_max=Decimal(maxima[0]),
        quantity_max=Decimal(maxima[1]),
        market_quantity_max=Decimal(maxima[2]),
        notional_min=Decimal(notional_min),
        brackets=_brackets(rungs),
        funding_hours=funding_hours,
    )


# POL pays funding every 4 hours and XRP every hour; XRP's smallest quantity lies above its step, and its quantities may be
# written with a digit more than the step has: so that each of these rules can be met somewhere.
INSTRUMENTS: Mapping[str, Instrument] = {
    instrument.symbol: instrument
    for instrument in (
        _listed("BTCUSDT", "95200", "0.1", "0.001", (2, 3), ("4529764", "1000", "120"), "50", _BIG),
        _listed("ETHUSDT", "3300", "0.01", "0.001", (2, 3), ("306177", "10000", "2000"), "20", _BIG),
        _listed("SOLUSDT", "190", "0.01", "0.01", (4, 2), ("6857", "1000000", "80000"), "5", _SMALL),
        _listed(
            "POLUSDT", "0.45", "0.0001", "1", (7, 0), ("1000", "10000000", "2000000"), "5", _SMALL, funding_hours=4
        ),
        _listed(
            "XRPUSDT",
            "2.2",
            "0.0001",
            "0.1",
            (4, 2),
            ("1000", "10000000", "2000000"),
            "5",
            _SMALL,
            quantity_min="0.3",
            funding_hours=1,
        ),
        _listed("BNBUSDT", "680", "0.01", "0.01", (3, 2), ("100000", "100000", "2000"), "5", _SMALL),
    )
}
