"""A simulated MetaTrader 5 broker with programs beside its terminals, each a process: what the demo and a benchmark play on."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from copydesk.client.api import ApiClient, signed_in
from copydesk.client.models import NewAccount
from copydesk.client.people import NewUser
from copydesk.domain.subscription import Environment
from copydesk.domain.user import Role
from copydesk.domain.venue import MT5
from copydesk.ports.clock import SystemClock
from copydesk.simulators.metatrader5 import STANDIN_FOLDER
from copydesk.terminal.copier.connection import CONNECTED
from copydesk.terminal.watch import WATCHED
from copydesk.wiring.children import START_TIMEOUT_S, Child, ChildDied, child, wait_until_ready

SERVER = "Copydesk-Demo"
LOOK_EVERY_S = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Seat:
    """A person at a terminal of the broker's: `login` is who is signed in there."""

    username: str
    password: str
    login: int

    @property
    def path(self) -> str:
        return rf"C:\Terminals\{self.login}\terminal64.exe"


@dataclass(frozen=True, slots=True, kw_only=True)
class Broker:
    """A simulator that runs, and whose programs find the hub at `api`. Programs keep journals and logs in `folder`."""

    url: str
    api: str
    folder: Path

    async def open_account(self, seat: Seat, *, balance: str) -> None:
        """A hedging account, and its terminal."""
        account = {"login": seat.login, "password": seat.password, "balance": balance, "margin_mode": "hedging"}
        async with httpx.AsyncClient(base_url=self.url, timeout=20) as doors:
            (await doors.post("/_sim/accounts", json=account)).raise_for_status()
            (await doors.post("/_sim/terminals", json={"path": seat.path, "login": seat.login})).raise_for_status()

    @asynccontextmanager
    async def programs(
        self, master: Seat, signing_secret: str, followers: Sequence[Seat]
    ) -> AsyncIterator[list[Child]]:
        """A master that watches and copiers that are connected, when this is entered: started together, then waited for."""
        async with AsyncExitStack() as stack:
            secret = {"SIGNING_SECRET": signing_secret}
            told = [("master", master, secret, WATCHED), *(("copier", one, {}, CONNECTED) for one in followers)]
            begun: list[tuple[Child, str, int]] = []
            for verb, seat, more, said in told:
                before = _count(self.folder / f"{verb}-{seat.login}.log", said)
                running = await stack.enter_async_context(self._program(verb, seat, more))
                begun.append((running, said, before))
            for running, said, before in begun:
                await _until_said(running, said, before)
            yield [running for running, _, _ in begun]

    def journal(self, program: str, seat: Seat) -> Path:
        """Where the program keeps it."""
        return self._home(program, seat) / "terminal" / f"{program}-{seat.login}.db"

    def _home(self, program: str, seat: Seat) -> Path:
        return (self.folder / f"{program}-{seat.login}").resolve()

    @asynccontextmanager
    async def _program(self, verb: str, seat: Seat, more: Mapping[str, str]) -> AsyncIterator[Child]:
        told = {"URL": self.api, "USERNAME": seat.username, "PASSWORD": seat.password, **more}
        settings = {
            "COPYDESK_DATA_DIR": str(self._home(verb, seat)),
            "PYTHONPATH": str(STANDIN_FOLDER),
            "METATRADER5_SIMULATOR_URL": self.url,
            **{f"COPYDESK_{verb.upper()}__{name}": value for name, value in told.items()},
        }
        async with child(f"{verb}-{seat.login}", [verb, "--headless"], settings, self.folder) as running:
            yield running


@asynccontextmanager
async def broker(folder: Path, port: int, api: str, state: Path | None = None) -> AsyncIterator[tuple[Broker, Child]]:
    """Started; with `state`, an absolute path, it remembers its accounts."""
    url = f"http://127.0.0.1:{port}"
    remembers = [] if state is None else ["--state", str(state)]
    verb = ["simulate", "metatrader5", "--port", str(port), *remembers]
    async with child("metatrader5-simulator", verb, {}, folder) as running:
        await wait_until_ready(running, f"{url}/_sim/health", SystemClock())
        yield Broker(url=url, api=api, folder=folder), running


async def open_terminal_account(api: str, seat: Seat) -> str:
    """The account of venue mt5 of somebody who sits at this terminal; its id."""
    async with signed_in(api, seat.username, seat.password) as mine:
        wanted = NewAccount(
            name="MetaTrader 5", venue=MT5, environment=Environment.DEMO, login=seat.login, server=SERVER
        )
        account = await mine.create_account(wanted)
    return account.id


async def seat_person(desk: ApiClient, seat: Seat, role: Role) -> None:
    """Somebody who may be at this terminal and at no other."""
    wanted = NewUser(
        username=seat.username, password=seat.password, role=role, allowed_mt5_id=seat.login, mt5_path=seat.path
    )
    await desk.create_user(wanted)


def _count(log: Path, said: str) -> int:
    return log.read_text(encoding="utf-8", errors="replace").count(said) if log.exists() else 0


async def _until_said(one: Child, said: str, before: int) -> None:
    clock = SystemClock()
    until_s = clock.elapsed() + START_TIMEOUT_S
    while _count(one.log, said) <= before:
        one.check()
        if clock.elapsed() > until_s:
            raise ChildDied(f'{one.name} did not say "{said}" within {START_TIMEOUT_S:.0f} s; its log: {one.log}')
        await clock.sleep(LOOK_EVERY_S)
