"""The synthetic indices that are traded here (facts §5.3; pips and names of the others from the venue's public list)."""

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Symbol:
    """``volatility``: a year's, in percent; ``every_s``: seconds from tick to tick."""

    code: str
    display_name: str
    pip: Decimal
    every_s: int
    volatility: int
    start_price: Decimal
    display_order: int

    @property
    def pip_size(self) -> int:
        """Digits behind the point."""
        return -int(self.pip.as_tuple().exponent)

    @property
    def price_max(self) -> Decimal:
        return self.start_price * 1_000


def _slow(volatility: int, pip: str, start: str, order: int) -> Symbol:
    return Symbol(
        code=f"R_{volatility}",
        display_name=f"Volatility {volatility} Index",
        pip=Decimal(pip),
        every_s=2,
        volatility=volatility,
        start_price=Decimal(start),
        display_order=order,
    )


def _fast(volatility: int, start: str, order: int) -> Symbol:
    return Symbol(
        code=f"1HZ{volatility}V",
        display_name=f"Volatility {volatility} (1s) Index",
        pip=Decimal("0.01"),
        every_s=1,
        volatility=volatility,
        start_price=Decimal(start),
        display_order=order,
    )


_ALL = (
    _slow(10, "0.001", "6200", 1),
    _slow(25, "0.001", "2500", 2),
    _slow(50, "0.0001", "220", 3),
    _slow(75, "0.0001", "95000", 4),
    _slow(100, "0.01", "1000", 5),
    _fast(10, "9500", 6),
    _fast(100, "1500", 7),
)
SYMBOLS = {each.code: each for each in _ALL}
