"""The pages as a person meets them, without a browser."""

import asyncio

from dashboard_hub import execution

from copydesk.dashboard.desk import Shared
from copydesk.dashboard.table import change_of


async def test_a_stranger_is_sent_to_the_door_and_a_wrong_password_gets_a_sentence(user, sign_in):
    await sign_in("/signals/signal-1", "not the password")

    await user.should_see("Username or password is wrong.")


async def test_after_the_door_one_is_where_one_wanted_to_go(user, sign_in):
    await sign_in("/bots")

    await user.should_see("EMA Cross")
    await user.should_see("http://hub/api/v1/bots/webhook/master/ema")
    await user.should_see("paste master_secret here")
    assert user.back_history[-1] == "/bots"


async def test_a_door_leads_nowhere_outside(user, sign_in):
    await sign_in("/sign-in?to=//elsewhere.example")

    await user.should_see("Latest orders")
    assert user.back_history[-1] == "/"


async def test_overview_shows_executions_and_follows_them(user, sign_in, hub, sent_to_grid):
    await sign_in("/")
    await user.should_see("11")
    first = await sent_to_grid()

    hub.executions.insert(0, execution(3, "UNKNOWN", "pending"))
    second = await sent_to_grid()

    assert [row["state"] for row in first["add"]] == ["filled", "skipped"]
    assert [row["state"] for row in second["add"]] == ["unknown"]
    assert second.keys() == {"add"}


async def test_a_hub_that_goes_away_shows_and_comes_back_without_a_reload(user, sign_in, hub):
    await sign_in("/")
    await user.should_see("Healthy", retries=10)

    hub.away = True
    await user.should_see("Away", retries=10)
    await user.should_see("The hub does not answer. What you see is as it was")

    hub.away = False
    await user.should_see("Healthy", retries=10)


async def test_a_signal_explains_a_skipped_follower_with_its_numbers(user, sign_in):
    await sign_in("/signals/signal-1")

    await user.should_see("1 copied · 1 skipped")
    await user.should_see("Not copied: Quantity 0 is below the venue's minimum 0.001.")
    await user.should_see("5 USD × 1 ÷ 95200 = 0.000052521008, rounded down to steps of 0.001: 0.")
    await user.should_see("+2.0 ms, before anything was sent")


async def test_an_ended_session_leads_back_to_the_door_with_a_word_why(user, sign_in, hub):
    await sign_in("/")
    await user.should_see("Healthy", retries=10)

    hub.session_ended = True

    await user.should_see("Your session has ended. Please sign in again.", retries=10)


def test_only_what_changed_is_sent_to_the_grid():
    shown = {}

    change_of(shown, [{"id": "3", "state": "filled"}, {"id": "2", "state": "sending"}, {"id": "1", "state": "filled"}])
    after = [{"id": "4", "state": "filled"}, {"id": "3", "state": "filled"}, {"id": "2", "state": "unknown"}]
    change = change_of(shown, after)

    assert change == {
        "add": [{"id": "4", "state": "filled"}],
        "update": [{"id": "2", "state": "unknown"}],
        "remove": [{"id": "1"}],
    }
    assert change_of(shown, after) == {}


async def test_tabs_that_wait_for_a_slow_answer_share_it():
    """Once each waiting tab asked a hanging hub again in turn, and the last one showed Away after ten seconds."""
    asked = []

    async def ask():
        asked.append(len(asked))
        await asyncio.sleep(0.02)
        return asked[-1]

    shared = Shared(ask, fresh_s=0.01)

    answers = await asyncio.gather(*(shared.get() for _ in range(5)))

    assert answers == [0] * 5
