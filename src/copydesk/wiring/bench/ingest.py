"""Alerts accepted durably, so many at a time: the hub as it is served, against FastAPI with inline SQLite.

Both are processes of their own, both answer only what is on the disk (SQLite, WAL, FULL), and both databases are counted afterwards.
"""

import secrets
import sqlite3
import statistics
import tempfile
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from copydesk.domain.bot import Bot
from copydesk.domain.errors import CopydeskError
from copydesk.domain.user import Role, new_user
from copydesk.ports.clock import SystemClock
from copydesk.settings import Settings
from copydesk.stores.store import SqlStore
from copydesk.wiring.bench.alert_parts import weigh_parts
from copydesk.wiring.bench.load import Load, send_all
from copydesk.wiring.bench.machine import cpu_s_of, describe_machine
from copydesk.wiring.bench.seed import SYMBOL, listening_bot
from copydesk.wiring.children import child, free_port, wait_until_ready
from copydesk.wiring.databases import DATABASE_FILE, open_database, open_vault

Tell = Callable[[str, int, int], None]

BOTS = 100
"""A bot may be sent a hundred alerts in a burst, and twenty a second: more of them than one is asked for here."""


@dataclass(slots=True)
class Contender:
    """One server: where its alerts go, how many alerts its database holds, and what each round was like and cost it, seconds of CPU."""

    pid: int
    port: int
    path: str
    count: Callable[[], int]
    rounds: list[Load] = field(default_factory=list)
    cpu_s: list[float] = field(default_factory=list)

    async def take(self, requests: Sequence[bytes], at_once: int) -> None:
        """Raise CopydeskError where not every answered alert is stored."""
        stored, cpu_s = self.count(), cpu_s_of(self.pid)
        self.rounds.append(await send_all(self.port, requests, at_once))
        if cpu_s is not None:
            self.cpu_s.append((cpu_s_of(self.pid) or cpu_s) - cpu_s)
        if self.count() - stored != len(requests):
            raise CopydeskError(f"{self.count() - stored} of {len(requests)} answered alerts are stored")

    @property
    def rate(self) -> float:
        """Alerts a second, in the median round."""
        return statistics.median(len(one.answers_s) / one.wall_s for one in self.rounds)

    def row(self, name: str) -> dict[str, Any]:
        answers_ms = sorted(one * 1_000 for load in self.rounds for one in load.answers_s)
        return {
            "server": name,
            "alerts_a_second": round(self.rate),
            "ms_median": round(statistics.median(answers_ms), 2),
            "ms_p99": round(answers_ms[int(len(answers_ms) * 0.99)], 2),
            "us_cpu_an_alert": self._us_cpu_an_alert(),
        }

    def _us_cpu_an_alert(self) -> float | None:
        if not self.cpu_s:
            return None
        return round(statistics.median(self.cpu_s) / len(self.rounds[0].answers_s) * 1_000_000)


async def run_ingest(*, alerts: int, at_once: int, rounds: int, tell: Tell) -> dict[str, Any]:
    """Rounds are interleaved, medians reported; contract.md names the ratio."""
    with tempfile.TemporaryDirectory(prefix="copydesk-bench-") as place:
        folder, secret = Path(place), secrets.token_hex(32)
        tell("Starting both", 0, rounds)
        parts = await _weigh_parts(folder / "parts", secret, at_once)
        async with _naive(folder, secret) as naive, _hub(folder, secret) as us:
            contenders = {"FastAPI, inline SQLite FULL": naive, "copydesk serve": us}
            for number in range(rounds):
                tell("Rounds", number, rounds)
                for one in contenders.values():
                    await one.take(_requests(one.path, secret, alerts), at_once)
            tell("Rounds", rounds, rounds)
    return {
        "benchmark": "ingest",
        "machine": describe_machine(),
        "alerts": alerts,
        "at_once": at_once,
        "rounds": rounds,
        "rows": [one.row(name) for name, one in contenders.items()],
        "steps": parts,
        "ratios": {"rps_us_over_naive": round(us.rate / naive.rate, 2)},
    }


@asynccontextmanager
async def _naive(folder: Path, secret: str) -> AsyncIterator[Contender]:
    port, database = free_port(0), folder / "naive.db"
    verb = ["bench", "naive", "--port", str(port), "--database", str(database)]
    async with child("naive", verb, {"COPYDESK_BENCH_SECRET": secret}, folder) as server:
        await wait_until_ready(server, f"http://127.0.0.1:{port}/openapi.json", SystemClock())
        yield Contender(server.process.pid, port, "/webhook/", lambda: _rows(database, "signals"))


@asynccontextmanager
async def _hub(folder: Path, secret: str) -> AsyncIterator[Contender]:
    """`copydesk serve`, and the benchmark's exchange to know the symbol."""
    port, venue_port = free_port(0), free_port(0)
    settings = {
        "COPYDESK_DATA_DIR": str(folder / "data"),
        "COPYDESK_MASTER_KEY_FILE": str(folder / "master.key"),
        "COPYDESK_SIMULATOR__BINANCE_URL": f"http://127.0.0.1:{venue_port}",
    }
    async with _seeded(Settings(data_dir=folder / "data", master_key_file=folder / "master.key"), secret):
        pass
    verb = ["serve", "--no-dashboard", "--port", str(port)]
    async with (
        child("exchange", ["bench", "exchange", "--port", str(venue_port)], {}, folder) as venue,
        child("hub", verb, settings, folder) as server,
    ):
        await wait_until_ready(venue, f"http://127.0.0.1:{venue_port}/_bench/cpu", SystemClock())
        await wait_until_ready(server, f"http://127.0.0.1:{port}/ready", SystemClock())
        stored = folder / "data" / DATABASE_FILE
        yield Contender(server.process.pid, port, "/api/v1/bots/webhook/master/", lambda: _rows(stored, "bot_signals"))


async def _weigh_parts(folder: Path, secret: str, at_once: int) -> list[dict[str, Any]]:
    async with _seeded(Settings(data_dir=folder, master_key_file=folder / "master.key"), secret) as (store, bots):
        return await weigh_parts(store, bots, lambda: _alert(secret), at_once)


@asynccontextmanager
async def _seeded(settings: Settings, secret: str) -> AsyncIterator[tuple[SqlStore, Sequence[Bot]]]:
    """A store with bots that listen at paths 0, 1, 2 …"""
    database, vault = open_database(settings), open_vault(settings)
    await database.start()
    try:
        now, owner = SystemClock().now(), new_user("bench", Role.ADMIN, at=SystemClock().now())
        bots = [listening_bot(owner.id, str(number), now) for number in range(BOTS)]

        def work(tables: Any) -> None:
            tables.users.add(owner, "none")
            for bot in bots:
                tables.bots.add(bot, vault.fingerprint(secret))

        store = SqlStore(database, vault)
        await store.write(work)
        yield store, bots
    finally:
        await database.close()


def _requests(path: str, secret: str, count: int) -> Sequence[bytes]:
    """Each its own alert, at the bots in turn."""
    return [_request(f"{path}{number % BOTS}", secret) for number in range(count)]


def _request(path: str, secret: str) -> bytes:
    body = _alert(secret)
    head = (
        f"POST {path} HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def _alert(secret: str) -> bytes:
    return msgspec.json.encode(
        {"id": secrets.token_hex(8), "secret": secret, "ticker": SYMBOL, "action": "buy", "price": "95200"}
    )


def _rows(database: Path, table: str) -> int:
    with closing(sqlite3.connect(database)) as connection:
        found: int = connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]  # noqa: S608  a name of ours
        return found
