"""Terminals report, and their owners look."""

import pytest

from web_support import MovableClock, assert_error

pytestmark = pytest.mark.asyncio(loop_scope="module")

REPORT = {
    "server": "Broker-Demo",
    "login": 5012345,
    "connected": True,
    "balance": "10250.40",
    "equity": 10262.75,
    "leverage": 100,
    "margin_level": "0",
    "open_positions": 1,
    "signals": [{"ticket": 7, "symbol": "EURUSD", "type": "BUY", "volume": 0.1, "entry": 1.085}],
    "a_field_of_tomorrow": True,
}
STATUS = "/mt5/status"


async def test_a_report_is_shown_to_its_owner_and_to_an_admin(desk):
    provider, admin = await desk.person("provider"), await desk.person("admin")
    who = (await provider.get("/users/me")).json()["id"]

    told = await provider.post(STATUS, json=REPORT)
    seen = [(await one.get(f"{STATUS}/{who}")).json() for one in (provider, admin)]

    assert told.status_code == 200, told.text
    assert seen[0] == seen[1]
    assert {name: seen[0][name] for name in ("role", "server", "login", "connected", "balance", "equity")} == {
        "role": "master",
        "server": "Broker-Demo",
        "login": 5012345,
        "connected": True,
        "balance": "10250.4",
        "equity": "10262.75",
    }
    assert seen[0]["signals"][0]["ticket"] == 7
    assert len(seen[0]["terminals"]) == 1


async def test_nobody_else_sees_a_terminal(desk):
    provider, other = await desk.person("provider"), await desk.person("follower")
    who = (await provider.get("/users/me")).json()["id"]
    await provider.post(STATUS, json=REPORT)

    assert_error(await other.get(f"{STATUS}/{who}"), 404)
    assert_error(await desk.nobody.get(f"{STATUS}/{who}"), 401)


async def test_a_terminal_that_is_silent_counts_as_disconnected(start_hub):
    movable_clock = MovableClock()
    async with start_hub(clock=movable_clock) as desk:
        follower = await desk.person("follower")
        who = (await follower.get("/users/me")).json()["id"]
        await follower.post(STATUS, json=REPORT)

        movable_clock.forward(seconds=89)
        before = (await follower.get(f"{STATUS}/{who}")).json()
        movable_clock.forward(seconds=2)
        after = (await follower.get(f"{STATUS}/{who}")).json()

        assert (before["connected"], after["connected"]) == (True, False)
        assert after["role"] == "copier"


async def test_each_login_is_a_terminal_of_its_own(desk):
    follower = await desk.person("follower")
    who = (await follower.get("/users/me")).json()["id"]

    await follower.post(STATUS, json=REPORT | {"login": 1})
    await follower.post(STATUS, json=REPORT | {"login": 2})
    await follower.post(STATUS, json=REPORT | {"login": 2, "connected": False})
    seen = (await follower.get(f"{STATUS}/{who}")).json()

    assert seen["login"] == 2
    assert [(one["login"], one["connected"]) for one in seen["terminals"]] == [(2, False), (1, True)]


async def test_a_bad_figure_is_named_and_nothing_is_stored(desk):
    follower = await desk.person("follower")
    who = (await follower.get("/users/me")).json()["id"]

    refused = await follower.post(STATUS, json=REPORT | {"balance": "much"})

    assert "balance" in str(assert_error(refused, 422)["details"])
    assert_error(await follower.get(f"{STATUS}/{who}"), 404)


async def test_the_desk_counts_a_masters_active_clients_and_nobody_elses(desk):
    provider, follower = await desk.person("provider"), await desk.person("follower")
    who = (await provider.get("/users/me")).json()["id"]
    master, _ = await desk.bot(provider, source="master")
    alerts, _ = await desk.bot(provider)
    first = await desk.subscription(follower, master, await desk.paper_account(follower))
    for bot in (master, alerts):
        await desk.subscription(follower, bot, await desk.paper_account(follower))
    await provider.post(STATUS, json=REPORT)

    both = (await provider.get(f"{STATUS}/{who}")).json()
    await follower.patch(f"/api/v1/bot-subscriptions/{first['id']}", json={"status": "paused"})
    one = (await provider.get(f"{STATUS}/{who}")).json()

    assert (both["active_clients"], one["active_clients"]) == (2, 1)
    assert one["terminals"][0]["active_clients"] == 1
