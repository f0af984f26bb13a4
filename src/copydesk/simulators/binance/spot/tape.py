"""What traded lately in public: one trade a step and pair, numbered without gaps."""

from collections import deque
from dataclasses import dataclass, field
from decimal import Decimal

TRADES_KEPT = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Trade:
    trade_id: int
    price: Decimal
    quantity: Decimal
    buyer_maker: bool
    time_ms: int


@dataclass(slots=True)
class Tape:
    trades: deque[Trade] = field(default_factory=lambda: deque(maxlen=TRADES_KEPT))

    @property
    def last(self) -> Trade | None:
        return self.trades[-1] if self.trades else None

    def note(self, price: Decimal, quantity: Decimal, at_ms: int) -> None:
        """A falling price was made by a seller, so the buyer had been waiting."""
        before = self.last
        self.trades.append(
            Trade(
                trade_id=1 if before is None else before.trade_id + 1,
                price=price,
                quantity=quantity,
                buyer_maker=before is not None and price < before.price,
                time_ms=at_ms,
            )
        )
