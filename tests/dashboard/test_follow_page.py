"""Following a bot in steps, as a person meets it."""

import pytest
from dashboard_hub import listed
from nicegui import ui
from people_hub import ACCOUNTS, PREVIEW, SUBSCRIPTIONS, PeopleHub, checked, finding, refusal


@pytest.fixture
def hub():
    return PeopleHub()


@pytest.fixture
def go_on(user):
    async def forward(to):
        user.find("Next").click()
        await user.should_see(to, retries=20)

    return forward


async def begin(user, sign_in):
    """To the first step, both chosen."""
    await sign_in("/follow/new/bot-1")
    await user.should_see("EMA Cross", retries=20)
    with user:
        choose(user, "Account", "account-1")


def choose(user, label, value):
    [field] = [one for one in user.find(ui.select).elements if one.props.get("label") == label]
    field.set_value(value)


def number(user, label):
    [field] = [one for one in user.find(ui.number).elements if one.props.get("label") == label]
    return field


async def test_whom_one_follows_shows_what_counts_and_what_came_of_it(user, sign_in):
    await sign_in("/follow")

    await user.should_see("EMA Cross", retries=20)
    await user.should_see("3×")
    await user.should_see("14.20 USD / 100.00 USD")
    await user.should_see("1 / no limit")


async def test_who_follows_nobody_reads_what_to_do_next(user, sign_in, hub):
    hub.answers["GET", SUBSCRIPTIONS] = listed([])

    await sign_in("/follow")

    await user.should_see("You follow no bot yet.", retries=20)


async def test_a_bot_is_followed_in_five_steps_with_its_preview_before_anything_is_stored(user, sign_in, hub, go_on):
    await begin(user, sign_in)
    await go_on("Ready to trade")
    await go_on("Counts: 50.00 USD, the bot's default")
    with user:
        number(user, "Stop loss").set_value(0)
        number(user, "Margin").set_value(75.5)
    await user.should_see("Counts: none, yours (the bot's default: 2.5 %)")
    await user.should_see("Counts: 75.50 USD, yours (the bot's default: 50.00 USD)")
    await go_on("Limits stop openings.")
    with user:
        number(user, "Positions at once").set_value(2)
    await go_on("1 of 2")
    await user.should_see("+12.50 USD")
    assert ("POST", SUBSCRIPTIONS) not in {(method, path) for method, path, _ in hub.told}

    user.find(kind=ui.button, content="Follow").click()

    await user.should_see("You follow it now", retries=20)
    method, path, body = hub.told[-1]
    assert (method, path) == ("POST", SUBSCRIPTIONS)
    assert body["exchange_account_id"] == "account-1"
    assert (body["custom_margin_usd"], body["custom_stop_loss_pct"], body["custom_leverage"]) == ("75.5", "0", None)
    assert body["max_concurrent_positions"] == 2


async def test_an_account_that_cannot_follow_the_bot_is_told_at_once(user, sign_in, hub):
    hub.answers["POST", f"{SUBSCRIPTIONS}/preview"] = refusal(422, exchange_account_id="a spot bot cannot be copied")
    await begin(user, sign_in)

    user.find("Next").click()

    await user.should_see("exchange_account_id: a spot bot cannot be copied", retries=20)
    await user.should_see("Bot and account")


async def test_a_refused_key_ends_the_way_with_what_to_do_about_it(user, sign_in, hub, go_on):
    refused = finding("key", ok=False, detail="unknown key", advice="Make a new one.")
    hub.answers["POST", f"{ACCOUNTS}/account-1/check"] = checked(refused, key_check="refused")
    await begin(user, sign_in)
    await go_on("Something needs care first")
    await user.should_see("Make a new one.")

    user.find("Next").click()

    await user.should_see("With this key nothing can be sent", retries=20)
    await user.should_not_see("Counts: 50.00 USD, the bot's default")


async def test_a_value_that_cannot_be_stops_at_its_own_field(user, sign_in, go_on):
    await begin(user, sign_in)
    await go_on("Ready to trade")
    await go_on("Counts: 10×, the bot's default")
    with user:
        number(user, "Leverage").set_value(500)

    user.find("Next").click()

    await user.should_see("From 1 to 125", retries=20)
    await user.should_not_see("Limits stop openings.")


async def test_editing_begins_with_one_s_own_values_and_gives_back_what_is_cleared(user, sign_in, hub, go_on):
    await sign_in("/follow/edit/subscription-1")
    await user.should_see("Counts: 3×, yours (the bot's default: 10×)", retries=20)
    with user:
        number(user, "Leverage").set_value(None)
    await go_on("Limits stop openings.")
    await go_on("1 of 2")

    user.find("Save").click()

    await user.should_see("Saved: it counts from the next signal on.", retries=20)
    method, path, body = hub.told[-1]
    assert (method, path) == ("PATCH", f"{SUBSCRIPTIONS}/subscription-1")
    assert body["custom_leverage"] is None
    assert body["custom_stop_loss_pct"] == "0"
    assert body["max_daily_loss_usd"] == "100"


async def test_pausing_shows_the_hub_s_answer(user, sign_in, hub):
    await sign_in("/follow")
    await user.should_see("EMA Cross", retries=20)

    user.find("Pause").click()

    await user.should_see("It is paused now.", retries=20)
    assert hub.told[-1] == ("PATCH", f"{SUBSCRIPTIONS}/subscription-1", {"status": "paused"})


async def test_leaving_says_what_it_means_before_it_is_done(user, sign_in, hub):
    await sign_in("/follow")
    await user.should_see("EMA Cross", retries=20)

    user.find("Leave").click()
    await user.should_see("An open position stays as it is", retries=20)
    assert hub.told == []

    user.find("Leave now").click()

    await user.should_see("You have left EMA Cross.", retries=20)
    assert hub.told[-1][:2] == ("DELETE", f"{SUBSCRIPTIONS}/subscription-1")


async def test_a_bot_without_signals_says_that_there_is_nothing_to_look_back_on(user, sign_in, hub, go_on):
    nothing = {"signals": 0, "lines": [], "copied": 0, "refused": 0, "realised_usd": None}
    hub.answers["POST", f"{SUBSCRIPTIONS}/preview"] = PREVIEW | nothing
    await begin(user, sign_in)
    await go_on("Ready to trade")
    await go_on("Counts: 10×, the bot's default")
    await go_on("Limits stop openings.")

    await go_on("This bot has sent no signal yet")
