"""uvicorn's WebSocket connection with one way more to write: a whole text at once, to many, without waiting for anybody.

The usual way (`await send(…)`) checks, encodes and copies anew for every receiver: measured at 5,000 of them in docs/performance.md.
"""

import asyncio
from dataclasses import dataclass, field
from typing import Any

from starlette.types import Scope
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.http11 import Request

from copydesk.domain.frames import Closing

PING_EVERY_S = 15.0
DEAD_AFTER_S = 15.0
"""Without an answer to a ping."""

MESSAGE_MAX = 64 * 1024
WAITING_MAX = 1024 * 1024
"""Bytes that wait for one slow receiver; with more it is cut off."""

_EXTENSION = "copydesk.socket"
_SHORT, _LONG, _LONGER = 126, 127, 0x10000
_TEXT = 0x81


class Socket(WebSocketsSansIOProtocol):
    """Hands itself to the app that is called for it."""

    def handle_connect(self, event: Request) -> None:
        super().handle_connect(event)
        scope: dict[str, Any] | None = getattr(self, "scope", None)
        if scope is not None:
            scope["extensions"][_EXTENSION] = self

    def write_text(self, text: bytes) -> bool:
        """UTF-8; False where more waits for the receiver than may."""
        if self.close_sent or self.transport.is_closing():
            return True
        self.transport.write(_head(len(text)) + text)
        return self.transport.get_write_buffer_size() <= WAITING_MAX

    def abort(self) -> None:
        """Without waiting for what the receiver does not take."""
        if isinstance(self.transport, asyncio.Transport):
            self.transport.abort()


@dataclass(slots=True, eq=False)
class SocketLine:
    """The Line of ports/agents.py; `why` is there once the connection should end."""

    socket: Socket
    why: asyncio.Future[Closing] = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    def write(self, frame: bytes) -> bool:
        return self.why.done() or self.socket.write_text(frame)

    def end(self, why: Closing) -> None:
        if not self.why.done():
            self.why.set_result(why)


def socket_of(scope: Scope) -> Socket:
    """Of a request that came over a Socket."""
    found: Socket = scope["extensions"][_EXTENSION]
    return found


def _head(size: int) -> bytes:
    """RFC 6455 §5.2: a whole text, not masked, as a server sends it."""
    if size < _SHORT:
        return bytes((_TEXT, size))
    if size < _LONGER:
        return bytes((_TEXT, _SHORT)) + size.to_bytes(2, "big")
    return bytes((_TEXT, _LONG)) + size.to_bytes(8, "big")
