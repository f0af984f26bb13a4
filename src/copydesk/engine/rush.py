"""Orders first: while a signal goes out, what comes back of it waits a moment before it is stored."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from copydesk.ports.clock import Clock

GIVES_WAY_S = 0.2
"""An answer waits no longer: its follower's stop is placed once it is stored."""


class Rush:
    """Writing intents down and storing results take turns at one database: the followers who are still to be served come first."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._running = 0
        self._over = asyncio.Event()

    @contextmanager
    def under_way(self) -> Iterator[None]:
        self._running += 1
        self._over.clear()
        try:
            yield
        finally:
            self._running -= 1
            if not self._running:
                self._over.set()

    async def give_way(self, since_s: float) -> None:
        """Return once nothing goes out, or when what came at `since_s` (by the clock's `elapsed`) has waited long enough."""
        left_s = since_s + GIVES_WAY_S - self._clock.elapsed()
        if not self._running or left_s <= 0:
            return
        try:
            async with asyncio.timeout(left_s):
                await self._over.wait()
        except TimeoutError:
            return
