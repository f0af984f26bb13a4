"""One WebSocket: what is to be sent waits in a bounded queue, and it can end in ways no library would choose."""

import asyncio
from collections.abc import AsyncIterator, Callable
from enum import Enum, auto

from aiohttp import WSCloseCode, WSMsgType, web

from copydesk.simulators.wire import text_head

_QUEUE_MAX = 10_000  # a client this far behind is cut off
_MESSAGE_BYTES_MAX = 1_048_576


class _Control(Enum):
    GOODBYE = auto()


class Connection:
    def __init__(self, request: web.BaseRequest) -> None:
        self._request = request
        self._queue: asyncio.Queue[bytes | _Control] = asyncio.Queue(_QUEUE_MAX)
        self.response = web.WebSocketResponse(compress=False, max_msg_size=_MESSAGE_BYTES_MAX)

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

    def cut(self) -> None:
        if self._request.transport is not None:
            self._request.transport.abort()

    def truncate(self, frame: bytes) -> None:
        """A true length, half of the frame, then silence and a closed connection."""
        if self._request.transport is not None:
            self._request.transport.write(text_head(len(frame)) + frame[: len(frame) // 2])
            self._request.transport.close()

    async def _texts(self) -> AsyncIterator[str]:
        async for message in self.response:
            if message.type is WSMsgType.TEXT:
                yield message.data

    async def _write(self) -> None:
        """Send what is pushed, until told to leave."""
        try:
            while (frame := await self._queue.get()) is not _Control.GOODBYE:
                if isinstance(frame, bytes):
                    await self.response.send_str(frame.decode())
            await self.response.close(code=WSCloseCode.GOING_AWAY)
        except ConnectionError:
            self.cut()

    def _put(self, item: "bytes | _Control") -> None:
        try:
            self._queue.put_nowait(item)
        except asyncio.QueueFull:
            self.cut()
