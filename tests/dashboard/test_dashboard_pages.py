"""The frame, the door, the Overview and signals as a person meets them, without a browser."""

import asyncio

import pytest
from dashboard_hub import BREAKER, execution

from copydesk.dashboard.desk import Shared
from copydesk.dashboard.table import change_of


async def test_a_stranger_is_sent_to_the_door_and_a_wrong_password_gets_a_sentence(user, sign_in):
    await sign_in("/signals/signal-1", "not the password")

    await user.should_see("Username or password is wrong.", retries=20)


async def test_after_the_door_one_is_where_one_wanted_to_go(user, sign_in):
    await sign_in("/bots/bot-1")

    await user.should_see("EMA Cross", retries=20)
    await user.should_see("http://hub/api/v1/bots/webhook/master/ema", retries=20)
    assert user.back_history[-1] == "/bots/bot-1"


async def test_a_door_leads_nowhere_outside(user, sign_in):
    await sign_in("/sign-in?to=//elsewhere.example")

    await user.should_see("Latest orders", retries=20)
    assert user.back_history[-1] == "/"


async def test_overview_shows_orders_and_follows_them(user, sign_in, hub, sent_to_grids):
    await sign_in("/")
    first = await sent_to_grids("Latest orders")

    hub.executions.insert(0, execution(3, "UNKNOWN", "pending"))
    second = await sent_to_grids("Latest orders")

    assert [row["state"] for row in first["add"]] == ["filled", "skipped"]
    assert [row["state"] for row in second["add"]] == ["unknown"]
    assert second.keys() == {"add"}


async def test_overview_shows_the_day_what_wants_a_look_and_what_is_held(user, sign_in, sent_to_grids):
    await sign_in("/")

    await user.should_see("-1,234.50 USD", retries=20)
    await user.should_see("5 of 8", retries=20)
    await user.should_see("95 % within 180 ms", retries=20)
    await user.should_see("its clock is not known: nothing is sent", retries=20)
    await user.should_see("Main: the venue refuses its key. Nothing is sent there until it has a new one", retries=20)
    [held] = (await sent_to_grids("Open positions"))["add"]
    assert (held["account"], held["result"], held["result_tone"]) == ("Main", "0.5", "up")


async def test_the_breaker_is_pulled_by_whoever_types_so_and_by_nobody_else(user, sign_in, hub, press):
    await sign_in("/")
    await press("Stop…")
    button = next(iter(user.find("Pull it").elements))

    assert not button.enabled
    user.find("Type STOP to go on").type("STOP")
    assert button.enabled
    await press("Pull it")

    await user.should_see("In force. 2 cancelled, 1 being closed", retries=20)
    assert hub.wishes("POST", "/api/v1/breaker") == [{"scope": "all", "mode": "stop_opens"}]


async def test_a_pulled_breaker_shows_and_is_released_after_a_question(user, sign_in, hub, press):
    hub.answers["GET", "/api/v1/desk/glance"]["breakers"].append(BREAKER)
    await sign_in("/")
    await user.should_see("Stopped: and everything held is closed at market", retries=20)

    await press("Release")
    await user.should_see("Release it? Signals open positions again from the next one on.", retries=20)
    assert hub.wishes("POST", "/api/v1/breaker") == []
    await press("Release")

    await user.should_see("Released", retries=20)
    assert hub.wishes("POST", "/api/v1/breaker") == [{"scope": "all", "id": None, "mode": "release"}]


@pytest.mark.parametrize("role", ["provider"])
async def test_a_provider_has_no_accounts_to_stop_and_no_breaker(user, sign_in):
    await sign_in("/")

    await user.should_see("Latest orders", retries=20)
    await user.should_not_see("Stop…")


async def test_a_hub_that_goes_away_shows_and_comes_back_without_a_reload(user, sign_in, hub):
    await sign_in("/")
    await user.should_see("Hub is well", retries=20)

    hub.away = True
    await user.should_see("Hub is away", retries=20)
    await user.should_see("The hub does not answer. What you see is as it was", retries=20)

    hub.away = False
    await user.should_see("Hub is well", retries=20)


async def test_a_signal_explains_a_skipped_follower_with_its_numbers(user, sign_in):
    await sign_in("/signals/signal-1")

    await user.should_see("1 copied · 1 skipped", retries=20)
    await user.should_see("Not copied: Quantity 0 is below the venue's minimum 0.001.", retries=20)
    await user.should_see("5 USD × 1 ÷ 95,200 USD = 0.000052521008, rounded down to steps of 0.001: 0.", retries=20)
    await user.should_see("+2 ms, before anything was sent", retries=20)


async def test_a_signal_that_is_not_one_s_own_says_where_others_are(user, sign_in):
    await sign_in("/signals/somebody-else-s")

    await user.should_see("This signal does not exist, or is not yours to see.", retries=20)
    await user.should_see("All signals", retries=20)


async def test_whoever_chose_portuguese_reads_words_and_numbers_in_it(user, sign_in):
    user.http_client.cookies.set("copydesk_language", "pt-BR")
    await sign_in("/")

    await user.should_see("Resultado líquido hoje", retries=20)
    await user.should_see("-1.234,50 USD", retries=20)
    await user.should_see("Hub está bem", retries=20)
    assert 'lang="pt-BR"' in (await user.http_client.get("/")).text


async def test_a_reason_is_told_in_the_reader_s_language_with_its_numbers(user, sign_in):
    user.http_client.cookies.set("copydesk_language", "pt-BR")
    await sign_in("/signals/signal-1")

    reason = "A quantidade 0,000052521008 arredondada para baixo, 0, está abaixo do mínimo da corretora, 0,001"
    await user.should_see(f"Não copiado: {reason}.", retries=20)


async def test_dark_is_how_it_is_unless_light_was_chosen(user, sign_in):
    await sign_in("/")
    dark = (await user.http_client.get("/")).text
    user.http_client.cookies.set("copydesk_theme", "light")
    light = (await user.http_client.get("/")).text

    assert 'content="dark"' in dark
    assert 'content="light"' in light


async def test_an_ended_session_leads_back_to_the_door_with_a_word_why(user, sign_in, hub):
    await sign_in("/")
    await user.should_see("Hub is well", retries=20)

    hub.session_ended = True

    await user.should_see("Your session has ended. Please sign in again.", retries=20)


def test_only_what_changed_is_sent_to_the_grid():
    before = [{"id": "3", "state": "filled"}, {"id": "2", "state": "sending"}, {"id": "1", "state": "filled"}]
    after = [{"id": "4", "state": "filled"}, {"id": "3", "state": "filled"}, {"id": "2", "state": "unknown"}]
    change = change_of(before, after)

    assert change == {
        "add": [{"id": "4", "state": "filled"}],
        "update": [{"id": "2", "state": "unknown"}],
        "remove": [{"id": "1"}],
    }
    assert change_of(after, list(after)) == {}


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
