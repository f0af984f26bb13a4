"""The wire between a hub and the exchange: a proxy that sees each order's bytes, and may kill the hub in the middle of them."""

import asyncio
import contextlib
import re

_REQUEST = re.compile(rb"^(POST|PUT|DELETE) /[^ ?]*/(\w+)[ ?]")
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_ORDERS = {b"order", b"algoOrder"}
_READS_ONLY = {b"listenKey"}

_ON_ITS_WAY_S = 0.05
"""So long half an answer takes at most to be read by who will then be killed."""


class Wire:
    """`arm` it with a point; `kill` is called at the very bytes. `changes` are the requests that could change an account."""

    def __init__(self, port):
        self._port = port
        self._point = None
        self._countdown = 0
        self._forwards = True
        self._kill = None
        self._server = None
        self.changes = []

    async def open(self):
        """Its own address."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def close(self):
        self._server.close()

    def arm(self, point, countdown, kill, *, forwards):
        self._point, self._countdown, self._kill, self._forwards = point, countdown, kill, forwards

    def disarm(self):
        self._point = None

    async def _serve(self, reader, writer):
        try:
            upstream_reader, upstream_writer = await asyncio.open_connection("127.0.0.1", self._port)
        except OSError:
            writer.close()
            return
        call = _Call()
        tasks = [
            asyncio.ensure_future(self._ask(reader, upstream_writer, call)),
            asyncio.ensure_future(self._answer(upstream_reader, writer, call)),
        ]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            for each in (writer, upstream_writer):
                each.close()

    async def _ask(self, reader, writer, call):
        with contextlib.suppress(OSError):
            while chunk := await reader.read(65_536):
                starts = call.sees_request(chunk)
                if starts and call.changes:
                    self.changes.append(f"{call.method} {call.path}")
                begins = {"POST": "first_byte", "DELETE": "cancel_first_byte"}.get(call.method) if starts else None
                if call.is_order and self._strikes(begins) and not self._die():
                    return
                writer.write(chunk)
                # Nothing is awaited in between: no answer can have passed.
                if call.is_order and call.method == "POST" and call.is_whole and self._strikes("request_sent"):
                    self._die()
                await writer.drain()

    async def _answer(self, reader, writer, call):
        with contextlib.suppress(OSError):
            while chunk := await reader.read(65_536):
                if call.sees_answer() and self._strikes("mid_answer"):
                    writer.write(chunk[: len(chunk) // 2])
                    await writer.drain()
                    await asyncio.sleep(_ON_ITS_WAY_S)
                    self._die()
                    return
                writer.write(chunk)
                await writer.drain()

    def _strikes(self, point):
        if point is None or self._point != point:
            return False
        self._countdown -= 1
        return self._countdown == 0

    def _die(self):
        """Whether what is held still goes on."""
        self._point = None
        self._kill()
        return self._forwards


class _Call:
    """What one connection is in the middle of: requests follow one another on it."""

    def __init__(self):
        self.method = self.path = None
        self.is_order = self.changes = self._waits = False
        self._missing = 0

    @property
    def is_whole(self):
        return self._missing <= 0

    def sees_request(self, chunk):
        """Whether a request starts here."""
        if self._missing > 0:
            self._missing -= len(chunk)
            return False
        told = _REQUEST.match(chunk)
        self.method = told[1].decode() if told else None
        self.path = told[2].decode() if told else None
        self.changes = told is not None and told[2] not in _READS_ONLY
        self.is_order = told is not None and told[2] in _ORDERS
        self._waits = self.is_order and self.method == "POST"
        head, _, body = chunk.partition(b"\r\n\r\n")
        length = _LENGTH.search(head)
        self._missing = (int(length[1]) if told and length else 0) - len(body)
        return True

    def sees_answer(self):
        """Whether the answer to an order starts here."""
        waits, self._waits = self._waits, False
        return waits
