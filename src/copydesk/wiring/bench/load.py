"""Many requests, so many at a time, over connections that stay open: cheap enough not to be what is measured."""

import asyncio
import re
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from copydesk.domain.errors import CopydeskError

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Load:
    """Seconds that all of them took, and each one from being sent to being answered."""

    wall_s: float
    answers_s: Sequence[float]


async def send_all(port: int, requests: Sequence[bytes], at_once: int) -> Load:
    """Raise CopydeskError for an answer that is no 200."""
    waiting, took_s = deque(requests), list[float]()
    loop = asyncio.get_running_loop()
    clients = [_Client(waiting, took_s, loop.create_future()) for _ in range(at_once)]
    transports = [(await loop.create_connection(partial(_same, one), "127.0.0.1", port))[0] for one in clients]
    began_s = time.perf_counter()
    for one in clients:
        one.next()
    await asyncio.gather(*(one.ended for one in clients))
    wall_s = time.perf_counter() - began_s
    for transport in transports:
        transport.close()
    return Load(wall_s, took_s)


def _same(one: "_Client") -> "_Client":
    return one


class _Client(asyncio.Protocol):
    """One connection: the next request leaves when the answer to the one before is there."""

    def __init__(self, waiting: deque[bytes], took_s: list[float], ended: asyncio.Future[None]) -> None:
        self.ended = ended
        self._waiting = waiting
        self._took_s = took_s
        self._told = b""
        self._sent_s = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: asyncio.WriteTransport = transport  # type: ignore[assignment]  # asyncio's own imprecision

    def next(self) -> None:
        if not self._waiting:
            self.ended.set_result(None)
            return
        self._sent_s = time.perf_counter()
        self._transport.write(self._waiting.popleft())

    def data_received(self, data: bytes) -> None:
        self._told += data
        head, found, body = self._told.partition(b"\r\n\r\n")
        length = _LENGTH.search(head)
        if not found or length is None or len(body) < int(length[1]):
            return
        self._took_s.append(time.perf_counter() - self._sent_s)
        told, self._told = self._told, b""
        if told.startswith(b"HTTP/1.1 200"):
            self.next()
        else:
            self.ended.set_exception(CopydeskError(f"an alert was refused: {told[:300]!r}"))

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.ended.done():
            self.ended.set_exception(exc or CopydeskError("the server hung up"))
