"""The dashboard's own process: binds its port, serves the pages, ends on SIGTERM or SIGINT."""

import gc
import secrets
import signal
from collections.abc import Callable
from contextlib import suppress

import uvicorn
from fastapi import FastAPI
from nicegui import app, ui

from copydesk.dashboard.desk import People
from copydesk.dashboard.pages import add_pages

GRACE_S = 2
"""Seconds that open tabs get when the dashboard is asked to stop; they reload by themselves once it is back."""


COLLECTED_EVERY = (20_000, 20, 50)
"""As wiring/loop.py has it: looking through all elements of all open pages for garbage took a third of a second at a time."""


def run(*, api_url: str, host: str, port: int, on_ready: Callable[[int], None]) -> None:
    gc.set_threshold(*COLLECTED_EVERY)
    people = People(api_url)
    add_pages(people)
    app.on_shutdown(people.close)
    outer = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    ui.run_with(
        outer,
        title="copydesk",
        dark=True,
        language="en-GB",
        tailwind=False,
        show_welcome_message=False,
        storage_secret=secrets.token_urlsafe(32),
        session_middleware_kwargs={"session_cookie": "copydesk_browser"},
    )
    config = uvicorn.Config(
        outer,
        host=host,
        port=port,
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=GRACE_S,
        ws="wsproto",
        ws_ping_interval=None,  # Socket.IO has its own
        ws_per_message_deflate=False,  # a page is told a few kilobytes a second: packing them costs more than sending them
    )
    socket = config.bind_socket()
    socket.listen()  # from here on a browser waits for its answer instead of being refused
    on_ready(socket.getsockname()[1])
    # uvicorn raises the signal again once it has stopped: being asked to stop is no error.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with suppress(KeyboardInterrupt):
        uvicorn.Server(config).run(sockets=[socket])
