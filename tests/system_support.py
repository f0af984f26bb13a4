"""Real processes for tests: a simulator that lives on, and a hub that may die."""

import asyncio
import re
import secrets
from contextlib import asynccontextmanager
from decimal import Decimal

import httpx

from copydesk.client.api import signed_in
from copydesk.client.models import NewAccount, NewBot, NewSubscription
from copydesk.ports.clock import SystemClock
from copydesk.wiring.children import child, free_port, wait_until_ready
from copydesk.wiring.story import compare

CLOCK = SystemClock()
FOLLOWERS = 12
FINAL = {"SKIPPED", "EXPIRED", "CANCELLED", "REJECTED", "FILLED", "NOT_PLACED"}
PASSWORD = "a password for tests"


class World:
    """A simulator that lives on, and a hub that may die."""

    def __init__(self, folder, market, port, database_url):
        self.folder = folder
        self.database_url = database_url
        self.market = market
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self.keys = {}
        self.bot = None

    @asynccontextmanager
    async def hub(self):
        settings = {
            "COPYDESK_DATA_DIR": str(self.folder / "data"),
            "COPYDESK_MASTER_KEY_FILE": str(self.folder / "keys" / "master.key"),
            "COPYDESK_SIMULATOR__BINANCE_URL": str(self.market.base_url),
            "COPYDESK_VENUE_TIMEOUT_S": "5",
        }
        if self.database_url is not None:
            settings["COPYDESK_DATABASE_URL"] = self.database_url
        async with child("hub", ["serve", "--no-dashboard", "--port", str(self.port)], settings, self.folder) as hub:
            await wait_until_ready(hub, f"{self.url}/ready", CLOCK)
            yield hub

    async def tell(self, door, **body):
        (await self.market.post(f"/_sim/{door}", json=body)).raise_for_status()

    async def seed(self, hub):
        link = re.search(r"/setup/[\w-]+", hub.log.read_text()).group()
        async with httpx.AsyncClient(base_url=self.url) as http:
            made = await http.post(link, json={"username": "admin", "password": PASSWORD, "role": "admin"})
            made.raise_for_status()
        async with signed_in(self.url, "admin", PASSWORD) as admin:
            self.bot = await admin.create_bot(
                NewBot(name="Killed", default_leverage=10, default_stop_loss_pct=Decimal(2))
            )
            for _ in range(FOLLOWERS):
                key = secrets.token_hex(16)
                await self.tell("accounts", api_key=key, api_secret=f"{key}-secret", balance="1000")
                account = await admin.create_account(
                    NewAccount(
                        name="A",
                        venue="binance-futures",
                        environment="simulator",
                        api_key=key,
                        api_secret=f"{key}-secret",
                    )
                )
                self.keys[account.id] = key
                await admin.subscribe(NewSubscription(bot_id=self.bot.id, exchange_account_id=account.id))

    async def alert(self, action):
        async with signed_in(self.url, "admin", PASSWORD) as admin:
            message = {"secret": self.bot.master_secret, "ticker": "BTCUSDT", "action": action}
            return await admin.alert(self.bot.webhook_url, message)

    async def executions(self):
        async with signed_in(self.url, "admin", PASSWORD) as admin:
            return await admin.executions()

    async def until_settled(self, signal_id, *, legs=1):
        async with asyncio.timeout(60):
            while True:
                found = await self.executions()
                own = [one for one in found if one.signal_id == signal_id and one.leg in {"open", "close"}]
                stops = [one for one in found if one.leg not in {"open", "close"}]
                calm = all(one.state in FINAL | {"WORKING"} for one in stops)
                if len(own) == legs * FOLLOWERS and calm and all(one.state in FINAL for one in own):
                    return own
                await asyncio.sleep(0.5)

    async def differences(self):
        ledger = (await self.market.get("/_sim/ledger")).json()
        return compare(await self.executions(), ledger, self.keys)


@asynccontextmanager
async def running_world(folder, *, database_url=None):
    port = free_port(0)
    async with child("simulator", ["simulate", "binance", "--port", str(port)], {}, folder) as simulator:
        await wait_until_ready(simulator, f"http://127.0.0.1:{port}/_sim/health", CLOCK)
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=20) as market:
            running = World(folder, market, free_port(0), database_url)
            await running.tell("price", symbol="BTCUSDT", price="95200", hold=True)
            yield running
