"""Programs with a window: the page's server, the window on it, and what runs behind it, until a person has had enough."""

import asyncio
import hashlib
import os
import random
from collections.abc import Callable, Coroutine, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from copydesk.domain.terminal import TerminalRole
from copydesk.ports.beside import LIVE, Known
from copydesk.ports.clock import SystemClock
from copydesk.settings import Settings
from copydesk.terminal.console import Tell
from copydesk.wiring.beside_terminal import until_stopped
from copydesk.wiring.instance import Instance, announce, ask_running, claimed
from copydesk.wiring.logs import set_up_log_file
from copydesk.wiring.loop import run
from copydesk.wiring.supervisor import own_command
from copydesk.wiring.window import Window
from copydesk.wiring.worker import LocalWorker

if TYPE_CHECKING:
    from copydesk.dashboard.desktop.leaving import Leaving

TITLES = {TerminalRole.MASTER: "copydesk Master Sender", TerminalRole.COPIER: "copydesk Client Copier"}


class Behind(Struct, frozen=True, kw_only=True):
    """What a window is about: its pages, what runs for them, whether any of it is live, and how to stop it."""

    add_pages: Callable[["Leaving"], None]
    work: Callable[[], Sequence[Coroutine[Any, Any, None]]]
    is_live: Callable[[], bool]
    stop: Callable[[], None]


def can_show() -> bool:
    """Programs in a single file come without NiceGUI, and so without windows."""
    return find_spec("nicegui") is not None


def terminal_arguments(config: Path | None, *, verbose: bool, bot_id: str | None = None) -> Sequence[str]:
    """What the worker is told on its command line: nothing that is secret."""
    named = [] if config is None else ["--config", str(config.absolute())]
    named += [] if bot_id is None else ["--bot-id", bot_id]
    return [*named, *(["--verbose"] if verbose else [])]


def show_terminal(role: TerminalRole, known: Known, settings: Settings, more: Sequence[str], *, tell: Tell) -> None:
    """The window of a Master Sender or Client Copier, until it is closed for good."""
    # A second configuration is a second program; the same one again shows the window that is there.
    name = f"{role}-{hashlib.sha256(' '.join(more).encode()).hexdigest()[:8]}" if "--config" in more else str(role)
    command = own_command(role, "--headless", "--beside-window", *more)
    show(name, TITLES[role], settings, lambda: _behind_terminal(role, known, command), tell=tell)


def show(name: str, title: str, settings: Settings, build: Callable[[], Behind], *, tell: Tell) -> None:
    """Or bring the window to the front that another start of the same program has. Raise RunsAlready."""
    folder = settings.data_dir / "desktop"
    with claimed(folder, name) as file:
        if file is None:
            url = ask_running(folder, name, "open")
            tell(f"it runs already: {url}" if url else "it runs already: its window is shown")
            return
        set_up_log_file(settings.data_dir / "logs" / f"window-{name}.log")
        run(until_stopped(_serve(name, title, file, build, tell)))
    tell("closed")


async def _serve(name: str, title: str, file: Path, build: Callable[[], Behind], tell: Tell) -> None:
    # NiceGUI takes a second to import; a headless program must not wait for it.
    from copydesk.dashboard.desktop.gate import Gate  # noqa: PLC0415
    from copydesk.dashboard.desktop.leaving import Leaving  # noqa: PLC0415
    from copydesk.dashboard.desktop.server import serve  # noqa: PLC0415

    gate, over, behind = Gate(name), asyncio.Event(), build()
    listening = asyncio.get_running_loop().create_future()

    def page() -> str:
        return f"{listening.result()}/?key={gate.key()}"

    window = Window(title, storage=file.parent / "webview", page=page)
    leaving = Leaving(is_live=behind.is_live, hide=window.close, stop=behind.stop, finish=over.set)
    window.on_closing = leaving.ask

    async def open_window() -> str:
        return page() if await window.open() is not None else ""

    def ready(url: str) -> None:
        announce(file, Instance(url=url, key=gate.own_key, pid=os.getpid()))
        listening.set_result(url)

    async with asyncio.TaskGroup() as tasks:
        beside = [tasks.create_task(window.run()), tasks.create_task(_first_window(window, page, listening, tell))]
        pages = tasks.create_task(
            serve(
                lambda: behind.add_pages(leaving),
                gate,
                name=name,
                wishes={"open": open_window},
                on_ready=ready,
                over=over,
            )
        )
        beside += [tasks.create_task(one) for one in (*behind.work(), leaving.run(SystemClock()))]
        # Once: a second time would interrupt what ends a worker in order.
        pages.add_done_callback(lambda _: [one.cancel() for one in beside if not one.cancelling()])


async def _first_window(window: Window, page: Callable[[], str], listening: "asyncio.Future[str]", tell: Tell) -> None:
    await listening
    if (problem := await window.open()) is not None:
        tell(f"{problem}. The page for your browser, good for one look: {page()}")


def _behind_terminal(role: TerminalRole, known: Known, command: Sequence[str]) -> Behind:
    from copydesk.dashboard.desktop.terminal_page import add_terminal_pages  # noqa: PLC0415
    from copydesk.dashboard.desktop.terminal_window import TerminalWindow  # noqa: PLC0415

    clock = SystemClock()
    worker = LocalWorker(role, command, clock=clock, chance=random.Random())  # noqa: S311  how long to wait is no secret
    window = TerminalWindow(worker, known, clock=clock)
    return Behind(
        add_pages=lambda leaving: add_terminal_pages(window, leaving),
        work=lambda: [worker.run(), window.run()],
        is_live=lambda: worker.condition.phase in LIVE,
        stop=worker.stop,
    )
