"""An edge's only look at time; everything inside takes milliseconds as an argument."""

import asyncio
import heapq
import time
from typing import Protocol

VIRTUAL_START_MS = 1_767_225_600_000  # 2026-01-01 00:00 UTC, so that the same requests meet the same moments


class Clock(Protocol):
    def now_ms(self) -> int: ...

    async def sleep(self, seconds: float) -> None: ...


class WallClock:
    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)  # noqa: TID251  # simulators import nothing of the desk, so this is their own clock


class VirtualClock:
    """Time that stands still until it is told to move; whoever sleeps wakes when his moment has come."""

    def __init__(self, start_ms: int = VIRTUAL_START_MS) -> None:
        self._now_ms = start_ms
        self._number = 0
        self._sleepers: list[tuple[int, int, asyncio.Future[None]]] = []

    def now_ms(self) -> int:
        return self._now_ms

    async def sleep(self, seconds: float) -> None:
        wake: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._number += 1
        heapq.heappush(self._sleepers, (self._now_ms + int(seconds * 1_000), self._number, wake))
        await wake

    def move_to(self, now_ms: int) -> None:
        """Never backwards."""
        self._now_ms = max(self._now_ms, now_ms)
        while self._sleepers and self._sleepers[0][0] <= self._now_ms:
            _, _, wake = heapq.heappop(self._sleepers)
            if not wake.done():
                wake.set_result(None)
