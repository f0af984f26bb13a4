"""Each fault strikes spot orders as it strikes the futures': the answer, and the order behind it."""

import asyncio
import json

import pytest
from binance_simulator_support import SPOILED, eventually, outcome


@pytest.mark.parametrize(("kind", "seen", "executed"), SPOILED)
async def test_a_fault_spoils_one_spot_order_and_the_next_one_is_well(venue, trader, kind, seen, executed):
    await venue.fault(kind, next_n=1, account="alice")

    first = await outcome(trader)
    fills = len((await venue.ledger())["fills"])
    second = await outcome(trader)

    assert (first, fills) == (seen, executed)
    assert second == (200, "FILLED")


async def test_a_fault_of_another_account_leaves_this_one_alone(venue, trader):
    await venue.fault("drop_before", probability="1", account="bob")

    assert await outcome(trader) == (200, "FILLED")


async def test_a_fault_of_a_path_strikes_only_there(venue, trader):
    await venue.fault("rate_limit", next_n=1, path="GET /api/v3/account")

    status, body = await trader.send("GET", "/api/v3/account")
    order = await outcome(trader)

    assert (status, order) == (429, (200, "FILLED"))
    assert body["msg"].startswith("Too much request weight used; current limit is 6000 ")


async def test_a_ban_is_told_in_spots_words_with_the_time_to_come_back(venue, trader):
    await venue.fault("ban", next_n=1, delay_s=120, path="/api/v3/time")

    status, body, headers = await trader.raw("GET", "/api/v3/time", with_headers=True)

    assert (status, headers["Retry-After"]) == (418, "120")
    assert body["msg"].startswith("Way too much request weight used; IP banned until ")


async def test_a_delayed_order_executes_although_its_client_has_gone(venue, trader):
    await venue.fault("delay_before", next_n=1, delay_s=0.2)

    with pytest.raises(asyncio.TimeoutError):
        await asyncio.wait_for(trader.order(), 0.05)

    async def filled():
        return len((await venue.ledger())["fills"]) == 1

    await eventually(filled)


async def test_a_late_order_is_denied_by_queries_while_the_wallet_already_shows_it(venue, trader):
    await venue.fault("late_not_found", next_n=1, delay_s=30)
    named = {"symbol": "BTCUSDT", "origClientOrderId": "late"}

    await trader.limit("94000", newClientOrderId="late")
    missing = await trader.send("GET", "/api/v3/order", **named)
    _, waiting = await trader.send("GET", "/api/v3/openOrders", symbol="BTCUSDT")
    _, every = await trader.send("GET", "/api/v3/allOrders", symbol="BTCUSDT")

    assert (missing[1]["code"], waiting, every) == (-2013, [], [])
    assert (await trader.balances())["USDT"][1] == 940


async def test_a_skewed_clock_refuses_timestamps_and_tells_its_own_time(venue, trader):
    await venue.fault("clock_skew", probability="1", delay_s=60)

    _, told = await venue.public("/api/v3/time")
    _, true = await venue.sim("GET", "health")
    status, body = await trader.order()

    assert told["serverTime"] - true["time_ms"] > 50_000
    assert (status, body["code"]) == (400, -1021)


PAIR = {
    "symbol": "BTCUSDT",
    "side": "SELL",
    "quantity": "0.1",
    "aboveType": "LIMIT_MAKER",
    "abovePrice": "99000",
    "belowType": "STOP_LOSS",
    "belowStopPrice": "90000",
    "listClientOrderId": "pair",
}


async def test_the_other_order_paths_are_struck_too(venue, trader):
    await venue.fault("unknown_executed", next_n=1)

    status, body = await trader.send("POST", "/api/v3/orderList/oco", **PAIR)

    assert (status, body["code"], len((await venue.ledger())["orders"])) == (408, -1007, 2)


async def test_a_late_list_is_denied_with_both_its_orders(venue, trader):
    await venue.fault("late_not_found", next_n=1, delay_s=30)

    _, placed = await trader.send("POST", "/api/v3/orderList/oco", **PAIR)
    asked = {"symbol": "BTCUSDT", "orderId": placed["orders"][1]["orderId"]}
    denied = await trader.code("GET", "/api/v3/order", **asked)
    list_denied = await trader.code("GET", "/api/v3/orderList", origClientOrderId="pair")
    lists = [
        (await trader.send("GET", f"/api/v3/{path}"))[1] for path in ("openOrderList", "allOrderList", "openOrders")
    ]

    assert (denied, list_denied, lists) == (-2013, -2013, [[], [], []])


async def test_a_late_replacement_is_denied_while_what_it_replaced_is_shown(venue, trader):
    await trader.limit("94000", newClientOrderId="old")
    await venue.fault("late_not_found", next_n=1, delay_s=30)

    wish = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.01"}
    replacing = {"price": "93000", "cancelReplaceMode": "STOP_ON_FAILURE", "cancelOrigClientOrderId": "old"}
    status, _ = await trader.send("POST", "/api/v3/order/cancelReplace", **wish, **replacing, newClientOrderId="new")
    codes = [
        await trader.code("GET", "/api/v3/order", symbol="BTCUSDT", origClientOrderId=name) for name in ("old", "new")
    ]

    assert (status, codes) == (200, [0, -2013])


@pytest.mark.parametrize(
    ("code", "details", "status", "text"),
    [
        (-1013, ["LOT_SIZE"], 400, "Filter failure: LOT_SIZE"),
        (-2010, ["Account has insufficient balance for requested action."], 400, "Account has insufficient balance"),
        (-1006, [], 500, "An unexpected response was received from the message bus."),
        (-1008, [], 503, "Server is currently overloaded with other requests."),
        (-2022, [], 400, "Order cancel-replace failed."),
    ],
)
async def test_an_order_is_refused_on_demand_in_spots_words(venue, trader, code, details, status, text):
    await venue.fault("refuse", next_n=1, code=code, details=details)

    seen, body = await trader.order()

    assert (seen, body["code"], (await venue.ledger())["orders"]) == (status, code, [])
    assert body["msg"].startswith(text)


async def test_a_refusal_strikes_only_where_its_code_is_documented(venue, trader):
    future = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.01"}
    await venue.open_account("alice", balance="10000")
    await venue.fault("refuse", next_n=1, code=-1013, details=["NOTIONAL"])
    await venue.fault("refuse", next_n=1, code=-2019)

    spot = [(await trader.order())[1].get("code", 0) for _ in range(2)]
    futures = [await trader.code("POST", "/fapi/v1/order", **future) for _ in range(2)]

    assert (spot, futures) == ([-1013, 0], [-2019, 0])


async def test_a_batch_that_is_late_is_denied_whole(venue, trader):
    await venue.open_account("alice", balance="10000")
    order = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.01"}
    await venue.fault("late_not_found", next_n=1, delay_s=30)

    batch = json.dumps([{**order, "price": price} for price in ("94000", "93000")])
    _, placed = await trader.send("POST", "/fapi/v1/batchOrders", batchOrders=batch)
    _, waiting = await trader.send("GET", "/fapi/v1/openOrders", symbol="BTCUSDT")

    assert (len(placed), waiting) == (2, [])
    assert len((await venue.ledger())["orders"]) == 2
