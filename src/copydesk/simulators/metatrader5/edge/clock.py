"""The process's only look at time: the trade server's wall clock, which is not UTC, by the machine or only when told."""

import asyncio
import time

VIRTUAL_START_MS = 1_767_571_200_000  # Monday 2026-01-05 00:00 of the server's clock, so that markets are open
_HOUR_MS = 3_600_000


class ServerClock:
    """Milliseconds "since 1970" of the server's wall clock, as every time in MetaTrader 5."""

    def __init__(self, *, offset_h: int, virtual: bool = False) -> None:
        self._offset_ms = offset_h * _HOUR_MS
        self.is_virtual = virtual
        self._virtual_ms = VIRTUAL_START_MS

    def now_ms(self) -> int:
        return self._virtual_ms if self.is_virtual else time.time_ns() // 1_000_000 + self._offset_ms

    def utc_ms(self, server_ms: int) -> int:
        return server_ms - self._offset_ms

    def move_to(self, now_ms: int) -> None:
        """Virtual time only, never backwards."""
        self._virtual_ms = max(self._virtual_ms, now_ms)


async def pause(seconds: float) -> None:
    """By the machine's clock, whatever the server's is: whoever waits for a slow answer waits for real."""
    await asyncio.sleep(seconds)  # noqa: TID251  # simulators import nothing of the desk, so this is their own clock
