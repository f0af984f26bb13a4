"""The place where it happens: an exchange that lives on, a wire to it, hubs that die, people who follow, alerts that are sent again."""

import asyncio
import os
import re
import secrets
import signal
import sys
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

import httpx

from copydesk.client.api import signed_in
from copydesk.client.breaker import BreakerWish
from copydesk.client.models import NewAccount, NewBot, NewSubscription
from copydesk.ports.clock import SystemClock
from copydesk.wiring.children import child, free_port, wait_until_ready
from kill_matrix.wire import Wire

CLOCK = SystemClock()
PASSWORD = "a password for the matrix"
SYMBOLS = {"BTCUSDT": 95_200, "ETHUSDT": 3_300, "SOLUSDT": 150}
FOLLOWERS = 8
FAULTS = ("drop_after", "drop_before", "unknown_executed", "unknown_not_executed", "truncated", "empty_200", "html_502")
FAULTS += ("late_not_found", "delay_after", "duplicate_event", "reordered_event", "stream_disconnect")
ACTIONS = ("open_long", "open_short", "close", "buy", "sell")


@dataclass(slots=True)
class Alert:
    """Sent again until a hub has answered 2xx, as TradingView does on 5xx and as its user does by hand."""

    path: str
    message: dict
    signals: set = field(default_factory=set)
    refused: str | None = None

    @property
    def is_answered(self):
        return bool(self.signals) or self.refused is not None


@dataclass(slots=True)
class Hub:
    """A process; `serving_s` from its start until it was ready and had taken an alert."""

    process: asyncio.subprocess.Process
    url: str
    log: object
    serving_s: float | None = None

    @property
    def is_dead(self):
        return self.process.returncode is not None

    def kill(self):
        if not self.is_dead:
            os.kill(self.process.pid, signal.SIGKILL)


class Town:
    """Everything that outlives a hub; what a reader of this world from outside would know is in `facts`."""

    def __init__(self, folder, random, database_url):
        self.folder = folder
        self.random = random
        self.database_url = database_url
        self.alerts = []
        self.breakers = []
        self.accounts = {}
        self.bots = []
        self.wire = None
        self.market = None
        self._stack = AsyncExitStack()
        self._port = free_port(0)
        self._count = 0

    async def __aenter__(self):
        port = free_port(0)
        exchange = await self._stack.enter_async_context(
            child("exchange", ["simulate", "binance", "--port", str(port)], {}, self.folder)
        )
        await wait_until_ready(exchange, f"http://127.0.0.1:{port}/_sim/health", CLOCK)
        self.ledger_url = f"http://127.0.0.1:{port}/_sim/ledger"
        self.market = await self._stack.enter_async_context(
            httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=20)
        )
        self.wire = Wire(port, self.random)
        self._exchange_url = f"http://127.0.0.1:{await self.wire.open()}"
        self._stack.push_async_callback(self.wire.close)
        for symbol, price in SYMBOLS.items():
            await self.tell("price", symbol=symbol, price=str(price), hold=True)
        return self

    async def __aexit__(self, *error):
        await self._stack.aclose()

    async def tell(self, door, **body):
        (await self.market.post(f"/_sim/{door}", json=body)).raise_for_status()

    async def start_hub(self, point="none", countdown=1, *, port=None):
        """It is on its way when this returns; `serve` waits until it serves."""
        settings = {
            "COPYDESK_DATA_DIR": str(self.folder / "data"),
            "COPYDESK_MASTER_KEY_FILE": str(self.folder / "keys" / "master.key"),
            "COPYDESK_SIMULATOR__BINANCE_URL": self._exchange_url,
            "COPYDESK_VENUE_TIMEOUT_S": "3",
        }
        if self.database_url is not None:
            settings["COPYDESK_DATABASE_URL"] = self.database_url
        port = port or self._port
        log = self.folder / f"hub-{port}.log"
        verb = ("serve", "--no-dashboard", "--port", str(port))
        with log.open("ab") as output:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "kill_matrix.hub", point, str(countdown), "--", *verb),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=_inherited() | {"PYTHONPATH": str(Path(__file__).parent.parent)} | settings,
                cwd=self.folder,
            )
        hub = Hub(process, f"http://127.0.0.1:{port}", log)
        self._stack.push_async_callback(_end, hub)
        return hub

    async def serve(self, hub, *, within_s=60.0):
        """Wait until it is ready; False where it died before."""
        began = time.monotonic()
        async with httpx.AsyncClient(base_url=hub.url, timeout=5) as http:
            while not hub.is_dead and time.monotonic() - began < within_s:
                try:
                    if (await http.get("/ready")).is_success:
                        hub.serving_s = time.monotonic() - began
                        return True
                except httpx.TransportError:
                    pass
                await asyncio.sleep(0.03)
        return False

    async def settle_in(self, hub):
        """The first admin, two bots, and followers who want different things."""
        link = re.search(r"/setup/[\w-]+", hub.log.read_text()).group()
        async with httpx.AsyncClient(base_url=hub.url) as http:
            made = await http.post(link, json={"username": "admin", "password": PASSWORD, "role": "admin"})
            made.raise_for_status()
        async with signed_in(hub.url, "admin", PASSWORD) as admin:
            for name in ("Matrix", "Other"):
                bot = NewBot(
                    name=name, default_leverage=10, default_margin_usd=Decimal(80), default_stop_loss_pct=Decimal(2)
                )
                self.bots.append(await admin.create_bot(bot))
            for number in range(FOLLOWERS):
                await self._follow(admin, number)

    async def _follow(self, admin, number):
        key = secrets.token_hex(16)
        await self.tell("accounts", api_key=key, api_secret=f"{key}-secret", balance="100000")
        wanted = NewAccount(
            name=f"A{number}",
            venue="binance-futures",
            environment="simulator",
            api_key=key,
            api_secret=f"{key}-secret",
        )
        account = await admin.create_account(wanted)
        self.accounts[account.id] = key
        subscription = NewSubscription(
            bot_id=self.bots[number % 4 == 3].id,
            exchange_account_id=account.id,
            custom_leverage=self.random.choice((None, 5, 20)),
            custom_margin_usd=self.random.choice((None, Decimal(120), Decimal("333.3"))),
            custom_stop_loss_pct=self.random.choice((None, Decimal(0), Decimal("0.8"))),
            custom_take_profit_pct=self.random.choice((None, Decimal("0.9"))),
            max_concurrent_positions=1 if number == 5 else None,
            status="close_only" if number == 6 else "active",
        )
        await admin.subscribe(subscription)

    def new_alert(self):
        bot = self.bots[self.random.random() < 0.25]
        action = self.random.choice(ACTIONS)
        message = {
            "secret": bot.master_secret,
            "ticker": self.random.choice(list(SYMBOLS)),
            "action": action,
            "id": f"alert-{len(self.alerts)}",
        }
        if action == "close" and self.random.random() < 0.3:
            message["size"] = "50%"
        alert = Alert(bot.webhook_url.partition("/api/")[2], message)
        self.alerts.append(alert)
        return alert

    async def send(self, hub, alert, times=1):
        """True where it was answered. What a dying hub did not answer stays to be sent again."""
        async with httpx.AsyncClient(base_url=hub.url, timeout=4) as http:
            posts = [http.post(f"/api/{alert.path}", json=alert.message) for _ in range(times)]
            for answer in await asyncio.gather(*posts, return_exceptions=True):
                if isinstance(answer, httpx.Response) and answer.is_success:
                    alert.signals.add(answer.json()["signal_id"])
                elif isinstance(answer, httpx.Response) and answer.status_code in {409, 422}:
                    alert.refused = answer.text
        return alert.is_answered

    async def send_again(self, hub):
        for alert in [one for one in self.alerts if not one.is_answered]:
            if not hub.is_dead:
                await self.send(hub, alert)

    async def pull_breaker(self, hub, mode):
        async with signed_in(hub.url, "admin", PASSWORD) as admin:
            await admin.pull_breaker(BreakerWish(scope="all", mode=mode))
        self.breakers.append((mode, CLOCK.now().isoformat()))

    async def stir(self):
        """Prices move, and some of what may go wrong does."""
        symbol = self.random.choice(list(SYMBOLS))
        price = round(SYMBOLS[symbol] * self.random.uniform(0.985, 1.015), 1)
        await self.tell("price", symbol=symbol, price=str(price), hold=True)
        await self.market.delete("/_sim/faults")
        if self.random.random() < 0.6:
            kind = self.random.choice(FAULTS)
            await self.tell(
                "faults", kind=kind, probability=self.random.choice((0.1, 0.3)), delay_s=self.random.choice((1, 4))
            )

    async def calm_down(self):
        self.wire.disarm()
        (await self.market.delete("/_sim/faults")).raise_for_status()

    def facts(self, calm_since):
        acknowledged = sorted({one for alert in self.alerts for one in alert.signals})
        twice = [alert.message["id"] for alert in self.alerts if len(alert.signals) > 1]
        return {
            "acknowledged": acknowledged,
            "answered_with_two_signals": twice,
            "calm_since": calm_since,
            "breakers": self.breakers,
            "accounts": self.accounts,
        }


def _inherited():
    return {name: value for name, value in os.environ.items() if not name.startswith("COPYDESK_")}


async def _end(hub):
    if not hub.is_dead:
        os.kill(hub.process.pid, signal.SIGCONT)
        hub.process.terminate()
        try:
            await asyncio.wait_for(hub.process.wait(), 10)
        except TimeoutError:
            hub.kill()
            await hub.process.wait()
