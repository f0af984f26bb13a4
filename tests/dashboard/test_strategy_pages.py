"""The strategy desk and a bot's page without a browser: what is shown, what is sent, what an owner does."""

import asyncio
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from dashboard_hub import AT, BOT, FakeHub, eventually

from copydesk.dashboard.chart import Chart

URL = "/api/v1/bots/streak-1"
BEGAN = datetime(2026, 11, 21, 8, tzinfo=UTC)
SETTINGS = {"symbol": "R_100", "initial_stake": "1.00", "max_level": 10, "auto_trading": True}
STATUS = {
    "bot_id": "streak-1",
    "name": "Streak Demo",
    "strategy": "streak",
    "symbols": ["R_100"],
    "timeframe": "1m",
    "settings": SETTINGS,
    "status": "RUNNING",
    "message": "",
    "since": AT,
    "book": "paper",
    "balance": "1950.5",
    "peak": "2000",
    "drawdown_pct": "2.5",
    "total_trades": 4,
    "wins": 3,
    "losses": 1,
    "win_rate": "75",
    "roi": "-2.5",
    "profit": "-49.5",
    "positions": [],
}
HELD = {
    "bot_id": "streak-1",
    "symbol": "R_100",
    "in_position": True,
    "direction": "PUT",
    "entry_timestamp": AT,
    "entry_streak_size": 8,
    "current_level": 7,
    "current_stake": 64.0,
    "total_loss": 63.0,
    "next_stake": 128.0,
    "entry_price": "1000.1",
    "quantity": "64",
    "last_price": "1001",
    "open_result": "-63",
}
ANALYSIS = {
    "id": "analysis-1",
    "bot_id": "streak-1",
    "symbol": "R_100",
    "occasion": "candle:1",
    "candle_at": AT,
    "price": "1000.1",
    "intention": "PUT",
    "reason": "8 GREEN candles: against the streak",
    "numbers": {},
    "followed": False,
    "why_not": "paused",
    "signal_id": None,
    "created_at": AT,
}
RUIN = {
    "balance": "100",
    "payout": "1.95",
    "levels": [
        {
            "level": 7,
            "stake": "64",
            "lost_so_far": "127",
            "balance_left": "-27",
            "net_if_won": "-2.2",
            "chance_pct": "1.5625",
            "limits": ["not funded", "drawdown stop"],
        }
    ],
    "last_level": 7,
    "loss_at_the_end": "127",
    "chance_of_the_end_pct": "0.78125",
    "expected_result": "-0.18",
    "ladders_to_even_odds": 89,
    "first_losing_win": 6,
    "funded": False,
}
ENGLISH = ("Level 7 of 10", "Late level", "Lost on this ladder", "63.00 USD", "128.00 USD", "cannot pay this ladder")
PORTUGUESE = (
    "Nível 7 de 10",
    "Nível avançado",
    "Perdido nesta escada",
    "63,00 USD",
    "128,00 USD",
    "não paga esta escada",
)


def candle(minute):
    return {
        "timestamp": (BEGAN + timedelta(minutes=minute)).isoformat(),
        "open": "1000",
        "high": "1002.5",
        "low": "999",
        "close": "1001",
        "volume": "0",
        "color": "GREEN",
        "rsi": 55.5,
        "macd": None,
        "macd_signal": None,
        "macd_histogram": None,
    }


def market(*minutes):
    candles = [candle(one) for one in minutes]
    return {"bot_id": "streak-1", "market": "paper", "symbol": "R_100", "timeframe": "1m", "candles": candles}


def trade(number, profit, result):
    return {
        "trade_id": f"trade-{number}",
        "bot_id": "streak-1",
        "symbol": "R_100",
        "direction": "CALL",
        "entry_time": (BEGAN + timedelta(minutes=number)).isoformat(),
        "exit_time": (BEGAN + timedelta(minutes=number + 1)).isoformat(),
        "entry_price": None,
        "exit_price": None,
        "stake": "1",
        "final_level": 2,
        "entry_streak_size": 8,
        "profit": profit,
        "result": result,
        "paper": True,
    }


class StrategyHub(FakeHub):
    """A refusal of settings may be set; all else is as in FakeHub."""

    def __init__(self, role):
        super().__init__(role)
        self.problem = None
        mine = BOT | {"id": "streak-1", "name": "Streak Demo", "source": "strategy", "exchange_account_id": "account-1"}
        self.answers |= {
            ("GET", URL): mine,
            ("PATCH", URL): mine,
            ("GET", "/api/status"): {"bot": STATUS, "bots": [STATUS]},
            ("GET", "/api/trades"): [trade(2, "0.95", "WIN"), trade(1, "-3", "LOSS")],
            ("GET", "/api/positions"): [HELD],
            ("GET", "/api/analysis"): [ANALYSIS],
            ("GET", "/api/market-data"): market(0, 1, 2, 3),
            ("GET", f"{URL}/ruin-card"): RUIN,
            ("POST", f"{URL}/run"): {"success": True, "status": "PAUSED"},
        }

    def answer(self, request):
        if request.method == "PATCH" and self.problem is not None:
            self.asked.append(("PATCH", request.url.path, None))
            error = {"code": "invalid_input", "message": "no", "details": {"fields": [self.problem]}}
            return httpx.Response(422, json={"error": error})
        return super().answer(request)


@pytest.fixture
def hub(role):
    return StrategyHub(role)


@pytest.fixture
def speaks_portuguese(user):
    user.http_client.cookies.set("copydesk_language", "pt-BR")


async def test_the_strategy_desk_has_a_card_for_each_bot_with_how_it_stands(user, sign_in):
    await sign_in("/strategies")

    await user.should_see("Streak Demo", retries=20)
    for shown in ("runs", "-49.50 USD", "75 %", "1,950.50 USD"):
        await user.should_see(shown)


async def test_without_a_strategy_bot_the_desk_says_how_to_make_one(user, sign_in, hub):
    hub.answers["GET", "/api/status"] = {"bot": None, "bots": []}
    await sign_in("/strategies")

    await user.should_see("No strategy bot yet", retries=20)


async def test_a_late_level_warns_beside_what_the_ladder_has_cost(user, sign_in):
    await sign_in("/strategies/streak-1")

    await user.should_see("Streak Demo", retries=20)
    for shown in ENGLISH:
        await user.should_see(shown, retries=20)


@pytest.mark.usefixtures("speaks_portuguese")
async def test_a_late_level_warns_in_portuguese_too(user, sign_in):
    await sign_in("/strategies/streak-1")

    for shown in PORTUGUESE:
        await user.should_see(shown, retries=20)


async def test_an_early_level_and_a_flat_bot_do_not_warn(user, sign_in, hub):
    hub.answers["GET", "/api/positions"] = [HELD | {"current_level": 6}]
    await sign_in("/strategies/streak-1")
    await user.should_see("Level 6 of 10", retries=20)
    await user.should_not_see("Late level")

    hub.answers["GET", "/api/positions"] = []
    await user.should_see("Nothing is open", retries=20)


async def test_each_symbol_s_latest_decision_says_why_and_why_not(user, sign_in, sent_to_grids):
    await sign_in("/strategies/streak-1")

    [row] = (await sent_to_grids("Latest decisions"))["add"]

    assert row["intention"] == "Put, fall"
    assert row["reason"] == "8 GREEN candles: against the streak (not followed: paused)"


async def test_trades_and_the_ruin_card_come_as_rows(user, sign_in, sent_to_grids):
    await sign_in("/strategies/streak-1")

    trades = (await sent_to_grids("Closed trades"))["add"]
    [level] = (await sent_to_grids("Ruin card: what a lost ladder costs"))["add"]

    assert [(row["profit"], row["tone"], row["on"]) for row in trades] == [
        ("0.95", "up", "paper"),
        ("-3", "down", "paper"),
    ]
    assert (level["lost"], level["tone"], level["limits"]) == ("-127", "down", "not funded, drawdown stop")


async def test_a_new_candle_is_sent_as_one_point_of_each_series(user, sign_in, hub, monkeypatch):
    added = asyncio.Queue()
    monkeypatch.setattr(Chart, "add", lambda _, new, *, most: added.put_nowait(new) if new.get("candles") else None)
    await sign_in("/strategies/streak-1")
    await user.should_see("Streak Demo", retries=20)
    await user.should_see(Chart, retries=40)

    hub.answers["GET", "/api/market-data"] = market(2, 3, 4)
    async with asyncio.timeout(5):
        new = await added.get()

    at = round((BEGAN + timedelta(minutes=4)).timestamp() * 1_000)
    assert new["candles"] == [(at, 1000.0, 1001.0, 999.0, 1002.5)]
    assert {key: len(points) for key, points in new.items()} == dict.fromkeys(
        ("candles", "rsi", "macd", "signal", "histogram"), 1
    )


async def test_pause_is_told_to_the_hub_and_its_answer_is_shown(user, sign_in, hub, press):
    await sign_in("/strategies/streak-1")

    await press("Pause")

    await user.should_see("Streak Demo: paused, on paper.", retries=20)
    assert hub.wishes("POST", f"{URL}/run") == [{"command": "pause"}]


async def test_a_bot_is_stopped_only_after_a_question(user, sign_in, hub, press):
    await sign_in("/strategies/streak-1")

    await press("Stop")
    await user.should_see("what is open keeps its stops", retries=20)
    await press("Cancel")

    assert hub.wishes("POST", f"{URL}/run") == []


async def test_only_the_settings_that_changed_are_sent(user, sign_in, hub, press):
    await sign_in("/strategies/streak-1")
    await user.should_see("First stake, USD", retries=20)

    user.find("First stake, USD").clear().type("2.50")
    await press("Save settings")

    await user.should_see("The new settings are in force", retries=20)
    assert hub.wishes("PATCH", URL) == [{"settings": {"initial_stake": "2.50"}}]


async def test_what_the_hub_says_of_a_setting_stands_at_its_field(user, sign_in, hub, press):
    hub.problem = {"field": "initial_stake", "problem": "0.1 is not an amount of at least 0.35"}
    await sign_in("/strategies/streak-1")
    await user.should_see("First stake, USD", retries=20)

    user.find("First stake, USD").clear().type("0.1")
    await press("Save settings")

    await user.should_see("The hub did not do it: initial_stake: 0.1 is not an amount", retries=20)
    [field] = user.find("First stake, USD").elements
    assert field.error == "0.1 is not an amount of at least 0.35"


@pytest.mark.parametrize("role", ["follower"])
async def test_whose_bot_it_is_not_sees_no_controls_settings_or_ruin_card(user, sign_in, hub):
    hub.answers["GET", URL] = hub.answers["GET", URL] | {"exchange_account_id": None}
    await sign_in("/strategies/streak-1")

    await user.should_see("Level 7 of 10", retries=20)
    for hidden in ("Pause", "Save settings", "Ruin card"):
        await user.should_not_see(hidden)
    assert hub.wishes("GET", f"{URL}/ruin-card") == []


async def test_what_happens_while_one_looks_is_told_by_a_toast(user, sign_in, hub):
    hub.answers["GET", "/api/positions"] = [HELD | {"current_level": 6}]
    await sign_in("/strategies/streak-1")
    await user.should_see("Level 6 of 10", retries=20)

    hub.answers["GET", "/api/positions"] = [HELD]
    hub.answers["GET", "/api/trades"] = [trade(3, "-3", "LOSS"), *hub.answers["GET", "/api/trades"]]
    paused = STATUS | {"status": "PAUSED", "message": "drawdown of 25 %"}
    hub.answers["GET", "/api/status"] = {"bot": paused, "bots": [paused]}

    await user.should_see("R_100: the ladder has reached level 7", retries=40)
    await user.should_see("R_100, Call, rise: closed with -3.00 USD", retries=20)
    await user.should_see("Streak Demo: paused, on paper. drawdown of 25 %", retries=20)


async def test_a_bot_that_is_not_there_leads_back_to_all(user, sign_in, hub):
    del hub.answers["GET", "/api/status"]
    await sign_in("/strategies/streak-1")

    await user.should_see("There is no such strategy bot", retries=20)


RSI_SETTINGS = {"rsi_period": 14, "stop_loss_pct": "3"}
RSI_STATUS = STATUS | {"strategy": "rsi", "symbols": ["BTCUSDT"], "settings": RSI_SETTINGS}
BOUGHT = HELD | {
    "symbol": "BTCUSDT",
    "direction": "BUY",
    "entry_timestamp": (BEGAN + timedelta(minutes=1)).isoformat(),
    "entry_price": "1000.5",
    "quantity": "2",
    "open_result": "1",
}


@pytest.fixture
def rsi(hub):
    """The bot is one that holds a position in place of a ladder."""
    hub.answers["GET", "/api/status"] = {"bot": RSI_STATUS, "bots": [RSI_STATUS]}
    hub.answers["GET", "/api/positions"] = [BOUGHT]
    del hub.answers["GET", f"{URL}/ruin-card"]
    return hub


async def what_is_open(user, *, beside):
    """The data of the series that stands for it, in the chart that has this other series too."""

    def look():
        charts = [{one["id"]: one["data"] for one in chart.options["series"]} for chart in user.find(Chart).elements]
        return next((one["open"] for one in charts if beside in one), None)

    return await eventually(look)


async def test_what_is_open_is_a_line_on_the_candles_with_its_side_and_price(user, sign_in, rsi):
    await sign_in("/strategies/streak-1")
    await user.should_see(Chart, retries=40)
    await user.should_see("+1.00 USD", retries=20)
    begin, end = await what_is_open(user, beside="candles")

    minutes = [(BEGAN + timedelta(minutes=one)).timestamp() * 1_000 for one in (1, 3)]
    assert [begin["value"], end["value"]] == [(minutes[0], 1000.5), (minutes[1], 1000.5)]
    assert end["label"]["formatter"] == "Buy 1,000.5"


async def test_the_curve_ends_in_what_is_open_and_says_that_it_is_not_closed(user, sign_in, rsi):
    trades = rsi.answers["GET", "/api/trades"]
    await sign_in("/strategies/streak-1")
    await user.should_see("Its last point is what is open now", retries=20)
    await user.should_see(Chart, retries=40)

    closed, now = await what_is_open(user, beside="net")

    assert closed["value"] == (trades[0]["exit_time"].replace("Z", "+00:00"), -2.05)
    assert (now["value"][1], now["label"]["formatter"]) == (pytest.approx(-1.05), "not closed")


async def test_without_a_position_the_curve_has_no_such_end(user, sign_in, rsi):
    rsi.answers["GET", "/api/positions"] = []
    await sign_in("/strategies/streak-1")
    await user.should_see("Nothing is open", retries=20)

    await user.should_not_see("Its last point is what is open now")


async def test_a_ladder_is_started_only_by_whoever_has_its_ruin_card_before_their_eyes(user, sign_in, hub, press):
    stopped = STATUS | {"status": "STOPPED"}
    hub.answers["GET", "/api/status"] = {"bot": stopped, "bots": [stopped]}
    hub.answers["POST", f"{URL}/run"] = {"success": True, "status": "RUNNING"}
    await sign_in("/strategies/streak-1")

    await press("Start")
    await user.should_see("I have seen what it costs: start", retries=20)
    await press("Cancel")
    assert hub.wishes("POST", f"{URL}/run") == []
    await press("Start")
    await press("I have seen what it costs: start")

    await user.should_see("Streak Demo: runs.", retries=20)
    assert hub.wishes("POST", f"{URL}/run") == [{"command": "start"}]
