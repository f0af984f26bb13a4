"""The way in to the live API: from which web pages, how many, how large, how deep, and how patient we are with who does not read."""

import asyncio
import math
from itertools import count
from urllib.parse import parse_qs

from fastapi.responses import JSONResponse
from starlette.requests import HTTPConnection
from starlette.types import Message, Receive, Scope, Send

from copydesk.web.errors import CODES, answer
from copydesk.web.hub import Hub
from copydesk.web.limits import DEPTH_MAX, TooMany, depth
from copydesk.web.live.server import Server
from copydesk.web.sockets import socket_of

SEND_S = 5.0
"""So long one packet may wait for a receiver whose buffers are full."""

POLICY_VIOLATION = 1008


class Door:
    """ASGI, in front of Socket.IO's own server."""

    def __init__(self, hub: Hub, server: Server) -> None:
        self._hub = hub
        self._server = server
        self._numbers = count()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refusal = self._refuse(HTTPConnection(scope))
        if refusal is not None and scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": POLICY_VIOLATION})  # not accepted yet: an HTTP 403
        elif refusal is not None:
            await refusal(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._server.handle_request(scope, self._reading(receive), _sending(scope, send))
        else:
            await self._server.handle_request(scope, receive, send)

    def _refuse(self, request: HTTPConnection) -> JSONResponse | None:
        origin = request.headers.get("origin")
        if origin is not None and origin not in self._hub.origins:
            return answer(403, CODES[403], "this web page's origin is not on the desk's list: COPYDESK_ORIGINS")
        query = parse_qs(request.url.query)
        if "j" in query:
            return answer(403, CODES[403], "JSONP is not served: it would pass by the list of origins")
        sids = query.get("sid")
        try:
            if sids is None:
                self._hub.limits.handshakes.take(self._hub.senders.address(request), self._hub.clock.now())
            else:
                self._hub.limits.sockets.take(sids[0], self._hub.clock.now())
        except TooMany as error:
            return answer(429, CODES[429], str(error), headers={"Retry-After": str(math.ceil(error.retry_after_s))})
        return None

    def _reading(self, receive: Receive) -> Receive:
        """What is too much or too deep ends the connection."""
        key = f"websocket {next(self._numbers)}"

        async def reading() -> Message:
            message = await receive()
            text = message.get("text") or message.get("bytes")
            if message["type"] != "websocket.receive" or not text:
                return message
            try:
                self._hub.limits.sockets.take(key, self._hub.clock.now())
            except TooMany:
                return {"type": "websocket.disconnect", "code": POLICY_VIOLATION}
            if depth(text.encode() if isinstance(text, str) else text) > DEPTH_MAX:
                return {"type": "websocket.disconnect", "code": POLICY_VIOLATION}
            return message

        return reading


def _sending(scope: Scope, send: Send) -> Send:
    """Who does not read for too long is cut off."""

    async def sending(message: Message) -> None:
        try:
            async with asyncio.timeout(SEND_S):
                await send(message)
        except TimeoutError:
            socket_of(scope).abort()
            raise

    return sending
