"""The real API in one process for tests: real store, real engine, the real simulator, cheap passwords, a clock to move."""

import asyncio
import contextlib
import json
import secrets
from dataclasses import dataclass, field
from datetime import timedelta

import httpx
from argon2 import PasswordHasher
from prometheus_client import CollectorRegistry

from copydesk.domain.errors import StoreUnavailable
from copydesk.domain.user import Role, User, UserStatus, new_user
from copydesk.engine.desk import Desk
from copydesk.engine.lease import Owner
from copydesk.engine.notifying import Notifying
from copydesk.notifiers.sender import AppriseNotifier
from copydesk.ports.clock import SystemClock
from copydesk.settings import Settings
from copydesk.simulators.binance import serve as serve_simulator
from copydesk.stores.store import SqlStore
from copydesk.web import standing
from copydesk.web.app import build_app
from copydesk.web.hub import Hub
from copydesk.web.limits import Buckets, Limits
from copydesk.web.metrics import Metrics
from copydesk.web.paths import Paths
from copydesk.web.tokens import Passwords, Tokens
from copydesk.wiring.backtest.desk import BacktestDesk
from copydesk.wiring.backup import Backups
from copydesk.wiring.databases import open_database, open_vault
from copydesk.wiring.hub import environments, origins, senders
from copydesk.wiring.markets import Markets
from copydesk.wiring.strategies import StrategyMakers, strategy_desk
from copydesk.wiring.venues import Venues

BOTS = "/api/v1/bots"
ACCOUNTS = "/api/v1/exchange-accounts"
SUBSCRIPTIONS = "/api/v1/bot-subscriptions"
SIGNALS = "/api/v1/bot-signals"
EXECUTIONS = "/api/v1/bot-signal-executions"
USERS = "/api/v1/users"
AUDIT = "/api/v1/audit"
WEBHOOK = "/api/v1/bots/webhook/master"

SURROGATE = "half a surrogate pair is text that cannot be encoded: a 500"

PASSWORD = "correct horse battery"
PASSWORDS = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
UNKNOWN_ID = "0" * 26


class MovableClock:
    """The machine's time, put forward by a test."""

    def __init__(self):
        self._clock = SystemClock()
        self.offset = timedelta(0)

    def now(self):
        return self._clock.now() + self.offset

    def elapsed(self):
        return self._clock.elapsed()

    async def sleep(self, seconds):
        await self._clock.sleep(seconds)

    def forward(self, **time):
        self.offset += timedelta(**time)


@contextlib.asynccontextmanager
async def running_simulator():
    ready = asyncio.get_running_loop().create_future()
    task = asyncio.get_running_loop().create_task(serve_simulator(port=0, on_ready=ready.set_result))
    try:
        port = await asyncio.wait_for(ready, 20)
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=20) as http:
            simulator = Simulator(http, f"http://127.0.0.1:{port}")
            await simulator.tell("price", symbol="BTCUSDT", price="95200", hold=True)
            await simulator.tell("price", symbol="ETHUSDT", price="3300", hold=True)
            yield simulator
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


@dataclass
class Simulator:
    http: httpx.AsyncClient
    url: str

    async def tell(self, door, **body):
        answer = await self.http.post(f"/_sim/{door}", json=body)
        assert answer.is_success, answer.text

    async def key(self, **more):
        """A new key at the venue: what an account needs."""
        key = f"KEY{secrets.token_hex(24)}"
        await self.tell("accounts", api_key=key, api_secret=f"SECRET{key}", balance="100000", **more)
        return {"api_key": key, "api_secret": f"SECRET{key}"}

    async def heal(self):
        await self.http.delete("/_sim/faults")

    async def orders_count(self):
        return len((await self.http.get("/_sim/ledger")).json()["orders"])

    async def orders(self, key):
        ledger = (await self.http.get("/_sim/ledger")).json()
        return [one for one in ledger["orders"] if one["account"] == key]


def no_limits():
    """For tests that are about something else."""
    return Limits(
        **{
            name: Buckets(rate=1e6, burst=10**6)
            for name in ("users", "webhooks", "strangers", "tests", "agents", "sockets", "handshakes")
        }
    )


async def build_hub(
    folder,
    *,
    simulator_url=None,
    deriv_url=None,
    limits=None,
    clock=None,
    setup_token=None,
    market=None,
    strategies=None,
    **settings,
):
    """`market` takes the place of the venues' candles, `strategies` that of the bots that copydesk runs."""
    given = Settings(
        _env_file=None,
        data_dir=folder,
        master_key_file=folder / "master.key",
        public_url="https://desk.example",
        simulator={"binance_url": simulator_url, "deriv_url": deriv_url},
        **settings,
    )
    clock = clock or MovableClock()
    vault, database = open_vault(given), open_database(given)
    metrics = Metrics(CollectorRegistry())
    database.listeners.append(metrics.take_commit)
    store, venues = SqlStore(database, vault), Venues(given, database, clock)
    await database.start()
    desk = Desk(
        store,
        venues,
        clock,
        owner=Owner(name="a test", is_gone=lambda _name: False),
        venue_timeout_s=given.venue_timeout_s,
        ledger_check_every_s=3_600,
    )
    makers, markets = StrategyMakers(folder / "strategies"), Markets(given, clock, venues.deriv)
    backtests = BacktestDesk(given, folder / "strategies", SystemClock())
    await backtests.load()
    market_of = markets.of if market is None else lambda _bot, _account: market
    hub = Hub(
        store=store,
        desk=desk,
        strategies=strategies or strategy_desk(desk, clock, makers, market_of),
        make_strategy=makers.make,
        strategy_names=makers.names,
        backtests=backtests,
        market_name=lambda bot, account: market_of(bot, account).name,
        clock=clock,
        vault=vault,
        notifier=AppriseNotifier(given.notification_hosts),
        venues=venues,
        backups=Backups(given),
        tokens=Tokens(vault.derive("sign access tokens")),
        passwords=PASSWORDS,
        limits=limits or no_limits(),
        paths=Paths(store),
        agents=venues.switchboard,
        webhook_base="https://desk.example",
        environments=environments(given),
        allow_live=given.allow_live,
        origins=origins(given, 8000),
        setup_token=setup_token,
        senders=senders(given),
        metrics=metrics,
        metrics_token=None if given.metrics_token is None else given.metrics_token.get_secret_value(),
    )
    desk.intake.listeners.append(metrics.take_signal)
    return hub, database, markets


@contextlib.asynccontextmanager
async def running_hub(folder, **options):
    """The app as uvicorn would run it, with its lifespan, without a socket."""
    hub, database, markets = await build_hub(folder, **options)

    @contextlib.asynccontextmanager
    async def lifespan(_app):
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(hub.desk.run())
            telling = tasks.create_task(Notifying(hub.store, hub.notifier, hub.clock).run())
            calling = tasks.create_task(hub.agents.run(lambda: hub.desk.is_running))
            looking = tasks.create_task(standing.keep_looking(hub))
            playing = tasks.create_task(hub.backtests.run())
            yield
            playing.cancel()
            running.cancel()
            telling.cancel()
            calling.cancel()
            looking.cancel()
        await hub.notifier.close()
        await hub.venues.close()
        await markets.close()
        await database.close()

    app = build_app(hub, lifespan, "0")
    context = app.router.lifespan_context(app)
    await context.__aenter__()
    try:
        yield Running(app, hub, folder)
    finally:
        # The desk stops at rest: what it was about to start would warn that nobody awaited it.
        with contextlib.suppress(StoreUnavailable):
            await eventually(lambda: _is_calm(hub))
        # A failing test is not the app's affair: its exception stays outside.
        await context.__aexit__(None, None, None)


async def _is_calm(hub):
    await SystemClock().sleep(0.05)
    return not await hub.store.read(lambda tables: tables.signals.waiting())


@dataclass
class Running:
    """A hub and the people on it; `answers` keeps the text of every answer for those who look for leaks."""

    app: object
    hub: Hub
    folder: object
    answers: list[str] = field(default_factory=list)

    @property
    def nobody(self):
        return Person(self, None, None)

    async def person(self, role=Role.FOLLOWER, *, status=UserStatus.ACTIVE, username=None):
        """Somebody with an account on the desk, signed in."""
        now = self.hub.clock.now()
        user = new_user(username or f"user-{secrets.token_hex(6)}", Role(role), at=now, status=status)
        hashed = await self.hub.passwords.hash(PASSWORD)
        await self.hub.store.write(lambda tables: tables.users.add(user, hashed))
        return Person(self, user, self.hub.tokens.access(user, now))

    async def bot(self, owner, **wish):
        """(bot, secret) of a new bot."""
        answer = await owner.post(BOTS, json={"name": "A bot", "default_leverage": 5, **wish})
        assert answer.status_code == 201, answer.text
        bot = answer.json()
        return bot, bot["master_secret"]

    async def paper_account(self, owner, **wish):
        body = {"name": "On paper", "venue": "paper", "environment": "simulator", **wish}
        answer = await owner.post(ACCOUNTS, json=body)
        assert answer.status_code == 201, answer.text
        return answer.json()

    async def futures_account(self, owner, simulator, **wish):
        body = {"name": "Futures", "venue": "binance-futures", "environment": "simulator", **await simulator.key()}
        answer = await owner.post(ACCOUNTS, json=body | wish)
        assert answer.status_code == 201, answer.text
        return answer.json()

    async def subscription(self, owner, bot, account, **wish):
        body = {"bot_id": bot["id"], "exchange_account_id": account["id"], **wish}
        answer = await owner.post(SUBSCRIPTIONS, json=body)
        assert answer.status_code == 201, answer.text
        return answer.json()

    async def alert(self, bot, secret, *, wait=None, **words):
        body = {"secret": secret, "ticker": "BTCUSDT", "action": "buy", "id": secrets.token_hex(8), **words}
        query = {} if wait is None else {"wait": wait}
        return await self.nobody.post(f"{WEBHOOK}/{bot['master_webhook_path']}", json=body, params=query)


@dataclass
class Person:
    """Who sends requests: with a token, or nobody. Errors of the server are answers here, never exceptions."""

    running: Running
    user: User | None
    token: str | None

    async def send(self, method, path, *, address="203.0.113.7", headers=None, **content):
        signed = {} if self.token is None else {"Authorization": f"Bearer {self.token}"}
        if "json" in content:
            # As a hostile program writes it: NaN, lone surrogates and all.
            content["content"] = json.dumps(content.pop("json")).encode()
            signed["Content-Type"] = "application/json"
        transport = httpx.ASGITransport(self.running.app, raise_app_exceptions=False, client=(address, 4711))
        async with httpx.AsyncClient(transport=transport, base_url="http://desk", timeout=20, trust_env=False) as http:
            answer = await http.request(
                method,
                path,
                headers=[*signed.items(), *(headers.items() if isinstance(headers, dict) else headers or [])],
                **content,
            )
        self.running.answers.append(answer.text)
        return answer

    async def get(self, path, **content):
        return await self.send("GET", path, **content)

    async def post(self, path, **content):
        return await self.send("POST", path, **content)

    async def put(self, path, **content):
        return await self.send("PUT", path, **content)

    async def patch(self, path, **content):
        return await self.send("PATCH", path, **content)

    async def delete(self, path, **content):
        return await self.send("DELETE", path, **content)

    async def items(self, path, **query):
        answer = await self.get(path, params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()["items"]


def assert_error(answer, status, code=None):
    """The contract's one shape of errors, and nothing of the inside."""
    assert answer.status_code == status, f"{answer.status_code} {answer.text[:300]}"
    body = answer.json()
    assert set(body) == {"error"}, body
    error = body["error"]
    assert set(error) == {"code", "message", "details"}, error
    assert isinstance(error["code"], str)
    assert isinstance(error["message"], str)
    assert isinstance(error["details"], dict)
    assert error["code"]
    assert error["message"]
    assert "Traceback" not in answer.text
    assert code is None or error["code"] == code, error
    return error


async def eventually(check, within_s=10.0):
    """The first true answer of `check`, asked again and again."""
    clock = SystemClock()
    async with asyncio.timeout(within_s):
        while not (found := await check()):
            await clock.sleep(0.02)
    return found
