"""The wire between a hub and the exchange: a proxy that sees each order's bytes, and may kill the hub in the middle of them."""

import asyncio
import contextlib
import re
from dataclasses import dataclass

_REQUEST = re.compile(rb"^(POST|PUT|DELETE) /[^ ?]*/(\w+)[ ?]")
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_UPGRADE = b"GET /ws-fapi/"
_METHOD = re.compile(rb'"method":"(order|algoOrder)\.(place|cancel)"')
_ANSWER = b'{"id":'
_VERBS = {b"place": "POST", b"cancel": "DELETE"}
_ORDERS = {"order", "algoOrder"}
_READS_ONLY = {"listenKey"}

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
                for piece in call.pieces(chunk):
                    if not self._pass_on(piece, writer):
                        return
                await writer.drain()

    def _pass_on(self, piece, writer):
        """Nothing is awaited in between: no answer can have passed. Whether the connection goes on."""
        if piece.starts and piece.changes:
            self.changes.append(f"{piece.method} {piece.path}")
        begins = {"POST": "first_byte", "DELETE": "cancel_first_byte"}.get(piece.method) if piece.starts else None
        if piece.is_order and self._strikes(begins) and not self._die():
            return False
        writer.write(piece.text)
        if piece.is_order and piece.method == "POST" and piece.ends and self._strikes("request_sent"):
            self._die()
        return True

    async def _answer(self, reader, writer, call):
        with contextlib.suppress(OSError):
            while chunk := await reader.read(65_536):
                if call.sees_answer(chunk) and self._strikes("mid_answer"):
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


@dataclass(frozen=True)
class _Piece:
    """Bytes of one request: whether it starts and ends with them, and what it asks for, in REST's words."""

    text: bytes
    starts: bool
    ends: bool
    method: str | None
    path: str | None

    @property
    def changes(self):
        return self.path is not None and self.path not in _READS_ONLY

    @property
    def is_order(self):
        return self.path in _ORDERS


class _Call:
    """What one connection is in the middle of: HTTP requests one after the other, or the frames of the WebSocket API."""

    def __init__(self):
        self._method = self._path = None
        self._missing = 0
        self._waiting = 0
        self._frames = None

    def pieces(self, chunk):
        if self._frames is not None:
            pieces = list(self._frames.pieces(chunk))
        else:
            pieces = [self._of_http(chunk)]
            if chunk.startswith(_UPGRADE):
                self._frames = _Frames()
        self._waiting += sum(one.is_order and one.method == "POST" and one.starts for one in pieces)
        return pieces

    def sees_answer(self, chunk):
        """Whether the answer to an order is in it: of frames, which other answers may be among them does not matter."""
        if self._waiting <= 0 or (self._frames is not None and _ANSWER not in chunk):
            return False
        self._waiting -= 1 if self._frames is None else chunk.count(_ANSWER)
        return True

    def _of_http(self, chunk):
        starts = self._missing <= 0
        if starts:
            told = _REQUEST.match(chunk)
            self._method, self._path = (told[1].decode(), told[2].decode()) if told else (None, None)
            head, _, body = chunk.partition(b"\r\n\r\n")
            length = _LENGTH.search(head)
            self._missing = (int(length[1]) if told and length else 0) - len(body)
        else:
            self._missing -= len(chunk)
        return _Piece(chunk, starts, self._missing <= 0, self._method, self._path)


class _Frames:
    """A client's frames (RFC 6455, each masked); one is handed on when all of it is there."""

    def __init__(self):
        self._rest = b""

    def pieces(self, chunk):
        self._rest += chunk
        while (length := _frame_length(self._rest)) is not None and length <= len(self._rest):
            frame, self._rest = self._rest[:length], self._rest[length:]
            told = _METHOD.search(_unmasked(frame))
            method, path = (_VERBS[told[2]], told[1].decode()) if told else (None, None)
            yield _Piece(frame, True, True, method, path)


def _frame_length(text):
    """None where not even its head is there."""
    if len(text) < 2:
        return None
    short = text[1] & 0x7F
    more = {126: 2, 127: 8}.get(short, 0)
    if len(text) < 2 + more:
        return None
    return 2 + more + 4 + (int.from_bytes(text[2 : 2 + more], "big") if more else short)


def _unmasked(frame):
    start = 2 + {126: 2, 127: 8}.get(frame[1] & 0x7F, 0)
    mask = frame[start : start + 4]
    return bytes(byte ^ mask[place % 4] for place, byte in enumerate(frame[start + 4 :]))
