"""Followers with Client Copiers of their own beside a master's desk: each program is a process that may die."""

import asyncio
import sqlite3
from collections import defaultdict
from contextlib import asynccontextmanager, closing
from decimal import Decimal
from pathlib import Path

from master_support import CLOCK, PASSWORD, Desk, eventually, running_broker

from copydesk.client.api import signed_in
from copydesk.client.models import BotChange, NewAccount, NewSubscription
from copydesk.client.people import NewUser, UserConfigChange
from copydesk.simulators.metatrader5 import STANDIN_FOLDER, Hand
from copydesk.wiring.children import child, free_port

SERVER = "Copydesk-Demo"
FREE = {
    "max_slippage_points": None,
    "max_orders_per_symbol": None,
    "max_exposure_trades": None,
    "max_exposure_lots": None,
}
"""No limits: for tests about sizes."""


class CopyDesk(Desk):
    """A desk whose openings stay fresh while things die."""

    async def seed(self, hub, *, fresh_s=300, **how):
        await super().seed(hub, **how)
        async with signed_in(self.url, "paula", PASSWORD) as provider:
            await provider.change_bot(self.bot.id, BotChange(open_freshness_s=fresh_s))

    async def follower(self, name, login, *, mode="fix", **trade_copy):
        return await _follower(self, name, login, {"mode": mode, **FREE, **trade_copy})

    async def ledger(self, login):
        return (await self.broker.get(f"/_sim/ledger?account={login}")).json()


class Follower:
    def __init__(self, desk, name, login, path):
        self.desk, self.name, self.login, self.path = desk, name, login, path
        self.config = ""

    @property
    def hand(self):
        return Hand(self.desk.simulator_url, self.login)

    @asynccontextmanager
    async def copier(self, *, url=None, **settings):
        file = self.desk.folder / f"{self.name}.toml"
        file.write_text(self.config)
        whole = {
            "COPYDESK_DATA_DIR": str(self.desk.folder / self.name),
            "COPYDESK_COPIER__URL": url or self.desk.url,
            "COPYDESK_COPIER__USERNAME": self.name,
            "COPYDESK_COPIER__PASSWORD": PASSWORD,
            "PYTHONPATH": str(STANDIN_FOLDER),
            "METATRADER5_SIMULATOR_URL": self.desk.simulator_url,
        }
        verb = ["copier", "--headless", "--config", str(file)]
        async with child(self.name, verb, whole | settings, self.desk.folder) as running:
            yield running

    async def until_connected(self, running, times=1):
        def connected():
            running.check()
            return self.log().count("connected to the hub") >= times

        await eventually(connected)

    def log(self):
        return (self.desk.folder / f"{self.name}.log").read_text()

    def journal(self, question, *values):
        file = self.desk.folder / self.name / "terminal" / f"copier-{self.login}.db"
        with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as opened:
            return opened.execute(question, values).fetchall()

    def is_idle(self):
        return not self.journal("SELECT 1 FROM commands WHERE standing IN ('WAITING', 'ASKING')")

    async def held(self):
        """(symbol, side, lots, the master's ticket) of each copy, by the simulator's ledger."""
        positions = (await self.desk.ledger(self.login))["positions"]
        return sorted(
            (one["symbol"], one["side"], Decimal(one["quantity"]), int(one["comment"].split()[1]))
            for one in positions
            if one["comment"].startswith("copydesk")
        )

    async def executions(self, **wanted):
        async with signed_in(self.desk.url, self.name, PASSWORD) as api:
            return await api.executions(**wanted)

    async def opened(self, count):
        async def holds():
            return len(await self.held()) == count

        await eventually(holds)


async def _follower(desk, name, login, trade_copy):
    path = rf"C:\Copiers\{name}\terminal64.exe"
    account = {"login": login, "password": "x", "balance": "50000", "margin_mode": "hedging", "leverage": 500}
    (await desk.broker.post("/_sim/accounts", json=account)).raise_for_status()
    await desk.terminal(path=path, login=login)
    async with signed_in(desk.url, "admin", PASSWORD) as admin:
        wanted = NewUser(username=name, password=PASSWORD, role="follower", allowed_mt5_id=login, mt5_path=path)
        await admin.create_user(wanted)
    async with signed_in(desk.url, name, PASSWORD) as api:
        await api.change_config(UserConfigChange.model_validate({"trade_copy": trade_copy}))
        wanted = NewAccount(name="Terminal", venue="mt5", environment="demo", login=login, server=SERVER)
        own = await api.create_account(wanted)
        await api.subscribe(NewSubscription(bot_id=desk.bot.id, exchange_account_id=own.id))
    return Follower(desk, name, login, path)


@asynccontextmanager
async def running_copy_desk(folder):
    async with running_broker(folder) as (doors, url):
        yield CopyDesk(folder, doors, url)


class Cable:
    """A line to the hub that can be cut."""

    def __init__(self, port):
        self.port, self.target = free_port(0), port
        self.url = f"http://127.0.0.1:{self.port}"
        self._writers = set()

    @asynccontextmanager
    async def laid(self):
        server = await asyncio.start_server(self._join, "127.0.0.1", self.port)
        try:
            yield self
        finally:
            self.cut()
            server.close()

    def cut(self):
        for one in list(self._writers):
            one.transport.abort()

    async def _join(self, reader, writer):
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            writer.transport.abort()
            return
        self._writers |= {writer, far_writer}
        await asyncio.gather(_pump(reader, far_writer), _pump(far_reader, writer), return_exceptions=True)
        self._writers -= {writer, far_writer}


async def _pump(reader, writer):
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    finally:
        writer.transport.abort()


def implied(ledger, lots_of, step_of=lambda _symbol: Decimal("0.01")):
    """What a follower must hold after a master's fills, worked out from the broker's ledger alone: {ticket: lots}."""
    master, own = defaultdict(Decimal), defaultdict(Decimal)
    for fill in ledger["fills"]:
        ticket, volume, step = int(fill["position_id"]), Decimal(fill["quantity"]), step_of(fill["symbol"])
        if fill["entry"] == "IN":
            master[ticket] += volume
            own[ticket] += lots_of(fill["symbol"], volume) // step * step
            continue
        part = own[ticket] if volume >= master[ticket] else own[ticket] * volume / master[ticket]
        part = part.quantize(Decimal("0.00000001")) // step * step
        if own[ticket] - part < step:
            part = own[ticket]
        own[ticket] -= part
        master[ticket] -= volume
    return {ticket: lots for ticket, lots in own.items() if lots}


def children_of(pid):
    """Process numbers, by the kernel's list."""
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


async def pause(seconds):
    await CLOCK.sleep(seconds)
