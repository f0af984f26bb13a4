"""WebSocket connections: user data by listen key, market data by name, raw or combined frames (fact sheet §1.8)."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import msgspec
from aiohttp import WSMsgType, web

from copydesk.simulators.binance.edge.clock import Clock
from copydesk.simulators.binance.edge.desk import Desk
from copydesk.simulators.binance.edge.faults import Faults
from copydesk.simulators.binance.edge.market_events import events_due
from copydesk.simulators.binance.rest.params import read_pairs

_QUEUE_MAX = 10_000  # a client this far behind is cut off, as the venue does
_PING_S = 180.0
_HOSTS = ("/private", "/public", "/market")
_encode = msgspec.json.Encoder().encode


@dataclass(slots=True, eq=False)
class _Socket:
    combined: bool
    names: set[str]
    request: web.BaseRequest
    queue: asyncio.Queue[bytes] = field(default_factory=lambda: asyncio.Queue(_QUEUE_MAX))

    def push(self, name: str, event: Any) -> None:
        frame = {"stream": name, "data": event} if self.combined else event
        self.push_raw(frame)

    def push_raw(self, frame: Any) -> None:
        try:
            self.queue.put_nowait(_encode(frame))
        except asyncio.QueueFull:
            self.cut()

    def cut(self) -> None:
        if self.request.transport is not None:
            self.request.transport.abort()


class Streams:
    def __init__(self, desk: Desk, faults: Faults, clock: Clock) -> None:
        self._desk = desk
        self._faults = faults
        self._clock = clock
        self._sockets: set[_Socket] = set()
        self._late: dict[str, dict[str, Any]] = {}
        self._step = 0

    async def open(self, request: web.BaseRequest, path: str, query: str) -> web.StreamResponse | None:
        """Serve one connection to its end; None when the path is no stream."""
        found = _read_target(path, query)
        if found is None:
            return None
        combined, names = found
        response = web.WebSocketResponse(heartbeat=_PING_S)
        await response.prepare(request)
        socket = _Socket(combined=combined, names=set(names), request=request)
        self._sockets.add(socket)
        self._watch()
        try:
            await self._serve(response, socket)
        finally:
            self._sockets.discard(socket)
            self._watch()
        return response

    def flush(self) -> None:
        """Hand the exchange's events to whoever listens."""
        for api_key, event in self._desk.exchange.notices.drain():
            self._tell(api_key, event)

    def publish(self, steps: int, now_ms: int) -> None:
        """Market streams, once a step; listen keys whose time is over."""
        self._step += steps
        wanted = {name for socket in self._sockets for name in socket.names if "@" in name or name.startswith("!")}
        for name in wanted:
            event = events_due(self._desk.exchange, name, self._step, now_ms)
            if event is not None:
                self._push_all(name, event)
        for key, _owner in self._desk.listen_keys.expire(now_ms):
            self._push_all(key, {"e": "listenKeyExpired", "E": now_ms, "listenKey": key})

    def cut(self, api_key: str | None) -> None:
        """Drop the user-data connections of one account, or every connection."""
        for socket in list(self._sockets):
            if api_key is None or api_key in self._owners(socket.names):
                socket.cut()

    async def _serve(self, response: web.WebSocketResponse, socket: _Socket) -> None:
        async with asyncio.TaskGroup() as group:
            writer = group.create_task(_write(response, socket))
            async for message in response:
                if message.type is WSMsgType.TEXT:
                    self._obey(socket, message.data)
            writer.cancel()

    def _obey(self, socket: _Socket, text: str) -> None:
        """SUBSCRIBE, UNSUBSCRIBE and LIST_SUBSCRIPTIONS; anything else is told so."""
        try:
            order = msgspec.json.decode(text, type=_Command)
        except msgspec.DecodeError:
            socket.push_raw({"code": 2, "msg": "Invalid request: request must be a JSON object with method"})
            return
        result: Any = None
        if order.method == "SUBSCRIBE":
            socket.names.update(order.params)
        elif order.method == "UNSUBSCRIBE":
            socket.names.difference_update(order.params)
        elif order.method == "LIST_SUBSCRIPTIONS":
            result = sorted(socket.names)
        self._watch()
        socket.push_raw({"result": result, "id": order.id})

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
        now_ms = self._clock.now_ms()
        for socket in self._sockets:
            for name in socket.names:
                if self._desk.listen_keys.owner(name, now_ms) == api_key:
                    socket.push(name, event)

    def _push_all(self, name: str, event: Any) -> None:
        for socket in self._sockets:
            if name in socket.names:
                socket.push(name, event)

    def _owners(self, names: Iterable[str]) -> set[str]:
        now_ms = self._clock.now_ms()
        owners = (self._desk.listen_keys.owner(name, now_ms) for name in names)
        return {owner for owner in owners if owner is not None}

    def _watch(self) -> None:
        watched = (self._owners(socket.names) for socket in self._sockets)
        self._desk.exchange.notices.watched = set().union(*watched)


class _Command(msgspec.Struct):
    method: str
    params: list[str] = []
    id: int | str | None = None


async def _write(response: web.WebSocketResponse, socket: _Socket) -> None:
    try:
        while True:
            await response.send_str((await socket.queue.get()).decode())
    except ConnectionError:
        socket.cut()


def _read_target(path: str, query: str) -> tuple[bool, list[str]] | None:
    """``/ws/<name>``, ``/stream?streams=a/b``, ``?listenKey=…`` (several), behind /private, /public, /market or bare."""
    for host in _HOSTS:
        path = path.removeprefix(host)
    head, _, rest = path.removeprefix("/").partition("/")
    if head not in {"ws", "stream"}:
        return None
    names = [name for name in rest.split("/") if name]
    for key, value in read_pairs(query):
        if key == "listenKey":
            names.append(value)
        elif key == "streams":
            names += value.split("/")
    return head == "stream", names
