"""The WebSocket API ``/ws-fapi/v1``: the REST routes asked in frames, many keys on one connection (fact sheet §1.9)."""

import asyncio
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs

import msgspec
from aiohttp import web

from copydesk.simulators.binance.edge import gate
from copydesk.simulators.binance.edge.asked import Asked, over_socket
from copydesk.simulators.binance.edge.connections import Connection, Connections, Tempo
from copydesk.simulators.binance.edge.desk import Answer, Desk
from copydesk.simulators.binance.edge.front import HTML_502
from copydesk.simulators.binance.edge.service import Service, Struck
from copydesk.simulators.binance.exchange.errors import BAD, RefusedError, refused
from copydesk.simulators.binance.rest.call import Call, Route
from copydesk.simulators.clock import Clock

PATH = "/ws-fapi/v1"
_HANDSHAKE_WEIGHT = 5
_LOGON_WEIGHT = 2
_TEMPO = Tempo(most=5, counts_text=False, ping_every_ms=3 * 60 * 1_000)
_NOT_FOUND = 404
_RESULT_OK = 200
_TOO_MANY = frozenset({418, 429})

METHODS: Mapping[str, tuple[str, str]] = {
    "order.place": ("POST", "/fapi/v1/order"),
    "order.modify": ("PUT", "/fapi/v1/order"),
    "order.cancel": ("DELETE", "/fapi/v1/order"),
    "order.status": ("GET", "/fapi/v1/order"),
    "algoOrder.place": ("POST", "/fapi/v1/algoOrder"),
    "algoOrder.cancel": ("DELETE", "/fapi/v1/algoOrder"),
    "account.status": ("GET", "/fapi/v2/account"),
    "v2/account.status": ("GET", "/fapi/v3/account"),
    "account.balance": ("GET", "/fapi/v2/balance"),
    "v2/account.balance": ("GET", "/fapi/v3/balance"),
    "account.position": ("GET", "/fapi/v2/positionRisk"),
    "v2/account.position": ("GET", "/fapi/v3/positionRisk"),
    "ticker.price": ("GET", "/fapi/v2/ticker/price"),
    "ticker.book": ("GET", "/fapi/v1/ticker/bookTicker"),
    "depth": ("GET", "/fapi/v1/depth"),
    "userDataStream.start": ("POST", "/fapi/v1/listenKey"),
    "userDataStream.ping": ("PUT", "/fapi/v1/listenKey"),
    "userDataStream.stop": ("DELETE", "/fapi/v1/listenKey"),
}
_encode = msgspec.json.Encoder().encode


class SocketApi:
    def __init__(self, desk: Desk, service: Service, clock: Clock, connections: Connections) -> None:
        self._desk = desk
        self._service = service
        self._clock = clock
        self._connections = connections

    async def open(self, request: web.BaseRequest, path: str, query: str) -> web.StreamResponse | None:
        """Serve one connection to its end; None when the path is another one. Raises RefusedError before the handshake."""
        if path != PATH:
            return None
        connection = await self._connections.accept(request, _TEMPO, weight=_HANDSHAKE_WEIGHT)
        session = _Session(connection, self._desk, self._service, self._clock)
        session.tells_limits = parse_qs(query).get("returnRateLimits", ["true"])[-1] != "false"
        try:
            await connection.serve(session.hear)
        finally:
            self._connections.forget(connection)
        return connection.response


class _Session:
    """One connection and the key that has logged on to it, if any."""

    def __init__(self, connection: Connection, desk: Desk, service: Service, clock: Clock) -> None:
        self._connection = connection
        self._desk = desk
        self._service = service
        self._clock = clock
        self._key: str | None = None
        self._since_ms: int | None = None
        self.tells_limits = True

    def hear(self, text: str, group: asyncio.TaskGroup) -> None:
        """A request that suffers a fault waits by itself; all others are answered at once."""
        request = _read(text)
        if request is None:
            error = {"code": -1135, "msg": "Invalid JSON request: a method and an object of params are needed."}
            self._connection.push(_encode({"id": None, "status": BAD, "error": error}))
            return
        values = {name: value for name, raw in request.params.items() if (value := _text(raw)) is not None}
        asked, route = self._find(request.method, values)
        struck = self._service.struck(asked)
        if struck:
            group.create_task(self._suffer(request.id, asked, route, struck))
        else:
            self._push(request.id, asked, self._service.answer(asked, route=route))

    def _find(self, method: str, values: dict[str, str]) -> tuple[Asked, Route[Call] | None]:
        """The REST route behind a method; ``session.…`` and unknown ones are doors of this connection alone."""
        verb, path = METHODS.get(method.removeprefix("v1/"), ("WS", method))
        asked = over_socket(
            method=verb, path=path, values=values, session_key=self._key, address=self._connection.address
        )
        if verb != "WS":
            return asked, None
        match method:
            case "session.logon":
                return asked, Route(handle=self._log_on, weight=_LOGON_WEIGHT)
            case "session.status":
                return asked, Route(handle=self._status, weight=_LOGON_WEIGHT, guard="public")
            case "session.logout":
                return asked, Route(handle=self._log_out, weight=_LOGON_WEIGHT, guard="public")
            case _:
                return asked, Route(handle=_unknown(method), guard="public")

    def _log_on(self, call: Call) -> Any:
        if gate.public_key(call.account) is None:
            raise RefusedError(-4056, "HMAC_SHA256 API key is not supported.", BAD)
        self._key, self._since_ms = call.account.api_key, call.now_ms
        return self._status(call)

    def _log_out(self, call: Call) -> Any:
        self._key = self._since_ms = None
        return self._status(call)

    def _status(self, call: Call) -> Any:
        return {
            "apiKey": self._key,
            "authorizedSince": self._since_ms,
            "connectedSince": self._connection.opened_ms,
            "returnRateLimits": self.tells_limits,
            "serverTime": call.now_ms,
        }

    async def _suffer(
        self, request_id: int | str | None, asked: Asked, route: Route[Call] | None, struck: Struck
    ) -> None:
        served = await self._service.suffer(asked, struck, route=route)
        answer = served.answer
        match served.damage:
            case "drop_before" | "drop_after":
                self._connection.cut()
            case "truncated":
                answer = answer or self._desk.refusal(asked, refused(-1000), self._clock.now_ms())
                self._connection.truncate(self._frame(request_id, asked, answer))
            case "html_502":
                self._connection.push(HTML_502)
            case "empty_200":
                self._connection.push(_encode({"id": request_id, "status": _RESULT_OK}))
            case _ if answer is not None:
                self._push(request_id, asked, answer)
            case _:
                raise LookupError("neither an answer nor what became of it")

    def _push(self, request_id: int | str | None, asked: Asked, answer: Answer) -> None:
        self._connection.push(self._frame(request_id, asked, answer))

    def _frame(self, request_id: int | str | None, asked: Asked, answer: Answer) -> bytes:
        now_ms = self._clock.now_ms()
        frame: dict[str, Any] = {"id": request_id, "status": answer.status}
        if answer.refusal is None:
            frame["result"] = answer.content
        else:
            frame["error"] = _error(answer.refusal, now_ms)
        wish = asked.params.text("returnRateLimits")
        if self.tells_limits if wish is None else wish.lower() != "false":
            frame["rateLimits"] = self._rate_limits(asked, now_ms)
        return _encode(frame)

    def _rate_limits(self, asked: Asked, now_ms: int) -> list[dict[str, Any]]:
        limits = self._desk.limits
        used = limits.used_weight(asked.address, now_ms)
        rows = [_limit("REQUEST_WEIGHT", "MINUTE", 1, limits.weight_per_minute, used)]
        counts = self._desk.order_counts(asked, now_ms)
        if counts is not None:
            rows.append(_limit("ORDERS", "SECOND", 10, limits.orders_per_10s, counts[0]))
            rows.append(_limit("ORDERS", "MINUTE", 1, limits.orders_per_minute, counts[1]))
        return rows


class _Request(msgspec.Struct):
    method: str
    id: int | str | None = None
    params: dict[str, msgspec.Raw] = {}


_decode = msgspec.json.Decoder(_Request).decode


def _read(text: str) -> _Request | None:
    try:
        return _decode(text)
    except msgspec.DecodeError:
        return None


def _text(raw: msgspec.Raw) -> str | None:
    """A value as its sender spelled it, which is how it was signed: 0.1 and "0.1" are the same; null is no value."""
    token = bytes(raw).strip()
    if token.startswith(b'"'):
        return msgspec.json.decode(token, type=str)
    return None if token == b"null" else token.decode()


def _unknown(method: str) -> Any:
    def refuse(_call: Call) -> Any:
        raise RefusedError(-5000, f"Method {method} is invalid", _NOT_FOUND)

    return refuse


def _error(refusal: RefusedError, now_ms: int) -> dict[str, Any]:
    """One who asks too much is told when to come back."""
    error: dict[str, Any] = {"code": refusal.code, "msg": refusal.text}
    if refusal.status in _TOO_MANY:
        wait_ms = (refusal.retry_after_s or 0) * 1_000
        error["data"] = {"serverTime": now_ms, "retryAfter": now_ms + wait_ms}
    return error


def _limit(kind: str, interval: str, number: int, most: int, count: int) -> dict[str, Any]:
    return {"rateLimitType": kind, "interval": interval, "intervalNum": number, "limit": most, "count": count}
