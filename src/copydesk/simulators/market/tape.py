"""What changed hands in the market, newest last: the public trades of one symbol."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

PRINTS_KEPT = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Print:
    trade_id: int
    price: Decimal
    quantity: Decimal
    at_ms: int
    buyer_maker: bool


class Tape:
    """The last thousand prints; a step of the market in which something traded leaves one."""

    def __init__(self) -> None:
        self._prints: deque[Print] = deque(maxlen=PRINTS_KEPT)
        self._last_id = 0

    def note(self, price: Decimal, quantity: Decimal, at_ms: int) -> None:
        before = self._prints[-1].price if self._prints else price
        self._last_id += 1
        self._prints.append(
            Print(trade_id=self._last_id, price=price, quantity=quantity, at_ms=at_ms, buyer_maker=price < before)
        )

    @property
    def last(self) -> Print | None:
        return self._prints[-1] if self._prints else None

    def latest(self, count: int) -> Sequence[Print]:
        """Oldest first."""
        return list(self._prints)[-count:]

    def since(self, trade_id: int, count: int) -> Sequence[Print]:
        return [each for each in self._prints if each.trade_id >= trade_id][:count]
