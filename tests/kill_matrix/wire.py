"""The wire between hub and exchange: a proxy that sees each order's bytes, and may kill the hub in the middle of them."""

import asyncio
import contextlib
import re

_ORDER = re.compile(rb"^POST /fapi/v1/(order|algoOrder)[ ?]")
_CANCEL = re.compile(rb"^DELETE /fapi/v1/(order|algoOrder)[ ?]")
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


class Wire:
    """`arm` it with a point; `kill` is called at the very bytes, and chance says whether those still get through."""

    def __init__(self, port, random):
        self._port = port
        self._random = random
        self._point = None
        self._countdown = 0
        self._kill = None
        self._server = None
        self.hit = asyncio.Event()

    async def open(self):
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self._server.sockets[0].getsockname()[1]

    async def close(self):
        self._server.close()

    def arm(self, point, countdown, kill):
        self._point, self._countdown, self._kill = point, countdown, kill
        self.hit.clear()

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
            asyncio.ensure_future(self._pump(reader, upstream_writer, call.sees_request, self._on_request)),
            asyncio.ensure_future(self._pump(upstream_reader, writer, call.sees_answer, self._on_answer)),
        ]
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            task.cancel()
        for each in (writer, upstream_writer):
            each.close()

    async def _pump(self, source, target, sees, on_chunk):
        with contextlib.suppress(OSError):
            while chunk := await source.read(65_536):
                for part in on_chunk(sees(chunk), chunk):
                    target.write(part)
                await target.drain()

    def _on_request(self, seen, chunk):
        """The bytes that go on, in the order of their going."""
        if seen in {"order begins", "order whole"} and self._strikes("first_byte"):
            return self._die([chunk] if self._random.random() < 0.5 else [])
        if seen == "cancel begins" and self._strikes("cancel_first_byte"):
            return self._die([chunk] if self._random.random() < 0.5 else [])
        if seen in {"order ends", "order whole"} and self._strikes("request_sent"):
            return self._die([chunk])
        return [chunk]

    def _on_answer(self, seen, chunk):
        if seen == "order answered" and self._strikes("mid_answer"):
            return self._die([chunk[: len(chunk) // 2]])
        return [chunk]

    def _strikes(self, point):
        if self._point != point:
            return False
        self._countdown -= 1
        return self._countdown == 0

    def _die(self, parts):
        self._kill()
        self._point = None
        self.hit.set()
        return parts


class _Call:
    """What one connection is in the middle of: requests follow one another on it."""

    def __init__(self):
        self._missing = 0
        self._is_order = False

    def sees_request(self, chunk):
        if self._missing > 0:
            self._missing -= len(chunk)
            return "order ends" if self._missing <= 0 else "order goes on"
        if _CANCEL.match(chunk):
            return "cancel begins"
        self._is_order = bool(_ORDER.match(chunk))
        if not self._is_order:
            return None
        head, _, body = chunk.partition(b"\r\n\r\n")
        length = _LENGTH.search(head)
        self._missing = (int(length[1]) if length else 0) - len(body)
        return "order whole" if self._missing <= 0 else "order begins"

    def sees_answer(self, _chunk):
        if not self._is_order:
            return None
        self._is_order = False
        return "order answered"
