"""Every fault of contract §5, as it looks on a WebSocket."""

import asyncio
from contextlib import suppress

import aiohttp
import pytest
from deriv_simulator_support import CALL_5T

BUY = {"buy": "1", "price": 1, "parameters": CALL_5T}


async def orders(venue):
    return len((await venue.ledger())["orders"])


async def no_answer(task):
    done, _ = await asyncio.wait({task}, timeout=0.2)
    assert not done


@pytest.fixture
async def later():
    """Requests whose answers are late; what is still under way at the end is given up."""
    tasks = []

    def begin(asking):
        tasks.append(asyncio.ensure_future(asking))
        return tasks[-1]

    yield begin
    for task in tasks:
        task.cancel()
        with suppress(asyncio.CancelledError, Exception):
            await task


async def test_a_delay_before_executes_only_when_it_is_over(venue, alice, later):
    await venue.post("faults", kind="delay_before", next_n=1, delay_s=5)

    answer = later(alice.ask(**BUY))
    await no_answer(answer)
    assert await orders(venue) == 0
    await venue.pass_time(5)

    assert (await answer)["buy"]["buy_price"] == 1
    assert await orders(venue) == 1


async def test_a_delay_after_has_executed_already_and_pushes_what_it_booked(venue, alice, later):
    await alice.ask(balance=1, subscribe=1)
    await venue.post("faults", kind="delay_after", next_n=1, delay_s=5)

    answer = later(alice.ask(**BUY))
    await no_answer(answer)
    assert await orders(venue) == 1
    await venue.pass_time(5)

    assert (await answer)["buy"]["buy_price"] == 1
    assert [each["msg_type"] for each in alice.heard][:1] == ["balance"]


@pytest.mark.parametrize(("kind", "executed"), [("drop_before", 0), ("drop_after", 1)])
async def test_a_dropped_connection_has_or_has_not_executed(venue, alice, kind, executed):
    await venue.post("faults", kind=kind, next_n=1)

    await alice.ws.send_json(BUY)

    assert await alice.is_closed()
    assert await orders(venue) == executed
    again = await venue.connect("alice-token")
    assert len((await again.ask(portfolio=1))["portfolio"]["contracts"]) == executed


async def test_half_an_answer_is_followed_by_the_end_of_the_connection(venue, alice):
    await venue.post("faults", kind="truncated", next_n=1)

    await alice.ws.send_json(BUY)

    assert await alice.is_closed()
    assert await orders(venue) == 1


async def test_an_empty_answer_has_executed(venue, alice):
    await venue.post("faults", kind="empty_200", next_n=1)

    await alice.ws.send_json(BUY)
    message = await alice.ws.receive()

    assert message.data == ""
    assert await orders(venue) == 1


@pytest.mark.parametrize(("kind", "executed"), [("unknown_executed", 1), ("unknown_not_executed", 0)])
async def test_a_wrong_response_leaves_open_whether_it_was_executed(venue, alice, kind, executed):
    await venue.post("faults", kind=kind, next_n=1)

    answer = await alice.ask(**BUY)

    assert answer["error"]["code"] == "WrongResponse"
    assert answer["msg_type"] == "buy"
    assert answer["echo_req"]["parameters"] == CALL_5T
    assert await orders(venue) == executed


async def test_a_rate_limit_executes_nothing(venue, alice):
    await venue.post("faults", kind="rate_limit", next_n=1)

    assert (await alice.error(**BUY))["code"] == "RateLimit"
    assert await orders(venue) == 0
    assert (await alice.ask(**BUY))["buy"]["buy_price"] == 1


async def test_a_ban_ends_the_connection_and_refuses_new_ones_until_it_is_over(venue, alice):
    await venue.post("faults", kind="ban", next_n=1, delay_s=60)

    await alice.ws.send_json(BUY)
    assert await alice.is_closed()
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await venue.connect()
    await venue.pass_time(60)

    assert refused.value.status == 403
    assert await orders(venue) == 0
    assert (await (await venue.connect()).ask(ping=1))["ping"] == "pong"


async def test_a_page_of_html_stands_where_the_handshake_should_be(venue):
    await venue.post("faults", kind="html_502", next_n=1)

    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await venue.connect()

    assert refused.value.status == 502
    assert (await (await venue.connect()).ask(ping=1))["ping"] == "pong"


async def test_a_skewed_clock_tells_another_time(venue, alice):
    right = (await alice.ask(time=1))["time"]
    await venue.post("faults", kind="clock_skew", delay_s=90)

    assert (await alice.ask(time=1))["time"] == right + 90
    await venue.door("DELETE", "faults")
    assert (await alice.ask(time=1))["time"] == right


async def test_what_was_bought_is_denied_for_a_while(venue, alice):
    await venue.post("faults", kind="late_not_found", next_n=1, delay_s=2)
    id = (await alice.ask(**BUY))["buy"]["contract_id"]

    async def seen():
        return [
            (await alice.ask(proposal_open_contract=1, contract_id=id))["proposal_open_contract"] != {},
            (await alice.ask(portfolio=1))["portfolio"]["contracts"] != [],
            len((await alice.ask(statement=1))["statement"]["transactions"]) == 2,
        ]

    assert await seen() == [False] * 3
    assert await orders(venue) == 1
    await venue.pass_time(2)
    assert await seen() == [True] * 3


async def test_a_message_of_a_stream_comes_twice(venue, alice):
    await alice.ask(balance=1, subscribe=1)
    await venue.post("faults", kind="duplicate_event", next_n=1)

    await alice.ask(**BUY)
    heard = await alice.settled()

    assert [each["msg_type"] for each in heard] == ["balance", "balance"]
    assert heard[0] == heard[1]


async def test_a_message_of_a_stream_is_overtaken_by_the_next_one(venue, alice):
    await alice.ask(balance=1, subscribe=1)
    await alice.ask(transaction=1, subscribe=1)
    await venue.post("faults", kind="reordered_event", next_n=1)

    await alice.ask(**BUY)

    assert [each["msg_type"] for each in await alice.settled()] == ["transaction", "balance"]


async def test_connections_of_one_account_are_cut_at_once_or_with_an_event(venue, alice):
    bob = await venue.trader("bob-token", balance="10")
    await venue.post("faults", kind="stream_disconnect", account="alice-token")
    assert await alice.is_closed()
    assert (await bob.ask(ping=1))["ping"] == "pong"

    await bob.ask(ticks="1HZ100V", subscribe=1)
    await venue.post("faults", kind="stream_disconnect", next_n=1, call="tick")
    await venue.pass_time(1)
    assert await bob.is_closed()


async def test_any_code_of_the_list_can_be_caused_and_executes_nothing(venue, alice):
    await venue.post("faults", kind="refuse", code="MarketIsClosed", next_n=1)

    assert await alice.error(**BUY) == {"code": "MarketIsClosed", "message": "This market is presently closed."}
    assert await orders(venue) == 0


async def test_a_fault_keeps_to_its_account_its_request_and_its_number(venue, alice):
    bob = await venue.trader("bob-token", balance="10")
    await venue.post("faults", kind="refuse", code="RateLimit", account="bob-token", call="portfolio", next_n=1)

    assert "buy" in await alice.ask(**BUY)
    assert "portfolio" in await alice.ask(portfolio=1)
    assert "buy" in await bob.ask(**BUY)
    assert (await bob.error(portfolio=1))["code"] == "RateLimit"
    assert "portfolio" in await bob.ask(portfolio=1)
    assert (await venue.door("GET", "faults"))[1] == {"faults": []}


async def test_chance_strikes_as_often_as_it_is_told_to(venue, alice):
    await venue.post("faults", kind="rate_limit", probability=0.5)

    struck = ["error" in await alice.ask(**BUY) for _ in range(60)]

    assert 15 < sum(struck) < 45
    assert await orders(venue) == struck.count(False)
