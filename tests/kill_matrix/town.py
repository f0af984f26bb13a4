"""The place where it happens: an exchange that lives on, a wire to it, hubs that die, people who follow, alerts that are sent again."""

import asyncio
import os
import re
import secrets
import signal
import sys
import time
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

import httpx

from copydesk.client.api import signed_in
from copydesk.client.breaker import BreakerWish
from copydesk.client.models import CopyChoices, NewAccount, NewBot, NewSubscription
from copydesk.ports.clock import SystemClock
from copydesk.wiring.children import child, free_port, wait_until_ready
from kill_matrix.plan import SYMBOLS, followers
from kill_matrix.wire import Wire

CLOCK = SystemClock()
PASSWORD = "a password for the matrix"
ENDS_WITHIN_S = 10


@dataclass(slots=True)
class Alert:
    """Sent again until a hub has answered 2xx, as TradingView does on 5xx and as its user does by hand."""

    path: str
    message: dict
    point: str
    signals: set = field(default_factory=set)
    refused: str | None = None

    @property
    def is_answered(self):
        return bool(self.signals) or self.refused is not None


@dataclass(slots=True)
class Hub:
    """A process; `serving_s` from its start until it was ready and had taken an alert, None where it died before."""

    process: asyncio.subprocess.Process
    url: str
    log: Path
    began_s: float
    is_ready: bool = False
    serving_s: float | None = None

    @property
    def is_dead(self):
        return self.process.returncode is not None

    @property
    def is_stopped(self):
        """Told by the kernel, without taking the news away from whoever waits for its end."""
        flags = os.WSTOPPED | os.WNOHANG | os.WNOWAIT
        with suppress(ChildProcessError):
            return os.waitid(os.P_PID, self.process.pid, flags) is not None
        return False

    def tell(self, number):
        if not self.is_dead:
            os.kill(self.process.pid, number)

    def kill(self):
        self.tell(signal.SIGKILL)

    async def end(self):
        self.kill()
        await self.process.wait()

    def last_words(self):
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-15:])


class Town:
    """Everything that outlives a hub; what a reader of this world from outside would know is in `facts`."""

    def __init__(self, folder, seed, database_url):
        self.folder = folder
        self.seed = seed
        self.database_url = database_url
        self.alerts = []
        self.breakers = []
        self.accounts = {}
        self.bots = []
        self.woken = []
        self.wire = None
        self.market = None
        self._stack = AsyncExitStack()
        self._port = free_port(0)

    async def __aenter__(self):
        self.exchange_port = port = free_port(0)
        exchange = await self._stack.enter_async_context(
            child("exchange", ["simulate", "binance", "--port", str(port)], {}, self.folder)
        )
        await wait_until_ready(exchange, f"http://127.0.0.1:{port}/_sim/health", CLOCK)
        self.ledger_url = f"http://127.0.0.1:{port}/_sim/ledger"
        self.market = await self._stack.enter_async_context(
            httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=20)
        )
        self.wire, self._exchange_url = await self.new_wire()
        for symbol, price in SYMBOLS.items():
            await self.set_price(symbol, str(price))
        return self

    async def __aexit__(self, *error):
        await self._stack.aclose()

    async def new_wire(self):
        wire = Wire(self.exchange_port)
        address = await wire.open()
        self._stack.push_async_callback(wire.close)
        return wire, address

    async def tell(self, door, **body):
        (await self.market.post(f"/_sim/{door}", json=body)).raise_for_status()

    async def set_price(self, symbol, price):
        await self.tell("price", symbol=symbol, price=price, hold=True)

    async def set_faults(self, faults):
        await self.calm_down()
        for fault in faults:
            delay = {} if fault.delay_s is None else {"delay_s": fault.delay_s}
            await self.tell("faults", kind=fault.kind, probability=fault.probability, **delay)

    async def calm_down(self):
        (await self.market.delete("/_sim/faults")).raise_for_status()

    async def start_hub(self, point="none", countdown=1, *, ending="KILL", port=None, exchange_url=None):
        """It is on its way when this returns; `serve` waits until it serves."""
        settings = {
            "COPYDESK_DATA_DIR": str(self.folder / "data"),
            "COPYDESK_MASTER_KEY_FILE": str(self.folder / "keys" / "master.key"),
            "COPYDESK_SIMULATOR__BINANCE_URL": exchange_url or self._exchange_url,
            "COPYDESK_VENUE_TIMEOUT_S": "3",
        }
        if self.database_url is not None:
            settings["COPYDESK_DATABASE_URL"] = self.database_url
        port = port or self._port
        log = self.folder / f"hub-{port}.log"
        seams = ("--point", point, "--countdown", str(countdown), "--signal", ending)
        began_s = time.monotonic()
        with log.open("ab") as output:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "kill_matrix.hub", *seams),
                *("--", "serve", "--no-dashboard", "--port", str(port)),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=_inherited() | {"PYTHONPATH": str(Path(__file__).parent.parent)} | settings,
                cwd=self.folder,
            )
        hub = Hub(process, f"http://127.0.0.1:{port}", log, began_s)
        self._stack.push_async_callback(_end, hub)
        return hub

    async def serve(self, hub, *, within_s=60.0):
        """Wait until it is ready; False where it died before."""
        async with httpx.AsyncClient(base_url=hub.url, timeout=5) as http:
            while not hub.is_dead and time.monotonic() - hub.began_s < within_s:
                try:
                    if (await http.get("/ready")).is_success:
                        hub.is_ready = True
                        return True
                except httpx.TransportError:
                    pass
                await asyncio.sleep(0.03)
        return False

    async def must_serve(self, hub, *, within_s=60.0):
        if not await self.serve(hub, within_s=within_s):
            raise RuntimeError(f"a hub that nobody killed does not serve:\n{hub.last_words()}")

    async def settle_in(self, hub):
        """The first admin, two bots, and followers who want different things."""
        link = re.search(r"/setup/[\w-]+", hub.log.read_text()).group()
        async with httpx.AsyncClient(base_url=hub.url) as http:
            made = await http.post(link, json={"username": "admin", "password": PASSWORD, "role": "admin"})
            made.raise_for_status()
        async with signed_in(hub.url, "admin", PASSWORD) as admin:
            for name, on_opposite in (("Matrix", "close"), ("Other", "reverse")):
                bot = NewBot(
                    name=name,
                    default_leverage=10,
                    default_margin_usd=Decimal(80),
                    default_stop_loss_pct=Decimal(2),
                    on_opposite=on_opposite,
                )
                self.bots.append(await admin.create_bot(bot))
            for number, wanted in enumerate(followers(self.seed)):
                await self._follow(admin, number, wanted)

    async def _follow(self, admin, number, wanted):
        key = secrets.token_hex(16)
        await self.tell("accounts", api_key=key, api_secret=f"{key}-secret", balance="100000")
        new = NewAccount(
            name=f"A{number}",
            venue="binance-futures",
            environment="simulator",
            api_key=key,
            api_secret=f"{key}-secret",
        )
        account = await admin.create_account(new)
        self.accounts[account.id] = key
        subscription = NewSubscription(
            bot_id=self.bots[wanted.bot].id,
            exchange_account_id=account.id,
            custom_leverage=wanted.leverage,
            custom_margin_usd=wanted.margin_usd,
            custom_stop_loss_pct=wanted.stop_loss_pct,
            custom_take_profit_pct=wanted.take_profit_pct,
            max_concurrent_positions=wanted.positions_max,
            status="close_only" if wanted.is_close_only else "active",
            copy=CopyChoices(margin_mode="cross" if wanted.is_crossed else "isolated"),
        )
        await admin.subscribe(subscription)

    async def volley(self, hub, volley, point):
        """All of it at once; what a dying hub did not answer stays to be sent again."""
        if volley.price is not None:
            await self.set_price(*volley.price)
        sent = [self.send(hub, self._new_alert(planned, point), planned.times) for planned in volley.alerts]
        await asyncio.gather(*sent)

    def _new_alert(self, planned, point):
        bot = self.bots[planned.bot]
        action, _, half = planned.action.partition(" ")
        message = {
            "secret": bot.master_secret,
            "ticker": planned.symbol,
            "action": action,
            "id": f"alert-{len(self.alerts)}",
        }
        if half:
            message["size"] = "50%"
        alert = Alert(bot.webhook_url.partition("/api/")[2], message, point)
        self.alerts.append(alert)
        return alert

    async def send(self, hub, alert, times=1):
        async with httpx.AsyncClient(base_url=hub.url, timeout=4) as http:
            posts = [http.post(f"/api/{alert.path}", json=alert.message) for _ in range(times)]
            for answer in await asyncio.gather(*posts, return_exceptions=True):
                if isinstance(answer, httpx.Response) and answer.is_success:
                    alert.signals.add(answer.json()["signal_id"])
                    if hub.is_ready and hub.serving_s is None:
                        hub.serving_s = time.monotonic() - hub.began_s
                elif isinstance(answer, httpx.Response) and answer.status_code in {409, 422}:
                    alert.refused = answer.text

    async def send_again(self, hub):
        for alert in [one for one in self.alerts if not one.is_answered]:
            if not hub.is_dead:
                await self.send(hub, alert)

    async def pull_breaker(self, hub, mode):
        """In force from the moment the hub tells; a release may count from before it was asked for."""
        asked_at = CLOCK.now()
        async with signed_in(hub.url, "admin", PASSWORD) as admin:
            pulled = await admin.pull_breaker(BreakerWish(scope="all", mode=mode))
        at = asked_at if mode == "release" else pulled.in_force_since
        self.breakers.append((mode, at.isoformat()))

    def facts(self, calm_since):
        return {
            "acknowledged": sorted({one for alert in self.alerts for one in alert.signals}),
            "answers": {alert.message["id"]: sorted(alert.signals) for alert in self.alerts},
            "calm_since": calm_since,
            "breakers": self.breakers,
            "accounts": self.accounts,
            "woken": self.woken,
        }


def _inherited():
    return {name: value for name, value in os.environ.items() if not name.startswith("COPYDESK_")}


async def _end(hub):
    if hub.is_dead:
        return
    hub.tell(signal.SIGCONT)
    hub.process.terminate()
    try:
        await asyncio.wait_for(hub.process.wait(), ENDS_WITHIN_S)
    except TimeoutError:
        await hub.end()
