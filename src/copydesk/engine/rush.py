"""Orders first: while a signal goes out, what comes back of it waits a moment before it is stored."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from copydesk.ports.clock import Clock

GIVES_WAY_S = 0.2
"""An answer that something follows from waits no longer: its follower's stop is placed once it is stored."""

PAPERWORK_S = 5.0
"""Nor does one that nothing follows from."""


class Rush:
    """Writing intents down and storing results take turns at one database: the followers who are still to be served come first.

    `is_awaited` tells whether anything waits for what is under way to be settled; then nothing counts as paperwork.
    """

    def __init__(self, clock: Clock, is_awaited: Callable[[], bool]) -> None:
        self._clock = clock
        self._is_awaited = is_awaited
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

    @property
    def is_on(self) -> bool:
        return self._running > 0

    @property
    def is_alone(self) -> bool:
        """Whether one signal goes out, and no other beside it."""
        return self._running == 1

    def left_s(self, since_s: float, *, paperwork: bool) -> float:
        """How long what came at `since_s` (by the clock's `elapsed`) should still wait; 0 and less is not at all."""
        if not self._running:
            return 0
        patience_s = PAPERWORK_S if paperwork and not self._is_awaited() else GIVES_WAY_S
        return since_s + patience_s - self._clock.elapsed()

    async def give_way(self, at_most_s: float) -> None:
        """Return once nothing goes out any more, or after that time."""
        if not self._running:
            return
        try:
            async with asyncio.timeout(at_most_s):
                await self._over.wait()
        except TimeoutError:
            return
