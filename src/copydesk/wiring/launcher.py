"""The launcher: Master Sender, Client Copier and Server as programs of this machine, each started and stopped on its own."""

import asyncio
import random
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import httpx

from copydesk.dashboard.desktop import Opened
from copydesk.ports.beside import LIVE, Condition
from copydesk.ports.clock import Clock, SystemClock
from copydesk.settings import Settings
from copydesk.terminal.console import Tell
from copydesk.wiring.desktop import Behind, show
from copydesk.wiring.instance import RunsAlready, ask_running
from copydesk.wiring.supervisor import Supervisor, log_tail, own_command
from copydesk.wiring.window import Window

NAME = "launcher"
TITLE = "copydesk"
ANSWERS_WITHIN_S = 30.0
LOOK_EVERY_S = 0.25
WINDOWS = ("master", "copier")


class Launched:
    """Fills ports/beside's Opened: what is common to the three."""

    def __init__(self, verb: Sequence[str], log: Path, *, clock: Clock, restarts: bool) -> None:
        self._log = log
        chance = random.Random()  # noqa: S311  how long to wait is no secret
        self._supervisor = Supervisor(own_command(*verb), clock=clock, chance=chance, restarts=restarts, log=log)

    @property
    def condition(self) -> Condition:
        return self._supervisor.condition

    def start(self) -> None:
        self._supervisor.start()

    def stop(self) -> None:
        self._supervisor.stop()

    async def log_tail(self, most: int) -> Sequence[str]:
        return await asyncio.to_thread(log_tail, self._log, most)

    async def run(self) -> None:
        """Until cancelled; then it is ended."""
        await self._supervisor.run()


class LaunchedWindow(Launched):
    """A program with a window of its own, which keeps its worker alive itself."""

    def __init__(self, name: str, verb: Sequence[str], settings: Settings, *, clock: Clock) -> None:
        super().__init__(verb, _log(settings, name), clock=clock, restarts=False)
        self._name = name
        self._folder = settings.data_dir / "desktop"

    async def open(self) -> str | None:
        """Its window comes to the front, or again."""
        try:
            return await asyncio.to_thread(ask_running, self._folder, self._name, "open") or None
        except RunsAlready as error:
            return str(error)


class LaunchedServer(Launched):
    """The hub with its dashboard, which is opened in a window of its own."""

    def __init__(self, verb: Sequence[str], settings: Settings, *, clock: Clock) -> None:
        super().__init__(verb, _log(settings, "server"), clock=clock, restarts=True)
        self._clock = clock
        self._url = f"http://{settings.host}:{settings.dashboard_port}"
        self._window = Window(TITLE, storage=settings.data_dir / "desktop" / "webview", page=lambda: self._url)

    async def open(self) -> str | None:
        """The dashboard, once it answers; its address where there is no window."""
        with suppress(TimeoutError):
            async with asyncio.timeout(ANSWERS_WITHIN_S), httpx.AsyncClient() as http:
                while not await _answers(http, self._url):
                    await self._clock.sleep(LOOK_EVERY_S)
        return self._url if await self._window.open() is not None else None

    async def run(self) -> None:
        """Until cancelled; then it is ended, and its window closed."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(super().run())
            tasks.create_task(self._window.run())


def show_launcher(settings: Settings, *, tell: Tell, verbose: bool) -> None:
    show(NAME, TITLE, settings, lambda: _behind(settings, verbose=verbose), tell=tell)


def _behind(settings: Settings, *, verbose: bool) -> Behind:
    from copydesk.dashboard.desktop.launcher_page import add_launcher_page  # noqa: PLC0415  NiceGUI takes a second

    clock, more = SystemClock(), ["--verbose"] if verbose else []
    programs: Mapping[str, LaunchedWindow | LaunchedServer] = {
        **{name: LaunchedWindow(name, [name, *more], settings, clock=clock) for name in WINDOWS},
        "server": LaunchedServer(["serve", *more], settings, clock=clock),
    }
    shown: Mapping[str, Opened] = programs

    def stop() -> None:
        for one in programs.values():
            one.stop()

    return Behind(
        add_pages=lambda leaving: add_launcher_page(shown, leaving),
        work=lambda: [one.run() for one in programs.values()],
        is_live=lambda: any(one.condition.phase in LIVE for one in programs.values()),
        stop=stop,
    )


async def _answers(http: httpx.AsyncClient, url: str) -> bool:
    try:
        return (await http.get(url, follow_redirects=True)).is_success
    except httpx.HTTPError:
        return False


def _log(settings: Settings, name: str) -> Path:
    return settings.data_dir / "logs" / f"launcher-{name}.log"
