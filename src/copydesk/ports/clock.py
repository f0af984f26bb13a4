"""Time as an argument: what reads a clock or waits, does it through this."""

import asyncio
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Aware UTC times; `sleep` waits at least so many seconds."""

    def now(self) -> datetime: ...

    async def sleep(self, seconds: float) -> None: ...


class SystemClock:
    """The machine's own clock: the one place where it is read."""

    def now(self) -> datetime:
        return datetime.now(UTC)  # noqa: TID251  this is the place the rule points to

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)  # noqa: TID251  this is the place the rule points to
