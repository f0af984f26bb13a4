"""A bot and a backtest are shown the same candles: each decision of the one must be the other's, with its reason and its numbers."""

import random
from datetime import datetime
from decimal import Decimal

import pytest

from copydesk.domain.user import Role
from copydesk.engine.backtest.run import play
from copydesk.engine.backtest.tape import tape_of
from copydesk.engine.backtest.terms import Terms
from copydesk.strategies.rsi import RsiStrategy
from copydesk.strategies.streak import StreakStrategy
from strategy_support import (
    MINUTE_MS,
    BriskClock,
    ScriptedMarket,
    analyses,
    decided_on,
    heard,
    stands,
    start,
    status_of,
)
from web_support import BOTS, EXECUTIONS, eventually

pytestmark = pytest.mark.asyncio(loop_scope="module")

CANDLES = 90
MINUTES_OF_RSI = 60


def walk(count, seed):
    """In hundredths; a step of nothing is a DOJI."""
    chance, price = random.Random(seed), Decimal("1000.00")
    closes = []
    for _ in range(count):
        price += Decimal(chance.choice((-3, -2, -1, -1, 0, 1, 1, 2, 3))) / 10
        closes.append(price)
    return closes


async def new_bot(owner, **wish):
    answer = await owner.post(BOTS, json={"name": "Live", "source": "strategy", **wish})
    assert answer.status_code == 201, answer.text
    return answer.json()


def backtested(strategy, candles, terms):
    """Every decision of a backtest: candle, wish, reason and numbers."""
    made = []
    play(strategy, tape_of(candles, MINUTE_MS), terms, note=lambda candle, decision: made.append((candle, decision)))
    return [(candle.start_ms, decision.reason, as_stored(decision.numbers)) for candle, decision in made]


def as_stored(numbers):
    return {name: str(value) if isinstance(value, Decimal) else value for name, value in numbers.items()}


async def lived(owner, bot):
    """The same of a bot, out of its stored analyses."""
    found = sorted(
        await analyses(owner, bot), key=lambda one: (one["candle_at"], one["occasion"].startswith("contract"))
    )
    return [
        (int(datetime.fromisoformat(one["candle_at"]).timestamp() * 1_000), one["reason"], one["numbers"])
        for one in found
    ]


async def test_a_streak_bot_decides_as_its_backtest_does(simulator, start_hub):
    settings = {"delay_threshold": 2, "max_level": 3, "initial_stake": "1.00"}
    clock = BriskClock()
    market = ScriptedMarket(walk(CANDLES, seed=3), clock, shown=2)
    async with start_hub(simulator_url=simulator.url, clock=clock, market=market) as running:
        provider = await running.person(Role.PROVIDER)
        bot = await new_bot(provider, strategy="streak", settings=settings)
        await start(provider, bot)
        await decided_on(provider, bot, market.newest)
        for _ in range(CANDLES - 2):
            market.close_one(provider)
            await decided_on(provider, bot, market.newest)

        expected = backtested(StreakStrategy.configured(settings), market.candles_made, Terms(balance=Decimal(10_000)))

        async def all_told():
            return len(await lived(provider, bot)) >= len(expected)

        await eventually(all_told)
        assert await lived(provider, bot) == expected
        trades = (await provider.get("/api/trades", params={"bot_id": bot["id"], "limit": 500})).json()
        assert len(trades) > 3
        balance = Decimal((await status_of(provider, bot))["balance"])
        assert balance == Decimal(10_000) + sum(Decimal(one["profit"]) for one in trades)


async def test_an_rsi_bot_decides_as_its_backtest_does(simulator, start_hub):
    settings = {"stop_loss_pct": "99", "take_profit_pct": "0"}
    strategy = RsiStrategy.configured(settings)
    begins = strategy.history + 1
    clock = BriskClock()
    market = ScriptedMarket(walk(begins + MINUTES_OF_RSI, seed=5), clock, shown=begins)
    async with start_hub(simulator_url=simulator.url, clock=clock, market=market) as running:
        provider = await running.person(Role.PROVIDER)
        bot = await new_bot(provider, strategy="rsi", symbols=["BTCUSDT"], settings=settings, default_leverage=5)
        await start(provider, bot)
        await decided_on(provider, bot, market.newest)
        for _ in range(MINUTES_OF_RSI):
            await eventually(lambda: nothing_under_way(running, provider))
            market.close_one(provider)
            await decided_on(provider, bot, market.newest)

        expected = backtested(strategy, market.candles_made, Terms())

        assert await lived(provider, bot) == expected
        assert {one["intention"] for one in await analyses(provider, bot)} >= {"BUY", "CLOSE", "HOLD"}


async def stopped_or_decided(owner, bot, candle):
    if (await status_of(owner, bot))["status"] == "STOPPED":
        return True
    found = await analyses(owner, bot, limit=2)
    return any(datetime.fromisoformat(one["candle_at"]) == candle.opened_at for one in found)


async def nothing_under_way(running, owner):
    waiting = await running.hub.store.read(lambda tables: tables.signals.waiting())
    pending = await owner.items(EXECUTIONS, status="pending")
    return not waiting and all(one["leg"] not in {"open", "close"} for one in pending)


async def test_a_bot_killed_in_its_ladder_goes_on_where_it_was(simulator, start_hub):
    """The hub is built anew over the same files: nothing was kept but what was committed."""
    settings = {"delay_threshold": 2, "max_level": 4}
    rising = [Decimal(1_000) + index for index in range(12)]
    clock = BriskClock()
    market = ScriptedMarket([*rising, 1_000, 999, 998], clock, shown=2)
    async with start_hub(simulator_url=simulator.url, clock=clock, market=market) as running:
        provider = await running.person(Role.PROVIDER, username="owner")
        bot = await new_bot(provider, strategy="streak", settings=settings)
        await start(provider, bot)
        await decided_on(provider, bot, market.newest)
        for _ in range(3):
            market.close_one(provider)
            await decided_on(provider, bot, market.newest)

        async def third_level():
            shown = (await status_of(provider, bot))["positions"]
            return shown and shown[0]["current_level"] == 3

        await eventually(third_level)
        before = await status_of(provider, bot)
        user = provider.user

    async with start_hub(simulator_url=simulator.url, clock=clock, market=market) as running:
        provider.running = running
        provider.token = running.hub.tokens.access(user, clock.now())
        after = await status_of(provider, bot)
        assert {name: after[name] for name in ("status", "positions", "balance")} == {
            name: before[name] for name in ("status", "positions", "balance")
        }
        events = heard(running)
        while market.shown < len(market.candles_made):
            market.close_one(provider)
            await decided_on(provider, bot, market.newest)
        expected = backtested(StreakStrategy.configured(settings), market.candles_made, Terms(balance=Decimal(10_000)))

        async def all_told():
            return len(await lived(provider, bot)) >= len(expected)

        await eventually(all_told)
        assert await lived(provider, bot) == expected
        assert "trade_closed" in [one.name for one in events]


async def test_a_story_tells_everything_in_its_order(simulator, start_hub):
    """A trigger, a lost level, a won one; then losses until the drawdown stops it."""
    settings = {"delay_threshold": 2, "max_level": 10, "initial_stake": "1000", "max_drawdown": 25, "multiplier": 1}
    closes = [Decimal(1_000) + index for index in range(5)]
    closes += [closes[-1] - 1] + [closes[-1] - 1 + index for index in range(1, 9)]
    clock = BriskClock()
    market = ScriptedMarket(closes, clock, shown=2)
    async with start_hub(simulator_url=simulator.url, clock=clock, market=market) as running:
        provider = await running.person(Role.PROVIDER)
        bot = await new_bot(provider, strategy="streak", settings=settings)
        events = heard(running)
        await start(provider, bot)
        while market.shown < len(closes):
            await eventually(lambda: stopped_or_decided(provider, bot, market.newest))
            market.close_one(provider)

        stopped = await stands(provider, bot, "STOPPED")
        assert "drawdown reached" in stopped["message"]
        told = [one.name for one in events]
        first = told.index("trigger_detected")
        assert told[first - 2 : first] == ["new_candle", "market_data"]
        assert told[first + 1 : first + 4] == ["system_alert", "trade_opened", "position_update"]
        warned = [one.data["message"] for one in events if one.name == "system_alert"]
        assert "Martingale Level 2" in warned
        end = told.index("trade_closed")
        assert told[end + 1 : end + 5] == ["position_update", "balance_update", "risk_stats", "system_alert"]
        closed = [one.data for one in events if one.name == "trade_closed"]
        assert [(one["result"], one["final_level"]) for one in closed] == [("LOSS", 3), ("LOSS", 2)]
        again = await provider.post(f"{BOTS}/{bot['id']}/run", json={"command": "start"})
        assert again.status_code == 422
        assert "ladder" in again.json()["error"]["message"]
