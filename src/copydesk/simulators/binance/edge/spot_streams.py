"""Spot's WebSocket connections: market data and user data by name, and the user-data part of its WebSocket API.

``/streams/spot`` stands for the host ``stream.binance.com:9443``, whose bare ``/ws`` and ``/stream`` the futures have here;
``/ws-api/v3`` is the path of ``ws-api.binance.com``.
"""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import msgspec
from aiohttp import WSMsgType, web

from copydesk.simulators.binance.edge.asked import over_socket
from copydesk.simulators.binance.edge.clock import Clock
from copydesk.simulators.binance.edge.desk import Desk
from copydesk.simulators.binance.edge.faults import Faults
from copydesk.simulators.binance.rest.params import read_pairs
from copydesk.simulators.binance.spot.feeds import Feeds
from copydesk.simulators.binance.spot.routes import LISTEN

PREFIX = "/streams/spot/"
SOCKET_API = "/ws-api/v3"
_QUEUE_MAX = 10_000  # a client this far behind is cut off, as the venue does
_PING_S = 20.0
_OK = 200
_encode = msgspec.json.Encoder().encode


@dataclass(slots=True, eq=False)
class _Socket:
    """``names`` are streams; ``accounts`` are the subscriptions of the WebSocket API, by their number."""

    request: web.BaseRequest
    combined: bool = False
    is_api: bool = False
    names: set[str] = field(default_factory=set)
    accounts: dict[int, str] = field(default_factory=dict)
    queue: asyncio.Queue[bytes] = field(default_factory=lambda: asyncio.Queue(_QUEUE_MAX))

    def push(self, name: str, event: Any) -> None:
        self.tell({"stream": name, "data": event} if self.combined else event)

    def tell(self, frame: Any) -> None:
        try:
            self.queue.put_nowait(_encode(frame))
        except asyncio.QueueFull:
            self.cut()

    def cut(self) -> None:
        if self.request.transport is not None:
            self.request.transport.abort()


class _Command(msgspec.Struct):
    method: str
    params: list[str] = []
    id: int | str | None = None


class _Request(msgspec.Struct):
    id: int | str | None
    method: str
    params: dict[str, Any] = {}


class SpotStreams:
    def __init__(self, desk: Desk, faults: Faults, clock: Clock) -> None:
        self._desk = desk
        self._faults = faults
        self._clock = clock
        self._feeds = Feeds(desk.spot)
        self._sockets: set[_Socket] = set()
        self._late: dict[str, dict[str, Any]] = {}

    async def open(self, request: web.BaseRequest, path: str, query: str) -> web.StreamResponse | None:
        """Serve one connection to its end; None when the path is none of spot's."""
        socket = _read_target(request, path, query)
        if socket is None:
            return None
        response = web.WebSocketResponse(heartbeat=_PING_S)
        await response.prepare(request)
        self._sockets.add(socket)
        self._watch()
        try:
            await self._serve(response, socket)
        finally:
            self._sockets.discard(socket)
            self._watch()
        return response

    def flush(self) -> None:
        """Hand the venue's events to whoever listens."""
        for api_key, event in self._desk.spot.notices.drain():
            self._tell(api_key, event)

    def publish(self, steps: int, now_ms: int) -> None:
        """Market streams, once a step; listen keys whose time is over."""
        for name, event in self._feeds.events(self._market_names(), steps, now_ms):
            self._push_all(name, event)
        for key, _owner in self._desk.spot_listen_keys.expire(now_ms):
            self._push_all(key, {"e": "listenKeyExpired", "E": now_ms, "listenKey": key})

    def cut(self, api_key: str | None) -> None:
        """Drop the user-data connections of one account, or every connection."""
        for socket in list(self._sockets):
            if api_key is None or api_key in self._owners(socket):
                socket.cut()

    async def _serve(self, response: web.WebSocketResponse, socket: _Socket) -> None:
        async with asyncio.TaskGroup() as group:
            writer = group.create_task(_write(response, socket))
            async for message in response:
                if message.type is WSMsgType.TEXT:
                    (self._answer if socket.is_api else self._obey)(socket, message.data)
                    self._watch()
            writer.cancel()

    def _obey(self, socket: _Socket, text: str) -> None:
        """SUBSCRIBE, UNSUBSCRIBE and LIST_SUBSCRIPTIONS; anything else is told so."""
        try:
            order = msgspec.json.decode(text, type=_Command)
        except msgspec.DecodeError:
            socket.tell({"code": 2, "msg": "Invalid request: request must be a JSON object with method"})
            return
        result: Any = None
        match order.method:
            case "SUBSCRIBE":
                socket.names.update(order.params)
            case "UNSUBSCRIBE":
                socket.names.difference_update(order.params)
            case "LIST_SUBSCRIPTIONS":
                result = sorted(socket.names)
            case _:
                socket.tell({"error": {"code": 2, "msg": "Invalid request: unknown method"}, "id": order.id})
                return
        socket.tell({"result": result, "id": order.id})

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
        address = socket.request.remote or ""
        asked = over_socket(method=method, path=path, values=values, session_key=None, address=address)
        answer = self._desk.answer(asked, self._clock.now_ms())
        if answer.status != _OK or asked.api_key is None:
            socket.tell({"id": request.id, "status": answer.status, "error": answer.content})
            return
        number = max(socket.accounts, default=-1) + 1
        socket.accounts[number] = asked.api_key
        socket.tell({"id": request.id, "status": _OK, "result": {"subscriptionId": number}})

    def _tell(self, api_key: str, event: dict[str, Any]) -> None:
        kinds = {fault.kind for fault in self._faults.hit_event(api_key)}
        if "stream_disconnect" in kinds:
            self.cut(api_key)
            return
        earlier = self._late.pop(api_key, None)
        if "reordered_event" in kinds and earlier is None:
            self._late[api_key] = event
            return
        for each in (event, event if "duplicate_event" in kinds else None, earlier):
            if each is not None:
                self._deliver(api_key, each)

    def _deliver(self, api_key: str, event: dict[str, Any]) -> None:
        for socket in self._sockets:
            for number, owner in socket.accounts.items():
                if owner == api_key:
                    socket.tell({"subscriptionId": number, "event": event})
            for name in socket.names:
                if self._owner(name) == api_key:
                    socket.push(name, event)

    def _push_all(self, name: str, event: Any) -> None:
        for socket in self._sockets:
            if name in socket.names:
                socket.push(name, event)

    def _owner(self, name: str) -> str | None:
        return self._desk.spot_listen_keys.owner(name, self._clock.now_ms())

    def _owners(self, socket: _Socket) -> Iterator[str]:
        yield from socket.accounts.values()
        yield from (owner for name in socket.names if (owner := self._owner(name)) is not None)

    def _market_names(self) -> set[str]:
        return {name for socket in self._sockets for name in socket.names if "@" in name}

    def _watch(self) -> None:
        self._feeds.follow(self._market_names())
        self._desk.spot.notices.watched = {owner for socket in self._sockets for owner in self._owners(socket)}


async def _write(response: web.WebSocketResponse, socket: _Socket) -> None:
    try:
        while True:
            await response.send_str((await socket.queue.get()).decode())
    except ConnectionError:
        socket.cut()


def _read_target(request: web.BaseRequest, path: str, query: str) -> _Socket | None:
    """``…/ws/<name>/<name>`` raw, ``…/stream?streams=a/b`` combined, or the WebSocket API."""
    if path == SOCKET_API:
        return _Socket(request=request, is_api=True)
    if not path.startswith(PREFIX):
        return None
    head, _, rest = path.removeprefix(PREFIX).partition("/")
    if head not in {"ws", "stream"}:
        return None
    streams = "/".join(value for key, value in read_pairs(query) if key == "streams")
    names = {name for name in f"{rest}/{streams}".split("/") if name}
    return _Socket(request=request, combined=head == "stream", names=names)
