"""WebSocket connections, whatever they carry: admitted, pinged, counted, bounded, and over after a day (§1.8, §1.9)."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from enum import Enum, auto

from aiohttp import WSCloseCode, WSMsgType, web

from copydesk.simulators.binance.edge.limits import Limits, Window
from copydesk.simulators.clock import Clock
from copydesk.simulators.wire import text_head

_QUEUE_MAX = 10_000  # a client this far behind is cut off, as the venue does
_MESSAGE_BYTES_MAX = 1_048_576
_PINGS_UNANSWERED_MAX = 3  # counted, because virtual time may jump further than a client can answer
_LIFE_MS = 24 * 60 * 60 * 1_000
_SECOND_MS = 1_000


class _Control(Enum):
    PING = auto()
    GOODBYE = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Tempo:
    """How much may come in per second: of everything where ``counts_text`` is set, else of pings and pongs alone.

    ``ping_every_ms``: the server's own pings; one who leaves three of them unanswered is left at the fourth.
    """

    most: int
    counts_text: bool
    ping_every_ms: int


class Connection:
    def __init__(self, request: web.BaseRequest, clock: Clock, tempo: Tempo) -> None:
        now_ms = clock.now_ms()
        self.address = request.remote or ""
        self.opened_ms = self.pinged_ms = now_ms
        self.pings_unanswered = 0
        self._request = request
        self._clock = clock
        self.tempo = tempo
        self._second = Window(_SECOND_MS)
        self._queue: asyncio.Queue[bytes | _Control] = asyncio.Queue(_QUEUE_MAX)
        # Frames leave plain: the venue's answers are short, and squeezing each for every listener costs more than it saves.
        self.response = web.WebSocketResponse(autoping=False, compress=False, max_msg_size=_MESSAGE_BYTES_MAX)

    async def serve(self, hear: Callable[[str, asyncio.TaskGroup], None]) -> None:
        """Until either side ends it; what an answer still waits for goes into the group."""
        async with asyncio.TaskGroup() as group:
            writer = group.create_task(self._write())
            async for text in self._texts():
                hear(text, group)
            writer.cancel()

    def push(self, frame: bytes) -> None:
        self._put(frame)

    def leave(self) -> None:
        """Say goodbye in order, after what is waiting to be sent."""
        self._put(_Control.GOODBYE)

    def ping(self, now_ms: int) -> None:
        self.pinged_ms = now_ms
        self.pings_unanswered += 1
        self._put(_Control.PING)

    def cut(self) -> None:
        if self._request.transport is not None:
            self._request.transport.abort()

    def truncate(self, frame: bytes) -> None:
        """A true length, half of the frame, then silence and a closed connection."""
        if self._request.transport is not None:
            self._request.transport.write(text_head(len(frame)) + frame[: len(frame) // 2])
            self._request.transport.close()

    async def _texts(self) -> AsyncIterator[str]:
        """What the client says, until it goes or talks too fast."""
        async for message in self.response:
            is_text = message.type is WSMsgType.TEXT
            if (self.tempo.counts_text or not is_text) and self._second.add(1, self._clock.now_ms()) > self.tempo.most:
                await self.response.close(code=WSCloseCode.POLICY_VIOLATION, message=b"Too many requests")
                return
            if is_text:
                yield message.data
            elif message.type is WSMsgType.PING:
                await self.response.pong(message.data)
            elif message.type is WSMsgType.PONG:
                self.pings_unanswered = 0

    async def _write(self) -> None:
        """Send what is pushed, until told to leave."""
        try:
            while (frame := await self._queue.get()) is not _Control.GOODBYE:
                if isinstance(frame, bytes):
                    await self.response.send_str(frame.decode())
                else:
                    await self.response.ping()
            await self.response.close(code=WSCloseCode.GOING_AWAY)
        except ConnectionError:
            self.cut()

    def _put(self, item: "bytes | _Control") -> None:
        try:
            self._queue.put_nowait(item)
        except asyncio.QueueFull:
            self.cut()


@dataclass(slots=True)
class Connections:
    limits: Limits
    clock: Clock
    _open: set[Connection] = field(default_factory=set)
    _second: Window = field(default_factory=lambda: Window(_SECOND_MS))

    async def accept(self, request: web.BaseRequest, tempo: Tempo, *, weight: int = 0) -> Connection:
        """Raises RefusedError before the handshake."""
        now_ms, address = self.clock.now_ms(), request.remote or ""
        self.limits.check_ban(address, now_ms)
        self.limits.count_connection(address, now_ms)
        if weight:
            self.limits.spend(address, weight, now_ms)
        connection = Connection(request, self.clock, tempo)
        await connection.response.prepare(request)
        self._open.add(connection)
        return connection

    def forget(self, connection: Connection) -> None:
        self._open.discard(connection)

    def look_after(self, now_ms: int) -> None:
        """Pings that are due, and the end of those whose time is over; a look once a second is enough."""
        if self._second.add(1, now_ms) > 1:
            return
        for connection in list(self._open):
            if now_ms - connection.opened_ms >= _LIFE_MS:
                connection.leave()
            elif now_ms - connection.pinged_ms >= connection.tempo.ping_every_ms:
                if connection.pings_unanswered == _PINGS_UNANSWERED_MAX:
                    connection.cut()
                else:
                    connection.ping(now_ms)

    def cut_all(self) -> None:
        for connection in list(self._open):
            connection.cut()
