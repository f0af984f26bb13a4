"""What the demo plays: alerts that fire, a market that moves, and a check that both ledgers agree."""

from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import httpx

from copydesk.client.api import ApiClient, signed_in
from copydesk.client.models import ExecutionAnswer, SignalAnswer
from copydesk.domain.execution import FINAL, State
from copydesk.domain.ids import CLIENT_ORDER_PREFIX
from copydesk.ports.clock import Clock, SystemClock
from copydesk.wiring.demo import Scene
from copydesk.wiring.demo_strategies import start_strategies

SETTLE_TIMEOUT_S = 60.0
LOOK_EVERY_S = 0.5
BETWEEN_ALERTS_S = 15.0

_CALM = FINAL | {State.WORKING, State.PARTIAL}


@dataclass(frozen=True, slots=True)
class Beat:
    """One moment of the story: a price, then an alert (or none) of one of the demo's bots; `at_terminal`, what the master's hand
    does (or nothing) at MetaTrader 5.
    """

    text: str
    symbol: str
    price: str
    action: str | None = None
    bot: int = 0
    at_terminal: bool = False


STORY = (
    Beat("BTC crosses up: buy", "BTCUSDT", "95200", "buy"),
    Beat("ETH crosses up: buy", "ETHUSDT", "3300", "buy"),
    Beat("BTC gains a little", "BTCUSDT", "95900"),
    Beat("BTC on spot: buy coins", "BTCUSDT", "95900", "buy", bot=1),
    Beat("BTC crosses down: sell, which closes", "BTCUSDT", "95900", "sell"),
    Beat("ETH falls through every stop", "ETHUSDT", "3190"),
    Beat("BTC turns: short", "BTCUSDT", "95700", "short"),
    Beat("BTC turns back: long, which reverses", "BTCUSDT", "95750", "long"),
    Beat("SOL crosses up: buy", "SOLUSDT", "190", "buy"),
    Beat("SOL reaches every target", "SOLUSDT", "201"),
    Beat("BTC: close everything", "BTCUSDT", "95800", "close"),
    Beat("BTC on spot: sell the coins", "BTCUSDT", "95800", "sell", bot=1),
    Beat("A master buys gold at its terminal", "XAUUSD", "2650", "buys gold", at_terminal=True),
    Beat("The master leaves an order to buy lower", "EURUSD", "1.085", "leaves an order", at_terminal=True),
    Beat("EUR falls to the order", "EURUSD", "1.0815", at_terminal=True),
    Beat("The master closes everything", "XAUUSD", "2655", "closes everything", at_terminal=True),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """What came of a story, and every place where the two ledgers differ (none, it is hoped)."""

    signals: Sequence[SignalAnswer]
    executions: Sequence[ExecutionAnswer]
    differences: Sequence[str]
    followers: int
    duration_s: float

    def line(self) -> dict[str, Any]:
        """The contract's end line of `--once`."""
        return {
            "signals": len(self.signals),
            "followers": self.followers,
            "executions": dict(sorted(Counter(one.state for one in self.executions).items())),
            "ledgers_match": not self.differences,
            "duration_s": round(self.duration_s, 1),
        }


async def play(scene: Scene, tell: Callable[[int, Beat], None]) -> Ending:
    """The whole story once, then wait until everything is settled, then compare the books."""
    clock = SystemClock()
    started = clock.now()
    admin = scene.seed["users"]["admin"]
    async with signed_in(scene.api, **admin) as api, httpx.AsyncClient(base_url=scene.binance, timeout=20) as market:
        for number, beat in enumerate(STORY):
            tell(number, beat)
            await _play_beat(scene, api, market, beat)
            await _settled(api, clock)
        signals, executions, differences = await _books(scene, api, market, clock)
        for beat in {beat.symbol: beat for beat in STORY}.values():
            await _set_price(scene, market, beat, hold=False)
    return Ending(
        signals=signals,
        executions=executions,
        differences=differences,
        followers=len(scene.seed["users"]["followers"]),
        duration_s=(clock.now() - started).total_seconds(),
    )


async def _books(
    scene: Scene, api: ApiClient, market: httpx.AsyncClient, clock: Clock
) -> tuple[Sequence[SignalAnswer], Sequence[ExecutionAnswer], Sequence[str]]:
    """Compared until they agree: with hundreds of followers it takes a while until every triggered stop was looked at."""
    deadline = clock.now().timestamp() + SETTLE_TIMEOUT_S
    while True:
        signals, executions = await api.signals(), await api.executions()
        differences = compare(executions, (await market.get("/_sim/ledger")).json(), scene.seed["keys"])
        differences += await scene.terminals.differences(executions)
        if not differences or clock.now().timestamp() > deadline:
            return signals, executions, differences
        await clock.sleep(LOOK_EVERY_S)


async def play_on(scene: Scene) -> AsyncIterator[str]:
    """Alerts now and then on the moving market, and a master's hand between them, for as long as somebody watches."""
    alerts = [("BTCUSDT", "buy"), ("ETHUSDT", "buy"), ("BTCUSDT", "sell"), ("SOLUSDT", "short"), ("ETHUSDT", "close")]
    alerts += [("BTCUSDT", "short"), ("SOLUSDT", "close"), ("BTCUSDT", "long"), ("BTCUSDT", "close")]
    async with signed_in(scene.api, **scene.seed["users"]["admin"]) as desk:
        await start_strategies(desk, scene.seed["strategy_bots"])
    yield "The strategy bots are started: RSI on four coins, a streak on Volatility 100"
    async with ApiClient(scene.api) as api:
        while True:
            for symbol, action in alerts:
                for one in scene.children:
                    one.check()
                answer = await _alert(scene, api, symbol, action, wait_s=2.0)
                stats = answer.broadcast_stats
                yield f"{action} {symbol}: {stats.successful_executions} copied, {stats.skipped} skipped, {stats.duration_ms} ms"
                await SystemClock().sleep(BETWEEN_ALERTS_S)
            for act in ("buys gold", "closes everything"):
                await scene.terminals.act(act)
                yield f"The master {act} at its MetaTrader 5 terminal: {len(scene.terminals.accounts)} copiers followed"
                await SystemClock().sleep(BETWEEN_ALERTS_S)


async def watch_over(scene: Scene) -> None:
    """Until somebody ends it. Raise ChildDied when one of the programs does."""
    while True:
        for one in scene.children:
            one.check()
        await SystemClock().sleep(1)


def compare(executions: Sequence[ExecutionAnswer], ledger: Mapping[str, Any], keys: Mapping[str, str]) -> list[str]:
    """Every difference between our book and the simulator's, in words."""
    orders = {(one["account"], one["client_order_id"]): one for one in ledger["orders"] if not _is_trigger(one)}
    filled = _filled_quantities(ledger)
    differences = []
    ours = {}
    for one in executions:
        key = keys.get(one.account_id)
        if key:
            ours[key, one.client_order_id or one.id] = one
            differences += _differences(one, key, orders, filled)
    for (account, client_order_id), order in orders.items():
        if client_order_id.startswith(CLIENT_ORDER_PREFIX) and (account, client_order_id) not in ours:
            differences.append(f"the venue has {client_order_id} ({order['status']}) which we do not know")
    return differences + _position_differences(executions, ledger, keys)


def _differences(
    one: ExecutionAnswer, key: str, orders: Mapping[tuple[str, str], Any], filled: Mapping[tuple[str, str], Decimal]
) -> list[str]:
    sent = one.state in {State.FILLED, State.WORKING, State.PARTIAL, State.CANCELLED} and one.exchange_order_id
    there = one.client_order_id is not None and (key, one.client_order_id) in orders
    if bool(sent) != there:
        return [f"{one.leg} {one.id} is {one.state} here, and {'there' if there else 'not there'} at the venue"]
    at_venue = filled.get((key, one.client_order_id or ""), Decimal(0))
    if at_venue != one.executed_quantity:
        return [f"{one.leg} {one.id}: executed {one.executed_quantity} here, {at_venue} at the venue"]
    return []


def _is_trigger(order: Mapping[str, Any]) -> bool:
    """The order that a conditional one became: it carries the same client id."""
    return "algo_id" in order and not order["order_id"].startswith("algo-")


def _filled_quantities(ledger: Mapping[str, Any]) -> dict[tuple[str, str], Decimal]:
    owner = {one["order_id"]: (one["account"], one["client_order_id"]) for one in ledger["orders"]}
    filled: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for fill in ledger["fills"]:
        filled[owner[fill["order_id"]]] += Decimal(fill["quantity"])
    return filled


def _position_differences(
    executions: Sequence[ExecutionAnswer], ledger: Mapping[str, Any], keys: Mapping[str, str]
) -> list[str]:
    """Spot has coins and no positions: there the fills of each order are what can be compared."""
    coins = {one["account"] for one in ledger["orders"] if one.get("market") == "spot"}
    ours: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for one in executions:
        if keys.get(one.account_id) and keys[one.account_id] not in coins:
            sign = 1 if one.side == "BUY" else -1
            ours[keys[one.account_id], one.symbol] += sign * one.executed_quantity
    theirs: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for held in ledger["positions"]:
        sign = -1 if held["side"] in {"SHORT", "SELL"} else 1
        theirs[held["account"], held["symbol"]] += sign * abs(Decimal(held["quantity"]))
    return [
        f"{symbol}: {ours[account, symbol]} here, {theirs[account, symbol]} at the venue (account …{account[-4:]})"
        for account, symbol in sorted(set(ours) | set(theirs))
        if account in keys.values() and account not in coins and ours[account, symbol] != theirs[account, symbol]
    ]


async def _play_beat(scene: Scene, api: ApiClient, market: httpx.AsyncClient, beat: Beat) -> None:
    await _set_price(scene, market, beat, hold=True)
    if beat.at_terminal:
        await (scene.terminals.until_followed() if beat.action is None else scene.terminals.act(beat.action))
    elif beat.action is not None:
        await _alert(scene, api, beat.symbol, beat.action, bot=beat.bot, wait_s=2.5)


async def _set_price(scene: Scene, market: httpx.AsyncClient, beat: Beat, *, hold: bool) -> None:
    if beat.at_terminal:
        await scene.terminals.price(beat.symbol, beat.price, hold=hold)
        return
    answer = await market.post("/_sim/price", json={"symbol": beat.symbol, "price": beat.price, "hold": hold})
    answer.raise_for_status()


async def _alert(scene: Scene, api: ApiClient, symbol: str, action: str, *, bot: int = 0, wait_s: float) -> Any:
    told = scene.seed["bots"][bot]
    # The path of this run: in a folder that is used again, the hub may have another port.
    url = f"{scene.api}/api/v1/bots/webhook/master/{told['webhook_url'].rsplit('/', 1)[1]}"
    ticker = f"BINANCE:{symbol}" + ("" if bot else ".P")
    return await api.alert(url, {"secret": told["secret"], "ticker": ticker, "action": action}, wait_s=wait_s)


async def _settled(api: ApiClient, clock: Clock) -> None:
    """Until nothing is under way, and stops that the price has passed are seen as filled."""
    deadline = clock.now().timestamp() + SETTLE_TIMEOUT_S
    before: list[tuple[str, str]] | None = None
    while clock.now().timestamp() < deadline:
        await clock.sleep(LOOK_EVERY_S)
        states = [(one.id, one.state) for one in await api.executions()]
        if states == before and all(state in _CALM for _, state in states):
            return
        before = states
