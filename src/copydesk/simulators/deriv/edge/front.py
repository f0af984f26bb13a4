"""The HTTP edge: the simulator's own doors, and the path on which WebSockets begin."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs
from uuid import UUID

import msgspec
from aiohttp import web

from copydesk.simulators.clock import Clock
from copydesk.simulators.deriv.calls.call import Route
from copydesk.simulators.deriv.calls.dialect import OPTIONS
from copydesk.simulators.deriv.calls.options_table import OPTIONS_ROUTES
from copydesk.simulators.deriv.calls.session import Session
from copydesk.simulators.deriv.calls.table import LEGACY_ROUTES
from copydesk.simulators.deriv.edge import passes
from copydesk.simulators.deriv.edge.connection import Connection
from copydesk.simulators.deriv.edge.control import Control
from copydesk.simulators.deriv.edge.faults import HANDSHAKE, Faults
from copydesk.simulators.deriv.edge.hub import Client, Hub
from copydesk.simulators.deriv.edge.passes import Passes
from copydesk.simulators.deriv.edge.service import Service

_JSON = "application/json"
_LEGACY_PATH = "/websockets/v3"
_OPTIONS_PATH = f"{passes.PATH}/ws/"
_PUBLIC_APP_ID = 1
_APP_ID_DIGITS_MAX = 18
_HTML_502 = "<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>"


@dataclass(frozen=True, slots=True, kw_only=True)
class Face:
    session: Session
    routes: Mapping[str, Route]


class Front:
    def __init__(
        self,
        *,
        hub: Hub,
        service: Service,
        control: Control,
        faults: Faults,
        clock: Clock,
        new_id: Callable[[], UUID],
    ) -> None:
        self._hub = hub
        self._service = service
        self._control = control
        self._faults = faults
        self._clock = clock
        self._new_id = new_id
        self._passes = Passes(hub.exchange, service.limits, new_id)

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.path.startswith("/_sim/"):
            self._hub.catch_up(self._clock.now_ms())
            status, content = self._control.answer(
                request.method, request.raw_path, await request.read(), self._clock.now_ms()
            )
            self._hub.flush(self._clock.now_ms())
            return _json(status, content)
        if passes.is_otp(request.method, request.path):
            return _json(*self._passes.issue(request, self._clock.now_ms()))
        if request.headers.get("Upgrade", "").lower() != "websocket":
            return _json(404, _error("not_found", f"{request.method} {request.path}"))
        if self._faults.hit(HANDSHAKE, None):
            return web.Response(status=502, text=_HTML_502, content_type="text/html")
        if self._clock.now_ms() < self._service.banned_until_ms:
            return _json(403, _error("forbidden", "banned"))
        face = self._face(request)
        return face if isinstance(face, web.Response) else await self._serve(request, face)

    def _face(self, request: web.BaseRequest) -> Face | web.Response:
        """Which API speaks on this path, or why none does."""
        path, _, query = request.raw_path.partition("?")
        if path.startswith(_OPTIONS_PATH):
            return self._options_face(path.removeprefix(_OPTIONS_PATH), parse_qs(query).get("otp", [""])[-1])
        if path != _LEGACY_PATH:
            return _json(404, _error("not_found", path))
        app_id = parse_qs(query).get("app_id", [""])[-1]
        if not app_id:
            return _json(401, _error("InvalidAppID", "app_id is missing"))
        number = int(app_id) if app_id.isascii() and app_id.isdigit() and len(app_id) <= _APP_ID_DIGITS_MAX else 0
        return Face(session=Session(app_id=number, new_id=self._new_id), routes=LEGACY_ROUTES)

    def _options_face(self, kind: str, otp: str) -> Face | web.Response:
        """``kind``: public, demo or real; the last two let in whoever brings a password that was issued for them."""
        session = Session(app_id=_PUBLIC_APP_ID, new_id=self._new_id, dialect=OPTIONS)
        if kind == "public":
            return Face(session=session, routes=OPTIONS_ROUTES)
        if kind not in {"demo", "real"}:
            return _json(404, _error("not_found", kind))
        admitted = self._passes.use(otp, kind, self._clock.now_ms())
        if admitted is None:
            return _json(401, _error("Unauthorized", "the one-time password is unknown, used or too old"))
        session.app_id = admitted.app_id
        session.sign_in(admitted.account)
        return Face(session=session, routes=OPTIONS_ROUTES)

    async def _serve(self, request: web.BaseRequest, face: Face) -> web.StreamResponse:
        connection = Connection(request)
        await connection.response.prepare(request)
        client = Client(connection=connection, session=face.session, active_ms=self._clock.now_ms())
        self._hub.clients.append(client)
        try:
            await connection.serve(lambda text, group: self._service.hear(client, text, face.routes, group))
        finally:
            self._hub.clients.remove(client)
            self._service.limits.forget(client)
        return connection.response


def _json(status: int, content: Any) -> web.Response:
    return web.Response(status=status, body=msgspec.json.encode(content), content_type=_JSON)


def _error(code: str, message: str) -> dict[str, Any]:
    return {"error": {"code": code, "message": message}}
