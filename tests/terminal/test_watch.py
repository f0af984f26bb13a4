"""A watch over a real gateway and a simulated broker: trades by hand, faults, and other accounts."""

import asyncio
import os
import signal

import pytest
from terminal_support import MASTER, NETTING, watched


@pytest.fixture
async def eye(broker, tmp_path):
    async with watched(broker, tmp_path) as one:
        await one.look(3)
        yield one


async def test_a_session_by_hand_is_told_step_by_step(eye):
    ticket = await eye.do("buy", "EURUSD", 0.3)
    await eye.until(lambda: eye.kinds() == ["open"])
    await eye.do("modify", ticket, sl=0.5)
    await eye.until(lambda: eye.kinds()[1:] == ["modify"])
    await eye.do("close", ticket, 0.1)
    await eye.until(lambda: eye.kinds()[2:] == ["partial_close"])
    opposite = await eye.do("sell", "EURUSD", 0.1)
    await eye.until(lambda: eye.kinds()[3:] == ["open"])
    await eye.do("close_by", ticket, opposite)
    await eye.until(lambda: eye.kinds()[4:] == ["close", "partial_close"])
    await eye.do("close", ticket)
    await eye.until(lambda: eye.kinds()[6:] == ["close"])

    assert [one.reason for one in eye.events()] == ["", "", "client", "", "close_by", "close_by", "client"]
    assert [one.number for one in eye.events()] == [ticket, ticket, ticket, opposite, opposite, ticket, ticket]


async def test_a_netting_account_that_turns_is_a_close_and_an_opening(broker, tmp_path):
    async with watched(broker, tmp_path, login=1003, path=NETTING) as eye:
        await eye.look(3)
        ticket = await eye.do("buy", "EURUSD", 0.1)
        await eye.until(lambda: eye.kinds() == ["open"])
        await eye.do("buy", "EURUSD", 0.2)
        await eye.until(lambda: eye.kinds()[1:] == ["grow"])
        turned = await eye.do("sell", "EURUSD", 0.5)
        await eye.until(lambda: eye.kinds()[2:] == ["close", "open"])
        await eye.do("buy", "EURUSD", 0.2)
        await eye.until(lambda: eye.kinds()[4:] == ["close"])

        assert [one.number for one in eye.events()] == [ticket, ticket, ticket, turned, turned]


async def test_pending_orders_and_flashes_are_told(eye):
    waiting = await eye.do("pend", "buy-limit", "EURUSD", 0.1, 0.5)
    await eye.until(lambda: eye.kinds() == ["pending"])
    await eye.do("modify", waiting, price=0.6)
    await eye.until(lambda: eye.kinds()[1:] == ["pending_modify"])
    await eye.do("remove", waiting)
    await eye.until(lambda: eye.kinds()[2:] == ["pending_remove"])
    ticket = await eye.do("buy", "EURUSD", 0.1)
    await eye.do("close", ticket)
    await eye.until(lambda: eye.kinds()[3:] == ["flash"])


async def test_the_first_look_of_a_connection_is_not_believed_alone(broker, tmp_path):
    async with watched(broker, tmp_path) as eye:
        await eye.do("buy", "EURUSD", 0.1)
        await eye.look()
        assert eye.kinds() == []
        await eye.look()
        assert eye.kinds() == ["open"]


async def test_none_is_not_flat_and_closes_nothing(eye, broker):
    await eye.do("buy", "EURUSD", 0.1)
    await eye.until(lambda: eye.kinds() == ["open"])
    broker.fault("none", function="positions_get", next_n=3)

    await eye.look(4)
    assert "cannot be read" in eye.told[-1][1]
    broker.heal()
    await eye.until(lambda: eye.attachment.trouble is None)
    await eye.look(5)

    assert eye.kinds() == ["open"]


async def test_an_empty_answer_that_no_deal_explains_closes_nothing(eye, broker):
    await eye.do("buy", "EURUSD", 0.1)
    await eye.until(lambda: eye.kinds() == ["open"])
    broker.fault("late_not_found", function="*", next_n=30)

    await eye.look(10)
    broker.heal()
    await eye.look(3)

    assert eye.kinds() == ["open"]


async def test_a_ledger_that_cannot_be_read_delays_and_loses_nothing(eye, broker):
    ticket = await eye.do("buy", "EURUSD", 0.1)
    await eye.until(lambda: eye.kinds() == ["open"])
    broker.fault("none", function="history_deals_get", next_n=2)
    await eye.do("close", ticket)
    await eye.until(lambda: eye.kinds()[1:] == ["close"])


async def test_another_login_is_refused_on_the_very_next_cycle(eye, broker):
    broker.tell("terminals", path=MASTER, login=1002)
    await asyncio.to_thread(broker.hand(1002).buy, "EURUSD", 0.1)
    await eye.look(5)

    assert eye.kinds() == []
    assert eye.attachment.trouble.foreign
    assert "logged in to 1002, and the hub allows 1001 only" in eye.told[-1][1]

    broker.tell("terminals", path=MASTER, login=1001)
    await eye.do("buy", "EURUSD", 0.1)
    await eye.until(lambda: eye.kinds() == ["open"])


async def test_the_same_login_at_another_server_is_refused(broker, tmp_path):
    async with watched(broker, tmp_path, server="Another-Broker") as eye:
        await eye.look(3)

        assert eye.attachment.trouble.foreign
        assert "was watched at Another-Broker" in eye.told[-1][1]


async def test_the_server_that_was_seen_first_is_remembered(eye):
    assert eye.journal.fact("server", str) == "Copydesk-Demo"
    assert eye.attachment.wanted.server == "Copydesk-Demo"


async def test_a_killed_gateway_comes_back_and_misses_nothing(eye):
    ticket = await eye.do("buy", "EURUSD", 0.1)
    await eye.until(lambda: eye.kinds() == ["open"])
    os.kill(eye.gateway.pid, signal.SIGKILL)
    await eye.do("close", ticket)
    await eye.until(lambda: eye.kinds()[1:] == ["close"])


async def test_a_frozen_gateway_is_replaced_and_misses_nothing(eye):
    os.kill(eye.gateway.pid, signal.SIGSTOP)
    await eye.do("buy", "EURUSD", 0.1)
    await eye.until(lambda: eye.kinds() == ["open"])

    opened = eye.journal.entries()[0]
    assert opened.event.catching_up
    assert opened.happened_at <= opened.detected_at


async def test_what_happened_while_nobody_watched_is_told_by_the_next_run(broker, tmp_path):
    async with watched(broker, tmp_path) as first:
        await first.look(3)
        stays = await first.do("buy", "EURUSD", 0.1)
        closes = await first.do("buy", "EURUSD", 0.2)
        await first.until(lambda: first.kinds() == ["open", "open"])
    await first.do("close", closes)
    opened = await first.do("sell", "EURUSD", 0.1)

    async with watched(broker, tmp_path) as second:
        await second.until(lambda: len(second.kinds()) == 4)
        await second.look(5)

        later = [(str(one.kind), one.number, one.catching_up) for one in second.events()[2:]]
        assert later == [("close", closes, True), ("open", opened, True)]
        assert set(second.watch.memory.positions) == {stays, opened}
        assert all(one.happened_at is not None for one in second.journal.entries())


async def test_a_terminal_without_its_broker_is_not_believed(eye, broker):
    broker.tell("terminals", path=MASTER, connected=False)
    await eye.look(2)

    assert "no connection to its broker" in eye.told[-1][1]


async def test_of_a_first_start_only_what_opens_after_its_first_look_has_an_age(broker, tmp_path):
    async with watched(broker, tmp_path) as eye:
        old = await eye.do("buy", "EURUSD", 0.1)
        await eye.look()
        young = await eye.do("buy", "EURUSD", 0.2)
        await eye.until(lambda: len(eye.kinds()) == 2)

        ages = {one.event.number: one.happened_at for one in eye.journal.entries()}
        assert ages[old] is None
        assert ages[young] is not None
