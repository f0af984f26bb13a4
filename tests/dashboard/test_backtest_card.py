"""A backtest from the strategy's page: what is asked, how far it is, what came of it; and its report for a browser."""

import asyncio

import httpx
import pytest
from dashboard_hub import AT, BOT, FakeHub, eventually, listed
from nicegui import ui
from test_strategy_pages import STATUS

from copydesk.client.backtest_examples import BACKTEST_EXAMPLES
from copydesk.dashboard.result_curve import ResultCurve

BACKTESTS = "/api/v1/backtests"
DONE = {**BACKTEST_EXAMPLES["BacktestAnswer"], "id": "done-1", "bot_id": "rsi-1", "curve": None}
PLAYING = DONE | {"id": "new-1", "state": "running", "progress": 0.42, "figures": None, "has_report": False}
QUEUED = PLAYING | {"state": "queued", "progress": 0, "ahead": 2}
FAILED = DONE | {"id": "failed-1", "state": "failed", "problem": "candles: too few", "figures": None}
FAILED |= {"has_report": False, "first_at": None, "last_at": None}


class BacktestHub(FakeHub):
    def __init__(self, role):
        super().__init__(role)
        rsi = STATUS | {"bot_id": "rsi-1", "name": "RSI Demo", "strategy": "rsi", "symbols": ["BTCUSDT", "ETHUSDT"]}
        rsi |= {"settings": {"rsi_period": 14, "stop_loss_pct": "3"}, "balance": "10000"}
        self.problem = None
        self.answers |= {
            ("GET", "/api/v1/bots/rsi-1"): BOT | {"id": "rsi-1", "source": "strategy", "exchange_account_id": "book"},
            ("GET", "/api/status"): {"bot": rsi, "bots": [rsi]},
            ("GET", "/api/trades"): [],
            ("GET", "/api/positions"): [],
            ("GET", "/api/analysis"): [],
            ("GET", "/api/market-data"): {"bot_id": "rsi-1", "market": "m", "symbol": "BTCUSDT", "timeframe": "1m"}
            | {"candles": []},
            ("GET", BACKTESTS): listed([]),
            ("POST", BACKTESTS): QUEUED,
            ("GET", f"{BACKTESTS}/done-1"): DONE | {"curve": [{"at": AT, "account": "10042.17", "drawdown_pct": 0.1}]},
            ("GET", f"{BACKTESTS}/failed-1"): FAILED,
            ("DELETE", f"{BACKTESTS}/new-1"): {},
        }

    def answer(self, request):
        if request.url.path == f"{BACKTESTS}/done-1/report":
            return httpx.Response(200, html="<!doctype html><title>the report</title>")
        if request.method == "POST" and request.url.path == BACKTESTS and self.problem is not None:
            self.asked.append(("POST", BACKTESTS, None))
            error = {"code": "invalid_input", "message": "no", "details": {"fields": [self.problem]}}
            return httpx.Response(422, json={"error": error})
        if request.method == "POST" and request.url.path == BACKTESTS:
            self.answers["GET", BACKTESTS] = listed([QUEUED])
        return super().answer(request)


@pytest.fixture
def hub(role):
    return BacktestHub(role)


async def test_what_is_asked_is_what_stands_in_the_fields(user, sign_in, hub, press):
    await sign_in("/strategies/rsi-1")
    await user.should_see("Fee of each side, %", retries=20)

    user.find("Fee of each side, %").clear().type("0.04")
    await press("Run the backtest")

    await user.should_see("Waits: 2 are played before it", retries=20)
    [wanted] = hub.wishes("POST", BACKTESTS)
    assert wanted == {
        "bot_id": "rsi-1",
        "symbol": "BTCUSDT",
        "candles": 1_440,
        "candles_from": "market",
        "balance": "10000",
        "size_usd": "500",
        "fee_pct": "0.04",
        "slippage_pct": "0.01",
    }


async def test_its_progress_moves_and_then_its_figures_stand_there(user, sign_in, hub):
    hub.answers["GET", BACKTESTS] = listed([PLAYING])
    await sign_in("/strategies/rsi-1")
    await user.should_see("Playing: 42 %", retries=40)

    hub.answers["GET", BACKTESTS] = listed([PLAYING | {"progress": 0.8}])
    await user.should_see("Playing: 80 %", retries=40)
    hub.answers["GET", BACKTESTS] = listed([DONE])

    await user.should_see("BTCUSDT: what came of it", retries=40)
    await user.should_not_see("Playing: 80 %")
    for shown in ("+42.17 USD", "-1.84 %", "63.16 %", "1.31", "10,042.17 USD"):
        await user.should_see(shown)


async def test_the_account_s_curve_is_asked_for_once(user, sign_in, hub, monkeypatch):
    drawn = []
    monkeypatch.setattr(ResultCurve, "show", lambda _, points, tail=(): drawn.append(points) if points else None)
    hub.answers["GET", BACKTESTS] = listed([DONE])
    await sign_in("/strategies/rsi-1")

    await user.should_see("BTCUSDT: what came of it", retries=40)
    await asyncio.sleep(0.6)

    assert drawn == [[("2026-11-21T08:00:00+00:00", 10042.17)]]
    assert len(hub.wishes("GET", f"{BACKTESTS}/done-1")) == 1


async def test_fewer_candles_than_were_asked_for_are_said_to_be_fewer(user, sign_in, hub):
    hub.answers["GET", f"{BACKTESTS}/done-1"] = DONE | {"candles_played": 1_500, "candles_missing": 3}
    hub.answers["GET", BACKTESTS] = listed([DONE])
    await sign_in("/strategies/rsi-1")

    await user.should_see("Of the 10,080 candles that were asked for, there are no more.", retries=40)
    await user.should_see("3 candles are missing in between", retries=20)


async def test_one_that_failed_says_why_beside_the_earlier_ones(user, sign_in, hub):
    hub.answers["GET", BACKTESTS] = listed([FAILED, DONE])
    await sign_in("/strategies/rsi-1")

    await user.should_see("It was not played: candles: too few", retries=40)
    await user.should_see("Earlier ones")
    [link] = list(user.find(kind=ui.link, content="Report").elements)
    assert link.props["href"] == "/backtests/done-1/report"


async def test_what_the_hub_refuses_stands_at_its_field(user, sign_in, hub, press):
    hub.problem = {"field": "size_usd", "problem": "500 is more than the balance, 400"}
    await sign_in("/strategies/rsi-1")
    await user.should_see("Begins with, USD", retries=20)

    await press("Run the backtest")

    await user.should_see("500 is more than the balance, 400", retries=20)
    [field] = user.find("In each position, USD").elements
    assert field.error == "500 is more than the balance, 400"


async def test_what_is_no_number_is_not_even_sent(user, sign_in, hub, press):
    await sign_in("/strategies/rsi-1")
    await user.should_see("Slippage of each side, %", retries=20)
    user.find("Slippage of each side, %").clear().type("a little")

    await press("Run the backtest")

    [field] = user.find("Slippage of each side, %").elements
    await eventually(lambda: field.error)
    assert hub.wishes("POST", BACKTESTS) == []


async def test_one_that_is_under_way_can_be_ended(user, sign_in, hub, press):
    hub.answers["GET", BACKTESTS] = listed([PLAYING])
    await sign_in("/strategies/rsi-1")
    await user.should_see("Playing: 42 %", retries=40)

    await press("End it")

    await user.should_see("The backtest was ended", retries=20)
    assert hub.wishes("DELETE", f"{BACKTESTS}/new-1") == [None]


@pytest.mark.parametrize("role", ["follower"])
async def test_whose_bot_it_is_not_is_offered_no_backtest(user, sign_in, hub):
    hub.answers["GET", "/api/v1/bots/rsi-1"] |= {"exchange_account_id": None}
    await sign_in("/strategies/rsi-1")

    await user.should_see("Closed trades", retries=20)
    await user.should_not_see("Run the backtest")
    assert hub.wishes("GET", BACKTESTS) == []


async def test_the_report_comes_through_the_dashboard_for_whoever_is_signed_in_and_reaches_nothing(user, sign_in):
    await sign_in("/strategies/rsi-1")
    await user.should_see("Run the backtest", retries=20)

    page = await user.http_client.get("/backtests/done-1/report")
    gone = await user.http_client.get("/backtests/other/report")

    assert (page.status_code, page.text) == (200, "<!doctype html><title>the report</title>")
    assert page.headers["content-security-policy"].startswith("sandbox allow-scripts; default-src 'none'")
    assert (gone.status_code, gone.text) == (404, "There is no such report (any more): only the newest are kept.")


async def test_nobody_sees_a_report_before_they_have_signed_in(user, hub):
    page = await user.http_client.get("/backtests/done-1/report", follow_redirects=False)

    assert (page.status_code, page.headers["location"]) == (307, "/sign-in?to=/backtests/done-1/report")
    assert hub.asked == []
