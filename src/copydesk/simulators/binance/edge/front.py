"""The HTTP edge: raw bytes in, answers out, and where connections of other kinds are led to."""

import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import msgspec
from aiohttp import web

from copydesk.simulators.binance.edge.asked import over_http
from copydesk.simulators.binance.edge.control import Control
from copydesk.simulators.binance.edge.desk import Answer
from copydesk.simulators.binance.edge.service import Served, Service
from copydesk.simulators.binance.exchange.errors import RefusedError
from copydesk.simulators.clock import Clock

_log = logging.getLogger(__name__)
_JSON = "application/json"
HTML_502 = b"<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>"

# Serves a WebSocket to its end; None when the path is not one of its own. Raises RefusedError before the handshake.
Socket = Callable[[web.BaseRequest, str, str], Awaitable[web.StreamResponse | None]]


class Front:
    def __init__(
        self, *, service: Service, control: Control, sockets: Sequence[Socket], clock: Clock, flush: Callable[[], None]
    ) -> None:
        self._service = service
        self._control = control
        self._sockets = sockets
        self._clock = clock
        self._flush = flush

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        try:
            return await self._dispatch(request)
        except Exception:  # noqa: BLE001  # the request's boundary: one broken route must not take the venue down
            _log.exception("%s %s failed", request.method, request.raw_path)
            return _json(500, {"code": -1000, "msg": "An unknown error occurred while processing the request."})

    async def _dispatch(self, request: web.BaseRequest) -> web.StreamResponse:
        path, _, query = request.raw_path.partition("?")
        if path.startswith("/_sim/"):
            status, content = self._control.answer(
                request.method, request.raw_path, await request.read(), self._clock.now_ms()
            )
            self._flush()
            return _json(status, content)
        if request.headers.get("Upgrade", "").lower() == "websocket":
            return await self._shake_hands(request, path, query)
        asked = over_http(
            method=request.method,
            path=path,
            query=query,
            body=(await request.read()).decode("utf-8", "surrogateescape"),
            api_key=request.headers.get("X-MBX-APIKEY"),
            address=request.remote or "",
        )
        faults = self._service.struck(asked)
        if not faults:
            return _respond(self._service.answer(asked))
        return await _damaged(request, await self._service.suffer(asked, faults))

    async def _shake_hands(self, request: web.BaseRequest, path: str, query: str) -> web.StreamResponse:
        try:
            for serve in self._sockets:
                response = await serve(request, path, query)
                if response is not None:
                    return response
        except RefusedError as refusal:
            wait = {} if refusal.retry_after_s is None else {"Retry-After": str(refusal.retry_after_s)}
            return _json(refusal.status, {"code": refusal.code, "msg": refusal.text}, wait)
        return _json(404, {"code": -5000, "msg": f"Path {path} is invalid"})


async def _damaged(request: web.BaseRequest, served: Served) -> web.StreamResponse:
    match served.damage:
        case "drop_before" | "drop_after":
            return _abort(request)
        case "truncated":
            return await _truncate(request, served.answer)
        case "html_502":
            return web.Response(status=502, body=HTML_502, content_type="text/html")
        case "empty_200":
            return web.Response(status=200, body=b"", content_type=_JSON)
        case _ if served.answer is not None:
            return _respond(served.answer)
        case _:
            raise LookupError("neither an answer nor what became of it")


def _respond(answer: Answer) -> web.Response:
    return web.Response(status=answer.status, body=answer.body, headers=answer.headers, content_type=_JSON)


def _json(status: int, content: Any, headers: dict[str, str] | None = None) -> web.Response:
    return web.Response(status=status, body=msgspec.json.encode(content), content_type=_JSON, headers=headers)


def _abort(request: web.BaseRequest) -> web.StreamResponse:
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


async def _truncate(request: web.BaseRequest, answer: Answer | None) -> web.StreamResponse:
    """A true length, half of the bytes, then silence and a closed connection."""
    body = answer.body if answer is not None else b'{"code":-1000,"msg":""}'
    response = web.StreamResponse(status=200, headers={"Content-Type": _JSON, "Content-Length": str(len(body))})
    await response.prepare(request)
    await response.write(body[: len(body) // 2])
    if request.transport is not None:
        request.transport.close()
    return response
