"""Agents at /ws: who is let in, what each is told in which order, and what becomes of what they answer."""

import asyncio
from datetime import timedelta

import pytest
import pytest_asyncio
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from agent_support import Pair, agent, make_pair, mt5_account, served
from copydesk.domain.frames import Command, Event
from copydesk.ports.clock import SystemClock
from copydesk.web.tokens import ACCESS_TTL
from web_support import EXECUTIONS, eventually

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def base(desk):
    async with served(desk) as address:
        yield address


@pytest_asyncio.fixture(loop_scope="module")
async def pair(desk):
    return await make_pair(desk)


async def test_a_bare_client_gets_a_snapshot_and_every_later_event(pair, base):
    async with agent(base, pair.follower.token) as one:
        await one.say("get_snapshot")
        snapshot = await one.until("SNAPSHOT")
        await pair.open(1, sl=1.08, tp=1.09)
        opened = await one.until("OPEN")

    assert one.frames[0]["event"] == "WELCOME"
    assert set(opened) == {"event", "seq", "id", "ts", "expires_at", "data"}
    assert (snapshot["seq"], opened["seq"]) == (0, 1)
    data = opened["data"]
    assert {
        name: data[name] for name in ("master_ticket", "symbol", "type", "volume", "price", "sl", "tp", "fraction")
    } == {
        "master_ticket": 1,
        "symbol": "EURUSD",
        "type": "BUY",
        "volume": "0.1",
        "price": "1.085",
        "sl": "1.08",
        "tp": "1.09",
        "fraction": "1",
    }
    assert data["settings"]["mode"] == "fix"
    assert data["settings"]["fixed_lot"] == "0.01"


async def test_a_client_that_only_listens_hears_the_whole_life_of_a_ticket(pair, base):
    async with agent(base, pair.follower.token) as one:
        await one.say("get_snapshot")
        await pair.open(1, volume=0.4)
        await pair.send(master_ticket=1, sl=1.08)
        await pair.close(1, volume=0.1)
        await pair.close(1)
        told = [await one.until("OPEN", "MODIFY", "CLOSE") for _ in range(4)]

    assert [each["event"] for each in told] == ["OPEN", "MODIFY", "CLOSE", "CLOSE"]
    assert [each["seq"] for each in told] == [1, 2, 3, 4]
    assert [each["data"]["fraction"] for each in told[2:]] == ["0.25", "1"]


async def test_an_opening_and_its_close_that_are_answered_at_once_are_both_booked(pair, base):
    async with agent(base, pair.follower.token) as one:
        opened = await pair.open(1)
        first = await one.until("OPEN")
        closed = await pair.close(1)
        second = await one.until("CLOSE")
        await one.done(second, volume="0.01", price="1.0860", profit="-2")
        await one.done(first, volume="0.01", price="1.0850")
        await pair.executions(opened, "FILLED")
        await pair.executions(closed, "FILLED")

    subscription = (await pair.follower.get(f"/api/v1/bot-subscriptions/{pair.subscription['id']}")).json()
    assert (subscription["current_positions"], subscription["current_daily_loss_usd"]) == (0, "2")


async def test_a_ticket_lives_at_the_terminal_as_at_the_masters(pair, base):
    async with agent(base, pair.follower.token) as one:
        opened = await pair.open(1, volume=0.4)
        await one.done(await one.until("OPEN"), volume="0.04", price="1.0851", plan={"rule": "fix", "lots": "0.04"})
        [entry] = await pair.executions(opened, "FILLED")
        await pair.send(master_ticket=1, sl=1.08)
        moved = await one.until("MODIFY")
        await one.done(moved, volume="0")
        part = await pair.close(1, volume=0.1)
        partly = await one.until("CLOSE")
        await one.done(partly, volume="0.01", price="1.0861", profit="-1.00")
        [some] = await pair.executions(part, "FILLED")
        rest = await pair.close(1)
        wholly = await one.until("CLOSE")
        await one.done(wholly, volume="0.03", price="1.0861", profit="-3.00")
        [last] = await pair.executions(rest, "FILLED")

    assert (entry["symbol"], entry["master_ticket"], entry["executed_quantity"]) == ("EURUSD", 1, "0.04")
    assert entry["plan"]["at_venue"] == {"rule": "fix", "lots": "0.04"}
    assert moved["data"]["sl"] == "1.08"
    assert (partly["data"]["fraction"], wholly["data"]["fraction"]) == ("0.25", "1")
    assert (some["executed_quantity"], last["executed_quantity"]) == ("0.01", "0.03")
    subscription = (await pair.follower.get(f"/api/v1/bot-subscriptions/{pair.subscription['id']}")).json()
    assert subscription["current_positions"] == 0
    assert subscription["current_daily_loss_usd"] == "4"


async def test_hedged_tickets_are_positions_of_their_own(pair, base):
    async with agent(base, pair.follower.token) as one:
        for number, kind in ((1, "BUY"), (2, "SELL"), (3, "BUY")):
            await pair.open(number, kind)
            await one.done(await one.until("OPEN"), volume="0.01")
        closed = await pair.close(2)
        told = await one.until("CLOSE")
        await one.done(told, volume="0.01", price="1.0840", profit="1")
        await pair.executions(closed, "FILLED")

    assert told["data"]["master_ticket"] == 2
    assert told["data"]["type"] == "SELL"
    assert [one["data"]["type"] for one in one.frames if one["event"] == "OPEN"] == ["BUY", "SELL", "BUY"]


async def test_two_bots_tickets_of_one_number_are_two_positions_on_one_account(pair, base, desk):
    other = await make_pair(desk)
    other.follower, other.account = pair.follower, pair.account
    await desk.subscription(pair.follower, other.bot, pair.account)
    async with agent(base, pair.follower.token) as program:
        await program.until("SNAPSHOT")
        signals = []
        for one in (pair, other):
            signals.append(await one.open(5))
            await program.done(await program.until("OPEN"))
        for signal in signals:
            await pair.executions(signal, "FILLED")
        closing = await other.close(5)
        told = await program.until("CLOSE")
        await program.done(told, profit="1")

        assert told["data"]["bot_id"] == other.bot["id"]
        await pair.executions(closing, "FILLED")
        held = await pair.follower.items(EXECUTIONS, signal_id=signals[0])
        assert [(one["state"], one["leg"]) for one in held] == [("FILLED", "open")]


async def test_a_refusal_at_the_terminal_says_its_reason(pair, base):
    async with agent(base, pair.follower.token) as one:
        signal_id = await pair.open(1)
        told = await one.until("OPEN")
        await one.done(told, status="refused", volume="0", reason="Spread 31 points is above the limit of 20")
        [entry] = await pair.executions(signal_id, "CANCELLED")
        later = await pair.close(1)
        [nothing] = await pair.executions(later, "SKIPPED")

    assert entry["reason"] == "Spread 31 points is above the limit of 20"
    assert "was not copied" in nothing["reason"]


async def test_a_result_that_comes_twice_is_booked_once(pair, base):
    async with agent(base, pair.follower.token) as one:
        signal_id = await pair.open(1)
        told = await one.until("OPEN")
        for volume in ("0.01", "0.01", "0.05"):
            await one.done(told, volume=volume)
        [entry] = await pair.executions(signal_id, "FILLED")

    assert entry["executed_quantity"] == "0.01"


async def test_two_bare_clients_of_one_user_are_two_agents(pair, base):
    async with agent(base, pair.follower.token) as one, agent(base, pair.follower.token) as other:
        for each in (one, other):
            await each.until("SNAPSHOT")
        await pair.open(1)
        told = [await each.until("OPEN") for each in (one, other)]

    assert told[0]["id"] == told[1]["id"]
    assert [each["seq"] for each in told] == [1, 1]


async def test_whoever_does_not_follow_is_told_nothing(pair, base, desk):
    stranger = await desk.person()
    async with agent(base, stranger.token) as other, agent(base, pair.follower.token) as one:
        await other.until("SNAPSHOT")
        await pair.open(1)
        await one.until("OPEN")
        await other.nothing()


async def test_a_named_agent_resumes_without_a_gap(pair, base):
    token = pair.follower.token
    async with agent(base, token, "pc") as one:
        await one.say("hello", last_seq=0)
        await one.until("SNAPSHOT")
        await pair.open(1)
        first = await one.until("OPEN")
    for number in (2, 3):
        await pair.open(number)
    await eventually(lambda: _told_agents(pair, 3))
    async with agent(base, token, "pc") as one:
        await one.say("hello", last_seq=first["seq"])
        told = [await one.next() for _ in range(4)]
        await pair.open(4)
        later = await one.until("OPEN")

    assert [each["event"] for each in told] == ["WELCOME", "OPEN", "OPEN", "SNAPSHOT"]
    assert [each["data"]["master_ticket"] for each in told[1:3]] == [2, 3]
    assert [each["seq"] for each in (first, *told[1:], later)] == [1, 2, 3, 3, 4]
    assert {each["master_ticket"] for each in told[3]["data"]["positions"]} == {1, 2, 3}


async def _told_agents(pair, seq):
    agent_id = f"{pair.follower.user.id}:follower:pc"
    return len((await pair.desk.hub.agents.book.after(agent_id, 0, 100))[0]) >= seq


async def test_a_second_session_of_an_agent_replaces_the_first(pair, base):
    async with agent(base, pair.follower.token, "pc") as one, agent(base, pair.follower.token, "pc") as other:
        await other.until("SNAPSHOT")
        with pytest.raises(ConnectionClosed) as ended:
            await one.until("NEVER")

    assert ended.value.rcvd.code == 4001


async def test_nobody_connects_without_a_token(base):
    for token in ("", "nonsense"):
        with pytest.raises(InvalidStatus) as refused:
            async with agent(base, token):
                pass

        assert refused.value.response.status_code == 401


async def test_a_page_of_somebody_elses_does_not_connect_and_the_desks_own_does(pair, base):
    own = base.replace("ws://", "http://")
    address = f"{base}/ws?token={pair.follower.token}"
    with pytest.raises(InvalidStatus) as refused:
        async with connect(address, origin="https://elsewhere.example"):
            pass
    assert refused.value.response.status_code == 403
    async with connect(address, origin=own) as connection:
        assert "WELCOME" in await connection.recv()


async def test_a_foreign_login_is_cut_off_and_written_down(pair, base, desk):
    admin = await desk.person("admin")
    async with agent(base, pair.follower.token, "pc") as one:
        await one.say("hello", last_seq=0, login=666, server="Elsewhere")
        told = await one.until("ERROR")
        with pytest.raises(ConnectionClosed) as ended:
            await one.next()

    assert told["data"]["code"] == "foreign_login"
    assert ended.value.rcvd.code == 4005
    lines = await admin.items("/api/v1/audit", action="agent.foreign_login")
    assert lines[0]["details"]["login"] == 666


async def test_an_agent_that_said_its_login_hears_of_that_account_alone_also_after_a_cut(pair, base, desk):
    other = await mt5_account(pair.follower)
    await desk.subscription(pair.follower, pair.bot, other)
    login = int(other["key_hint"].split()[0])

    async with agent(base, pair.follower.token, "pc") as one:
        await one.say("hello", last_seq=0, login=login, server="Broker-Demo")
        await one.until("SNAPSHOT")
        await pair.open(1)
        live = [await one.until("OPEN", "GAPFILL") for _ in range(2)]
    async with agent(base, pair.follower.token, "pc") as one:
        await one.say("hello", last_seq=0, login=login, server="Broker-Demo")
        again = [await one.until("OPEN", "GAPFILL") for _ in range(2)]

    for told in (live, again):
        assert sorted(one["event"] for one in told) == ["GAPFILL", "OPEN"]
        assert [one["data"]["account_id"] for one in told if one["event"] == "OPEN"] == [other["id"]]
        assert [one["seq"] for one in told] == [1, 2]


async def test_an_allowed_login_that_is_no_account_here_is_told_nobody_elses_commands(pair, base, desk):
    admin = await desk.person("admin")
    changed = await admin.patch(f"/api/v1/users/{pair.follower.user.id}", json={"allowed_mt5_id": 4242})
    assert changed.status_code == 200, changed.text
    async with agent(base, pair.follower.token, "pc") as one:
        await one.say("hello", last_seq=0, login=4242, server="Broker-Demo")
        snapshot = await one.until("SNAPSHOT")
        await pair.open(1)
        told = await one.until("OPEN", "GAPFILL")
        account = await mt5_account(pair.follower, login=4242)
        await desk.subscription(pair.follower, pair.bot, account)
        await one.say("get_snapshot")
        later = await one.until("SNAPSHOT")
        await pair.open(2)
        own = await one.until("OPEN")

    assert (snapshot["data"]["bots"], snapshot["data"]["positions"]) == ([], [])
    assert told["event"] == "GAPFILL"
    assert [each["account_id"] for each in later["data"]["bots"]] == [own["data"]["account_id"]] == [account["id"]]


async def test_a_message_that_is_none_is_answered_and_forgiven(pair, base):
    async with agent(base, pair.follower.token) as one:
        await one.until("SNAPSHOT")
        await one.connection.send("not JSON")
        broken = await one.until("ERROR")
        await one.say("dance")
        unknown = await one.until("ERROR")
        await one.say("get_snapshot")
        await one.until("SNAPSHOT")

    assert broken["data"]["code"] == unknown["data"]["code"] == "not_understood"


async def test_a_heartbeat_shows_a_dead_terminal_at_once(pair, base):
    login = int(pair.account["key_hint"].split()[0])
    status = f"/mt5/status/{pair.follower.user.id}"

    async def shown(connected):
        answer = await pair.follower.get(status)
        return answer.status_code == 200 and answer.json()["connected"] is connected

    async with agent(base, pair.follower.token, "pc") as one:
        await one.say("heartbeat", connected=True, login=login, server="Broker-Demo", figures={"balance": "10"})
        await eventually(lambda: shown(True))
        await one.say("heartbeat", connected=False, login=login, server="Broker-Demo")
        await eventually(lambda: shown(False), 1.0)
        await one.say("heartbeat", connected=True, login=login, server="Broker-Demo")
        await eventually(lambda: shown(True))
    await eventually(lambda: shown(False))


async def test_what_a_terminal_closed_by_itself_is_closed_and_booked(pair, base):
    async with agent(base, pair.follower.token) as one:
        opened = await pair.open(1)
        await one.done(await one.until("OPEN"), volume="0.01")
        await pair.executions(opened, "FILLED")
        for _ in range(2):
            await one.say(
                "closed", id="deal-9", bot_id=pair.bot["id"], symbol="EURUSD", master_ticket=1, reason="stop loss"
            )
        told = await one.until("CLOSE")
        await one.done(told, volume="0.01", price="1.08", profit="-5")
        [entry] = await eventually(lambda: _closes(pair))
        await one.nothing()

    assert entry["state"] == "FILLED"
    subscription = (await pair.follower.get(f"/api/v1/bot-subscriptions/{pair.subscription['id']}")).json()
    assert (subscription["current_positions"], subscription["current_daily_loss_usd"]) == (0, "5")


async def _closes(pair):
    found = await pair.follower.items(EXECUTIONS, leg="close")
    return found if found and all(one["state"] == "FILLED" for one in found) else None


async def test_an_alert_reaches_a_terminal_too(desk, base):
    provider, follower = await desk.person("provider"), await desk.person()
    bot, secret = await desk.bot(provider, market_type="mt5", default_margin_usd="20")
    await desk.subscription(follower, bot, await mt5_account(follower), custom_stop_loss_pct="2")
    async with agent(base, follower.token) as one:
        await one.until("SNAPSHOT")
        await desk.alert(bot, secret, ticker="EURUSD")
        told = await one.until("OPEN")
        await one.done(told, volume="0.09", plan={"contract_size": "100000"})
        await desk.alert(bot, secret, ticker="EURUSD", action="sell")
        closed = await one.until("CLOSE")

    assert told["data"]["volume"] is None
    settings = told["data"]["settings"]
    assert (settings["margin_usd"], settings["leverage"], settings["stop_loss_pct"]) == ("20", "5", "2")
    assert closed["data"]["master_ticket"] == told["data"]["master_ticket"]


async def test_a_hundred_agents_hear_of_one_signal_at_once(desk, base):
    provider = await desk.person("provider")
    bot, _ = await desk.bot(provider, source="master", market_type="mt5")
    followers = [await desk.person() for _ in range(20)]
    for one in followers:
        await desk.subscription(one, bot, await mt5_account(one))
    pair = Pair(desk, provider, bot, followers[0], None, None)

    async def follow(person):
        async with agent(base, person.token) as one:
            await one.until("SNAPSHOT")
            ready.release()
            return await one.until("OPEN")

    ready = asyncio.Semaphore(0)
    async with asyncio.TaskGroup() as tasks:
        waiting = [tasks.create_task(follow(one)) for one in followers for _ in range(5)]
        for _ in waiting:
            await ready.acquire()
        await pair.open(1)

    told = [one.result() for one in waiting]
    assert len({one["id"] for one in told}) == 20
    assert {one["data"]["master_ticket"] for one in told} == {1}


async def test_a_client_that_does_not_read_is_cut_off_and_nobody_else_is(pair, base, desk):
    async with agent(base, pair.follower.token) as one, agent(base, pair.follower.token) as deaf:
        await one.until("SNAPSHOT")
        await deaf.until("SNAPSHOT")
        deaf.connection.transport.pause_reading()
        told, cut = 0, False
        while not cut:
            desk.hub.agents.tell(_large(pair, told), ())
            told += 1
            await one.until("OPEN")
            cut = len(desk.hub.agents.connected(pair.follower.user.id)) == 1

    assert told * LARGE > 1024 * 1024
    assert [frame["seq"] for frame in one.frames if frame["event"] == "OPEN"] == list(range(1, told + 1))


LARGE = 100_000


def _large(pair, number):
    now = pair.desk.hub.clock.now()
    return Command(
        id=f"cd-{number}",
        account_id=pair.account["id"],
        owner_id=pair.follower.user.id,
        event=Event.OPEN,
        data={"much": "x" * LARGE},
        created_at=now,
        expires_at=now,
    )


async def test_a_token_is_renewed_in_time_or_the_connection_ends(pair, base, desk):
    tokens, user, now = desk.hub.tokens, pair.follower.user, desk.hub.clock.now()
    ends_soon = tokens.access(user, now - ACCESS_TTL + timedelta(seconds=3))
    async with agent(base, ends_soon) as renewed, agent(base, ends_soon) as ended:
        await renewed.until("REAUTH")
        await renewed.say("reauth", token=tokens.access(user, now))
        await ended.until("REAUTH")
        with pytest.raises(ConnectionClosed) as cut:
            await ended.until("NEVER", within_s=6)
        await renewed.say("get_snapshot")
        await renewed.until("SNAPSHOT")

    assert cut.value.rcvd.code == 4003


async def test_what_nobody_took_in_time_is_skipped_and_the_numbers_go_on(pair, base):
    await pair.provider.patch(f"/api/v1/bots/{pair.bot['id']}", json={"open_freshness_s": 1})
    async with agent(base, pair.follower.token, "pc") as one:
        await one.say("hello", last_seq=0)
        await one.until("SNAPSHOT")
    signal_id = await pair.open(1)
    await SystemClock().sleep(1.5)
    async with agent(base, pair.follower.token, "pc") as one:
        await one.say("hello", last_seq=0)
        told = [await one.next() for _ in range(3)]
        await pair.open(2)
        later = await one.until("OPEN")
    [missed] = await eventually(lambda: _cancelled(pair, signal_id), 12.0)

    assert [each["event"] for each in told] == ["WELCOME", "GAPFILL", "SNAPSHOT"]
    assert (told[1]["data"]["from_seq"], told[1]["data"]["to_seq"], told[1]["seq"]) == (1, 1, 1)
    assert (later["seq"], later["data"]["master_ticket"]) == (2, 2)
    assert "before it expired" in missed["reason"]


async def _cancelled(pair, signal_id):
    found = await pair.follower.items(EXECUTIONS, signal_id=signal_id)
    return found if found and found[0]["state"] == "CANCELLED" else None


async def test_the_breaker_takes_back_what_no_terminal_has_yet(pair, base):
    async with agent(base, pair.follower.token, "pc") as one:
        await one.say("hello", last_seq=0)
        await one.until("SNAPSHOT")
    signal_id = await pair.open(1)
    await pair.executions(signal_id, "WORKING")

    wish = {"scope": "account", "id": pair.account["id"], "mode": "cancel_working"}
    assert (await pair.follower.post("/api/v1/breaker", json=wish)).status_code == 200
    [taken_back] = await eventually(lambda: _cancelled(pair, signal_id))
    async with agent(base, pair.follower.token, "pc") as one:
        await one.say("hello", last_seq=0)
        told = [await one.next() for _ in range(4)]

    assert "Taken back" in taken_back["reason"]
    assert [each["event"] for each in told] == ["WELCOME", "GAPFILL", "CANCEL", "SNAPSHOT"]
    assert told[2]["data"]["command_id"] == taken_back["client_order_id"]
