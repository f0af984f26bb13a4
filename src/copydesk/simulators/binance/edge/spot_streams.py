"""Spot's WebSocket connections: market data and user data by name, and the user-data part of its WebSocket API.

``/streams/spot`` stands for the host ``stream.binance.com:9443``, whose bare ``/ws`` and ``/stream`` the futures have here;
``/ws-api/v3`` is the path of ``ws-api.binance.com``.
"""

from asyncio import TaskGroup
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import msgspec
from aiohttp import web

from copydesk.simulators.binance.edge.asked import over_socket
from copydesk.simulators.binance.edge.commands import STREAMS_MAX, obey
from copydesk.simulators.binance.edge.connections import Connection, Connections, Tempo
from copydesk.simulators.binance.edge.desk import Desk
from copydesk.simulators.binance.edge.faults import Faults
from copydesk.simulators.binance.edge.own_events import OwnEvents
from copydesk.simulators.binance.rest.params import read_pairs
from copydesk.simulators.binance.spot.feeds import Feeds
from copydesk.simulators.binance.spot.routes import LISTEN
from copydesk.simulators.clock import Clock

PREFIX = "/streams/spot/"
SOCKET_API = "/ws-api/v3"
# On spot the server pings three times a minute, and a stream takes half of what one of the futures takes.
_TEMPO = Tempo(most=5, counts_text=True, ping_every_ms=20_000)
_API_TEMPO = Tempo(most=5, counts_text=False, ping_every_ms=20_000)
_HANDSHAKE_WEIGHT = 2
_OK = 200
_encode = msgspec.json.Encoder().encode


@dataclass(slots=True, eq=False)
class _Socket:
    """``names`` are streams; ``accounts`` are the subscriptions of the WebSocket API, by their number."""

    connection: Connection
    combined: bool
    names: set[str]
    accounts: dict[int, str] = field(default_factory=dict)

    def push(self, name: str, raw: bytes) -> None:
        self.connection.push(b'{"stream":%b,"data":%b}' % (_encode(name), raw) if self.combined else raw)

    def tell(self, frame: Any) -> None:
        self.connection.push(_encode(frame))


class _Request(msgspec.Struct):
    id: int | str | None
    method: str
    params: dict[str, Any] = {}


class SpotStreams:
    def __init__(self, desk: Desk, faults: Faults, clock: Clock, connections: Connections) -> None:
        self._desk = desk
        self._clock = clock
        self._connections = connections
        self._own_events = OwnEvents(faults)
        self._feeds = Feeds(desk.spot)
        self._sockets: dict[_Socket, None] = {}

    async def open(self, request: web.BaseRequest, path: str, query: str) -> web.StreamResponse | None:
        """Serve one connection to its end; None when the path is none of spot's. Raises RefusedError before the handshake."""
        if path == SOCKET_API:
            return await self._open(request, _API_TEMPO, _Target(), self._answer, weight=_HANDSHAKE_WEIGHT)
        target = _read_target(path, query)
        return None if target is None else await self._open(request, _TEMPO, target, self._hear)

    def flush(self) -> None:
        """Hand the venue's events to whoever listens."""
        for api_key, event in self._desk.spot.notices.drain():
            self._tell(api_key, event)

    def publish(self, steps: int, now_ms: int) -> None:
        """Market streams, once after the market's steps; listen keys whose time is over."""
        if steps:
            for name, event in self._feeds.events(self._market_names(), steps, now_ms):
                self._push_all(name, event)
        for key, _owner in self._desk.spot_listen_keys.expire(now_ms):
            self._push_all(key, {"e": "listenKeyExpired", "E": now_ms, "listenKey": key})

    def cut(self, api_key: str | None) -> None:
        """Drop the user-data connections of one account, or every connection."""
        for socket in list(self._sockets):
            if api_key is None or api_key in self._owners(socket):
                socket.connection.cut()

    async def _open(
        self,
        request: web.BaseRequest,
        tempo: Tempo,
        target: "_Target",
        hear: Callable[[_Socket, str], None],
        *,
        weight: int = 0,
    ) -> web.StreamResponse:
        connection = await self._connections.accept(request, tempo, weight=weight)
        socket = _Socket(connection=connection, combined=target.combined, names=set(target.names))
        self._sockets[socket] = None
        self._watch()

        def heard(text: str, _group: TaskGroup) -> None:
            hear(socket, text)
            self._watch()

        try:
            await connection.serve(heard)
        finally:
            del self._sockets[socket]
            self._watch()
            self._connections.forget(connection)
        return connection.response

    def _hear(self, socket: _Socket, text: str) -> None:
        names = socket.names
        socket.tell(obey(text, socket, join=names.update, leave=names.difference_update))

    def _answer(self, socket: _Socket, text: str) -> None:
        """A request of the WebSocket API: time, and one's own events."""
        try:
            request = msgspec.json.decode(text, type=_Request)
        except msgspec.DecodeError:
            error = {"code": -1135, "msg": "Invalid JSON Request"}
            socket.tell({"id": None, "status": 400, "error": error})
            return
        match request.method:
            case "ping":
                socket.tell({"id": request.id, "status": _OK, "result": {}})
            case "time":
                socket.tell({"id": request.id, "status": _OK, "result": {"serverTime": self._clock.now_ms()}})
            case "userDataStream.subscribe.signature":
                self._subscribe(socket, request)
            case "userDataStream.unsubscribe":
                wanted = request.params.get("subscriptionId")
                for number in list(socket.accounts) if wanted is None else [wanted]:
                    socket.accounts.pop(number, None)
                socket.tell({"id": request.id, "status": _OK, "result": {}})
            case _:
                error = {"code": -1100, "msg": f"Unknown method '{request.method}'."}
                socket.tell({"id": request.id, "status": 400, "error": error})

    def _subscribe(self, socket: _Socket, request: _Request) -> None:
        """Signed over the parameters sorted by name, then judged by the same gate as a request by HTTP."""
        method, path = LISTEN
        values = {name: str(value) for name, value in request.params.items()}
        address = socket.connection.address
        asked = over_socket(method=method, path=path, values=values, session_key=None, address=address)
        answer = self._desk.answer(asked, self._clock.now_ms())
        if answer.status != _OK or asked.api_key is None:
            socket.tell({"id": request.id, "status": answer.status, "error": answer.content})
            return
        number = max(socket.accounts, default=-1) + 1
        socket.accounts[number] = asked.api_key
        socket.tell({"id": request.id, "status": _OK, "result": {"subscriptionId": number}})

    def _tell(self, api_key: str, event: dict[str, Any]) -> None:
        arriving = self._own_events.arriving(api_key, event)
        if arriving is None:
            self.cut(api_key)
            return
        for each in arriving:
            self._deliver(api_key, each)

    def _deliver(self, api_key: str, event: dict[str, Any]) -> None:
        raw = _encode(event)
        for socket in self._sockets:
            for number, owner in socket.accounts.items():
                if owner == api_key:
                    socket.tell({"subscriptionId": number, "event": event})
            for name in socket.names:
                if self._owner(name) == api_key:
                    socket.push(name, raw)

    def _push_all(self, name: str, event: Any) -> None:
        raw = _encode(event)
        for socket in self._sockets:
            if name in socket.names:
                socket.push(name, raw)

    def _owner(self, name: str) -> str | None:
        return self._desk.spot_listen_keys.owner(name, self._clock.now_ms())

    def _owners(self, socket: _Socket) -> Iterator[str]:
        yield from socket.accounts.values()
        yield from (owner for name in socket.names if (owner := self._owner(name)) is not None)

    def _market_names(self) -> list[str]:
        """In one order in every process, because one connection may carry many of them."""
        return sorted({name for socket in self._sockets for name in socket.names if "@" in name})

    def _watch(self) -> None:
        self._feeds.follow(self._market_names())
        self._desk.spot.notices.watched = {owner for socket in self._sockets for owner in self._owners(socket)}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Target:
    combined: bool = False
    names: frozenset[str] = frozenset()


def _read_target(path: str, query: str) -> _Target | None:
    """``…/ws/<name>/<name>`` raw, ``…/stream?streams=a/b`` combined."""
    if not path.startswith(PREFIX):
        return None
    head, _, rest = path.removeprefix(PREFIX).partition("/")
    if head not in {"ws", "stream"}:
        return None
    streams = "/".join(value for key, value in read_pairs(query) if key == "streams")
    names = frozenset(name for name in f"{rest}/{streams}".split("/") if name)
    return _Target(combined=head == "stream", names=names) if len(names) <= STREAMS_MAX else None
