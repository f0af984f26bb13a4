"""A simulated broker, a hub and a Master Sender as processes of their own, each of which may die."""

import asyncio
import re
import sqlite3
from contextlib import asynccontextmanager, closing
from pathlib import Path

import httpx
import msgspec
import pytest

from copydesk.client.api import signed_in
from copydesk.client.models import NewBot
from copydesk.client.people import NewUser
from copydesk.ports.clock import SystemClock
from copydesk.simulators.metatrader5 import STANDIN_FOLDER, Hand
from copydesk.terminal.events import Event
from copydesk.wiring.children import child, free_port, wait_until_ready

CLOCK = SystemClock()
LOOK_EVERY_S = 0.05
PASSWORD = "a password for tests"
LOGIN = 1001
MASTER = r"C:\Program Files\MetaTrader 5\terminal64.exe"
NETTING_LOGIN = 1003
NETTING = r"C:\Program Files\MetaTrader 5 Netting\terminal64.exe"


class Desk:
    """`master_settings` is what the Master Sender gets; `hand` trades on the watched account."""

    def __init__(self, folder, broker, simulator_url):
        self.folder = folder
        self.broker = broker
        self.simulator_url = simulator_url
        self.port = free_port(0)
        self.url = f"http://127.0.0.1:{self.port}"
        self.login = LOGIN
        self.bot = None
        self.settings = {}

    @property
    def hand(self):
        return Hand(self.simulator_url, self.login)

    @asynccontextmanager
    async def hub(self):
        settings = {
            "COPYDESK_DATA_DIR": str(self.folder / "hub"),
            "COPYDESK_MASTER_KEY_FILE": str(self.folder / "keys" / "master.key"),
        }
        async with child("hub", ["serve", "--no-dashboard", "--port", str(self.port)], settings, self.folder) as hub:
            await wait_until_ready(hub, f"{self.url}/ready", CLOCK)
            yield hub

    async def seed(self, hub, *, login=LOGIN, path=MASTER):
        self.login = login
        link = re.search(r"/setup/[\w-]+", hub.log.read_text()).group()
        async with httpx.AsyncClient(base_url=self.url) as http:
            made = await http.post(link, json={"username": "admin", "password": PASSWORD, "role": "admin"})
            made.raise_for_status()
        async with signed_in(self.url, "admin", PASSWORD) as admin:
            wanted = NewUser(username="paula", password=PASSWORD, role="provider", allowed_mt5_id=login, mt5_path=path)
            await admin.create_user(wanted)
        async with signed_in(self.url, "paula", PASSWORD) as provider:
            self.bot = await provider.create_bot(NewBot(name="Paula", source="master", market_type="mt5"))
        self.settings = {
            "COPYDESK_DATA_DIR": str(self.folder / "master"),
            "COPYDESK_MASTER__URL": self.url,
            "COPYDESK_MASTER__USERNAME": "paula",
            "COPYDESK_MASTER__PASSWORD": PASSWORD,
            "COPYDESK_MASTER__SIGNING_SECRET": self.bot.signing_secret,
            "PYTHONPATH": str(STANDIN_FOLDER),
            "METATRADER5_SIMULATOR_URL": self.simulator_url,
        }

    @asynccontextmanager
    async def master(self, *more, **settings):
        """Watching, if the account is the right one: the first look was believed."""
        async with child("master", ["master", "--headless", *more], self.settings | settings, self.folder) as running:
            yield running

    async def until_watching(self, running):
        """Until its journal tells of a look that is newer than an earlier run's."""
        since = self.fact_looked_at()

        def looks():
            running.check()
            return self.fact_looked_at() != since

        await eventually(looks)

    @property
    def journal_file(self):
        return self.folder / "master" / "terminal" / f"master-{self.login}.db"

    def journal(self, question, *values):
        if not self.journal_file.exists():
            return []
        with closing(sqlite3.connect(f"file:{self.journal_file}?mode=ro", uri=True)) as file:
            try:
                return file.execute(question, values).fetchall()
            except sqlite3.OperationalError:
                return []

    def fact_looked_at(self):
        return self.journal("SELECT value FROM facts WHERE name = 'looked_at'")

    def events(self):
        """(kind, ticket, stage, reason, event), oldest first."""
        rows = self.journal("SELECT kind, ticket, stage, reason, event FROM events ORDER BY number")
        return [(*row[:4], msgspec.msgpack.decode(row[4], type=Event)) for row in rows]

    def stages(self):
        return [(kind, stage) for kind, _, stage, _, _ in self.events()]

    async def signals(self):
        """What the hub has, oldest first, as it was sent."""
        async with signed_in(self.url, "admin", PASSWORD) as admin:
            return [one.payload for one in reversed(await admin.signals())]

    async def told(self):
        """(event, ticket) of each signal, oldest first."""
        return [(one["event"], one["master_ticket"]) for one in await self.signals()]

    async def fault(self, **how):
        (await self.broker.post("/_sim/faults", json=how)).raise_for_status()

    async def heal(self):
        (await self.broker.delete("/_sim/faults")).raise_for_status()

    async def terminal(self, **how):
        (await self.broker.post("/_sim/terminals", json=how)).raise_for_status()

    async def do(self, trade, *values, **named):
        """The ticket that the broker answers."""
        done = await asyncio.to_thread(getattr(self.hand, trade), *values, **named)
        return done["order"]

    async def look(self):
        return await asyncio.to_thread(self.hand.look)


async def eventually(holds, within_s=20):
    """Until it holds; `holds` may be a coroutine function."""
    for _ in range(int(within_s / LOOK_EVERY_S)):
        done = holds()
        if await done if asyncio.iscoroutine(done) else done:
            return
        await asyncio.sleep(LOOK_EVERY_S)
    pytest.fail(f"did not happen within {within_s} s", pytrace=True)


def is_alive(pid):
    """Also where it is the parent who has not asked how it ended."""
    return Path(f"/proc/{pid}").exists()


@asynccontextmanager
async def running_broker(folder):
    port = free_port(0)
    url = f"http://127.0.0.1:{port}"
    verb = ["simulate", "metatrader5", "--port", str(port)]
    async with child("broker", verb, {}, folder) as broker:
        await wait_until_ready(broker, f"{url}/_sim/health", CLOCK)
        async with httpx.AsyncClient(base_url=url, timeout=20) as doors:
            yield doors, url


@asynccontextmanager
async def running_desk(folder):
    async with running_broker(folder) as (doors, url):
        yield Desk(folder, doors, url)
