"""Orders changed, batched and counted down (PUT order, batchOrders, countdownCancelAll), through the wire's own spellings."""

import json
from urllib.parse import quote

import pytest

LIMIT = {
    "symbol": "BTCUSDT",
    "side": "BUY",
    "type": "LIMIT",
    "timeInForce": "GTC",
    "quantity": "0.01",
    "price": "94000",
}
BTC = {"symbol": "BTCUSDT"}


async def place(trader, **changes):
    return (await trader.send("POST", "/fapi/v1/order", **{**LIMIT, "newOrderRespType": "RESULT", **changes}))[1]


async def amend(trader, order, **changes):
    wish = {**BTC, "side": "BUY", "orderId": order["orderId"], "quantity": "0.02", "price": "94100", **changes}
    return (await trader.send("PUT", "/fapi/v1/order", **wish))[1]


async def test_an_order_gets_another_price_and_quantity_and_remembers_the_old_ones(trader):
    order = await place(trader)

    changed = await amend(trader, order, modifyId=7)
    again = await amend(trader, order, quantity="0.03")
    _, history = await trader.send("GET", "/fapi/v1/orderAmendment", **BTC, orderId=order["orderId"])

    assert (changed["orderId"], changed["price"], changed["origQty"], changed["modifyId"]) == (
        order["orderId"],
        "94100",
        "0.02",
        7,
    )
    assert again["origQty"] == "0.03"
    assert [row["amendment"]["count"] for row in history] == [2, 1]
    assert history[1]["amendment"]["price"] == {"before": "94000", "after": "94100"}


async def test_a_changed_order_that_reaches_the_book_takes(trader):
    changed = await amend(trader, await place(trader), price="95300")

    assert (changed["status"], changed["avgPrice"]) == ("FILLED", "95200.1")


async def test_a_refused_change_leaves_the_order_as_it_was(trader):
    order = await place(trader)

    codes = [
        (await amend(trader, order, **wrong))["code"]
        for wrong in ({"price": "94100.05"}, {"quantity": "50"}, {"side": "SELL"}, {"price": "120000"}, {"orderId": 1})
    ]

    _, found = await trader.send("GET", "/fapi/v1/order", **BTC, orderId=order["orderId"])
    assert codes == [-4014, -2019, -1117, -4016, -2013]
    assert (found["status"], found["price"], found["origQty"]) == ("NEW", "94000", "0.01")


async def test_a_change_below_what_is_filled_or_into_the_book_as_maker_cancels(venue):
    await venue.hold("BTCUSDT", "95200")
    rich = await venue.open_account("rich", balance="20000000")
    partly = await place(rich, quantity="100", price="95200.1")
    maker = await place(rich, timeInForce="GTX")

    answers = [
        await amend(rich, partly, quantity=partly["executedQty"], price="95200"),
        await amend(rich, maker, price="95300"),
    ]

    assert partly["status"] == "PARTIALLY_FILLED"
    assert [answer["status"] for answer in answers] == ["CANCELED", "CANCELED"]


@pytest.mark.parametrize("spelling", [str, quote], ids=["bare as ccxt", "percent-encoded as python-binance"])
async def test_a_batch_is_answered_order_by_order(venue, trader, spelling):
    orders = [LIMIT, {**LIMIT, "quantity": 0.0001}, {**LIMIT, "price": "95300", "newOrderRespType": "RESULT"}]
    body = f"batchOrders={spelling(json.dumps(orders, separators=(',', ':')))}&timestamp={venue.now_ms()}"

    status, rows = await trader.raw("POST", "/fapi/v1/batchOrders", f"{body}&signature={trader.sign(body)}")

    assert status == 200
    assert [row.get("status", row.get("code")) for row in rows] == ["NEW", -1111, "FILLED"]


async def test_several_orders_are_changed_and_cancelled_at_once(trader):
    one, two = await place(trader), await place(trader, newClientOrderId="two")
    change = [
        {**BTC, "side": "BUY", "orderId": one["orderId"], "quantity": "0.02", "price": "94100"},
        {**BTC, "side": "BUY", "orderId": 9, "quantity": "1", "price": "94100"},
    ]

    _, changed = await trader.send("PUT", "/fapi/v1/batchOrders", batchOrders=json.dumps(change))
    _, by_id = await trader.send("DELETE", "/fapi/v1/batchOrders", **BTC, orderIdList=f"[{one['orderId']},9]")
    _, by_name = await trader.send("DELETE", "/fapi/v1/batchOrders", **BTC, origClientOrderIdList='["two","none"]')

    assert [row.get("origQty", row.get("code")) for row in changed] == ["0.02", -2013]
    assert [row.get("status", row.get("code")) for row in by_id] == ["CANCELED", -2011]
    assert [row.get("orderId", row.get("code")) for row in by_name] == [two["orderId"], -2011]


@pytest.mark.parametrize(("given", "code"), [("[]", -4082), ("{}", -1130), ("[1]", -1130), ("[", -1130), (None, -1102)])
async def test_a_batch_that_is_none_is_refused_as_a_whole(trader, given, code):
    assert await trader.code("POST", "/fapi/v1/batchOrders", batchOrders=given) == code


async def test_a_test_order_is_judged_and_not_taken(venue, trader):
    assert await trader.code("POST", "/fapi/v1/order/test", **LIMIT) == 0
    assert await trader.code("POST", "/fapi/v1/order/test", **{**LIMIT, "quantity": "50"}) == -2019
    assert (await venue.ledger())["orders"] == []


async def test_a_countdown_cancels_everything_of_its_symbol_unless_renewed_or_stopped(virtual_venue):
    traders = [await virtual_venue.open_account(name) for name in ("renews", "stops", "forgets")]
    for trader in traders:
        await place(trader)
        await place(trader, symbol="ETHUSDT", price="3250", quantity="0.1")
        await trader.send("POST", "/fapi/v1/countdownCancelAll", **BTC, countdownTime=1_000)

    await virtual_venue.advance(999)
    _, told = await traders[0].send("POST", "/fapi/v1/countdownCancelAll", **BTC, countdownTime=5_000)
    await traders[1].send("POST", "/fapi/v1/countdownCancelAll", **BTC, countdownTime=0)
    await virtual_venue.advance(1)

    left = {
        trader.key: {row["symbol"] for row in (await trader.send("GET", "/fapi/v1/openOrders"))[1]}
        for trader in traders
    }
    assert told == {"symbol": "BTCUSDT", "countdownTime": "5000"}
    assert left == {"renews": {"BTCUSDT", "ETHUSDT"}, "stops": {"BTCUSDT", "ETHUSDT"}, "forgets": {"ETHUSDT"}}
