"""Socket.IO's official JavaScript client, unmodified, against the live API of a hub on a real socket."""

import asyncio
import contextlib
import itertools
import json
from pathlib import Path

import pytest

from agent_support import served
from copydesk.client.live_words import EVENTS, WATCHERS
from live_support import FakeStrategyBots, strategy_bot
from peers.environments import NoRegistry, node_folder
from strategy_support import BriskClock, ScriptedMarket, decided_on
from web_support import BOTS, running_hub

PEER = "socket-io-javascript"
STORIES = Path(__file__).parent / "stories"
LINE_MAX = 1024 * 1024
pytestmark = pytest.mark.timeout(600)  # the first run installs it


async def client_folder():
    """Skipped where the client cannot be had."""
    try:
        return await asyncio.to_thread(node_folder, PEER)
    except NoRegistry as reason:
        pytest.skip(f"{PEER} cannot be installed here: {reason}")


@contextlib.asynccontextmanager
async def playing(base, story, told):
    """Run a story: what reads its next line."""
    folder, hub = await client_folder(), base.replace("ws", "http", 1)
    process = await asyncio.create_subprocess_exec(
        *("node", STORIES / story, hub, folder, json.dumps(told)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        limit=LINE_MAX,
    )

    async def line():
        found = await asyncio.wait_for(process.stdout.readline(), 110)
        assert found, (await process.stderr.read()).decode()[-4_000:]
        return json.loads(found)

    try:
        yield line
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.communicate()


async def test_the_official_javascript_client_is_let_in_told_and_answered(tmp_path):
    async with running_hub(tmp_path, strategies=FakeStrategyBots()) as desk, served(desk) as base:
        people = [await desk.person("provider") for _ in range(2)]
        bots = [await strategy_bot(desk, one) for one in people]
        told = [
            {"token": person.token, "bot": own.id, "foreign": other.id}
            for person, own, other in zip(people, bots, reversed(bots), strict=True)
        ]
        async with playing(base, "live_javascript_story.js", {"people": told}) as line:
            seen = await line()

    assert seen["refused"] == ["unauthorized"] * 3
    for way, transport in (("websocket", "websocket"), ("polling", "polling"), ("upgraded", "websocket")):
        found = seen[way]
        assert found["transport"] == transport
        assert found["events"][0] == ["connection_ack", {"status": "connected"}]
        assert found["watched"] == {"success": True, "bot_id": bots[0].id, "may_command": True}
        started, changed, unknown, absurd, foreign = found["answers"]
        assert started == {"success": True, "bot_id": bots[0].id, "status": "RUNNING"}
        assert changed == {"success": True, "bot_id": bots[0].id, "settings": {"max_level": 5}}
        assert [one["error"]["code"] for one in (unknown, absurd, foreign)] == [
            "invalid_input",
            "invalid_input",
            "not_found",
        ]
        assert absurd["error"]["details"] == {"fields": [{"field": "max_level", "problem": "-5 is below zero"}]}
        assert [name for name, _ in found["events"]][-4:] == [
            "bot_status",
            "system_alert",
            "settings_updated",
            "system_alert",
        ]
    for own, events in zip(bots, seen["together"], strict=True):
        assert {data["bot_id"] for name, data in events if name != "connection_ack"} == {own.id}


# What each minute does: two candles of one colour are bet against with the next.
RISE, FALL = 1, -1
STORY = [
    *(RISE, RISE, FALL),  # a win
    *(RISE, RISE, RISE, FALL),  # a loss, a level up, a win
    *(RISE, RISE, RISE, RISE),  # the last level lost, which is too much
]
SETTINGS = {"delay_threshold": 2, "max_level": 2, "initial_stake": 1_000, "max_drawdown": 25}

QUIET = ["new_candle", "market_data"]
OPENED = [*QUIET, "trigger_detected", "system_alert", "trade_opened", "position_update", "balance_update"]
LEVEL_UP = [*QUIET, "position_update", "system_alert", "balance_update"]
CLOSED = [*QUIET, "trade_closed", "position_update", "balance_update", "risk_stats", "system_alert"]
COMMANDED = ["settings_updated", "system_alert", "bot_status", "system_alert"]


def minutes(events):
    """Names by the candle that they follow; what comes before the first is apart."""
    parts = [[]]
    for name, _ in events:
        if name == "new_candle":
            parts.append([])
        parts[-1].append(name)
    return parts


async def the_story(folder):
    """(bot, answers of both commands, events) as the JavaScript client saw them."""
    clock = BriskClock()
    market = ScriptedMarket(list(itertools.accumulate([1_000, 0, *STORY])), clock, shown=2)
    async with running_hub(folder, clock=clock, market=market) as desk, served(desk) as base:
        owner = await desk.person("provider")
        wish = {"name": "Streak", "source": "strategy", "strategy": "streak", "market_type": "options"}
        bot = (await owner.post(BOTS, json=wish)).json()
        async with playing(base, "live_trades_story.js", {"token": owner.token, "settings": SETTINGS}) as line:
            answers = await line()
            for _ in STORY:
                await decided_on(owner, bot, market.newest)
                market.close_one()
            return bot, answers, await line()


async def test_a_streak_bots_whole_story_is_heard_in_its_order(tmp_path):
    bot, answers, heard = await the_story(tmp_path)

    told = [(name, data) for name, data in heard if name not in {"signal", "execution"}]
    before, *after = minutes(told)
    changed, started = answers
    assert (changed["success"], changed["settings"]["delay_threshold"]) == (True, 2)
    assert started == {"success": True, "bot_id": bot["id"], "status": "RUNNING"}
    assert before == ["connection_ack", "bot_status", *COMMANDED, "balance_update"]
    assert after == [
        *(QUIET, QUIET, OPENED, CLOSED),
        *(QUIET, OPENED, LEVEL_UP, CLOSED),
        *(QUIET, OPENED, LEVEL_UP, [*CLOSED, "system_alert", "bot_status"]),
    ]
    of_bots = {name for name, event in EVENTS.items() if event.who == WATCHERS}
    assert {name for name, _ in told} == of_bots | {"connection_ack"}
    assert len(of_bots) == 11
    for name, data in heard:
        EVENTS[name].data.model_validate(data)
    assert {data["bot_id"] for _, data in told[1:]} == {bot["id"]}

    trades = [data for name, data in told if name in {"trade_opened", "trade_closed"}]
    assert [one["trade_id"] for one in trades[::2]] == [one["trade_id"] for one in trades[1::2]]
    assert [(one["result"], one["profit"], one["final_level"], one["balance"]) for one in trades[1::2]] == [
        ("WIN", 950, 1, 10_950),
        ("WIN", 900, 2, 11_850),
        ("LOSS", -3_000, 2, 8_850),
    ]
    flat = [data for name, data in told if name == "position_update" and not data["in_position"]]
    assert len(flat) == 3
    for one in flat:
        assert (one["direction"], one["entry_timestamp"], one["current_level"], one["total_loss"]) == (None, None, 0, 0)
    assert [data for name, data in told if name == "risk_stats"][-1]["losses"] == 1
    alerts = [data["message"] for name, data in told if name == "system_alert"]
    assert alerts.count("Martingale Level 2") == 2
    assert told[-1][1]["message"] == "stopped: drawdown reached 25 %"
