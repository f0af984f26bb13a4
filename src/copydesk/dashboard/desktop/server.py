"""The pages of one window, served on loopback until they are not wanted any more."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import uvicorn
from fastapi import FastAPI, HTTPException
from fastapi.responses import PlainTextResponse
from nicegui import ui

from copydesk.dashboard.desktop.gate import Gate
from copydesk.dashboard.look import head

HOST = "127.0.0.1"
GRACE_S = 1
WISHES = "/instance"

Wish = Callable[[], Awaitable[str]]


async def serve(
    add_pages: Callable[[], None],
    gate: Gate,
    *,
    name: str,
    wishes: Mapping[str, Wish],
    on_ready: Callable[[str], None],
    over: asyncio.Event,
) -> None:
    """Until `over`. `wishes` are what another start of the same program may ask of this one, with the gate's own key."""
    outer = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    _take_wishes(outer, wishes)
    ui.add_head_html(head() + _style(), shared=True)
    add_pages()
    ui.run_with(
        outer,
        title="copydesk",
        dark=True,
        language="en-GB",
        tailwind=False,
        show_welcome_message=False,
        storage_secret=secrets.token_urlsafe(32),
        session_middleware_kwargs={"session_cookie": f"copydesk_browser_{name}"},
    )
    config = uvicorn.Config(
        gate.before(outer),
        host=HOST,
        port=0,
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=GRACE_S,
        ws="wsproto",
        lifespan="on",
    )
    socket = config.bind_socket()
    socket.listen()
    server = _Server(config)
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(server.serve(sockets=[socket]))
        try:
            on_ready(f"http://{HOST}:{socket.getsockname()[1]}")
            await over.wait()
        finally:
            server.should_exit = True
            await running


def _style() -> str:
    return f"<style>{Path(__file__).with_name('desktop.css').read_text(encoding='utf-8')}</style>"


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """They are the whole program's, which has more to end than its pages."""
        yield


def _take_wishes(outer: FastAPI, wishes: Mapping[str, Wish]) -> None:
    @outer.post(f"{WISHES}/{{name}}", response_class=PlainTextResponse)
    async def wish(name: str) -> str:
        if name not in wishes:
            raise HTTPException(404)
        return await wishes[name]()
