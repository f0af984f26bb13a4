"""One cancels the other: two orders share one amount, and whichever goes first ends both."""

from decimal import Decimal

import pytest

SELL = {
    "symbol": "BTCUSDT",
    "side": "SELL",
    "quantity": "0.5",
    "aboveType": "LIMIT_MAKER",
    "abovePrice": "99000",
    "belowType": "STOP_LOSS",
    "belowStopPrice": "90000",
}
BUY = {
    "symbol": "BTCUSDT",
    "side": "BUY",
    "quantity": "0.1",
    "aboveType": "STOP_LOSS_LIMIT",
    "abovePrice": "98000",
    "aboveStopPrice": "97000",
    "aboveTimeInForce": "GTC",
    "belowType": "LIMIT_MAKER",
    "belowPrice": "90000",
}
OLDER = {
    "symbol": "BTCUSDT",
    "side": "SELL",
    "quantity": "0.5",
    "price": "99000",
    "stopPrice": "90000",
    "stopLimitPrice": "89000",
    "stopLimitTimeInForce": "GTC",
}


async def place(trader, wish=SELL, path="orderList/oco", **changes):
    return await trader.send("POST", f"/api/v3/{path}", **{**wish, **changes})


async def statuses(trader):
    _, orders = await trader.send("GET", "/api/v3/allOrders", symbol="BTCUSDT")
    return [order["status"] for order in orders]


@pytest.mark.parametrize(("price", "expected"), [("99000", ["FILLED", "EXPIRED"]), ("89999", ["EXPIRED", "FILLED"])])
async def test_the_order_that_fills_ends_the_other(venue, trader, price, expected):
    _, placed = await place(trader)
    bound = (await trader.balances())["BTC"]
    await venue.hold("BTCUSDT", price)
    _, told = await trader.send("GET", "/api/v3/orderList", orderListId=placed["orderListId"])

    assert bound == (0, Decimal("0.5"))
    assert await statuses(trader) == expected
    assert (told["listOrderStatus"], "BTC" in await trader.balances()) == ("ALL_DONE", False)


@pytest.mark.parametrize(("price", "expected"), [("90000", ["EXPIRED", "FILLED"]), ("97000", ["FILLED", "EXPIRED"])])
async def test_a_buying_list_binds_the_dearer_of_its_two_orders(venue, trader, price, expected):
    await place(trader, BUY)
    bound = (await trader.balances())["USDT"]
    await venue.hold("BTCUSDT", price)

    assert bound == (200, 9_800)
    assert await statuses(trader) == expected
    assert (await trader.balances())["USDT"][1] == 0


@pytest.mark.parametrize("by_leg", [True, False])
async def test_cancelling_the_list_or_one_of_its_orders_cancels_both(trader, by_leg):
    _, placed = await place(trader)
    leg, whole = {"orderId": placed["orders"][1]["orderId"]}, {"orderListId": placed["orderListId"]}

    path = "order" if by_leg else "orderList"
    status, _ = await trader.send("DELETE", f"/api/v3/{path}", symbol="BTCUSDT", **(leg if by_leg else whole))
    again = await trader.send("DELETE", "/api/v3/orderList", symbol="BTCUSDT", **whole)

    assert (status, again[1]["code"]) == (200, -2011)
    assert await statuses(trader) == ["CANCELED", "CANCELED"]
    assert (await trader.balances())["BTC"] == (Decimal("0.5"), 0)


async def test_the_older_form_places_the_same_kind_of_list(trader):
    _, placed = await place(trader, OLDER, "order/oco", listClientOrderId="pair")
    _, waiting = await trader.send("GET", "/api/v3/openOrderList")
    _, named = await trader.send("GET", "/api/v3/orderList", origClientOrderId="pair")
    _, every = await trader.send("GET", "/api/v3/allOrderList")

    assert [report["type"] for report in placed["orderReports"]] == ["LIMIT_MAKER", "STOP_LOSS_LIMIT"]
    assert waiting == [named] == every


@pytest.mark.parametrize(
    ("changes", "code", "text"),
    [
        ({"abovePrice": "95000"}, -2010, "The relationship of the prices for the orders is not correct."),
        ({"belowStopPrice": "96000"}, -2010, "The relationship of the prices for the orders is not correct."),
        ({"aboveType": "STOP_LOSS", "aboveStopPrice": "99000"}, -1158, "Order type not supported in OCO."),
        ({"aboveType": "LIMIT"}, -1158, "Order type not supported in OCO."),
        ({"quantity": "0.6"}, -2010, "Account has insufficient balance for requested action."),
        ({"aboveClientOrderId": "one", "belowClientOrderId": "one"}, -2010, "Duplicate order sent."),
        ({"belowStopPrice": None}, -1102, "Param 'belowStopPrice' or 'belowTrailingDelta' must be sent, but both were empty/null!"),
    ],
)  # fmt: skip
async def test_a_list_that_makes_no_sense_is_refused_and_leaves_nothing(venue, trader, changes, code, text):
    answer = await place(trader, **changes)

    assert answer == (400, {"code": code, "msg": text})
    assert (await venue.ledger())["orders"] == []
    assert (await trader.balances())["BTC"] == (Decimal("0.5"), 0)


async def test_a_list_that_never_was_is_not_found(trader):
    missing = await trader.send("GET", "/api/v3/orderList", orderListId="99")

    assert missing == (400, {"code": -2013, "msg": "Order list does not exist."})
