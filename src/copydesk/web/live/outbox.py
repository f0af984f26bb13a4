"""What waits for one socket: bounded, and whoever does not take it is cut off without touching others."""

import asyncio
from typing import Any

WAITING_MAX = 5_000
"""Packets. A healthy browser takes them as they come; some thousands are what a large fan-out tells an admin in seconds."""


class Outbox(asyncio.Queue[Any]):
    """engine.io's queue of one socket; putting never waits. None ends the socket's writer."""

    def __init__(self) -> None:
        super().__init__()
        self.is_over = False

    async def put(self, item: Any) -> None:
        if self.is_over:
            return
        if item is not None and self.qsize() >= WAITING_MAX:
            self.end()
            return
        self.put_nowait(item)

    def end(self) -> None:
        """Nothing that waits is sent any more: what comes after a gap would look whole."""
        self.is_over = True
        while not self.empty():
            self.get_nowait()
            self.task_done()
        self.put_nowait(None)

    async def join(self) -> None:
        """Nobody waits for a socket that may never read."""
