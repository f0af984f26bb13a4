"""What falls due at a moment: the earliest first, at the same moment in the order it was written down."""

import heapq
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, order=True)
class Due:
    at_ms: int
    number: int
    kind: str = field(compare=False)
    account: str = field(default="", compare=False)
    symbol: str = field(default="", compare=False)
    reference: int = field(default=0, compare=False)


class Agenda:
    """Entries are never taken back: who is due looks whether it still holds."""

    def __init__(self) -> None:
        self._entries: list[Due] = []
        self._number = 0

    def add(self, at_ms: int, kind: str, *, account: str = "", symbol: str = "", reference: int = 0) -> None:
        self._number += 1
        heapq.heappush(self._entries, Due(at_ms, self._number, kind, account, symbol, reference))

    def pop(self, now_ms: int) -> Due | None:
        """The earliest entry that is due by now, or None."""
        if self._entries and self._entries[0].at_ms <= now_ms:
            return heapq.heappop(self._entries)
        return None
