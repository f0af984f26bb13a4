"""Open pages of the dashboard without a browser: what a browser would ask and hear, cheap enough not to be what is measured."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from html import unescape
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import httpx
import socketio

from copydesk.domain.errors import CopydeskError

SOCKET_PATH = "/_nicegui_ws/socket.io"
WITHIN_S = 30.0

_ELEMENTS = re.compile(r"parseElements\(String\.raw`(.*?)`\)", re.DOTALL)
_CLIENT = re.compile(r"['\"]client_id['\"]: ['\"]([0-9a-f-]+)['\"]")

Elements = Mapping[str, Mapping[str, Any]]


class Tab:
    """One page that is open: `heard` counts the messages that came."""

    def __init__(self, client_id: str, elements: Elements) -> None:
        self.client_id = client_id
        self.elements = elements
        self.socket = socketio.AsyncClient(reconnection=False)
        self.heard = 0
        self.left = asyncio.Event()
        self.socket.on("*", self._hear)

    async def act(self, tag_or_name: str, kind: str, *arguments: object) -> None:
        """What a person does to an element: found by its tag, or by what it completes."""
        for number, one in self.elements.items():
            if tag_or_name in {one.get("tag"), one.get("props", {}).get("autocomplete")}:
                for event in one.get("events", ()):
                    if event["type"].startswith(kind):
                        told = {"id": int(number), "client_id": self.client_id, "listener_id": event["listener_id"]}
                        await self.socket.emit("event", told | {"args": [json.dumps(value) for value in arguments]})
                        return
        raise CopydeskError(f"the page has no {tag_or_name} that takes {kind}")

    async def _hear(self, event: str, *_: object) -> None:
        self.heard += 1
        if event == "open":
            self.left.set()


@asynccontextmanager
async def signed_in_browser(dashboard: str, username: str, password: str) -> AsyncIterator[httpx.AsyncClient]:
    """A browser whose cookie is known to the dashboard. Raise CopydeskError where it does not let us in."""
    async with httpx.AsyncClient(base_url=dashboard, timeout=WITHIN_S, follow_redirects=True) as http:
        async with open_tab(http, "/sign-in") as door:
            await door.act("username", "update:value", username)
            await door.act("current-password", "update:value", password)
            await door.act("form", "submit", {})
            try:
                async with asyncio.timeout(WITHIN_S):
                    await door.left.wait()
            except TimeoutError as error:
                raise CopydeskError("the dashboard did not let us in") from error
        yield http


@asynccontextmanager
async def open_tab(http: httpx.AsyncClient, path: str) -> AsyncIterator[Tab]:
    """The page, and the connection over which it follows the desk."""
    page = (await http.get(path)).raise_for_status().text
    client, elements = _CLIENT.search(page), _ELEMENTS.search(page)
    if client is None or elements is None:
        raise CopydeskError(f"{path} is no page of the dashboard")
    tab = Tab(client[1], json.loads(unescape(elements[1])))
    query = {"client_id": tab.client_id, "tab_id": str(uuid4()), "document_id": str(uuid4())}
    query |= {"next_message_id": "0", "implicit_handshake": "true"}
    cookies = "; ".join(f"{name}={value}" for name, value in http.cookies.items())
    await tab.socket.connect(
        f"{http.base_url}?{urlencode(query)}",
        socketio_path=SOCKET_PATH,
        transports=["websocket"],
        headers={"Cookie": cookies},
        wait_timeout=int(WITHIN_S),
    )
    try:
        yield tab
    finally:
        await tab.socket.disconnect()
