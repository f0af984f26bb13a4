"""Subscriptions over HTTP: the follower's own values, where 0 is a choice and null gives it back."""

import asyncio

import pytest
import pytest_asyncio

from web_support import BOTS, EXECUTIONS, SUBSCRIPTIONS, assert_error

pytestmark = pytest.mark.asyncio(loop_scope="module")

CHOICES = {"margin_mode": "cross", "on_unprotected": "alert", "on_daily_loss": "flatten"}

READS = {
    "total_signals_received",
    "total_orders_executed",
    "total_orders_failed",
    "last_signal_at",
    "current_daily_loss_usd",
    "daily_loss_resets_at",
    "current_positions",
}


@pytest_asyncio.fixture(loop_scope="module")
async def provider(desk):
    return await desk.person("provider")


@pytest_asyncio.fixture(loop_scope="module")
async def follower(desk):
    return await desk.person()


@pytest_asyncio.fixture(loop_scope="module")
async def bot(desk, provider):
    wish = {
        "default_leverage": 10,
        "default_margin_usd": 50,
        "default_stop_loss_pct": "2.5",
        "default_take_profit_pct": 5,
    }
    made, secret = await desk.bot(provider, **wish)
    return {**made, "secret": secret}


@pytest_asyncio.fixture(loop_scope="module")
async def account(desk, follower):
    return await desk.paper_account(follower)


async def test_without_values_of_one_s_own_the_bot_s_defaults_count(desk, follower, bot, account):
    made = await desk.subscription(follower, bot, account)

    assert made["effective"] == {"leverage": 10, "margin_usd": "50", "stop_loss_pct": "2.5", "take_profit_pct": "5"}
    assert made["custom_leverage"] is None
    assert made["status"] == "active"
    assert set(made) >= READS
    assert made["total_signals_received"] == 0
    assert made["current_daily_loss_usd"] == "0"
    assert made["daily_loss_resets_at"].endswith("T00:00:00Z")


async def test_zero_is_a_choice_and_not_the_default(desk, follower, bot, account):
    made = await desk.subscription(follower, bot, account, custom_stop_loss_pct=0, custom_take_profit_pct="0")

    assert made["custom_stop_loss_pct"] == "0"
    assert made["effective"]["stop_loss_pct"] == "0"
    assert made["effective"]["take_profit_pct"] == "0"
    assert made["effective"]["leverage"] == 10


async def test_null_gives_a_value_back_to_the_bot_and_silence_leaves_it(desk, follower, bot, account):
    own = {"custom_leverage": 3, "custom_margin_usd": "12.5", "max_daily_loss_usd": 40, "max_concurrent_positions": 2}
    made = await desk.subscription(follower, bot, account, **own)
    assert made["effective"]["margin_usd"] == "12.5"

    answer = await follower.patch(
        f"{SUBSCRIPTIONS}/{made['id']}", json={"custom_leverage": None, "max_daily_loss_usd": None}
    )

    changed = answer.json()
    assert answer.status_code == 200
    assert changed["custom_leverage"] is None
    assert changed["effective"]["leverage"] == 10
    assert changed["max_daily_loss_usd"] is None
    assert changed["custom_margin_usd"] == "12.5"
    assert changed["max_concurrent_positions"] == 2


async def test_a_changed_default_reaches_those_who_have_no_value_of_their_own(desk, provider, follower, bot, account):
    made = await desk.subscription(follower, bot, account, custom_margin_usd=7)

    await provider.patch(f"{BOTS}/{bot['id']}", json={"default_leverage": 4, "default_margin_usd": 99})

    seen = (await follower.get(f"{SUBSCRIPTIONS}/{made['id']}")).json()
    assert seen["effective"]["leverage"] == 4
    assert seen["effective"]["margin_usd"] == "7"


async def test_the_choices_of_copying_come_back_as_they_went_in(desk, follower, bot, account):
    made = await desk.subscription(follower, bot, account, copy=CHOICES)

    seen = (await follower.get(f"{SUBSCRIPTIONS}/{made['id']}")).json()

    assert seen["copy"] == CHOICES


async def test_a_second_subscription_to_the_same_bot_is_a_conflict(desk, follower, bot, account):
    body = {"bot_id": bot["id"], "exchange_account_id": account["id"]}

    answers = await asyncio.gather(*[follower.post(SUBSCRIPTIONS, json=body) for _ in range(3)])

    assert sorted(one.status_code for one in answers) == [201, 409, 409]
    assert_error(next(one for one in answers if one.status_code == 409), 409, "conflict")
    assert len(await follower.items(SUBSCRIPTIONS)) == 1


async def test_who_left_a_bot_may_follow_it_again(desk, follower, bot, account):
    made = await desk.subscription(follower, bot, account)
    assert (await follower.delete(f"{SUBSCRIPTIONS}/{made['id']}")).status_code == 204
    assert_error(await follower.get(f"{SUBSCRIPTIONS}/{made['id']}"), 404)

    again = await desk.subscription(follower, bot, account)

    assert again["id"] != made["id"]


async def test_nobody_follows_with_somebody_else_s_account(desk, follower, bot):
    theirs = await desk.paper_account(await desk.person())

    answer = await follower.post(SUBSCRIPTIONS, json={"bot_id": bot["id"], "exchange_account_id": theirs["id"]})

    error = assert_error(answer, 422)
    assert error["details"]["fields"][0]["field"] == "exchange_account_id"
    unknown = await follower.post(SUBSCRIPTIONS, json={"bot_id": bot["id"], "exchange_account_id": "0" * 26})
    assert answer.json() == unknown.json(), "whether it exists is not told"


async def test_an_admin_follows_with_no_account_but_their_own(desk, bot):
    admin, theirs = await desk.person("admin"), await desk.paper_account(await desk.person())

    answer = await admin.post(SUBSCRIPTIONS, json={"bot_id": bot["id"], "exchange_account_id": theirs["id"]})

    assert_error(answer, 422)


async def test_nobody_follows_a_bot_that_is_archived(desk, provider, follower, bot, account):
    await provider.delete(f"{BOTS}/{bot['id']}")

    answer = await follower.post(SUBSCRIPTIONS, json={"bot_id": bot["id"], "exchange_account_id": account["id"]})

    assert_error(answer, 422)


async def test_a_bot_that_a_follower_cannot_see_cannot_be_followed_either(desk, provider, follower, account):
    """GET says 404 to a paused bot of somebody else: POST must not tell that it is there."""
    hidden, _ = await desk.bot(provider, status="paused")
    assert_error(await follower.get(f"{BOTS}/{hidden['id']}"), 404)

    answer = await follower.post(SUBSCRIPTIONS, json={"bot_id": hidden["id"], "exchange_account_id": account["id"]})

    assert_error(answer, 422)


async def test_a_paused_subscription_receives_nothing_and_a_resumed_one_the_next(desk, follower, bot, account):
    made = await desk.subscription(follower, bot, account, status="paused")
    witness = await desk.person()
    await desk.subscription(witness, bot, await desk.paper_account(witness))
    first = (await desk.alert(bot, bot["secret"], wait=2)).json()
    await follower.patch(f"{SUBSCRIPTIONS}/{made['id']}", json={"status": "active"})

    second = (await desk.alert(bot, bot["secret"], wait=2)).json()

    assert first["broadcast_stats"]["total_subscribers"] == 1
    assert second["broadcast_stats"]["total_subscribers"] == 2
    assert {one["signal_id"] for one in await follower.items(EXECUTIONS)} == {second["signal_id"]}


async def test_who_copies_closes_only_gets_a_skipped_for_an_opening(desk, follower, bot, account):
    await desk.subscription(follower, bot, account, status="close_only")

    answer = (await desk.alert(bot, bot["secret"], wait=2)).json()

    assert answer["broadcast_stats"]["skipped"] == 1


async def test_at_the_limit_of_positions_the_reason_is_the_contract_s(desk, follower, bot, account):
    await desk.subscription(follower, bot, account, max_concurrent_positions=0)

    await desk.alert(bot, bot["secret"], wait=2)

    assert [one["reason"] for one in await follower.items(EXECUTIONS)] == ["Max concurrent positions reached"]


async def test_a_daily_loss_limit_of_zero_stops_openings_with_the_contract_s_reason(desk, follower, bot, account):
    await desk.subscription(follower, bot, account, max_daily_loss_usd=0)

    await desk.alert(bot, bot["secret"], wait=2)

    assert [one["reason"] for one in await follower.items(EXECUTIONS)] == ["Daily loss limit reached"]


async def test_the_counts_tell_what_came_of_the_signals(desk, follower, bot, account):
    made = await desk.subscription(follower, bot, account, custom_stop_loss_pct=0, custom_take_profit_pct=0)

    stats = (await desk.alert(bot, bot["secret"], wait=2.5)).json()["broadcast_stats"]

    seen = (await follower.get(f"{SUBSCRIPTIONS}/{made['id']}")).json()
    assert stats["successful_executions"] == 1
    assert seen["total_signals_received"] == 1
    assert seen["total_orders_executed"] == 1
    assert seen["total_orders_failed"] == 0
    assert seen["current_positions"] == 1
    assert seen["last_signal_at"].endswith("Z")


async def test_a_follower_can_leave_with_a_position_open_and_close_it_by_hand(desk, follower, bot, account):
    made = await desk.subscription(follower, bot, account)
    await desk.alert(bot, bot["secret"], wait=2.5)

    assert (await follower.delete(f"{SUBSCRIPTIONS}/{made['id']}")).status_code == 204

    stats = (await desk.alert(bot, bot["secret"], action="close", wait=1)).json()["broadcast_stats"]
    assert stats["total_subscribers"] == 0
