"""Bots that copydesk runs: from closed candles to their own book, their followers, and the strategy desk's API."""

import asyncio
from decimal import Decimal

import pytest

from copydesk.domain.user import Role
from strategy_support import (
    BriskClock,
    ScriptedMarket,
    analyses,
    at_rest,
    decided_on,
    heard,
    stands,
    start,
    status_of,
)
from web_support import BOTS, EXECUTIONS, eventually

FALLING = [Decimal(1_000) - index for index in range(60)]
RISING = [FALLING[-1] + index * 5 for index in range(1, 40)]

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def new_bot(owner, **wish):
    body = {"name": "RSI", "source": "strategy", "strategy": "rsi", "symbols": ["BTCUSDT"], **wish}
    answer = await owner.post(BOTS, json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def executions(person, **filters):
    return await person.items(EXECUTIONS, **filters)


async def test_a_fall_is_bought_copied_and_sold_again(simulator, start_hub):
    clock = BriskClock()
    market = ScriptedMarket([*FALLING, *RISING], clock, shown=60)
    async with start_hub(simulator_url=simulator.url, clock=clock, market=market) as running:
        provider, follower = await running.person(Role.PROVIDER), await running.person()
        bot = await new_bot(provider, default_margin_usd="100", default_leverage=5)
        account = await running.futures_account(follower, simulator)
        await running.subscription(follower, bot, account)
        events = heard(running)

        await start(provider, bot)
        (bought,) = await decided_on(provider, bot, market.newest)
        assert (bought["intention"], bought["followed"]) == ("BUY", True), bought

        async def both_hold():
            mine = await executions(follower, state="FILLED", leg="open")
            own = await provider.get("/api/positions", params={"bot_id": bot["id"]})
            return mine and own.json()

        (position,) = await eventually(both_hold)
        assert (position["direction"], position["symbol"]) == ("BUY", "BTCUSDT")
        entry, quantity, last = (Decimal(position[name]) for name in ("entry_price", "quantity", "last_price"))
        assert last == market.newest.close
        assert Decimal(position["open_result"]) == (last - entry) * quantity
        stops = await eventually(lambda: executions(follower, leg="stop_loss"))
        filled = (await executions(follower, state="FILLED", leg="open"))[0]["executed_price"]
        assert abs(Decimal(stops[0]["trigger_price"]) - Decimal(filled) * Decimal("0.97")) <= Decimal("0.1")

        intention = "HOLD"
        while intention != "CLOSE":
            market.close_one(provider)
            (decision,) = await decided_on(provider, bot, market.newest)
            intention = decision["intention"]

        async def closed():
            return (await provider.get("/api/trades", params={"bot_id": bot["id"]})).json()

        (trade,) = await eventually(closed)
        assert (trade["direction"], trade["final_level"]) == ("BUY", 1)
        assert await eventually(lambda: executions(follower, leg="close", state="FILLED"))
        await eventually(lambda: asyncio.sleep(0, any(one.name == "risk_stats" for one in events)))
        names = [one.name for one in events]
        assert names.index("trade_opened") < names.index("trade_closed")
        assert {"new_candle", "market_data", "position_update", "balance_update", "risk_stats"} <= set(names)
        seen = (await provider.get("/api/market-data", params={"bot_id": bot["id"], "limit": 5})).json()
        assert seen["candles"][-1]["close"] == str(market.newest.close)
        assert seen["candles"][-1]["rsi"] > 60


async def test_holding_is_stored_with_its_numbers_and_nobody_else_is_told_more(simulator, start_hub):
    clock = BriskClock()
    market = ScriptedMarket([1_000 + index % 2 for index in range(80)], clock, shown=60)
    async with start_hub(simulator_url=simulator.url, clock=clock, market=market) as running:
        provider, follower = await running.person(Role.PROVIDER), await running.person()
        bot = await new_bot(provider)
        await start(provider, bot)
        (first,) = await decided_on(provider, bot, market.newest)
        market.close_one(provider)
        (second,) = await decided_on(provider, bot, market.newest)

        for one in (first, second):
            assert (one["intention"], one["followed"]) == ("HOLD", False)
            assert 40 < one["numbers"]["rsi"] < 60
        seen = (await follower.get(f"{BOTS}/{bot['id']}")).json()
        assert seen["strategy"] == "rsi"
        assert seen["exchange_account_id"] is None
        refused = await follower.post(f"{BOTS}/{bot['id']}/run", json={"command": "stop"})
        assert refused.status_code == 403


async def test_settings_that_make_no_sense_are_refused_by_name(simulator, start_hub):
    async with start_hub(simulator_url=simulator.url) as running:
        provider = await running.person(Role.PROVIDER)

        async def refused(**wish):
            body = {"name": "No", "source": "strategy", "strategy": "rsi", **wish}
            answer = await provider.post(BOTS, json=body)
            assert answer.status_code == 422, answer.text
            return answer.json()["error"]["message"]

        assert "stop_loss_pct" in await refused(settings={"stop_loss_pct": 0})
        assert "rsi_buy" in await refused(settings={"rsi_buy": 70})
        assert "strategy" in await refused(strategy="../evil.py")
        assert "there is no martingale" in await refused(strategy="martingale")
        assert "market_type" in await refused(market_type="options")
        assert "timeframe" in await refused(strategy="streak", timeframe="5m")
        stray = await provider.post(BOTS, json={"name": "Alerts", "symbols": ["BTCUSDT"]})
        assert stray.status_code == 422
        bot = await new_bot(provider)
        change = await provider.patch(f"{BOTS}/{bot['id']}", json={"settings": {"rsi_sell": 30}})
        assert change.status_code == 422
        kept = (await provider.get(f"{BOTS}/{bot['id']}")).json()
        assert str(kept["settings"]["rsi_sell"]) == "60"


async def test_an_unknown_symbol_pauses_the_bot_and_says_why(simulator, start_hub):
    clock = BriskClock()
    market = ScriptedMarket(FALLING, clock, shown=60, symbols={"BTCUSDT"})
    async with start_hub(simulator_url=simulator.url, clock=clock, market=market) as running:
        provider = await running.person(Role.PROVIDER)
        bot = await new_bot(provider, symbols=["NOSUCH"])
        events = heard(running)

        await start(provider, bot)
        standing = await stands(provider, bot, "PAUSED")

        assert "NOSUCH is not traded" in standing["message"]
        assert any(one.name == "system_alert" and one.data["level"] == "error" for one in events)


async def test_a_venue_that_is_away_is_waited_for_and_nothing_is_lost(simulator, start_hub):
    clock = BriskClock()
    market = ScriptedMarket([1_000 + index % 2 for index in range(80)], clock, shown=60)
    async with start_hub(simulator_url=simulator.url, clock=clock, market=market) as running:
        provider = await running.person(Role.PROVIDER)
        bot = await new_bot(provider)
        events = heard(running)
        await start(provider, bot)
        await decided_on(provider, bot, market.newest)

        market.is_away = True
        for _ in range(3):
            market.close_one(provider)
        told = await eventually(lambda: asyncio.sleep(0, [one for one in events if one.data.get("status") == "PAUSED"]))
        assert "does not answer" in told[0].data["message"]
        market.is_away = False
        clock.forward(seconds=11)

        await decided_on(provider, bot, market.newest)
        stored = await analyses(provider, bot)
        assert len(stored) == 4
        assert (await status_of(provider, bot))["status"] == "RUNNING"


async def test_a_hole_in_the_candles_pauses_until_a_person_goes_on(simulator, start_hub):
    clock = BriskClock()
    market = ScriptedMarket([1_000 + index % 2 for index in range(120)], clock, shown=60)
    async with start_hub(simulator_url=simulator.url, clock=clock, market=market) as running:
        provider = await running.person(Role.PROVIDER)
        bot = await new_bot(provider)
        await start(provider, bot)
        await decided_on(provider, bot, market.newest)

        market.missing = {61, 62}
        for _ in range(4):
            market.close_one(provider)
        standing = await stands(provider, bot, "PAUSED")
        assert "2 candles of BTCUSDT" in standing["message"]

        market.missing = set()
        await start(provider, bot)
        market.close_one(provider)
        await decided_on(provider, bot, market.newest)
        assert (await status_of(provider, bot))["status"] == "RUNNING"


async def test_a_paused_bot_decides_and_sends_nothing(simulator, start_hub):
    clock = BriskClock()
    market = ScriptedMarket([*FALLING, *RISING], clock, shown=60)
    async with start_hub(simulator_url=simulator.url, clock=clock, market=market) as running:
        provider = await running.person(Role.PROVIDER)
        bot = await new_bot(provider)
        await provider.post(f"{BOTS}/{bot['id']}/run", json={"command": "pause"})

        (decision,) = await decided_on(provider, bot, market.newest)

        assert decision["intention"] == "BUY"
        assert (decision["followed"], decision["why_not"]) == (False, "paused: nothing leaves")
        await at_rest(running)
        assert await executions(provider) == []


async def test_a_strategy_whose_own_code_breaks_pauses_and_leaves_the_others_running(simulator, start_hub, tmp_path):
    folder = tmp_path / "strategies"
    folder.mkdir()
    (folder / "broken.py").write_text("def decide(view):\n    return 1 / 0\n")
    clock = BriskClock()
    market = ScriptedMarket([1_000 + index % 2 for index in range(80)], clock, shown=60)
    async with start_hub(simulator_url=simulator.url, clock=clock, market=market) as running:
        provider = await running.person(Role.PROVIDER)
        broken, sound = await new_bot(provider, strategy="broken.py"), await new_bot(provider)
        await start(provider, broken)
        await start(provider, sound)

        standing = await stands(provider, broken, "PAUSED")

        assert "ZeroDivisionError" in standing["message"]
        await decided_on(provider, sound, market.newest)
        assert (await status_of(provider, sound))["status"] == "RUNNING"
