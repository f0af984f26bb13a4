"""Before following: what the bot's last signals would have done, over HTTP, with nothing stored."""

import pytest
import pytest_asyncio

from web_support import EXECUTIONS, SUBSCRIPTIONS, UNKNOWN_ID, assert_error

pytestmark = pytest.mark.asyncio(loop_scope="module")

PREVIEW = f"{SUBSCRIPTIONS}/preview"


@pytest_asyncio.fixture(loop_scope="module")
async def told(desk):
    """A bot with a past: long at 90,000, closed at 99,000, and a symbol that nobody trades."""
    provider = await desk.person("provider")
    bot, secret = await desk.bot(provider, default_leverage=5, default_margin_usd=90)
    for words in ({"action": "buy", "price": "90000"}, {"action": "close", "price": "99000"}, {"action": "buy"}):
        answer = await desk.alert(bot, secret, **words)
        assert answer.status_code == 200, answer.text
    return bot


@pytest_asyncio.fixture(loop_scope="module")
async def follower(desk):
    return await desk.person()


async def preview(desk, follower, bot, **wish):
    account = await desk.paper_account(follower)
    body = {"bot_id": bot["id"], "exchange_account_id": account["id"], **wish}
    return await follower.post(PREVIEW, json=body)


async def test_each_signal_tells_what_it_would_have_done_and_what_it_would_have_brought(desk, follower, told):
    answer = await preview(desk, follower, told)

    assert answer.status_code == 200, answer.text
    seen = answer.json()
    last, closed, opened = seen["lines"]
    assert opened["quantity"] == "0.005"
    assert opened["inputs"]["last_price"] == "90000"
    assert opened["price_from"] == "alert"
    assert closed["leg"] == "close"
    assert closed["result_usd"] == "45"
    assert last["price_from"] == "now"
    assert last["price"] == "95200"
    assert (seen["signals"], seen["copied"], seen["refused"]) == (3, 2, 0)
    assert seen["realised_usd"] == "45"
    assert seen["open_usd"] is None


async def test_own_settings_count_and_a_refusal_has_its_numbers(desk, follower, told):
    answer = await preview(desk, follower, told, custom_margin_usd=1, custom_leverage=1, custom_stop_loss_pct=0)

    seen = answer.json()
    assert seen["effective"] == {"leverage": 1, "margin_usd": "1", "stop_loss_pct": "0", "take_profit_pct": "0"}
    assert (seen["copied"], seen["refused"]) == (0, 2)
    refused = seen["lines"][-1]
    assert refused["would"] == "refuse"
    assert refused["rule"] == "quantity_min"
    assert refused["numbers"]["margin_usd"] == "1"
    assert "below the venue's minimum" in refused["reason"]


async def test_a_preview_stores_nothing_and_sends_nothing(desk, follower, told):
    await preview(desk, follower, told)

    assert await follower.items(SUBSCRIPTIONS) == []
    assert await follower.items(EXECUTIONS) == []


async def test_who_follows_already_may_look_what_other_settings_would_do(desk, follower, told):
    account = await desk.paper_account(follower)
    made = await desk.subscription(follower, told, account)
    body = {"bot_id": told["id"], "exchange_account_id": account["id"], "custom_margin_usd": "180"}

    answer = await follower.post(PREVIEW, json=body)

    await follower.delete(f"{SUBSCRIPTIONS}/{made['id']}")
    assert answer.status_code == 200, answer.text
    assert answer.json()["lines"][-1]["quantity"] == "0.01"


async def test_another_s_account_is_no_account_here(desk, follower, told):
    account = await desk.paper_account(await desk.person())

    answer = await follower.post(PREVIEW, json={"bot_id": told["id"], "exchange_account_id": account["id"]})

    assert "exchange_account_id" in assert_error(answer, 422)["message"]


async def test_a_bot_that_is_not_there_and_one_without_signals(desk, follower):
    provider = await desk.person("provider")
    quiet, _ = await desk.bot(provider)

    missing = await preview(desk, follower, {"id": UNKNOWN_ID})
    empty = await preview(desk, follower, quiet)

    assert "bot_id" in assert_error(missing, 422)["message"]
    assert empty.json()["lines"] == []
    assert empty.json()["realised_usd"] is None
