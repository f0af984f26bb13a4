"""What Master Sender and Client Copier have in common as programs: exit codes, lines for people, how they are stopped."""

import asyncio
import signal
from collections.abc import Coroutine, Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

import structlog

from copydesk.domain.errors import CopydeskError, StoreUnavailable
from copydesk.ports.beside import Known
from copydesk.ports.clock import SystemClock
from copydesk.settings import Settings
from copydesk.terminal.config import Options, plain_secret
from copydesk.terminal.console import Tell
from copydesk.terminal.copier.config import CopierOptions
from copydesk.terminal.copier.connection import TakenOver
from copydesk.terminal.gateway import PackageMissing
from copydesk.terminal.hub import NoStanding, SignInRefused
from copydesk.terminal.lock import AlreadyRunning
from copydesk.terminal.master import AccountWithdrawn

log = structlog.get_logger()

EXIT_CODES: Mapping[type[CopydeskError], int] = {
    SignInRefused: 3,
    AlreadyRunning: 4,
    PackageMissing: 5,
    NoStanding: 6,
    AccountWithdrawn: 6,
    StoreUnavailable: 7,
    TakenOver: 8,
}
"""1 is everything else that has a name of ours: above all, settings."""


def exit_code(error: CopydeskError) -> int:
    return EXIT_CODES.get(type(error), 1)


def terminal_folder(settings: Settings) -> Path:
    """Where master and copier keep locks and journals."""
    return settings.data_dir / "terminal"


def known_access(*told: Options | CopierOptions, default_url: str) -> Known:
    """Of each option the first that was told; nothing has to be."""

    def first(name: str) -> Any:
        return next((value for one in told if (value := getattr(one, name, None)) is not None), None)

    return Known(
        url=(first("url") or default_url).rstrip("/"),
        username=first("username") or "",
        password=plain_secret(first("password")),
        signing_secret=plain_secret(first("signing_secret")),
    )


class Console(Protocol):
    """Where lines for people go."""

    def __call__(self, at: datetime, line: str, level: str) -> None: ...


def timed(console: Console) -> Tell:
    """Lines with this machine's time of day."""
    clock = SystemClock()

    def tell(line: str, *, level: str = "info") -> None:
        console(clock.now().astimezone(), line, level)

    return tell


async def until_stopped(work: Coroutine[Any, Any, None]) -> None:
    """Until SIGTERM or Ctrl-C. What goes wrong in several tasks at once is told as the first of them."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in ("SIGTERM", "SIGINT", "SIGBREAK"):
        if (number := getattr(signal, name, None)) is None:
            continue  # SIGBREAK is Windows' own way to stop a service's program
        signal.signal(number, lambda *_: loop.call_soon_threadsafe(stop.set))
    try:
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(work)
            waiting = tasks.create_task(stop.wait())
            running.add_done_callback(lambda _: waiting.cancel())
            with suppress(asyncio.CancelledError):
                await waiting
            running.cancel()
    except BaseExceptionGroup as group:
        error = _first(group)
        log.critical("the program ends", problem=str(error))
        raise error from group


def _first(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
