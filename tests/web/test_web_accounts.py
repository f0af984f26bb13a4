"""Accounts over HTTP against the simulated venue: keys go in, are tried, and never come out."""

import asyncio

import pytest

from web_support import ACCOUNTS, EXECUTIONS, assert_error, eventually

pytestmark = pytest.mark.asyncio(loop_scope="module")


BLANKS = "a key may be blank, or hold line ends and wide spaces: an empty secret is a 500, the rest is stored"


def wanted(keys, **more):
    return {"name": "Main", "venue": "binance-futures", "environment": "simulator", **keys, **more}


async def test_a_key_that_trades_and_cannot_withdraw_is_accepted_and_hidden(desk, simulator):
    follower, keys = await desk.person(), await simulator.key()

    answer = await follower.post(ACCOUNTS, json=wanted(keys))

    assert answer.status_code == 201
    account = answer.json()
    assert account["key_check"] == "accepted"
    assert account["key_hint"] == f"…{keys['api_key'][-4:]}"
    assert account["is_active"] is True
    assert account["created_at"].endswith("Z")
    everything = (
        answer.text + (await follower.get(ACCOUNTS)).text + (await follower.get(f"{ACCOUNTS}/{account['id']}")).text
    )
    assert keys["api_key"] not in everything
    assert keys["api_secret"] not in everything


@pytest.mark.parametrize("power", ["enableWithdrawals", "enableInternalTransfer", "permitsUniversalTransfer"])
async def test_a_key_that_can_move_money_out_is_refused_and_not_stored(desk, simulator, power):
    follower, keys = await desk.person(), await simulator.key(permissions={power: True})

    answer = await follower.post(ACCOUNTS, json=wanted(keys))

    error = assert_error(answer, 422)
    assert error["details"]["fields"][0]["field"] == "api_key"
    assert keys["api_key"] not in answer.text
    assert await follower.items(ACCOUNTS) == []
    await simulator.tell("accounts", **keys, permissions={power: False})
    assert (await follower.post(ACCOUNTS, json=wanted(keys))).status_code == 201, "no trace of it was left"


async def test_changing_to_a_key_that_can_withdraw_leaves_the_old_one_in_place(desk, simulator):
    follower = await desk.person()
    account = await desk.futures_account(follower, simulator)
    keys = await simulator.key(permissions={"enableWithdrawals": True})

    answer = await follower.patch(f"{ACCOUNTS}/{account['id']}", json=keys)

    assert_error(answer, 422)
    assert (await follower.get(f"{ACCOUNTS}/{account['id']}")).json() == account
    assert (await follower.post(f"{ACCOUNTS}/{account['id']}/check")).json()["ok"] is True


async def test_a_wrong_secret_is_stored_as_refused_with_its_reason(desk, simulator):
    follower, keys = await desk.person(), await simulator.key()

    answer = await follower.post(ACCOUNTS, json=wanted({**keys, "api_secret": "WRONG" + keys["api_secret"]}))

    assert answer.status_code == 201
    assert answer.json()["key_check"] == "refused"
    assert answer.json()["key_problem"]
    assert keys["api_secret"] not in answer.text


async def test_a_key_that_may_not_trade_is_stored_as_refused(desk, simulator):
    follower, keys = await desk.person(), await simulator.key(permissions={"enableFutures": False})

    answer = await follower.post(ACCOUNTS, json=wanted(keys))

    assert answer.status_code == 201
    assert answer.json()["key_check"] == "refused"


async def test_a_refused_key_is_mended_by_a_new_one(desk, simulator):
    follower, keys = await desk.person(), await simulator.key()
    account = (await follower.post(ACCOUNTS, json=wanted({**keys, "api_secret": "wrong"}))).json()

    answer = await follower.patch(f"{ACCOUNTS}/{account['id']}", json=keys)

    assert answer.status_code == 200
    assert answer.json()["key_check"] == "accepted"
    assert answer.json()["key_problem"] is None


async def test_one_key_is_one_account_whoever_brings_it(desk, simulator):
    one, two = await desk.person(), await desk.person()
    account = await desk.futures_account(one, simulator, **(keys := await simulator.key()))
    other = await desk.futures_account(two, simulator)

    assert_error(await one.post(ACCOUNTS, json=wanted(keys)), 409, "conflict")
    assert_error(await two.post(ACCOUNTS, json=wanted(keys)), 409)
    assert_error(await two.patch(f"{ACCOUNTS}/{other['id']}", json=keys), 409)

    assert (await one.delete(f"{ACCOUNTS}/{account['id']}")).status_code == 204
    assert (await one.post(ACCOUNTS, json=wanted(keys))).status_code == 201


async def test_the_same_key_sent_twice_at_once_becomes_one_account(desk, simulator):
    follower, keys = await desk.person(), await simulator.key()

    answers = await asyncio.gather(*[follower.post(ACCOUNTS, json=wanted(keys)) for _ in range(4)])

    assert sorted(one.status_code for one in answers) == [201, 409, 409, 409]


async def test_blanks_around_a_key_do_not_make_it_another_key(desk, simulator):
    follower, keys = await desk.person(), await simulator.key()
    await follower.post(ACCOUNTS, json=wanted(keys))

    answer = await follower.post(ACCOUNTS, json=wanted({**keys, "api_key": f" {keys['api_key']}\n"}))

    assert_error(answer, 409)


@pytest.mark.parametrize(
    "key",
    [
        *("", "abcd\0efgh", "k\ud800y", 7, "k" * 501, "ключ"),
        *(key for key in ("   ", "\n", "abcd\nefgh12345", "ab\r\nX-Evil: 1", "abcd\N{EM SPACE}efgh")),
    ],
    ids=ascii,
)
@pytest.mark.parametrize("part", ["api_key", "api_secret"])
async def test_a_key_that_no_venue_could_have_made_is_refused_and_not_stored(desk, simulator, key, part):
    follower, keys = await desk.person(), await simulator.key()

    answer = await follower.post(ACCOUNTS, json=wanted({**keys, part: key}))

    assert_error(answer, 422)
    assert await follower.items(ACCOUNTS) == []


@pytest.mark.parametrize("missing", ["api_key", "api_secret"])
async def test_half_a_key_is_refused_for_new_and_for_changed_accounts(desk, simulator, missing):
    follower, keys = await desk.person(), await simulator.key()
    account = await desk.futures_account(follower, simulator)
    half = {name: value for name, value in keys.items() if name != missing}

    for answer in (
        await follower.post(ACCOUNTS, json=wanted(half)),
        await follower.patch(f"{ACCOUNTS}/{account['id']}", json=half),
    ):
        error = assert_error(answer, 422)
        assert [one["field"] for one in error["details"]["fields"]] == [missing]


async def test_real_money_is_refused_while_the_desk_does_not_allow_it(desk, simulator):
    follower = await desk.person()

    answer = await follower.post(ACCOUNTS, json=wanted(await simulator.key(), environment="live"))

    error = assert_error(answer, 422)
    assert error["details"]["fields"][0]["field"] == "environment"
    assert await follower.items(ACCOUNTS) == []


async def test_paper_needs_no_key_and_its_report_is_all_green(desk):
    follower = await desk.person()

    account = await desk.paper_account(follower)
    report = (await follower.post(f"{ACCOUNTS}/{account['id']}/check")).json()

    assert account["key_hint"] == ""
    assert account["key_check"] != "refused"
    assert report["ok"] is True
    assert report["findings"]


async def test_the_report_names_clock_key_balance_and_positions(desk, simulator):
    follower = await desk.person()
    account = await desk.futures_account(follower, simulator)

    answer = await follower.post(f"{ACCOUNTS}/{account['id']}/check")

    assert answer.status_code == 200
    report = answer.json()
    assert set(report) >= {"ok", "key_check", "key_problem", "checked_at", "findings"}
    assert [one["name"] for one in report["findings"]] == ["clock", "key", "balance", "positions"]
    assert report["ok"] is True
    assert "100000" in next(one["detail"] for one in report["findings"] if one["name"] == "balance")


async def test_the_report_tells_what_to_do_about_a_key_that_stopped_working(desk, simulator):
    follower, keys = await desk.person(), await simulator.key()
    account = await desk.futures_account(follower, simulator, **keys)
    await simulator.tell("accounts", api_key=keys["api_key"], api_secret="changed at the venue")

    report = (await follower.post(f"{ACCOUNTS}/{account['id']}/check")).json()

    assert report["ok"] is False
    assert report["key_check"] == "refused"
    assert [one for one in report["findings"] if not one["ok"] and one["advice"]]
    assert (await follower.get(f"{ACCOUNTS}/{account['id']}")).json()["key_check"] == "refused"


async def test_a_venue_that_answers_rubbish_makes_a_report_and_no_error(desk, simulator):
    follower, keys = await desk.person(), await simulator.key()
    account = await desk.futures_account(follower, simulator, **keys)
    await simulator.tell(
        "faults", kind="html_502", account=keys["api_key"], path="GET /sapi/v1/account/apiRestrictions"
    )

    answer = await follower.post(f"{ACCOUNTS}/{account['id']}/check")
    await simulator.heal()

    assert answer.status_code == 200
    assert answer.json()["ok"] is False
    assert keys["api_secret"] not in answer.text
    assert (await follower.get(f"{ACCOUNTS}/{account['id']}")).json()["key_check"] == "accepted"


@pytest.mark.parametrize("venue", ["binance-futures", "paper"])
async def test_a_desk_without_a_simulator_says_so_to_who_wants_to_trade_there(start_hub, simulator, venue):
    async with start_hub() as desk:
        follower = await desk.person()

        answer = await follower.post(
            ACCOUNTS, json=wanted(await simulator.key() if venue != "paper" else {}, venue=venue)
        )

        assert answer.status_code < 500, answer.text


async def test_a_desk_that_no_longer_allows_real_money_still_reports_on_such_an_account(start_hub):
    async with start_hub() as desk:
        follower = await desk.person()
        account = await desk.paper_account(follower, environment="live")
        to_futures = "UPDATE exchange_accounts SET venue = 'binance-futures'"
        await desk.hub.store.write(lambda tables: tables.accounts._connection.exec_driver_sql(to_futures))

        answer = await follower.post(f"{ACCOUNTS}/{account['id']}/check")

        assert answer.status_code < 500, answer.text


async def test_an_account_with_an_open_position_cannot_be_deleted(desk, simulator):
    provider, follower = await desk.person("provider"), await desk.person()
    bot, secret = await desk.bot(provider)
    account = await desk.futures_account(follower, simulator)
    await desk.subscription(follower, bot, account)
    opened = await desk.alert(bot, secret, wait=2.5)
    assert opened.json()["broadcast_stats"]["successful_executions"] == 1, opened.text

    assert_error(await follower.delete(f"{ACCOUNTS}/{account['id']}"), 409, "conflict")
    await desk.alert(bot, secret, action="close", wait=2.5)

    async def everything_is_settled():
        found = await follower.items(EXECUTIONS, account_id=account["id"])
        return all(one["status"] != "pending" for one in found)

    await eventually(everything_is_settled)
    assert (await follower.delete(f"{ACCOUNTS}/{account['id']}")).status_code == 204
    assert_error(await follower.get(f"{ACCOUNTS}/{account['id']}"), 404)
    assert await follower.items("/api/v1/bot-subscriptions") == []
    assert await follower.items(EXECUTIONS, account_id=account["id"]), "the history stays"


async def test_a_deleted_account_is_gone_for_every_verb(desk):
    follower = await desk.person()
    account = await desk.paper_account(follower)
    await follower.delete(f"{ACCOUNTS}/{account['id']}")

    for answer in (
        await follower.delete(f"{ACCOUNTS}/{account['id']}"),
        await follower.patch(f"{ACCOUNTS}/{account['id']}", json={"name": "back"}),
        await follower.post(f"{ACCOUNTS}/{account['id']}/check"),
    ):
        assert_error(answer, 404)


async def test_an_account_that_is_switched_off_gets_a_skipped_with_the_reason(desk, simulator):
    provider, follower = await desk.person("provider"), await desk.person()
    bot, secret = await desk.bot(provider)
    account = await desk.futures_account(follower, simulator, is_active=False)
    await desk.subscription(follower, bot, account)

    answer = await desk.alert(bot, secret, wait=2.5)

    assert answer.json()["broadcast_stats"]["skipped"] == 1
    execution = (await follower.items(EXECUTIONS))[0]
    assert (execution["status"], execution["state"]) == ("skipped", "SKIPPED")
    assert "switched off" in execution["reason"]
