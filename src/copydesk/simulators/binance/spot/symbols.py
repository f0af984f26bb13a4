"""The pairs this venue lists on spot, with their filters; prices come from the market's line of the same name or another's."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from copydesk.simulators.market import Start

BAND_UP = Decimal(5)
BAND_DOWN = Decimal("0.2")
OPEN_ORDERS_MAX = 200
OPEN_STOPS_MAX = 5
OPEN_LISTS_MAX = 20
TRAILING_MIN, TRAILING_MAX = 10, 2_000  # basis points
PRECISION = 8  # decimals of every asset
ORDER_TYPES = (
    "LIMIT",
    "LIMIT_MAKER",
    "MARKET",
    "STOP_LOSS",
    "STOP_LOSS_LIMIT",
    "TAKE_PROFIT",
    "TAKE_PROFIT_LIMIT",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """``line``: whose prices these are; BTCUSDC follows BTCUSDT."""

    symbol: str
    base: str
    quote: str
    line: str
    tick: Decimal
    step: Decimal
    price_max: Decimal
    quantity_max: Decimal
    market_quantity_max: Decimal
    notional_min: Decimal
    notional_max: Decimal


def _listed(
    base: str, quote: str, tick: str, step: str, maxima: tuple[str, str, str], notional: tuple[str, str], line: str = ""
) -> Pair:
    return Pair(
        symbol=base + quote,
        base=base,
        quote=quote,
        line=line or base + quote,
        tick=Decimal(tick),
        step=Decimal(step),
        price_max=Decimal(maxima[0]),
        quantity_max=Decimal(maxima[1]),
        market_quantity_max=Decimal(maxima[2]),
        notional_min=Decimal(notional[0]),
        notional_max=Decimal(notional[1]),
    )


_USD = ("5", "9000000")
PAIRS: Mapping[str, Pair] = {
    pair.symbol: pair
    for pair in (
        _listed("BTC", "USDT", "0.01", "0.00001", ("1000000", "9000", "120"), _USD),
        _listed("ETH", "USDT", "0.01", "0.0001", ("1000000", "9000", "2500"), _USD),
        _listed("SOL", "USDT", "0.01", "0.001", ("10000", "90000", "20000"), _USD),
        _listed("POL", "USDT", "0.0001", "0.1", ("1000", "9000000", "2000000"), _USD),
        _listed("XRP", "USDT", "0.0001", "0.1", ("1000", "9000000", "2000000"), _USD),
        _listed("BNB", "USDT", "0.01", "0.001", ("10000", "90000", "3000"), _USD),
        _listed("BTC", "USDC", "0.01", "0.00001", ("1000000", "9000", "120"), _USD, line="BTCUSDT"),
        _listed("ETH", "BTC", "0.00001", "0.001", ("1000", "9000", "2500"), ("0.0001", "9000000")),
    )
}
ASSETS: tuple[str, ...] = tuple(
    sorted({pair.base for pair in PAIRS.values()} | {pair.quote for pair in PAIRS.values()})
)
CASH = frozenset({"USDT", "USDC"})  # what the ledger does not call a position

# Lines that the futures do not have already.
OWN_STARTS = (Start(symbol="ETHBTC", price=Decimal("0.03466"), tick=Decimal("0.00001")),)
