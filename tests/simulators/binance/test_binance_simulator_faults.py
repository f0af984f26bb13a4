"""Each fault does exactly what its name says: to the answer, and to the order behind it."""

import asyncio

import pytest
from binance_simulator_support import SPOILED, eventually, outcome

UNKNOWN = {"code": -1007}


@pytest.mark.parametrize(("kind", "seen", "executed"), SPOILED)
async def test_a_fault_spoils_one_order_and_the_next_one_is_well(venue, trader, kind, seen, executed):
    await venue.fault(kind, next_n=1)

    first = await outcome(trader)
    fills = len((await venue.ledger())["fills"])
    second = await outcome(trader)

    assert (first, fills) == (seen, executed)
    assert second == (200, "FILLED")


@pytest.mark.parametrize(("kind", "executed"), [("html_502", True), ("empty_200", False), ("truncated", False)])
async def test_whether_a_spoiled_order_was_executed_can_be_chosen(venue, trader, kind, executed):
    await venue.fault(kind, next_n=1, executed=executed)

    await outcome(trader)

    assert len((await venue.ledger())["fills"]) == int(executed)


async def test_a_limit_or_ban_tells_when_to_come_back(venue, trader):
    await venue.fault("ban", next_n=1, delay_s=120, path="/fapi/v1/time")

    status, _, headers = await trader.raw("GET", "/fapi/v1/time", with_headers=True)

    assert (status, headers["Retry-After"]) == (418, "120")


async def test_a_delayed_order_executes_although_its_client_has_gone(venue, trader):
    await venue.fault("delay_before", next_n=1, delay_s=0.2)

    with pytest.raises(asyncio.TimeoutError):
        await asyncio.wait_for(trader.order(), 0.05)
    before = (await venue.ledger())["fills"]

    async def filled():
        return len((await venue.ledger())["fills"]) == 1

    assert before == []
    await eventually(filled)


async def test_an_order_delayed_beyond_its_window_is_stale(venue, trader):
    await venue.fault("delay_before", next_n=1, delay_s=0.2)

    _, body = await trader.order(recvWindow="100")

    assert body["code"] == -1021
    assert (await venue.ledger())["orders"] == []


async def test_a_delay_after_executes_at_once_and_answers_late(venue, trader):
    await venue.fault("delay_after", next_n=1, delay_s=30)

    with pytest.raises(asyncio.TimeoutError):
        await asyncio.wait_for(trader.order(), 0.1)

    assert len((await venue.ledger())["fills"]) == 1


async def test_faults_add_up_and_a_late_order_is_denied_by_queries_but_not_by_trades(venue, trader):
    await venue.fault("late_not_found", next_n=1, delay_s=30)
    await venue.fault("drop_after", next_n=1)
    named = {"symbol": "BTCUSDT", "origClientOrderId": "late"}

    first = await outcome(trader, newClientOrderId="late")

    _, trades = await trader.send("GET", "/fapi/v1/userTrades", symbol="BTCUSDT")
    _, every = await trader.send("GET", "/fapi/v1/allOrders", symbol="BTCUSDT")
    assert first == "ServerDisconnectedError"
    assert (await trader.code("GET", "/fapi/v1/order", **named), every, len(trades)) == (-2013, [], 1)


async def test_a_skewed_clock_refuses_timestamps_and_tells_its_own_time(venue, trader):
    _, before = await venue.public("/fapi/v1/time")
    await venue.fault("clock_skew", probability=1, delay_s=60)

    code = await trader.order_code()
    _, after = await venue.public("/fapi/v1/time")

    assert code == -1021
    assert after["serverTime"] - before["serverTime"] >= 60_000


async def test_a_fault_hits_only_its_account_and_its_path(venue, trader):
    other = await venue.open_account("bob")
    await venue.fault("html_502", probability=1, account="bob")
    await venue.fault("unknown_not_executed", probability=1, path="GET /fapi/v3/account")

    assert await outcome(trader) == (200, "FILLED")
    assert await outcome(other) == 502
    assert await trader.code("GET", "/fapi/v3/account") == -1007
    assert await trader.code("GET", "/fapi/v3/balance") == 0


async def test_deleting_faults_ends_them_and_the_doors_never_suffer(venue, trader):
    await venue.fault("drop_before", probability=1, path="/_sim/health")
    await venue.fault("drop_before", probability=1)

    health, _ = await venue.sim("GET", "health")
    broken = await outcome(trader)
    await venue.sim("DELETE", "faults")

    assert (health, broken) == (200, "ServerDisconnectedError")
    assert await outcome(trader) == (200, "FILLED")


async def test_a_fault_of_probability_strikes_some_and_spares_some(venue, trader):
    await venue.fault("unknown_executed", probability=0.5)

    seen = [await outcome(trader, quantity="0.001") for _ in range(40)]

    assert {status for status, _ in seen} == {200, 408}
    assert len((await venue.ledger())["fills"]) == 40


async def test_conditional_orders_suffer_too_and_queries_do_not(venue, trader):
    await venue.fault("unknown_executed", next_n=1)

    assert await trader.code("GET", "/fapi/v3/account") == 0
    assert await trader.algo_code() == -1007
    assert len((await trader.send("GET", "/fapi/v1/openAlgoOrders"))[1]) == 1
