"""Time as an argument: what reads a clock or waits, does it through this."""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Aware UTC times; `sleep` waits at least so many seconds."""

    def now(self) -> datetime: ...

    def elapsed(self) -> float:
        """Seconds since some moment; no step of the machine's clock moves it."""
        ...

    async def sleep(self, seconds: float) -> None: ...


SET_BACK_MAX = timedelta(seconds=0.5)
"""So much the machine's clock may be corrected backwards without being doubted."""


class SystemClock:
    """The machine's own clock: the one place where it is read.

    Steps forward are followed (what waits expires). A clock that is set back is not: what is too late must not become
    fresh again, so this one goes on by its own reckoning until the machine's has caught up, or the program is restarted.
    """

    def __init__(self) -> None:
        self._ahead = self._machine() - self._reckoned()

    def now(self) -> datetime:
        machine, reckoned = self._machine(), self._reckoned()
        ahead = machine - reckoned
        if ahead <= self._ahead - SET_BACK_MAX:
            return reckoned + self._ahead
        self._ahead = ahead
        return machine

    def elapsed(self) -> float:
        return time.monotonic()

    def _machine(self) -> datetime:
        return datetime.now(UTC)  # noqa: TID251  this is the place the rule points to

    def _reckoned(self) -> datetime:
        return datetime.fromtimestamp(self.elapsed(), UTC)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)  # noqa: TID251  this is the place the rule points to
