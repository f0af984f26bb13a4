"""The bots' pages without a browser: results, and what an owner does."""

import asyncio
import json

import pytest
from dashboard_hub import BOT

from copydesk.dashboard.chart import Chart
from copydesk.dashboard.message import message

URL = "/api/v1/bots/bot-1"


async def test_bots_are_ranked_by_what_they_brought_those_who_follow(user, sign_in, sent_to_grids):
    await sign_in("/bots")

    [row] = (await sent_to_grids("Leaderboard"))["add"]

    await user.should_see("+12.50 USD", retries=20)
    assert (row["place"], row["bot"], row["net"], row["won"], row["whose"]) == (
        1,
        "EMA Cross",
        "12.5",
        75,
        "all followers",
    )


async def test_a_bot_s_followers_are_nameless_but_for_those_one_may_know(user, sign_in, sent_to_grids):
    await sign_in("/bots/bot-1")

    rows = (await sent_to_grids("Followers' results"))["add"]

    assert [row["name"] for row in rows] == ["Follower 1", "ada"]


async def test_a_new_secret_is_shown_once_with_the_message_to_paste(user, sign_in, hub, press):
    await sign_in("/bots/bot-1")
    await user.should_see("Rotate the secret", retries=20)

    await press("Rotate the secret")
    await user.should_see("The old one goes on working for a while", retries=20)
    await press("Rotate")

    await user.should_see("a brand new secret", retries=20)
    await user.should_see('"secret": "a brand new secret"', retries=20)
    assert hub.wishes("POST", f"{URL}/rotate-secret") == [{"overlap_s": 3600}]
    await press("I have it")
    await user.should_not_see("a brand new secret")


async def test_a_test_signal_s_result_is_shown_with_the_way_it_took(user, sign_in, hub, press):
    await sign_in("/bots/bot-1")
    await user.should_see("Send a test signal", retries=20)

    await press("Send a test signal")
    await press("Send")

    await user.should_see("1 copied · 1 skipped", retries=20)
    await user.should_see("Its way", retries=20)
    assert hub.wishes("POST", f"{URL}/test-signal") == [{"symbol": "BTCUSDT", "action": "open_long"}]


async def test_a_bot_is_paused_only_after_a_question(user, sign_in, hub, press):
    await sign_in("/bots/bot-1")
    await user.should_see("Pause", retries=20)

    await press("Pause")
    await user.should_see("Alerts are refused until you let it go on", retries=20)
    await press("Cancel")
    assert hub.wishes("PATCH", URL) == []


async def test_what_the_hub_refuses_is_said_and_nothing_is_pretended(user, sign_in, hub, press):
    del hub.answers["POST", f"{URL}/test-signal"]
    await sign_in("/bots/bot-1")
    await user.should_see("Send a test signal", retries=20)

    await press("Send a test signal")
    await press("Send")

    await user.should_see("The hub did not do it: no.", retries=20)
    await user.should_not_see("Its way")


@pytest.mark.parametrize("role", ["follower"])
async def test_a_follower_sees_no_webhook_and_nothing_of_an_owner_s(user, sign_in, hub):
    others = {name: value for name, value in BOT.items() if name not in {"master_webhook_path", "webhook_url"}}
    hub.answers["GET", URL] = others
    await sign_in("/bots/bot-1")

    await user.should_see("EMA Cross", retries=20)
    await user.should_not_see("Your bot")
    await user.should_not_see("Rotate the secret")
    await user.open("/bots")
    await user.should_not_see("New bot")


async def test_a_new_bot_is_made_as_the_form_says(user, sign_in, hub, press):
    hub.answers["POST", "/api/v1/bots"] = BOT | {"master_secret": "made by the server"}
    await sign_in("/bots")

    await press("New bot")
    await user.should_see("Name", retries=20)
    user.find("Name").type("Trend")
    await press("Make it")

    await user.should_see("made by the server", retries=20)
    [wish] = hub.wishes("POST", "/api/v1/bots")
    assert (wish["name"], wish["default_margin_usd"], wish["source"]) == ("Trend", "50", "tradingview")


async def test_only_new_points_of_a_curve_are_sent(user, sign_in, hub, monkeypatch):
    added = asyncio.Queue()
    monkeypatch.setattr(Chart, "add", lambda _, new, *, most: added.put_nowait((new, most)))
    await sign_in("/bots/bot-1")
    await user.should_see("Realised net result", retries=20)
    await user.should_see("+12.50 USD", retries=20)

    point = {"at": "2026-11-21T10:00:00Z", "net_usd": "11"}
    found = hub.answers["GET", f"{URL}/results"]
    hub.answers["GET", f"{URL}/results"] = found | {"curve": [*found["curve"], point]}
    async with asyncio.timeout(5):
        assert await added.get() == ({"net": [("2026-11-21T10:00:00+00:00", 11.0)]}, 3)


def test_the_message_to_paste_is_json_with_the_secret_in_it():
    told = json.loads(message("s3cret"))

    assert told["secret"] == "s3cret"
    assert told["action"] == "{{strategy.order.action}}"
