"""A whole desk in one process for tests: real store, real ccxt, the real simulator on a free port."""

import asyncio
import contextlib
import hashlib
import secrets
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal

import httpx

from copydesk.domain.bot import Bot
from copydesk.domain.execution import FINAL, State
from copydesk.domain.instrument import canonical_symbol
from copydesk.domain.signal import Action, Instruction, SourceKind
from copydesk.domain.subscription import (
    Account,
    Subscription,
)
from copydesk.domain.user import Role
from copydesk.domain.venue import BINANCE_FUTURES, PAPER
from copydesk.engine.desk import Desk
from copydesk.engine.lease import Owner
from copydesk.ports.clock import SystemClock
from copydesk.simulators.binance import serve
from copydesk.stores.paper import StoredPaperLedger
from copydesk.stores.sqlite import SqliteDatabase
from copydesk.stores.store import SqlStore
from copydesk.stores.vault import EnvelopeVault
from copydesk.venues.binance import BinanceFutures
from copydesk.venues.ccxt import CcxtVenue
from copydesk.venues.deriv import Deriv
from copydesk.venues.paper import Paper
from store_support import make_account, make_bot, make_subscription, make_user

CALM = FINAL | {State.WORKING, State.PARTIAL}
CLOCK = SystemClock()
OWNER = Owner(name="a test", is_gone=lambda _name: False)


@contextlib.asynccontextmanager
async def running_simulator():
    ready = asyncio.get_running_loop().create_future()
    task = asyncio.get_running_loop().create_task(serve(port=0, on_ready=ready.set_result))
    try:
        port = await asyncio.wait_for(ready, 20)
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=20) as http:
            yield Simulator(http, f"http://127.0.0.1:{port}")
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

    async def hold(self, symbol, price):
        await self.tell("price", symbol=symbol, price=str(price), hold=True)

    async def account(self, key, **more):
        await self.tell("accounts", api_key=key, api_secret=f"secret-of-{key}", balance="100000", **more)

    async def orders(self, key=None):
        orders = (await self.http.get("/_sim/ledger")).json()["orders"]
        return [one for one in orders if key is None or one["account"] == key]

    async def positions(self):
        held = (await self.http.get("/_sim/ledger")).json()["positions"]
        return {(one["account"], one["symbol"]): Decimal(one["signed_quantity"]) for one in held}


def new_bot(owner_id, **changes):
    defaults = {
        "owner_id": owner_id,
        "default_leverage": 10,
        "default_margin_usd": Decimal(50),
        "default_stop_loss_pct": Decimal("2.5"),
        "default_take_profit_pct": Decimal(5),
    }
    return make_bot(**defaults | changes)


@dataclass
class Follower:
    account: Account
    subscription: Subscription
    key: str


@dataclass
class DeskUnderTest:
    """`venues` may hold stand-ins: a venue that hangs, a session that breaks."""

    simulator: Simulator
    store: SqlStore
    desk: Desk
    bot: Bot
    followers: list[Follower] = field(default_factory=list)

    async def follow(self, *, venue=BINANCE_FUTURES, key=None, known_to_venue=True, **overrides):
        key = key or secrets.token_hex(16)
        if venue == BINANCE_FUTURES and known_to_venue:
            await self.simulator.account(key)
        user = make_user()
        account = make_account(owner_id=user.id, venue=venue)
        subscription = make_subscription(owner_id=user.id, bot_id=self.bot.id, account_id=account.id, **overrides)
        keys = {} if venue == PAPER else {"api_key": key, "api_secret": f"secret-of-{key}"}

        def work(tables):
            tables.users.add(user, "no password")
            tables.accounts.add(account, keys)
            tables.subscriptions.add(subscription)

        await self.store.write(work)
        follower = Follower(account, subscription, key)
        self.followers.append(follower)
        return follower

    async def signal(self, action, symbol="BTCUSDT", *, received_at=None, target=None, size=None, key=None):
        instruction = Instruction(
            ticker=symbol,
            symbol=canonical_symbol(symbol),
            action=Action(action),
            key=key or secrets.token_hex(8),
            key_ttl_s=60,
            target=target,
            size=size,
            payload={"action": action},
        )
        return await self.desk.intake.accept(
            self.bot.id, instruction, source=SourceKind.TRADINGVIEW, received_at=received_at or CLOCK.now()
        )

    async def executions(self, acceptance=None, follower=None):
        def work(tables):
            signals = [acceptance.signal_id] if acceptance else tables_signal_ids(tables)
            return [one for signal in signals for one in tables.executions.of_signal(signal)]

        found = await self.store.read(work)
        return [one for one in found if follower is None or one.subscription_id == follower.subscription.id]

    async def settled(self, acceptance, *, legs=("open", "close"), within_s=20.0, count=None):
        """The signal's executions once every one of these legs is calm."""
        expected = acceptance.subscribers if count is None else count
        deadline = CLOCK.now() + timedelta(seconds=within_s)
        while True:
            found = [one for one in await self.executions(acceptance) if one.leg.partition(":")[0] in legs]
            if len(found) >= expected and all(one.state in CALM for one in found):
                return found
            assert CLOCK.now() < deadline, [(one.leg, one.state, one.reason) for one in found]
            await asyncio.sleep(0.02)

    async def until(self, condition, within_s=20.0):
        deadline = CLOCK.now() + timedelta(seconds=within_s)
        while not await condition():
            assert CLOCK.now() < deadline, "it did not happen in time"
            await asyncio.sleep(0.05)

    async def position(self, follower, symbol="BTCUSDT"):
        return await self.store.read(lambda tables: tables.positions.get(follower.subscription.id, symbol))


def tables_signal_ids(tables):
    from sqlalchemy import select

    from copydesk.stores import tables as schema

    return list(tables.signals._connection.execute(select(schema.bot_signals.c.id)).scalars())


@contextlib.asynccontextmanager
async def running_desk(folder, simulator, *, venue_timeout_s=10.0, wrap=None, bot=None, clock=CLOCK, owner=OWNER):
    """`wrap` may replace the venues by stand-ins around the real ones."""
    database = SqliteDatabase(folder / "copydesk.db")
    await database.start()
    vault = EnvelopeVault(hashlib.sha256(b"a test's master key").digest())
    store = SqlStore(database, vault)
    binance = BinanceFutures(clock, simulator_url=simulator.url, timeout_s=venue_timeout_s, allow_live=False)
    paper = Paper(CLOCK, StoredPaperLedger(database), binance.quote, binance.symbols)
    venues = {BINANCE_FUTURES: binance, PAPER: paper}
    venues = wrap(venues) if wrap else venues
    desk = Desk(store, venues, clock, owner=owner, venue_timeout_s=venue_timeout_s, ledger_check_every_s=3_600)
    provider = make_user(role=Role.PROVIDER)
    bot = new_bot(provider.id, **(bot or {}))

    def work(tables):
        tables.users.add(provider, "no password")
        tables.bots.add(bot, vault.fingerprint(secrets.token_hex()))

    await store.write(work)
    running = asyncio.get_running_loop().create_task(desk.run())
    try:
        yield DeskUnderTest(simulator, store, desk, bot)
    finally:
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running
        for venue in [binance, *(one for one in venues.values() if isinstance(one, CcxtVenue | Deriv))]:
            await venue.close()
        await database.close()
