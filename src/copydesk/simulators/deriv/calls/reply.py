"""From the text of a request to the messages that answer it (facts §5.2)."""

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from copydesk.simulators.deriv.calls.call import Call, Route
from copydesk.simulators.deriv.calls.dialect import Dialect
from copydesk.simulators.deriv.calls.fields import validate
from copydesk.simulators.deriv.calls.session import Answer, Json, Session
from copydesk.simulators.deriv.exchange.exchange import Exchange
from copydesk.simulators.deriv.exchange.refusals import RefusedError

_encode = msgspec.json.Encoder(decimal_format="number").encode
_READ_SCOPES = frozenset({"read", "trading_information"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """``name``: which of the requests it is; empty when it is none that is known."""

    name: str
    request: Json


def read(text: str, routes: Mapping[str, Route]) -> Asked:
    """What is no JSON object is a request nobody knows."""
    try:
        request = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeError):
        request = None
    if not isinstance(request, dict):
        return Asked(name="", request={})
    return Asked(name=next((name for name in request if name in routes), ""), request=request)


def answer(asked: Asked, routes: Mapping[str, Route], exchange: Exchange, session: Session, now_ms: int) -> list[bytes]:
    """All that is said at once; what comes later is the streams' business."""
    try:
        route = _route(asked, routes, session)
        validate(route.fields, asked.request)
        call = Call(exchange=exchange, session=session, request=asked.request, now_ms=now_ms)
        _check_scope(call, route)
        return [write(asked.request, each, session.dialect) for each in route.answer(call)]
    except RefusedError as refusal:
        return [write_refusal(asked, refusal, session.dialect)]


def write(request: Json, answer: Answer, dialect: Dialect) -> bytes:
    """Every message repeats the request, its `req_id`, and in a stream the subscription: clients tell them apart by these."""
    message: Json = {**_echo(request, dialect), "msg_type": answer.name}
    if answer.content is not None:
        message[answer.name] = dialect.told(answer.name, answer.content)
    message |= answer.beside
    if answer.subscription is not None:
        message["subscription"] = {"id": answer.subscription}
    return _encode(message | _req_id(request))


def write_refusal(asked: Asked, refusal: RefusedError, dialect: Dialect) -> bytes:
    error: Json = {"code": refusal.code, "message": refusal.message}
    if refusal.details is not None:
        error["details"] = refusal.details
    message = {**_echo(asked.request, dialect), "error": error, "msg_type": asked.name or "error"}
    return _encode(message | _req_id(asked.request))


def _route(asked: Asked, routes: Mapping[str, Route], session: Session) -> Route:
    if session.app_id <= 0:
        raise RefusedError("InvalidAppID")
    route = routes.get(asked.name)
    if route is None:
        raise RefusedError("UnrecognisedRequest")
    return route


def _echo(request: Json, dialect: Dialect) -> Json:
    return {"echo_req": request} if dialect.echoes else {}


def _req_id(request: Json) -> Json:
    req_id = request.get("req_id")
    return {"req_id": req_id} if isinstance(req_id, int) and not isinstance(req_id, bool) else {}


def _check_scope(call: Call, route: Route) -> None:
    if route.scope is None:
        return
    owned = frozenset(call.account.scopes)
    enough = _READ_SCOPES if route.scope == "read" else frozenset({route.scope})
    if not owned & enough:
        raise RefusedError("PermissionDenied", f"Permission denied, requires {route.scope} scope.")
