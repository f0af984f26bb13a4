"""The shortest way to an alert: what a framework does for every other route, this one does without."""

import msgspec
from fastapi import Request
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Receive, Scope, Send

from copydesk.domain.errors import CopydeskError
from copydesk.web import errors, webhook
from copydesk.web.hub import of_request

_ROUTE = webhook.router.routes[0]
_encode = msgspec.json.Encoder().encode
_JSON = (b"content-type", b"application/json")


class AlertsFirst:
    """ASGI, within the limits and counters that hold for every route: an alert whose address has no query is answered here.

    policy.py lets everybody in there: the alert's own secret decides. The route itself (webhook.py) is asked for what is left.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = _path(scope)
        if path is None:
            await self._app(scope, receive, send)
            return
        request = Request(scope, receive)
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
    """Of the bot that an alert is for; None where it is anything else."""
    if scope["type"] != "http" or scope["method"] != "POST" or scope["query_string"]:
        return None
    path: str = scope["path"]
    name = path.removeprefix(webhook.PREFIX)
    return name if name and name != path and "/" not in name else None
