"""The shortest way to an alert: what a framework does for every other route, this one does without."""

import msgspec
from fastapi import FastAPI, Request
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Receive, Scope, Send

from copydesk.domain.errors import CopydeskError
from copydesk.web import errors, webhook
from copydesk.web.hub import of_request

_ROUTE = webhook.router.routes[0]
_encode = msgspec.json.Encoder().encode
_JSON = (b"content-type", b"application/json")


class AlertsFirst(FastAPI):
    """An alert whose address has no query is answered before the framework's own way begins, within the limits and counters that
    hold for every route.

    policy.py lets everybody in there: the alert's own secret decides. The route itself (webhook.py) is asked for what is left.
    """

    alerts: ASGIApp
    """The way of an alert; whatever it asks of an app it asks of this one."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = _path(scope)
        if path is None:
            await super().__call__(scope, receive, send)
            return
        scope.update(app=self, path_params={"path": path})
        await self.alerts(scope, receive, send)


async def answer_alert(scope: Scope, receive: Receive, send: Send) -> None:
    """ASGI, for a body that was read and found to be within its limits."""
    request, path = Request(scope, receive), scope["path_params"]["path"]
    scope["route"] = _ROUTE
    try:
        answer = await webhook.take_alert(of_request(request), path, (await receive())["body"], request)
    except (CopydeskError, HTTPException) as error:
        await (await errors.refusal(request, error))(scope, receive, send)
        return
    body = _encode(answer)
    headers = [_JSON, (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _path(scope: Scope) -> str | None:
    """Of the bot that an alert is for; None where it is anything else, or a web page's (which CORS is asked about)."""
    if scope["type"] != "http" or scope["method"] != "POST" or scope["query_string"]:
        return None
    path: str = scope["path"]
    name = path.removeprefix(webhook.PREFIX)
    is_alert = name and name != path and "/" not in name
    return name if is_alert and all(header != b"origin" for header, _ in scope["headers"]) else None
