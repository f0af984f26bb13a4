"""Who may look: whoever shows a key that was made for one look; after that the browser that it was shown in."""

import secrets
from collections import deque

from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection, Request
from starlette.responses import PlainTextResponse, RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

KEYS_MAX = 8
BROWSERS_MAX = 64
CLOSED_TO_STRANGERS = "This page is for the person who started the program: open the address that it printed, once.\n"
HEADER = "x-copydesk-key"


class Gate:
    """Loopback is no protection from other users of the machine. `own_key` is for programs of ours, in a header."""

    def __init__(self, name: str) -> None:
        """`name` tells this program's cookie from those of others on the same address."""
        self._cookie = f"copydesk_{name}"
        self._keys: deque[str] = deque(maxlen=KEYS_MAX)
        self._browsers: deque[str] = deque(maxlen=BROWSERS_MAX)
        self.own_key = secrets.token_urlsafe(32)

    def key(self) -> str:
        """Good for one look."""
        made = secrets.token_urlsafe(32)
        self._keys.append(made)
        return made

    def before(self, app: ASGIApp) -> ASGIApp:
        """The same pages behind the gate."""

        async def guarded(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] == "lifespan" or self._knows(HTTPConnection(scope)):
                await app(scope, receive, send)
            elif scope["type"] == "websocket":
                await send({"type": "websocket.close", "code": 1008})
            elif self._takes(Request(scope).query_params.get("key", "")):
                await self._let_in(scope, receive, send)
            else:
                await PlainTextResponse(CLOSED_TO_STRANGERS, status_code=403)(scope, receive, send)

        return guarded

    def _knows(self, asked: HTTPConnection) -> bool:
        own = asked.headers.get(HEADER, "")
        if own:
            return secrets.compare_digest(own.encode(), self.own_key.encode())
        return _is_among(asked.cookies.get(self._cookie, ""), self._browsers)

    def _takes(self, key: str) -> bool:
        if not _is_among(key, self._keys):
            return False
        self._keys.remove(key)
        return True

    async def _let_in(self, scope: Scope, receive: Receive, send: Send) -> None:
        browser = secrets.token_urlsafe(32)
        self._browsers.append(browser)

        async def with_cookie(message: Message) -> None:
            if message["type"] == "http.response.start":
                cookie = f"{self._cookie}={browser}; Path=/; HttpOnly; SameSite=Strict"
                MutableHeaders(scope=message).append("set-cookie", cookie)
            await send(message)

        await RedirectResponse("/", status_code=303)(scope, receive, with_cookie)


def _is_among(told: str, known: deque[str]) -> bool:
    return any(secrets.compare_digest(told.encode(), one.encode()) for one in known)
