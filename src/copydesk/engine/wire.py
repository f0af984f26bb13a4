"""How many requests may be on their way to a venue at once: one that is frozen and then waits its turn grows stale."""

import asyncio
from collections import Counter, defaultdict, deque
from collections.abc import Callable
from typing import NamedTuple

from copydesk.domain.venue import VenueName

NOTHING_FOR_S = 2.0
"""A venue that gives nothing back for so long hangs: it delays its next followers and does not stop them."""


class _Waiter(NamedTuple):
    turn: asyncio.Future[None]
    places: int


class Wire:
    """Places are taken before requests are frozen, in the order asked, and given back when each is on its way; where that takes
    waiting, when it has been answered.
    """

    def __init__(self, places: Callable[[VenueName], int]) -> None:
        self._places = places
        self._taken: Counter[VenueName] = Counter()
        self._given_back: Counter[VenueName] = Counter()
        self._waiting: dict[VenueName, deque[_Waiter]] = defaultdict(deque)

    async def reserve(self, venue: VenueName, places: int) -> None:
        """Taken when this returns, whatever happened."""
        queue = self._waiting[venue]
        if queue or self._taken[venue] + places > self._places(venue):
            waiter = _Waiter(asyncio.get_running_loop().create_future(), places)
            queue.append(waiter)
            try:
                if await self._turn_comes(venue, waiter):
                    return
            finally:
                if waiter in queue:
                    queue.remove(waiter)
        self.take(venue, places)

    def take(self, venue: VenueName, places: int) -> None:
        """At once, for what follows from an answer: a stop waits for nobody."""
        self._taken[venue] += places

    def forget(self) -> None:
        """Whoever was to give places back has ended."""
        self._taken.clear()

    def give_back(self, venue: VenueName, places: int) -> None:
        self._taken[venue] = max(self._taken[venue] - places, 0)
        self._given_back[venue] += 1
        queue = self._waiting[venue]
        while queue and self._taken[venue] + queue[0].places <= self._places(venue):
            waiter = queue.popleft()
            if not waiter.turn.done():
                self.take(venue, waiter.places)
                waiter.turn.set_result(None)

    async def _turn_comes(self, venue: VenueName, waiter: _Waiter) -> bool:
        while True:
            before = self._given_back[venue]
            await asyncio.wait([waiter.turn], timeout=NOTHING_FOR_S)
            if waiter.turn.done() or self._given_back[venue] == before:
                return waiter.turn.done()
