"""The HTTP edge: raw bytes in, answers out, and the faults that happen to connections in between."""

import logging
from collections.abc import Awaitable, Callable
from math import ceil
from typing import Any

import msgspec
from aiohttp import web

from copydesk.simulators.binance.edge.clock import Clock
from copydesk.simulators.binance.edge.control import Control
from copydesk.simulators.binance.edge.desk import Answer, Asked, Desk
from copydesk.simulators.binance.edge.faults import Fault, Faults
from copydesk.simulators.binance.exchange.errors import RefusedError, provoked, refused

_log = logging.getLogger(__name__)
_JSON = "application/json"
_HTML_502 = b"<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>"
_DROPS = frozenset({"drop_before", "drop_after"})

Streams = Callable[[web.BaseRequest, str, str], Awaitable[web.StreamResponse | None]]


class Front:
    def __init__(
        self, *, desk: Desk, faults: Faults, control: Control, streams: Streams, clock: Clock, flush: Callable[[], None]
    ) -> None:
        self._desk = desk
        self._faults = faults
        self._control = control
        self._streams = streams
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
            stream = await self._streams(request, path, query)
            return stream if stream is not None else _json(404, {"code": -5000, "msg": f"Path {path} is invalid"})
        body = (await request.read()).decode("utf-8", "surrogateescape")
        asked = Asked(
            method=request.method,
            path=path,
            query=query,
            body=body,
            api_key=request.headers.get("X-MBX-APIKEY"),
            address=request.remote or "",
        )
        struck = self._faults.hit(asked.method, asked.path, asked.api_key, f"{query}&{body}")
        faults = {fault.kind: fault for fault in struck}
        if not faults:
            return self._respond(self._answer(asked, 0))
        return await self._suffer(request, asked, faults)

    async def _suffer(self, request: web.BaseRequest, asked: Asked, faults: dict[str, Fault]) -> web.StreamResponse:
        """All faults that struck at once: wait, execute or not, wait, spoil the answer."""
        if "delay_before" in faults:
            await self._clock.sleep(faults["delay_before"].delay_s)
        answer: Answer | None = None
        if all(fault.executed for fault in faults.values()):
            answer = self._answer(asked, _skew_ms(faults))
            self._hide(faults, answer)
        if "delay_after" in faults:
            await self._clock.sleep(faults["delay_after"].delay_s)
        if _DROPS & faults.keys():
            return _abort(request)
        if "truncated" in faults:
            return await _truncate(request, answer)
        return self._spoil(asked, faults, answer)

    def _spoil(self, asked: Asked, faults: dict[str, Fault], answer: Answer | None) -> web.StreamResponse:
        if "html_502" in faults:
            return web.Response(status=502, body=_HTML_502, content_type="text/html")
        if "empty_200" in faults:
            return web.Response(status=200, body=b"", content_type=_JSON)
        refusal = self._refusal(asked, faults)
        if refusal is not None:
            return self._respond(self._desk.refusal(asked, refusal, self._clock.now_ms()))
        if answer is None:
            raise LookupError(f"no answer for {sorted(faults)}")
        return self._respond(answer)

    def _refusal(self, asked: Asked, faults: dict[str, Fault]) -> RefusedError | None:
        limits = self._desk.limits_of(asked.path)
        if {"unknown_executed", "unknown_not_executed"} & faults.keys():
            return refused(-1007)
        refuse = faults.get("refuse")
        if refuse is not None and refuse.code is not None:
            return provoked(refuse.code, refuse.details, status=refuse.status)
        if "rate_limit" in faults:
            seconds = ceil(faults["rate_limit"].delay_s)
            return limits.refused(-1003, limits.weight_per_minute, retry_after_s=seconds)
        if "ban" in faults:
            seconds = ceil(faults["ban"].delay_s)
            return limits.banned(self._clock.now_ms() + seconds * 1_000, seconds)
        return None

    def _answer(self, asked: Asked, skew_ms: int) -> Answer:
        answer = self._desk.answer(asked, self._clock.now_ms(), skew_ms=skew_ms)
        self._flush()
        return answer

    def _hide(self, faults: dict[str, Fault], answer: Answer) -> None:
        """late_not_found: the order exists, queries deny it for a while."""
        fault = faults.get("late_not_found")
        if fault is None or not isinstance(answer.content, dict):
            return
        until_ms = self._clock.now_ms() + int(fault.delay_s * 1_000)
        self._desk.hide(answer.content.get("orderId", -1), answer.content.get("algoId", -1), until_ms)

    @staticmethod
    def _respond(answer: Answer) -> web.Response:
        return web.Response(status=answer.status, body=answer.body, headers=answer.headers, content_type=_JSON)


def _skew_ms(faults: dict[str, Fault]) -> int:
    fault = faults.get("clock_skew")
    return 0 if fault is None else int(fault.delay_s * 1_000)


def _json(status: int, content: Any) -> web.Response:
    return web.Response(status=status, body=msgspec.json.encode(content), content_type=_JSON)


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
