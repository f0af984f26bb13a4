"""Socket.IO's server, with bounds: no socket makes another wait, and what it may send is limited."""

import logging
from typing import Any

import engineio
import socketio

from copydesk.web.live.outbox import Outbox

PING_EVERY_S = 5
DEAD_AFTER_S = 10
"""Without an answer to a ping: a phone between two cells needs some seconds."""

MESSAGE_MAX = 64 * 1024
"""Bytes of one packet, or of one poll."""


class _Engine(engineio.AsyncServer):  # type: ignore[misc]
    def create_queue(self, *_args: Any, **_how: Any) -> Outbox:
        return Outbox()


class Server(socketio.AsyncServer):  # type: ignore[misc]
    """Each socket's packets are handled one after the other. Whose web pages may come is the door's affair."""

    def __init__(self) -> None:
        log = logging.getLogger(__name__)
        log.setLevel(logging.ERROR)  # below that whole packets are told, tokens included
        super().__init__(
            async_mode="asgi",
            async_handlers=False,
            cors_allowed_origins=[],
            ping_interval=PING_EVERY_S,
            ping_timeout=DEAD_AFTER_S,
            max_http_buffer_size=MESSAGE_MAX,
            http_compression=False,
            monitor_clients=False,
            logger=log,
            engineio_logger=log,
        )

    def _engineio_server_class(self) -> type[_Engine]:
        return _Engine

    async def _handle_event(self, eio_sid: str, namespace: str | None, id: int | None, data: Any) -> None:
        """The library would let a packet call what only a connection's beginning or end may call."""
        if data and isinstance(data[0], str) and data[0] not in self.reserved_events:
            await super()._handle_event(eio_sid, namespace, id, data)

    def is_here(self, sid: str) -> bool:
        return self.manager.eio_sid_from_sid(sid, "/") in self.eio.sockets

    async def cut(self, sid: str) -> None:
        """End the connection under a socket; its client may come again with a token that holds."""
        engine_sid = self.manager.eio_sid_from_sid(sid, "/")
        if engine_sid is not None:
            await self.cut_engine(engine_sid)

    async def cut_engine(self, engine_sid: str) -> None:
        socket = self.eio.sockets.get(engine_sid)
        if socket is not None:
            await socket.close(wait=False)
            await socket.queue.put(None)

    async def cut_all(self) -> None:
        for engine_sid in list(self.eio.sockets):
            await self.cut_engine(engine_sid)

    async def look_after(self) -> None:
        """End what does not answer pings, and what did not take what it was sent."""
        for engine_sid, socket in list(self.eio.sockets.items()):
            if socket.closed:
                self.eio.sockets.pop(engine_sid, None)
            elif socket.queue.is_over:
                await socket.close(wait=False, abort=True)
            elif not socket.closing:
                await socket.check_ping_timeout()

    def strangers(self) -> set[str]:
        """Connections without a socket: nobody showed a token there, or it was refused."""
        known = set(self.manager.rooms.get("/", {}).get(None, {}).values())
        return set(self.eio.sockets) - known
