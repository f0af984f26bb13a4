"""What the venue takes, what it refuses and with which words."""

from decimal import Decimal

import pytest

LIMIT = {"type": "LIMIT", "timeInForce": "GTC", "price": "94000"}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"symbol": None}, -1102),
        ({"side": None}, -1102),
        ({"quantity": None}, -1102),
        ({"quantity": "NaN"}, -1102),
        ({"quantity": "1e2"}, -1102),
        ({"side": "HOLD"}, -1117),
        ({"type": "GUESS"}, -1116),
        ({"type": "STOP_MARKET", "stopPrice": "90000"}, -4120),
        ({"type": "TRAILING_STOP_MARKET"}, -4120),
        ({**LIMIT, "timeInForce": None}, -1102),
        ({**LIMIT, "timeInForce": "NOW"}, -1115),
        ({**LIMIT, "price": None}, -1102),
        ({"price": "94000"}, -1106),
        ({"symbol": "NOPEUSDT"}, -1121),
        ({"positionSide": "LONG"}, -4061),
        ({"quantity": "0"}, -4003),
        ({"quantity": "-1"}, -4003),
        ({"quantity": "0.0015"}, -1111),
        ({"quantity": "121"}, -4005),
        ({**LIMIT, "quantity": "1001"}, -4005),
        ({**LIMIT, "price": "94000.05"}, -4014),
        ({**LIMIT, "price": "94000.123"}, -1111),
        ({**LIMIT, "price": "-5"}, -4001),
        ({**LIMIT, "price": "0.01"}, -4013),
        ({**LIMIT, "price": "5000000"}, -4002),
        ({**LIMIT, "price": "120000"}, -4016),
        ({**LIMIT, "side": "SELL", "price": "80000"}, -4024),
        ({"reduceOnly": "true"}, -2022),
        ({"symbol": "ETHUSDT", "quantity": "0.006"}, -4164),
        ({"symbol": "POLUSDT", "quantity": "5"}, -4164),
        ({"newClientOrderId": "x" * 37}, -4015),
        ({"newClientOrderId": "white space"}, -1100),
        ({**LIMIT, "quantity": "800"}, -2027),
        ({"quantity": "3"}, -2019),
        ({**LIMIT, "timeInForce": "FOK"}, -5021),
        ({**LIMIT, "timeInForce": "GTX", "price": "95300"}, -5022),
    ],
)
async def test_a_bad_order_is_refused_with_the_venues_code_and_leaves_nothing(venue, trader, changes, expected):
    await venue.hold("POLUSDT", "0.45")

    status, body = await trader.order(**changes)

    assert (status, body["code"]) == (400, expected)
    assert isinstance(body["msg"], str)
    assert (await venue.ledger())["orders"] == []


async def test_refusals_come_in_the_sheets_order(trader):
    wrong = {"symbol": "NOPEUSDT", "positionSide": "LONG", "quantity": "0", "reduceOnly": "true", "side": "HOLD"}

    codes = []
    for repair in ({"side": "BUY"}, {"symbol": "BTCUSDT"}, {"positionSide": "BOTH"}, {"quantity": "0.01"}, {}):
        codes.append(await trader.order_code(**wrong))
        wrong |= repair

    assert codes == [-1117, -1121, -4061, -4003, -2022]


async def test_result_answers_the_fill_and_ack_only_the_receipt(trader):
    _, result = await trader.order()
    _, ack = await trader.order(newOrderRespType=None)
    _, later = await trader.send("GET", "/fapi/v1/order", symbol="BTCUSDT", orderId=ack["orderId"])

    assert (result["status"], result["avgPrice"], result["executedQty"]) == ("FILLED", "95200.1", "0.01")
    assert (ack["status"], ack["executedQty"]) == ("NEW", "0")
    assert (later["status"], later["executedQty"]) == ("FILLED", "0.01")
    assert ack["orderId"] > result["orderId"]


async def test_fees_and_realised_profit_are_read_from_the_trades(venue, trader):
    await trader.order()
    await venue.hold("BTCUSDT", "96200")
    _, closing = await trader.order(side="SELL", reduceOnly="true")

    _, [trade] = await trader.send("GET", "/fapi/v1/userTrades", symbol="BTCUSDT", orderId=closing["orderId"])
    _, balances = await trader.send("GET", "/fapi/v2/balance")

    profit = Decimal("0.01") * (Decimal("96199.9") - Decimal("95200.1"))
    fees = Decimal("0.01") * (Decimal("96199.9") + Decimal("95200.1")) * Decimal("0.0005")
    assert Decimal(trade["realizedPnl"]) == profit
    assert Decimal(balances[0]["balance"]) == 10_000 + profit - fees


async def test_a_client_id_is_refused_while_open_and_free_again_once_filled(venue, trader):
    resting = {**LIMIT, "newClientOrderId": "once"}

    assert await trader.order_code(**resting) == 0
    assert await trader.order_code(**resting) == -4116
    await venue.hold("BTCUSDT", "94000")
    assert await trader.order_code(newClientOrderId="once") == 0
    assert await trader.order_code(newClientOrderId="once") == 0

    orders = (await venue.ledger())["orders"]
    assert [order["client_order_id"] for order in orders] == ["once"] * 3
    assert {order["status"] for order in orders} == {"FILLED"}


async def test_a_limit_rests_until_its_price_comes_and_pays_the_makers_fee(venue, trader):
    _, order = await trader.order(**LIMIT)
    _, waiting = await trader.send("GET", "/fapi/v1/openOrders", symbol="BTCUSDT")
    await venue.hold("BTCUSDT", "93990")
    _, trades = await trader.send("GET", "/fapi/v1/userTrades", symbol="BTCUSDT")

    assert (order["status"], [row["orderId"] for row in waiting]) == ("NEW", [order["orderId"]])
    assert (trades[0]["price"], trades[0]["commission"], trades[0]["maker"]) == ("94000", "0.188", True)


async def test_a_marketable_limit_takes_and_ioc_expires_when_it_can_not(trader):
    _, taking = await trader.order(**{**LIMIT, "price": "95300", "timeInForce": "FOK"})
    _, leaving = await trader.order(**{**LIMIT, "timeInForce": "IOC"})

    assert (taking["status"], taking["avgPrice"]) == ("FILLED", "95200.1")
    assert (leaving["status"], leaving["executedQty"]) == ("EXPIRED", "0")


async def test_cancelling_twice_says_unknown_order_and_a_query_unknown_says_so(trader):
    _, order = await trader.order(**LIMIT, newClientOrderId="gone")
    by_name = {"symbol": "BTCUSDT", "origClientOrderId": "gone"}

    _, cancelled = await trader.send("DELETE", "/fapi/v1/order", **by_name)

    assert (cancelled["status"], cancelled["orderId"]) == ("CANCELED", order["orderId"])
    assert await trader.code("DELETE", "/fapi/v1/order", **by_name) == -2011
    assert await trader.code("GET", "/fapi/v1/order", symbol="BTCUSDT", orderId=1) == -2013
    assert await trader.code("GET", "/fapi/v1/order", symbol="BTCUSDT") == -1102


async def test_all_open_orders_of_a_symbol_are_cancelled_at_once(trader):
    for price in ("94000", "93000"):
        await trader.order(**{**LIMIT, "price": price})

    status, body = await trader.send("DELETE", "/fapi/v1/allOpenOrders", symbol="BTCUSDT")
    _, left = await trader.send("GET", "/fapi/v1/openOrders")
    _, every = await trader.send("GET", "/fapi/v1/allOrders", symbol="BTCUSDT")

    assert (status, body["code"], left) == (200, 200, [])
    assert [row["status"] for row in every] == ["CANCELED", "CANCELED"]


@pytest.mark.parametrize(("asked", "executed"), [("0.01", "0.01"), ("0.02", "0.02"), ("0.05", "0.02")])
async def test_reduce_only_takes_at_most_the_position(venue, trader, asked, executed):
    await trader.order(quantity="0.02")

    _, closing = await trader.order(side="SELL", quantity=asked, reduceOnly="true")

    assert (closing["status"], closing["executedQty"]) == ("FILLED", executed)
    assert sum(Decimal(row["quantity"]) for row in (await venue.ledger())["positions"]) == Decimal("0.02") - Decimal(
        executed
    )


async def test_reduce_only_on_the_side_of_the_position_is_refused(trader):
    await trader.order()

    assert await trader.order_code(reduceOnly="true") == -2022


async def test_reduce_only_needs_no_smallest_notional_and_no_margin(venue):
    await venue.hold("ETHUSDT", "3300")
    poor = await venue.open_account("poor", balance="5")
    await poor.order(symbol="ETHUSDT", quantity="0.01")

    assert await poor.order_code(symbol="ETHUSDT", side="SELL", quantity="0.001", reduceOnly="true") == 0
    assert await poor.order_code(symbol="ETHUSDT", quantity="1") == -2019


async def test_a_resting_reduce_only_order_expires_when_the_position_is_gone(venue, trader):
    await trader.order()
    _, target = await trader.order(**{**LIMIT, "side": "SELL", "price": "96000", "reduceOnly": "true"})
    await trader.order(side="SELL", reduceOnly="true")

    await venue.hold("BTCUSDT", "96100")

    _, later = await trader.send("GET", "/fapi/v1/order", symbol="BTCUSDT", orderId=target["orderId"])
    assert (later["status"], await trader.positions()) == ("EXPIRED", {})


async def test_an_order_may_turn_a_position_in_one_way_mode(trader):
    await trader.order(quantity="0.01")
    await trader.order(side="SELL", quantity="0.03")

    assert await trader.positions() == {("BTCUSDT", "BOTH"): "-0.02"}


async def test_hedge_mode_wants_a_position_side_and_no_reduce_only(venue):
    await venue.hold("BTCUSDT", "95200")
    hedger = await venue.open_account("hedger", hedge=True)

    assert await hedger.order_code() == -4061
    assert await hedger.order_code(positionSide="LONG", reduceOnly="true") == -1106
    assert await hedger.order_code(positionSide="LONG") == 0
    assert await hedger.order_code(positionSide="SHORT", side="SELL", quantity="0.02") == 0
    assert await hedger.positions() == {("BTCUSDT", "LONG"): "0.01", ("BTCUSDT", "SHORT"): "-0.02"}


async def test_in_hedge_mode_a_close_never_turns_a_position(venue):
    await venue.hold("BTCUSDT", "95200")
    hedger = await venue.open_account("hedger", hedge=True)
    await hedger.order(positionSide="LONG")

    _, closing = await hedger.order(positionSide="LONG", side="SELL", quantity="0.03")

    assert closing["executedQty"] == "0.01"
    assert await hedger.order_code(positionSide="LONG", side="SELL") == -2022


async def test_only_positions_and_open_orders_appear_in_position_risk(trader):
    assert await trader.positions() == {}

    await trader.order(**LIMIT, symbol="BTCUSDT")

    assert await trader.positions() == {("BTCUSDT", "BOTH"): "0"}
