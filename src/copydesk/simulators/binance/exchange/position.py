"""A position as quantity and cost, so that what is realised adds up to the last digit."""

from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal

from copydesk.simulators.binance.exchange.records import ZERO

CENT = Decimal("0.00000001")  # the venue keeps eight decimals of the margin asset


def to_cents(value: Decimal) -> Decimal:
    """Rounded the same in every process: libraries (ccxt is one) change the ambient rounding of decimals."""
    return value.quantize(CENT, ROUND_HALF_EVEN)


@dataclass(slots=True, kw_only=True)
class Position:
    """``quantity`` is signed, ``cost`` is signed too: what was paid for what is still held."""

    symbol: str
    side: str
    quantity: Decimal = ZERO
    cost: Decimal = ZERO
    realized: Decimal = ZERO
    isolated_wallet: Decimal = ZERO
    update_ms: int = 0

    @property
    def entry(self) -> Decimal:
        return self.cost / self.quantity if self.quantity else ZERO

    def unrealized(self, mark: Decimal) -> Decimal:
        return self.quantity * mark - self.cost

    def take(self, change: Decimal, price: Decimal) -> Decimal:
        """Add a signed quantity at a price; answers the profit realised by the part that closes."""
        closing = ZERO
        if self.quantity * change < 0:
            closing = change if abs(change) <= abs(self.quantity) else -self.quantity
        released = self._release(closing)
        profit = -closing * price - released
        opening = change - closing
        self.quantity += change
        self.cost += opening * price
        self.realized += profit
        return profit

    def _release(self, closing: Decimal) -> Decimal:
        """Take out the cost of the closed part: all of it at the end, rounded on the way."""
        whole = closing == -self.quantity
        released = self.cost if whole else to_cents(self.cost * -closing / self.quantity)
        self.cost -= released
        return released
