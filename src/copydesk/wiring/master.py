"""The Master Sender's program: builds it, runs it until it is told to stop, and says with which code it ended."""

import asyncio
import random
import signal
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

import structlog

from copydesk.domain.errors import CopydeskError, StoreUnavailable
from copydesk.ports.clock import SystemClock
from copydesk.settings import MasterSettings, Settings
from copydesk.terminal.config import MasterConfig, Options, combine
from copydesk.terminal.console import Tell
from copydesk.terminal.gateway import Gateway, PackageMissing
from copydesk.terminal.hub import Access, Hub, NoStanding, SignInRefused
from copydesk.terminal.lock import AlreadyRunning
from copydesk.terminal.master import AccountWithdrawn, Master
from copydesk.wiring.logs import set_up_log_file

log = structlog.get_logger()

EXIT_CODES: Mapping[type[CopydeskError], int] = {
    SignInRefused: 3,
    AlreadyRunning: 4,
    PackageMissing: 5,
    NoStanding: 6,
    AccountWithdrawn: 6,
    StoreUnavailable: 7,
}
"""1 is everything else that has a name of ours: above all, settings."""


def exit_code(error: CopydeskError) -> int:
    return EXIT_CODES.get(type(error), 1)


def terminal_folder(settings: Settings) -> Path:
    """Where master and copier keep locks and journals."""
    return settings.data_dir / "terminal"


def master_config(settings: Settings, flags: Options, file: Options) -> MasterConfig:
    """Flags before the environment before the file. Raise InvalidInput."""
    return combine(flags, _options(settings.master), file, default_url=settings.api_url())


class Console(Protocol):
    """Where lines for people go."""

    def __call__(self, at: datetime, line: str, level: str) -> None: ...


def timed(console: Console) -> Tell:
    """Lines with this machine's time of day."""
    clock = SystemClock()

    def tell(line: str, *, level: str = "info") -> None:
        console(clock.now().astimezone(), line, level)

    return tell


async def run_master(config: MasterConfig, settings: Settings, *, tell: Tell, verbose: bool = False) -> None:
    """Until SIGTERM or Ctrl-C. Raise one of CopydeskError's kinds."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in ("SIGTERM", "SIGINT", "SIGBREAK"):
        if (number := getattr(signal, name, None)) is None:
            continue  # SIGBREAK is Windows' own way to stop a service's program
        signal.signal(number, lambda *_: loop.call_soon_threadsafe(stop.set))
    set_up_log_file(settings.data_dir / "logs" / "master.log", verbose=verbose)

    def name_log(login: int) -> None:
        set_up_log_file(settings.data_dir / "logs" / f"master-{login}.log", verbose=verbose)

    await _until_stopped(stop, _run(config, settings, tell, name_log))
    tell("stopped; what was seen and not sent yet is in the journal")


async def _run(config: MasterConfig, settings: Settings, tell: Tell, on_login: Callable[[int], None]) -> None:
    clock = SystemClock()
    access = Access(
        url=config.url,
        username=config.username,
        password=config.password or "",
        signing_secret=config.signing_secret,
        bot_id=config.bot_id,
        signs_v0=config.signs_v0,
    )
    async with Hub(access, clock) as hub, Gateway() as gateway:
        master = Master(
            config,
            hub,
            gateway,
            folder=terminal_folder(settings),
            clock=clock,
            chance=random.Random(),  # noqa: S311  how long to wait is no secret
            tell=tell,
            on_login=on_login,
        )
        await master.run()


async def _until_stopped(stop: asyncio.Event, work: Coroutine[Any, Any, None]) -> None:
    """What goes wrong in several tasks at once is told as the first of them."""
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
        log.critical("master ends", problem=str(error))
        raise error from group


def _first(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def _options(told: MasterSettings) -> Options:
    url = None if told.url is None else str(told.url)
    return Options(**{**{name: getattr(told, name) for name in Options.model_fields}, "url": url})
