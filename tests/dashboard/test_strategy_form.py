"""A strategy bot made by the form: what is offered to whom, what is sent, and where the hub's refusals stand."""

import httpx
import pytest
from dashboard_hub import AT, BOT, FakeHub, eventually, listed
from nicegui import ui

RSI = {"rsi_period": 14, "stop_loss_pct": "3", "sides": "both"}
STREAK = {"symbol": "R_100", "initial_stake": "1.00", "max_level": 10, "auto_trading": True}
STRATEGIES = [
    {"name": "rsi", "trades": "positions", "settings": RSI},
    {"name": "streak", "trades": "contracts", "settings": STREAK},
    {"name": "mine.py", "trades": None, "settings": None},
]


def account(id, venue):
    told = {"id": id, "name": f"My {venue}", "venue": venue, "environment": "demo", "is_active": True}
    told |= {"key_hint": "…1234", "key_check": "accepted", "key_problem": None, "created_at": AT, "updated_at": AT}
    return told


class FormHub(FakeHub):
    def __init__(self, role):
        super().__init__(role)
        self.problem = None
        self.answers |= {
            ("GET", "/api/v1/strategies"): {"items": STRATEGIES},
            ("GET", "/api/v1/exchange-accounts"): listed([account("b1", "binance-futures"), account("d1", "deriv")]),
            ("POST", "/api/v1/bots"): BOT | {"id": "new-1", "name": "Made", "source": "strategy"},
        }

    def answer(self, request):
        found = super().answer(request)
        if request.method == "POST" and request.url.path == "/api/v1/bots" and self.problem is not None:
            error = {"code": "invalid_input", "message": "no", "details": {"fields": [self.problem]}}
            return httpx.Response(422, json={"error": error})
        return found


@pytest.fixture
def hub(role):
    return FormHub(role)


def field(user, label):
    [found] = user.find(label).elements
    return found


async def test_only_what_differs_from_the_strategy_s_defaults_is_sent(user, sign_in, hub, press):
    await sign_in("/strategies/new")
    await user.should_see("Stop loss, %", retries=20)

    field(user, "Name").value = "Mine"
    field(user, "Symbols, with commas between").value = "btcusdt, ETHUSDT"
    field(user, "Stop loss, %").value = "2.5"
    field(user, "Its own book").value = "b1"
    await press("Make the bot")

    await user.should_see("Made is made. It is stopped until you start it.", retries=20)
    assert hub.wishes("POST", "/api/v1/bots") == [
        {
            "name": "Mine",
            "source": "strategy",
            "strategy": "rsi",
            "market_type": "futures",
            "timeframe": "1m",
            "symbols": ["BTCUSDT", "ETHUSDT"],
            "default_margin_usd": "50",
            "default_leverage": 1,
            "exchange_account_id": "b1",
            "settings": {"stop_loss_pct": "2.5"},
        }
    ]


async def test_a_missing_stop_loss_is_refused_at_its_field_in_the_hub_s_words(user, sign_in, hub, press):
    hub.problem = {"field": "stop_loss_pct", "problem": "a stop loss is compulsory"}
    await sign_in("/strategies/new")
    await user.should_see("Stop loss, %", retries=20)

    field(user, "Stop loss, %").value = ""
    await press("Make the bot")

    await user.should_see("a stop loss is compulsory", retries=20)
    assert field(user, "Stop loss, %").error == "a stop loss is compulsory"
    assert hub.wishes("POST", "/api/v1/bots")[0]["settings"] == {"stop_loss_pct": ""}


async def test_what_the_api_s_models_refuse_stands_at_its_field_before_anything_is_sent(user, sign_in, hub, press):
    await sign_in("/strategies/new")
    await user.should_see("Leverage", retries=20)

    field(user, "Leverage").value = "500"
    await press("Make the bot")

    await eventually(lambda: "125" in (field(user, "Leverage").error or ""))
    assert hub.wishes("POST", "/api/v1/bots") == []


async def test_a_ladder_s_form_asks_for_its_ladder_and_offers_books_that_hold_contracts(user, sign_in, hub, press):
    await sign_in("/strategies/new")
    await user.should_see("Stop loss, %", retries=20)

    field(user, "Name").value = "Ladder"
    field(user, "Strategy").value = "streak"
    await user.should_see("Before it starts you are shown its ruin card", retries=20)
    await user.should_not_see("Leverage")
    assert list(field(user, "Its own book").options) == ["", "d1"]
    field(user, "Last level").value = "6"
    await press("Make the bot")

    await user.should_see("Made is made", retries=20)
    [wanted] = hub.wishes("POST", "/api/v1/bots")
    assert wanted == {"name": "Ladder", "source": "strategy", "strategy": "streak", "settings": {"max_level": "6"}}


@pytest.mark.parametrize("role", ["provider"])
async def test_a_provider_is_offered_paper_alone_and_told_why(user, sign_in, hub):
    await sign_in("/strategies/new")

    await user.should_see("As a provider you have no exchange accounts", retries=20)
    assert list(field(user, "Its own book").options) == [""]
    assert hub.wishes("GET", "/api/v1/exchange-accounts") == []


@pytest.mark.parametrize("role", ["follower"])
async def test_a_follower_finds_no_form_and_no_button(user, sign_in, hub):
    hub.answers["GET", "/api/status"] = {"bot": None, "bots": []}
    await sign_in("/strategies")
    await user.should_see("A provider or an admin makes one", retries=20)
    await user.should_not_see(kind=ui.button, content="New strategy bot")

    await user.open("/strategies/new")

    await user.should_see("This page is not for your role.", retries=20)
