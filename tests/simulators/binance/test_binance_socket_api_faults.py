"""Every fault of an order strikes it over the WebSocket API too: the answer is spoiled, the order is as its name says."""

import asyncio

import pytest
from aiohttp import WSMsgType
from binance_simulator_support import eventually
from socket_api_support import ORDER, STOP, ApiSocket

CLOSED = {WSMsgType.CLOSED, WSMsgType.CLOSE, WSMsgType.CLOSING, WSMsgType.ERROR}


def connect(venue):
    return venue.session.ws_connect(f"ws://127.0.0.1:{venue.port}/ws-fapi/v1")


async def fills(venue):
    return len((await venue.ledger())["fills"])


@pytest.mark.parametrize(
    ("kind", "status", "code", "executed"),
    [
        ("unknown_executed", 408, -1007, 1),
        ("unknown_not_executed", 408, -1007, 0),
        ("rate_limit", 429, -1003, 0),
        ("ban", 418, -1003, 0),
    ],
)
async def test_a_fault_spoils_one_order_and_the_next_one_is_well(venue, trader, kind, status, code, executed):
    await venue.fault(kind, next_n=1)

    async with connect(venue) as socket:
        api = ApiSocket(socket)
        spoiled = await api.ask("order.place", ORDER, by=trader)
        before = await fills(venue)
        well = await api.ask("order.place", ORDER, by=trader)

    assert (spoiled["status"], spoiled["error"]["code"], before) == (status, code, executed)
    assert well["result"]["status"] == "FILLED"


async def test_any_documented_refusal_can_be_provoked_and_the_throttle_lets_closing_orders_pass(venue, trader):
    await trader.order()
    await venue.fault("refuse", code=-1008, probability=1)

    async with connect(venue) as socket:
        api = ApiSocket(socket)
        refused = await api.ask("order.place", ORDER, by=trader)
        closed = await api.ask("order.place", {**ORDER, "side": "SELL", "reduceOnly": "true"}, by=trader)

    assert (refused["status"], refused["error"]["code"]) == (503, -1008)
    assert closed["result"]["status"] == "FILLED"


@pytest.mark.parametrize(("kind", "executed"), [("drop_before", 0), ("drop_after", 1), ("truncated", 1)])
async def test_a_dropped_connection_takes_the_answer_with_it(venue, trader, kind, executed):
    await venue.fault(kind, next_n=1)

    async with connect(venue) as socket:
        await ApiSocket(socket).send("order.place", ORDER, by=trader)
        message = await socket.receive()

    assert message.type in CLOSED
    assert await fills(venue) == executed


async def test_an_empty_answer_has_an_id_and_no_result_and_a_page_has_neither(venue, trader):
    await venue.fault("empty_200", next_n=1)
    await venue.fault("html_502", next_n=1, account="bob")
    bob = await venue.open_account("bob")

    async with connect(venue) as socket:
        api = ApiSocket(socket)
        empty = await api.ask("order.place", ORDER, by=trader)
        await api.send("order.place", ORDER, by=bob)
        page = await socket.receive_str()

    assert (empty["status"], "result" in empty, "error" in empty) == (200, False, False)
    assert page.startswith("<html>")
    assert [fill["account"] for fill in (await venue.ledger())["fills"]] == ["alice"]


async def test_an_order_that_waits_executes_although_its_client_has_gone(venue, trader):
    await venue.fault("delay_before", next_n=1, delay_s=0.2)

    async with connect(venue) as socket:
        await ApiSocket(socket).send("order.place", ORDER, by=trader)
    before = await fills(venue)

    async def filled():
        return await fills(venue) == 1

    assert before == 0
    await eventually(filled)


async def test_an_order_delayed_beyond_its_window_is_stale(venue, trader):
    await venue.fault("delay_before", next_n=1, delay_s=0.2)

    async with connect(venue) as socket:
        answer = await ApiSocket(socket).ask("order.place", {**ORDER, "recvWindow": 100}, by=trader)

    assert (answer["error"]["code"], await fills(venue)) == (-1021, 0)


async def test_a_delay_after_executes_at_once_and_answers_late(venue, trader):
    await venue.fault("delay_after", next_n=1, delay_s=30)

    async with connect(venue) as socket:
        await ApiSocket(socket).send("order.place", ORDER, by=trader)

        async def filled():
            return await fills(venue) == 1

        await eventually(filled)
        with pytest.raises(asyncio.TimeoutError):
            await socket.receive(timeout=0.05)


async def test_a_skewed_clock_refuses_timestamps_here_too(venue, trader):
    await venue.fault("clock_skew", next_n=1, delay_s=60)

    async with connect(venue) as socket:
        answer = await ApiSocket(socket).ask("order.place", ORDER, by=trader)

    assert answer["error"]["code"] == -1021


async def test_a_late_order_is_denied_by_queries_on_either_way_in(venue, trader):
    await venue.fault("late_not_found", next_n=1, delay_s=30)
    await venue.fault("unknown_executed", next_n=1)
    named = {"symbol": "BTCUSDT", "origClientOrderId": "late"}

    async with connect(venue) as socket:
        api = ApiSocket(socket)
        placed = await api.ask("order.place", {**ORDER, "newClientOrderId": "late"}, by=trader)
        asked = await api.ask("order.status", named, by=trader)

    assert (placed["error"]["code"], asked["error"]["code"]) == (-1007, -2013)
    assert await trader.code("GET", "/fapi/v1/order", **named) == -2013
    assert await fills(venue) == 1


async def test_conditional_orders_suffer_and_questions_do_not(venue, trader):
    await venue.fault("unknown_executed", next_n=1)

    async with connect(venue) as socket:
        api = ApiSocket(socket)
        account = await api.ask("v2/account.status", by=trader)
        stop = await api.ask("algoOrder.place", STOP, by=trader)

    assert (account["status"], stop["error"]["code"]) == (200, -1007)
    assert len((await trader.send("GET", "/fapi/v1/openAlgoOrders"))[1]) == 1


async def test_one_dropped_order_takes_the_answers_of_all_who_share_the_connection(venue, trader):
    bob = await venue.open_account("bob")
    await venue.fault("delay_after", next_n=1, account="alice", delay_s=0.1)
    await venue.fault("drop_before", next_n=1, account="bob")

    async with connect(venue) as socket:
        api = ApiSocket(socket)
        await api.send("order.place", ORDER, by=trader)
        await api.send("order.place", ORDER, by=bob)
        message = await socket.receive()

    assert message.type in CLOSED
    assert [fill["account"] for fill in (await venue.ledger())["fills"]] == ["alice"]
