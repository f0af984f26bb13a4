"""Time as an argument: what reads a clock or waits, does it through this."""

import asyncio
import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Aware UTC times; `sleep` waits at least so many seconds."""

    def now(self) -> datetime: ...

    def elapsed(self) -> float:
        """Seconds since some moment; no step of the machine's clock moves it."""
        ...

    async def sleep(self, seconds: float) -> None: ...


SET_BACK_MAX_S = 0.5
"""So much the machine's clock may be corrected backwards without being doubted."""


class SystemClock:
    """The machine's own clock: the one place where it is read.

    Steps forward are followed (what waits expires). A clock that is set back is not: what is too late must not become
    fresh again, so this one goes on by its own reckoning until the machine's has caught up, or the program is restarted.
    """

    def __init__(self) -> None:
        self._ahead_s = self._machine_s() - self.elapsed()

    def now(self) -> datetime:
        machine_s, elapsed_s = self._machine_s(), self.elapsed()
        ahead_s = machine_s - elapsed_s
        if ahead_s <= self._ahead_s - SET_BACK_MAX_S:
            return datetime.fromtimestamp(elapsed_s + self._ahead_s, UTC)
        self._ahead_s = ahead_s
        return datetime.fromtimestamp(machine_s, UTC)

    def elapsed(self) -> float:
        return time.monotonic()

    def _machine_s(self) -> float:
        return time.time()  # noqa: TID251  this is the place the rule points to

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)  # noqa: TID251  this is the place the rule points to
