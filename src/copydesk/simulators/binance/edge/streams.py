"""User data by listen key and market data by name, raw or combined, on the split hosts and the old ones (§1.8, §1.8b)."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import msgspec
from aiohttp import web

from copydesk.simulators.binance.edge.commands import STREAMS_MAX, obey
from copydesk.simulators.binance.edge.connections import Connection, Connections, Tempo
from copydesk.simulators.binance.edge.desk import Desk
from copydesk.simulators.binance.edge.faults import Faults
from copydesk.simulators.binance.edge.feeds import Feed, open_feed
from copydesk.simulators.binance.edge.own_events import OwnEvents
from copydesk.simulators.binance.rest.params import read_pairs
from copydesk.simulators.clock import Clock

_HOSTS = ("private", "public", "market")
_TEMPO = Tempo(most=10, counts_text=True, ping_every_ms=3 * 60 * 1_000)
_encode = msgspec.json.Encoder().encode

Wanted = frozenset[str]  # the events of a listen key that are asked for; none named means all
_EVERYTHING: Wanted = frozenset()


@dataclass(slots=True, eq=False)
class _Listener:
    """``host`` is empty on the old paths, which carry everything."""

    connection: Connection
    host: str
    combined: bool
    names: dict[str, Wanted] = field(default_factory=dict)

    def hears(self, host: str) -> bool:
        return self.host in {"", host}

    def push(self, name: str, raw: bytes) -> None:
        self.connection.push(b'{"stream":%b,"data":%b}' % (_encode(name), raw) if self.combined else raw)

    def tell(self, frame: Any) -> None:
        self.connection.push(_encode(frame))


class Streams:
    def __init__(self, desk: Desk, faults: Faults, clock: Clock, connections: Connections) -> None:
        self._desk = desk
        self._own_events = OwnEvents(faults)
        self._clock = clock
        self._connections = connections
        self._listeners: dict[str, set[_Listener]] = {}
        self._feeds: dict[str, Feed] = {}

    async def open(self, request: web.BaseRequest, path: str, query: str) -> web.StreamResponse | None:
        """Serve one connection to its end; None when the path is no stream. Raises RefusedError before the handshake."""
        target = _read_target(path, query)
        if target is None:
            return None
        connection = await self._connections.accept(request, _TEMPO)
        listener = _Listener(connection=connection, host=target.host, combined=target.combined)
        try:
            self._join(listener, target.names)
            await connection.serve(lambda text, _group: self._hear(listener, text))
        finally:
            self._leave(listener, list(listener.names))
            self._connections.forget(connection)
        return connection.response

    def flush(self) -> None:
        """Hand the exchange's events to whoever listens."""
        for api_key, event in self._desk.exchange.notices.drain():
            self._tell(api_key, event)

    def publish(self, now_ms: int) -> None:
        """Market streams that are due; listen keys whose time is over."""
        for name, feed in self._feeds.items():
            for event in feed.due(self._desk.exchange, now_ms):
                raw = _encode(event)
                for listener in self._listeners[name]:
                    if listener.hears(feed.host):
                        listener.push(name, raw)
        for key, owner in self._desk.listen_keys.expire(now_ms):
            self._deliver(key, {"e": "listenKeyExpired", "E": now_ms, "listenKey": key})
            self._desk.exchange.notices.watched.discard(owner)

    def cut(self, api_key: str | None) -> None:
        """Drop the user-data connections of one account, or every connection that listens to something."""
        key = None if api_key is None else self._desk.listen_keys.key_of(api_key, self._clock.now_ms())
        names = list(self._listeners) if api_key is None else [key] if key is not None else []
        for name in names:
            for listener in self._listeners.get(name, ()):
                listener.connection.cut()

    def _hear(self, listener: _Listener, text: str) -> None:
        def join(names: Iterable[str]) -> None:
            self._join(listener, dict.fromkeys(names, _EVERYTHING))

        def leave(names: Iterable[str]) -> None:
            self._leave(listener, names)

        listener.tell(obey(text, listener, join=join, leave=leave))

    def _join(self, listener: _Listener, names: dict[str, Wanted]) -> None:
        now_ms = self._clock.now_ms()
        for name, wanted in names.items():
            listener.names[name] = wanted
            self._listeners.setdefault(name, set()).add(listener)
            owner = self._desk.listen_keys.owner(name, now_ms)
            if owner is not None:
                self._desk.exchange.notices.watched.add(owner)
            elif name not in self._feeds:
                feed = open_feed(self._desk.exchange, name)
                if feed is not None:
                    self._feeds[name] = feed

    def _leave(self, listener: _Listener, names: Iterable[str]) -> None:
        for name in names:
            listener.names.pop(name, None)
            rest = self._listeners.get(name, set())
            rest.discard(listener)
            if rest:
                continue
            self._listeners.pop(name, None)
            self._feeds.pop(name, None)
            owner = self._desk.listen_keys.owner(name, self._clock.now_ms())
            if owner is not None:
                self._desk.exchange.notices.watched.discard(owner)

    def _tell(self, api_key: str, event: dict[str, Any]) -> None:
        arriving = self._own_events.arriving(api_key, event)
        if arriving is None:
            self.cut(api_key)
            return
        key = self._desk.listen_keys.key_of(api_key, self._clock.now_ms())
        if key is not None:
            for each in arriving:
                self._deliver(key, each)

    def _deliver(self, key: str, event: dict[str, Any]) -> None:
        raw = _encode(event)
        for listener in self._listeners.get(key, ()):
            wanted = listener.names[key]
            if listener.hears("private") and (not wanted or event["e"] in wanted):
                listener.push(key, raw)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Target:
    host: str
    combined: bool
    names: dict[str, Wanted]


def _read_target(path: str, query: str) -> _Target | None:
    """``/ws/<name>/<name>``, ``/stream?streams=a/b``, ``?listenKey=K&events=A/B`` (several), behind a host or bare."""
    first, _, rest = path.removeprefix("/").partition("/")
    host = first if first in _HOSTS else ""
    head, _, rest = (rest if host else f"{first}/{rest}").partition("/")
    if head not in {"ws", "stream"}:
        return None
    names = dict.fromkeys((name for name in rest.split("/") if name), _EVERYTHING)
    key = ""
    for parameter, value in read_pairs(query):
        if parameter == "streams":
            names |= dict.fromkeys((name for name in value.split("/") if name), _EVERYTHING)
        elif parameter == "listenKey":
            key = value
            names[key] = _EVERYTHING
        elif parameter == "events" and key:
            names[key] = frozenset(value.split("/"))
    return _Target(host=host, combined=head == "stream", names=names) if len(names) <= STREAMS_MAX else None
