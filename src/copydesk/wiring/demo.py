"""The whole product on one machine: simulators, hub, dashboard and terminals' programs as processes, users and followers seeded."""

import asyncio
import json
import os
import re
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import httpx

from copydesk.client.api import ApiClient, signed_in
from copydesk.client.models import NewAccount, NewBot, NewSubscription
from copydesk.client.people import NewUser
from copydesk.domain.bot import MarketType
from copydesk.domain.subscription import Environment
from copydesk.domain.user import Role
from copydesk.domain.venue import BINANCE_FUTURES, PAPER, VenueName
from copydesk.ports.clock import SystemClock
from copydesk.wiring.children import Child, ChildDied, child, free_port, wait_until_ready
from copydesk.wiring.demo_strategies import deriv_simulator, seed_strategies
from copydesk.wiring.demo_terminals import Terminals, at_terminals, seed_terminals
from copydesk.wiring.terminals import broker

SEED_FILE = "demo.json"
SEEDING_AT_ONCE = 4
BALANCE = "5000"

_SETUP_LINK = re.compile(r"/setup/[\w-]+")

Progress = Callable[[str, int, int], None]
"""What is being done, how many are done, of how many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a person asked for; port 0 picks a free one."""

    followers: int
    folder: Path
    port: int
    dashboard_port: int
    simulator_port_base: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """A demo that is up. `seed` is the contract's line: users with passwords, the bot with its secret."""

    api: str
    dashboard: str
    binance: str
    deriv: str
    terminals: Terminals
    seed: dict[str, Any]
    children: tuple[Child, ...]

    def line(self) -> dict[str, Any]:
        """What `--json` prints when everything is ready."""
        public = {key: value for key, value in self.seed.items() if key not in {"keys", "terminals"}}
        simulators = {"binance": self.binance, "deriv": self.deriv, "metatrader5": self.terminals.url}
        return {"api": self.api, "dashboard": self.dashboard, "simulators": simulators, **public}


class Places(NamedTuple):
    """Where the API and the simulators are."""

    api: str
    binance: str
    deriv: str


# Each follower gets the next of these, over and over: own sizes, own limits, one too small to trade, one on paper.
SETTINGS: tuple[tuple[VenueName, dict[str, Any]], ...] = (
    (BINANCE_FUTURES, {"custom_leverage": 5, "custom_margin_usd": Decimal(20)}),
    (BINANCE_FUTURES, {}),
    (BINANCE_FUTURES, {"custom_leverage": 20, "custom_margin_usd": Decimal(100), "custom_stop_loss_pct": 1}),
    (BINANCE_FUTURES, {"custom_leverage": 2, "custom_margin_usd": Decimal(10)}),
    (PAPER, {"custom_leverage": 3, "custom_margin_usd": Decimal(200), "custom_take_profit_pct": 2}),
    (BINANCE_FUTURES, {"max_concurrent_positions": 1, "custom_stop_loss_pct": 0}),
    (BINANCE_FUTURES, {"custom_margin_usd": Decimal(75), "max_daily_loss_usd": Decimal("0.5")}),
)


HANDED_ON = ("COPYDESK_NOTIFICATION_HOSTS", "COPYDESK_METRICS_TOKEN")

SPOT = VenueName("ccxt:binance")
HOLDERS = 2
"""Followers who hold coins besides."""


@asynccontextmanager
async def stage(plan: Plan, progress: Progress) -> AsyncIterator[Scene]:
    """Start everything, seed it once, and end it all when the block ends."""
    clock = SystemClock()
    logs = plan.folder / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    api_port, dashboard_port = free_port(plan.port), free_port(plan.dashboard_port)
    binance_port = free_port(plan.simulator_port_base)
    api, dashboard, binance = (f"http://127.0.0.1:{port}" for port in (api_port, dashboard_port, binance_port))
    state = str((plan.folder / "binance.json").resolve())
    simulate = ["simulate", "binance", "--port", str(binance_port), "--state", state]
    serve = ["serve", "--port", str(api_port), "--dashboard-port", str(dashboard_port)]
    remembered = (plan.folder / "metatrader5.json").resolve()
    async with (
        child("binance-simulator", simulate, {}, logs) as simulator,
        deriv_simulator(free_port(_behind(plan, 1)), logs) as (deriv_child, deriv),
        broker(logs.resolve(), free_port(_behind(plan, 2)), api, remembered) as (own, terminal_simulator),
    ):
        progress("Starting the simulators", 0, 3)
        await wait_until_ready(simulator, f"{binance}/_sim/health", clock)
        async with child("hub", serve, _settings(plan, binance, deriv), logs) as hub:
            progress("Starting the hub", 1, 3)
            await wait_until_ready(hub, f"{api}/ready", clock)
            progress("Starting the dashboard", 2, 3)
            await wait_until_ready(hub, dashboard, clock)
            progress("Started", 3, 3)
            seed = _remembered(plan)
            if seed is None:
                seed = await _seed(plan, await _first_admin(hub, api), Places(api, binance, deriv), progress)
            progress("Starting terminals", 0, 1)
            async with at_terminals(own, terminal_simulator, seed) as terminals:
                yield Scene(
                    api=api,
                    dashboard=dashboard,
                    binance=binance,
                    deriv=deriv,
                    terminals=terminals,
                    seed=seed,
                    children=(simulator, deriv_child, hub, *terminals.children),
                )


def _behind(plan: Plan, distance: int) -> int:
    """The port of Deriv's simulator is next to Binance's, that of MetaTrader 5 the one after."""
    return plan.simulator_port_base and plan.simulator_port_base + distance


def _settings(plan: Plan, binance: str, deriv: str) -> dict[str, str]:
    return {
        "COPYDESK_DATA_DIR": str((plan.folder / "data").resolve()),
        "COPYDESK_MASTER_KEY_FILE": str((plan.folder / "keys" / "master.key").resolve()),
        "COPYDESK_SIMULATOR__BINANCE_URL": binance,
        "COPYDESK_SIMULATOR__DERIV_URL": deriv,
        **_handed_on(),
    }


def _handed_on() -> dict[str, str]:
    """What somebody who tries the desk may want to set; everything else is the demo's own, never another desk's."""
    return {name: value for name in HANDED_ON if (value := os.environ.get(name))}  # noqa: TID251  set for a child


def _remembered(plan: Plan) -> dict[str, Any] | None:
    """The seed of an earlier run in the same folder."""
    path = plan.folder / SEED_FILE
    seed: dict[str, Any] | None = json.loads(path.read_text(encoding="utf-8")) if path.exists() else None
    if seed is not None and not {"terminals", "strategy_bots"} <= seed.keys():
        raise ChildDied(f"{plan.folder} was made by an older demo: choose an empty folder")
    return seed


async def _first_admin(hub: Child, api: str) -> dict[str, str]:
    """Made as on any new desk: by the one-time link that the hub prints."""
    link = _SETUP_LINK.search(hub.log.read_text(encoding="utf-8"))
    if link is None:
        raise ChildDied(f"{hub.log.parent.parent} holds another desk's data: choose an empty folder")
    admin = {"username": "admin", "password": _password()}
    async with httpx.AsyncClient(base_url=api, timeout=20) as http:
        (await http.post(link.group(), json={**admin, "role": "admin"})).raise_for_status()
    return admin


async def _seed(plan: Plan, admin: dict[str, str], places: Places, progress: Progress) -> dict[str, Any]:
    """Through the API, as people would; remembered in a file only its owner can read."""
    api, binance, deriv = places
    provider = {"username": "provider", "password": _password()}
    followers = [{"username": f"follower{number}", "password": _password()} for number in range(1, plan.followers + 1)]
    keys: dict[str, str] = {}
    async with signed_in(api, **admin) as desk, httpx.AsyncClient(base_url=binance, timeout=20) as market:
        await desk.create_user(NewUser(**provider, role=Role.PROVIDER))
        async with signed_in(api, **provider) as providing:
            bot, spot_bot = [await providing.create_bot(wanted) for wanted in (_demo_bot(), _spot_bot())]
        limit = asyncio.Semaphore(SEEDING_AT_ONCE)

        async def seed_one(number: int, follower: dict[str, str]) -> None:
            async with limit:
                await _seed_follower(desk, market, api, bot.id, number, follower, keys)
                progress("Seeding followers", len(keys), plan.followers)

        async with asyncio.TaskGroup() as tasks:
            for number, follower in enumerate(followers):
                tasks.create_task(seed_one(number, follower))
        for follower in followers[:HOLDERS]:
            await _seed_holder(market, api, spot_bot.id, follower, keys)
        users = {"admin": admin, "provider": provider, "followers": followers}
        terminals = await seed_terminals(desk, api, users)
    strategy_bots = await seed_strategies(api, deriv, users)
    line = {
        "users": users,
        "bots": [
            {"id": one.id, "name": one.name, "webhook_url": one.webhook_url, "secret": one.master_secret}
            for one in (bot, spot_bot)
        ],
        "strategy_bots": strategy_bots,
        "keys": keys,
        "terminals": terminals,
    }
    _remember(plan.folder / SEED_FILE, line)
    return line


async def _seed_follower(
    desk: ApiClient,
    market: httpx.AsyncClient,
    api: str,
    bot_id: str,
    number: int,
    follower: dict[str, str],
    keys: dict[str, str],
) -> None:
    """`keys` gets the simulator's key of each account (empty for paper)."""
    venue, own = SETTINGS[number % len(SETTINGS)]
    key = {"api_key": secrets.token_hex(32), "api_secret": secrets.token_hex(32)}
    if venue == BINANCE_FUTURES:
        (await market.post("/_sim/accounts", json={**key, "balance": BALANCE})).raise_for_status()
    await desk.create_user(NewUser(**follower, role=Role.FOLLOWER))
    async with signed_in(api, **follower) as mine:
        wanted = NewAccount(
            name="Paper" if venue == PAPER else "Binance",
            venue=venue,
            environment=Environment.SIMULATOR,
            **({} if venue == PAPER else key),
        )
        account = await mine.create_account(wanted)
        await mine.subscribe(NewSubscription(bot_id=bot_id, exchange_account_id=account.id, **own))
    keys[account.id] = "" if venue == PAPER else key["api_key"]


async def _seed_holder(
    market: httpx.AsyncClient, api: str, bot_id: str, follower: dict[str, str], keys: dict[str, str]
) -> None:
    """A second account of a follower: coins on Binance spot, through ccxt."""
    key = {"api_key": secrets.token_hex(32), "api_secret": secrets.token_hex(32)}
    wallet = {"balance": "0", "spot": {"USDT": BALANCE}}
    (await market.post("/_sim/accounts", json={**key, **wallet})).raise_for_status()
    async with signed_in(api, **follower) as mine:
        wanted = NewAccount(name="Spot", venue=SPOT, environment=Environment.SIMULATOR, **key)
        account = await mine.create_account(wanted)
        await mine.subscribe(NewSubscription(bot_id=bot_id, exchange_account_id=account.id))
    keys[account.id] = key["api_key"]


def _spot_bot() -> NewBot:
    return NewBot(
        name="Swing Spot Demo",
        description="Buys coins and sells them again; made by the demo.",
        market_type=MarketType.SPOT,
        master_webhook_path="bot-swing-spot",
        default_margin_usd=Decimal(500),
        default_stop_loss_pct=Decimal(3),
    )


def _demo_bot() -> NewBot:
    return NewBot(
        name="EMA Cross 15m Demo",
        description="Buys and sells on a crossing of two moving averages; made by the demo.",
        master_webhook_path="bot-ema-cross-15m",
        default_leverage=10,
        default_margin_usd=Decimal(50),
        default_stop_loss_pct=Decimal("2.5"),
        default_take_profit_pct=Decimal(5),
    )


def _remember(path: Path, seed: dict[str, Any]) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(seed, file)


def _password() -> str:
    return secrets.token_urlsafe(12)
