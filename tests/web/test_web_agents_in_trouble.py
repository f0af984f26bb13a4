"""Agents that are late, hostile, or two where one should be; and what was wanted when they were away, and is not any more."""

import asyncio

import pytest
import pytest_asyncio
from msgspec.structs import replace
from websockets.exceptions import ConnectionClosed

from agent_support import agent, login_of, make_pair, mt5_account, served
from copydesk.domain.errors import StoreUnavailable
from copydesk.domain.execution import State
from copydesk.ports.clock import SystemClock
from copydesk.venues.metatrader5 import Switchboard
from web_support import EXECUTIONS, USERS, assert_error, eventually

pytestmark = pytest.mark.asyncio(loop_scope="module")

ODD = [
    {"price": "NaN"},
    {"price": "1E+200000000"},
    {"volume": "Infinity"},
    {"volume": "-1"},
    {"profit": "1E+13"},
    {"price": None},
    {"volume": "0"},
    {"ticket": 2**70},
    {"reason": "x" * 1_000},
    {"plan": {str(number): 1 for number in range(100)}},
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def base(desk):
    async with served(desk) as address:
        yield address


@pytest_asyncio.fixture(loop_scope="module")
async def pair(desk):
    return await make_pair(desk)


async def away(pair, base, name="pc"):
    """An agent that was there once."""
    async with agent(base, pair.follower.token, name) as one:
        await one.say("hello", last_seq=0)
        await one.until("SNAPSHOT")


@pytest.mark.parametrize("odd", ODD, ids=lambda odd: str(odd)[:30])
async def test_figures_that_cannot_be_are_refused_and_the_right_ones_still_count(pair, base, odd):
    async with agent(base, pair.follower.token) as one:
        signal_id = await pair.open(1)
        told = await one.until("OPEN")
        await one.done(told, **odd)
        refused = await one.until("ERROR")
        await one.done(told)
        [entry] = await pair.executions(signal_id, "FILLED")

    assert refused["data"]["code"] == "not_understood"
    assert entry["executed_quantity"] == "0.1"


@pytest.mark.parametrize("why", ["breaker", "paused", "switched off", "closed by the master"])
async def test_an_opening_that_waited_is_not_told_once_it_is_unwanted(pair, base, why):
    await away(pair, base)
    signal_id = await pair.open(1)
    await pair.told("pc", 1)
    await pair.executions(signal_id, "WORKING")

    if why == "breaker":
        wish = {"scope": "account", "id": pair.account["id"], "mode": "stop_opens"}
        assert (await pair.follower.post("/api/v1/breaker", json=wish)).status_code == 200
    elif why == "paused":
        path = f"/api/v1/bot-subscriptions/{pair.subscription['id']}"
        assert (await pair.follower.patch(path, json={"status": "paused"})).status_code == 200
    elif why == "switched off":
        path = f"/api/v1/exchange-accounts/{pair.account['id']}"
        assert (await pair.follower.patch(path, json={"is_active": False})).status_code == 200
    else:
        await pair.close(1)
    async with agent(base, pair.follower.token, "pc") as one:
        await one.say("hello", last_seq=0)
        await one.until("SNAPSHOT")
        await eventually(lambda: _is(pair, signal_id, "CANCELLED"))

    assert "OPEN" not in [told["event"] for told in one.frames]


async def _is(pair, signal_id, state):
    found = await pair.follower.items(EXECUTIONS, signal_id=signal_id)
    return found if found and found[0]["state"] == state else None


async def test_what_one_terminal_closed_is_not_closed_at_the_other(pair, base, desk):
    other = await mt5_account(pair.follower)
    await desk.subscription(pair.follower, pair.bot, other)
    token = pair.follower.token
    async with agent(base, token, "a") as one, agent(base, token, "b") as two:
        for each, account in ((one, pair.account), (two, other)):
            await each.say("hello", last_seq=0, **login_of(account))
            await each.until("SNAPSHOT")
        opened = await pair.open(1)
        for each in (one, two):
            await each.done(await each.until("OPEN"), volume="0.01")
        await pair.executions(opened, "FILLED")
        await one.say("closed", id="deal-1", bot_id=pair.bot["id"], symbol="EURUSD", master_ticket=1, reason="stop")
        told = await one.until("CLOSE")
        await SystemClock().sleep(0.5)
        await two.say("get_snapshot")
        await two.until("SNAPSHOT")

    assert told["data"]["account_id"] == pair.account["id"]
    assert "CLOSE" not in [each["event"] for each in two.frames]


async def test_a_close_that_comes_right_behind_its_opening_is_not_forgotten(pair, base):
    async with agent(base, pair.follower.token) as one:
        await pair.open(1)
        await one.done(await one.until("OPEN"), volume="0.01")
        await one.say("closed", id="deal-7", bot_id=pair.bot["id"], symbol="EURUSD", master_ticket=1, reason="stop")
        told = await one.until("CLOSE")

    assert told["data"]["fraction"] == "1"


async def test_an_account_has_one_hand(pair, base):
    who = login_of(pair.account)
    async with agent(base, pair.follower.token, "home") as old, agent(base, pair.follower.token, "vps") as new:
        await old.say("hello", last_seq=0, **who)
        await old.until("SNAPSHOT")
        await new.say("hello", last_seq=0, **who)
        await new.until("SNAPSHOT")
        with pytest.raises(ConnectionClosed) as replaced:
            await old.until("NEVER")
        await pair.open(1)
        await new.until("OPEN")

    assert replaced.value.rcvd.code == 4001


@pytest.mark.parametrize("told", [{"server": "Elsewhere"}, {"trade_mode": 2}], ids=str)
async def test_another_server_and_real_money_are_cut_off(pair, base, told):
    async with agent(base, pair.follower.token, "pc") as one:
        await one.say("hello", last_seq=0, **{**login_of(pair.account), **told})
        with pytest.raises(ConnectionClosed) as cut:
            await one.until("NEVER")

    assert cut.value.rcvd.code == 4005


async def test_a_command_whose_sender_died_after_its_commit_is_found(pair, base, desk, monkeypatch):
    book = desk.hub.agents.book
    add, broken = book.add, [True]

    async def add_once_broken(command, *, seen_since):
        found = await add(command, seen_since=seen_since)
        if broken:
            broken.clear()
            raise StoreUnavailable("the connection broke after the commit")
        return found

    async with agent(base, pair.follower.token, "pc") as one:
        await one.say("hello", last_seq=0)
        await one.until("SNAPSHOT")
        monkeypatch.setattr(book, "add", add_once_broken)
        await pair.open(1)
        await pair.open(2)
        told = [await one.until("OPEN", within_s=15) for _ in range(2)]

    assert [each["seq"] for each in told] == [1, 2]
    assert [each["data"]["master_ticket"] for each in told] == [1, 2]


async def test_a_late_hello_still_gets_what_was_missed(pair, base):
    await away(pair, base)
    await pair.open(1)
    await pair.told("pc", 1)
    async with agent(base, pair.follower.token, "pc") as one:
        await one.until("SNAPSHOT")
        one.frames.clear()
        await one.say("hello", last_seq=0)
        told = await one.until("OPEN")

    assert told["seq"] == 1


async def test_a_fresh_agent_is_told_what_nobody_took(pair, base):
    await away(pair, base, "old")
    await pair.open(1)
    await pair.told("old", 1)
    async with agent(base, pair.follower.token, "new") as named, agent(base, pair.follower.token) as bare:
        await named.say("hello")
        told = [await each.until("OPEN") for each in (named, bare)]

    assert told[0]["id"] == told[1]["id"]


async def test_a_user_who_is_disabled_is_cut_off(pair, base, desk):
    admin = await desk.person("admin")
    async with agent(base, pair.follower.token) as one:
        await one.until("SNAPSHOT")
        await admin.patch(f"{USERS}/{pair.follower.user.id}", json={"status": "disabled"})
        with pytest.raises(ConnectionClosed) as cut:
            await one.until("NEVER")

    assert cut.value.rcvd.code == 4003


async def test_figures_of_a_heartbeat_that_are_none_are_refused(pair, base):
    async with agent(base, pair.follower.token) as one:
        await one.say("heartbeat", connected=True, **login_of(pair.account), figures={"balance": "lots"})
        refused = await one.until("ERROR")
        answer = await pair.follower.get(f"/mt5/status/{pair.follower.user.id}")

    assert "balance" in refused["data"]["message"]
    assert_error(answer, 404)


async def test_a_close_for_safety_that_the_terminal_refuses_is_tried_again(pair, base):
    async with agent(base, pair.follower.token) as one:
        opened = await pair.open(1)
        await one.done(await one.until("OPEN"), volume="0.01")
        await pair.executions(opened, "FILLED")
        wish = {"scope": "account", "id": pair.account["id"], "mode": "flatten"}
        assert (await pair.follower.post("/api/v1/breaker", json=wish)).status_code == 200
        await one.done(await one.until("CLOSE"), status="refused", volume="0", price=None, reason="Market closed")
        again = await one.until("CLOSE", within_s=10)

    assert again["data"]["master_ticket"] == 1


async def test_a_close_is_told_although_nobody_knows_whether_its_opening_was_done(pair, base, desk):
    async with agent(base, pair.follower.token) as one:
        signal_id = await pair.open(1)
        await one.until("OPEN")
        await pair.executions(signal_id, "WORKING")
        await desk.hub.store.write(lambda tables: _to_review(tables, signal_id))
        await pair.close(1)
        told = await one.until("CLOSE")

    assert (told["data"]["master_ticket"], told["data"]["fraction"]) == (1, "1")


def _to_review(tables, signal_id):
    [now] = tables.executions.of_signal(signal_id)
    for state in (State.UNKNOWN, State.REVIEW):
        now = tables.executions.move(now, replace(now, state=state), at=now.updated_at)


async def test_a_result_is_booked_at_once_though_its_teller_was_cut_off_while_it_was_stored(
    pair, base, desk, monkeypatch
):
    book = desk.hub.agents.book
    finish = book.finish

    async def finish_and_be_cut_off(*told):
        await finish(*told)
        raise asyncio.CancelledError

    async with agent(base, pair.follower.token) as one:
        await eventually(lambda: _is_listened_to(desk, pair))
        signal_id = await pair.open(1)
        told = await one.until("OPEN")
        await pair.executions(signal_id, "WORKING")
        with monkeypatch.context() as patched:
            patched.setattr(book, "finish", finish_and_be_cut_off)
            await one.done(told)
            [entry] = await pair.executions(signal_id, "FILLED")

    assert entry["executed_quantity"] == "0.1"


async def test_what_is_taken_back_is_booked_at_once_though_who_did_it_was_cut_off_in_it(pair, base, desk, monkeypatch):
    book = desk.hub.agents.book
    withdraw = book.withdraw

    async def withdraw_and_be_cut_off(*told):
        await withdraw(*told)
        raise asyncio.CancelledError

    await eventually(lambda: _is_listened_to(desk, pair))
    signal_id = await pair.open(1)
    [waiting] = await pair.executions(signal_id, "WORKING")
    with monkeypatch.context() as patched:
        patched.setattr(book, "withdraw", withdraw_and_be_cut_off)
        with pytest.raises(asyncio.CancelledError):
            await desk.hub.agents.withdraw(waiting["client_order_id"])

    assert await eventually(lambda: _is(pair, signal_id, "CANCELLED"))


async def test_what_happened_before_the_stream_opened_is_asked_about_although_the_order_was_still_being_sent(
    pair, base, desk, monkeypatch
):
    opened, send = asyncio.Event(), Switchboard.send

    async def send_slowly(*what):
        await send(*what)
        await opened.wait()

    await eventually(lambda: _is_listened_to(desk, pair))
    async with agent(base, pair.follower.token) as one:
        monkeypatch.setattr(Switchboard, "send", send_slowly)
        with monkeypatch.context() as deaf:
            deaf.setattr(Switchboard, "_ring", lambda *_: None)
            signal_id = await pair.open(1)
            told = await one.until("OPEN")
            await one.done(told)
            await eventually(lambda: _has_ended(desk, told["id"]))
        desk.hub.agents._ears[pair.account["id"]].put_nowait(None)
        await eventually(lambda: _is_deaf(desk, pair))
        await eventually(lambda: _is_listened_to(desk, pair))
        opened.set()
        await pair.executions(signal_id, "FILLED")


async def _is_listened_to(desk, pair):
    return desk.hub.desk._watching.is_watched(pair.account["id"])


async def _is_deaf(desk, pair):
    return not await _is_listened_to(desk, pair)


async def _has_ended(desk, command_id):
    return (await desk.hub.agents.book.find(command_id)).ended_at
