"""Every way spot says no: code, text, HTTP status; and afterwards nothing has changed."""

import pytest
from binance_simulator_support import now_ms

LIMIT = {"type": "LIMIT", "timeInForce": "GTC", "price": "94000", "quantity": "0.01"}
STOP = {"side": "SELL", "type": "STOP_LOSS", "stopPrice": "90000"}
ID_RULE = "legal range is '^[a-zA-Z0-9-_]{1,36}$'."
NUMBER_RULE = "legal range is '^([0-9]{1,20})(\\.[0-9]{1,20})?$'."


@pytest.mark.parametrize(
    ("wish", "code", "text"),
    [
        ({"symbol": None}, -1102, "Mandatory parameter 'symbol' was not sent, was empty/null, or malformed."),
        ({"symbol": "btcusdt"}, -1100, "Illegal characters found in parameter 'symbol'; legal range is '^[A-Z0-9-_.]{1,20}$'."),
        ({"symbol": "DOGEUSDT"}, -1121, "Invalid symbol."),
        ({"side": "HOLD"}, -1117, "Invalid side."),
        ({"type": "STOP_MARKET"}, -1116, "Invalid orderType."),
        ({"quantity": None}, -1102, "Param 'quantity' or 'quoteOrderQty' must be sent, but both were empty/null!"),
        ({"quantity": "-1"}, -1100, f"Illegal characters found in parameter 'quantity'; {NUMBER_RULE}"),
        ({"quantity": "1e-3"}, -1100, f"Illegal characters found in parameter 'quantity'; {NUMBER_RULE}"),
        ({"quoteOrderQty": "100"}, -1106, "Parameter 'quantity' sent when not required."),
        ({"price": "95000"}, -1106, "Parameter 'price' sent when not required."),
        ({"timeInForce": "GTC"}, -1106, "Parameter 'timeInForce' sent when not required."),
        ({"stopPrice": "90000"}, -1106, "Parameter 'stopPrice' sent when not required."),
        ({"icebergQty": "0.001"}, -2010, "Iceberg orders are not supported for this symbol."),
        ({"newClientOrderId": "a b"}, -1100, f"Illegal characters found in parameter 'newClientOrderId'; {ID_RULE}"),
        ({"newClientOrderId": "x" * 37}, -1100, f"Illegal characters found in parameter 'newClientOrderId'; {ID_RULE}"),
        ({"newOrderRespType": "SOME"}, -1130, "Data sent for parameter 'newOrderRespType' is not valid."),
        ({"quantity": "0.123456789"}, -1111, "Parameter 'quantity' has too much precision."),
        ({"quantity": "0"}, -1013, "Invalid quantity."),
        ({"quantity": "0.010001"}, -1013, "Filter failure: LOT_SIZE"),
        ({"quantity": "9001"}, -1013, "Filter failure: LOT_SIZE"),
        ({"quantity": "121"}, -1013, "Filter failure: MARKET_LOT_SIZE"),
        ({"quantity": "0.00005"}, -1013, "Filter failure: NOTIONAL"),
        ({"quantity": None, "quoteOrderQty": "4.99"}, -1013, "Filter failure: NOTIONAL"),
        ({"quantity": "1"}, -2010, "Account has insufficient balance for requested action."),
        ({"quantity": None, "quoteOrderQty": "10001"}, -2010, "Account has insufficient balance for requested action."),
        ({**LIMIT, "price": None}, -1102, "Mandatory parameter 'price' was not sent, was empty/null, or malformed."),
        ({**LIMIT, "timeInForce": None}, -1102, "Mandatory parameter 'timeInForce' was not sent, was empty/null, or malformed."),
        ({**LIMIT, "timeInForce": "GTX"}, -1115, "Invalid timeInForce."),
        ({**LIMIT, "quoteOrderQty": "100"}, -1106, "Parameter 'quoteOrderQty' sent when not required."),
        ({**LIMIT, "price": "0"}, -1013, "Invalid price."),
        ({**LIMIT, "price": "94000.001"}, -1013, "Filter failure: PRICE_FILTER"),
        ({**LIMIT, "price": "10000"}, -1013, "Filter failure: PERCENT_PRICE_BY_SIDE"),
        ({**LIMIT, "price": "480000"}, -1013, "Filter failure: PERCENT_PRICE_BY_SIDE"),
        ({**LIMIT, "quantity": "100"}, -1013, "Filter failure: NOTIONAL"),
        ({**LIMIT, "quantity": "0.11"}, -2010, "Account has insufficient balance for requested action."),
        ({**LIMIT, "side": "SELL", "price": "96000", "quantity": "0.51"}, -2010, "Account has insufficient balance for requested action."),
        ({**LIMIT, "type": "LIMIT_MAKER"}, -1106, "Parameter 'timeInForce' sent when not required."),
        ({"type": "LIMIT_MAKER", "price": "95200.1"}, -2010, "Order would immediately match and take."),
        ({**STOP, "stopPrice": None}, -1102, "Param 'stopPrice' or 'trailingDelta' must be sent, but both were empty/null!"),
        ({**STOP, "stopPrice": "95200"}, -2010, "Order would trigger immediately."),
        ({**STOP, "type": "TAKE_PROFIT"}, -2010, "Order would trigger immediately."),
        ({**STOP, "side": "BUY"}, -2010, "Order would trigger immediately."),
        ({**STOP, "stopPrice": "90000.001"}, -1013, "Filter failure: PRICE_FILTER"),
        ({**STOP, "stopPrice": None, "trailingDelta": "9"}, -1013, "Filter failure: TRAILING_DELTA"),
    ],
)  # fmt: skip
async def test_an_order_is_refused_in_the_venues_words_and_leaves_nothing(venue, trader, wish, code, text):
    before = await trader.balances()

    status, body = await trader.order(**wish)

    assert (status, body) == (400, {"code": code, "msg": text})
    assert (await trader.balances(), (await venue.ledger())["orders"]) == (before, [])


async def test_a_client_id_is_taken_once_among_open_orders_and_free_again_afterwards(trader):
    first = await trader.limit("94000", newClientOrderId="mine")
    second = await trader.limit("93000", newClientOrderId="mine")
    await trader.send("DELETE", "/api/v3/order", symbol="BTCUSDT", origClientOrderId="mine")
    third = await trader.limit("93000", newClientOrderId="mine")

    assert (first[0], third[0]) == (200, 200)
    assert second == (400, {"code": -2010, "msg": "Duplicate order sent."})


async def test_only_so_many_stops_may_wait_on_one_pair(trader):
    stops = [await trader.order(**STOP, quantity="0.0001") for _ in range(6)]

    assert [status for status, _ in stops] == [200] * 5 + [400]
    assert stops[-1][1] == {"code": -2010, "msg": "Filter failure: MAX_NUM_ALGO_ORDERS"}


@pytest.mark.parametrize(
    ("method", "path", "params", "expected"),
    [
        ("GET", "order", {"orderId": "1"}, (-2013, "Order does not exist.")),
        ("GET", "order", {}, (-1102, "Param 'origClientOrderId' or 'orderId' must be sent, but both were empty/null!")),
        ("DELETE", "order", {"orderId": "1"}, (-2011, "Unknown order sent.")),
        ("DELETE", "order", {"orderId": "1", "cancelRestrictions": "NONE"}, (-1130, "Data sent for parameter 'cancelRestrictions' is not valid.")),
        ("DELETE", "openOrders", {}, (-2011, "Unknown order sent.")),
        ("GET", "allOrders", {"startTime": "0", "endTime": "86400001"}, (-1127, "More than 24 hours between startTime and endTime.")),
        ("GET", "myTrades", {"startTime": "0", "endTime": "86400001"}, (-1127, "More than 24 hours between startTime and endTime.")),
        ("PUT", "userDataStream", {"listenKey": "none"}, (-1125, "This listenKey does not exist.")),
        ("GET", "klines", {"interval": "2m"}, (-1120, "Invalid interval.")),
        ("GET", "ticker/price", {"symbols": '["BTCUSDT"]'}, (-1128, "Combination of optional parameters invalid.")),
        ("GET", "exchangeInfo", {"permissions": "SPOT"}, (-1128, "Combination of optional parameters invalid.")),
        ("GET", "ticker/24hr", {"type": "TINY"}, (-1130, "Data sent for parameter 'type' is not valid.")),
        ("POST", "order/cancelReplace", {"cancelReplaceMode": "MAYBE"}, (-1130, "Data sent for parameter 'cancelReplaceMode' is not valid.")),
    ],
)  # fmt: skip
async def test_a_question_that_makes_no_sense_is_answered_in_the_venues_words(trader, method, path, params, expected):
    status, body = await trader.send(method, f"/api/v3/{path}", symbol="BTCUSDT", **params)

    assert (status, body["code"], body["msg"]) == (400, *expected)


async def test_a_cancelled_order_is_unknown_to_a_second_cancel(trader):
    _, order = await trader.limit("94000")
    wish = {"symbol": "BTCUSDT", "orderId": order["orderId"]}

    first = await trader.send("DELETE", "/api/v3/order", **wish)
    second = await trader.send("DELETE", "/api/v3/order", **wish)

    assert first[1]["status"] == "CANCELED"
    assert second == (400, {"code": -2011, "msg": "Unknown order sent."})


async def test_a_cancel_meant_for_partly_filled_orders_leaves_a_new_one(trader):
    _, order = await trader.limit("94000")

    answer = await trader.send(
        "DELETE",
        "/api/v3/order",
        symbol="BTCUSDT",
        orderId=order["orderId"],
        cancelRestrictions="ONLY_PARTIALLY_FILLED",
    )

    assert answer == (400, {"code": -2011, "msg": "Order was not canceled due to cancel restrictions."})
    assert (await trader.balances())["USDT"] == (9_060, 940)


async def test_key_signature_and_time_are_judged_as_on_the_futures(venue, trader):
    stranger = type(trader)(venue, "mallory", "secret")
    forger = type(trader)(venue, "alice", "wrong")

    unknown = await stranger.order()
    forged = await forger.order()
    old = f"symbol=BTCUSDT&side=BUY&type=MARKET&quantity=0.01&timestamp={now_ms() - 10_000}"
    stale = await trader.raw("POST", f"/api/v3/order?{old}&signature={trader.sign(old)}")

    assert (unknown[0], unknown[1]["code"]) == (401, -2015)
    assert (forged[0], forged[1]["code"]) == (400, -1022)
    assert (stale[0], stale[1]["code"]) == (400, -1021)


async def test_a_key_without_spot_may_read_and_not_trade(venue, trader):
    await venue.open_account("alice", permissions={"enableSpotAndMarginTrading": False})

    status, body = await trader.order()
    _, account = await trader.send("GET", "/api/v3/account")

    assert (status, body["code"], account["canTrade"]) == (401, -2015, False)


async def test_weight_is_counted_apart_from_the_futures_and_refused_in_spots_words(venue, trader):
    _, _, first = await trader.raw("GET", "/api/v3/exchangeInfo", with_headers=True)
    status = 200
    while status == 200:  # the minute may end in between; then the count begins anew
        status, body, headers = await trader.raw("GET", "/api/v3/depth?symbol=BTCUSDT&limit=5000", with_headers=True)
    futures, _ = await venue.public("/fapi/v1/exchangeInfo")

    assert (first["X-MBX-USED-WEIGHT"], first["X-MBX-USED-WEIGHT-1M"]) == ("20", "20")
    assert (status, futures) == (429, 200)
    assert body["msg"].startswith("Too much request weight used; current limit is 6000 request weight per 1 MINUTE.")
    assert 1 <= int(headers["Retry-After"]) <= 60


async def test_orders_are_counted_in_ten_seconds_and_a_day_apart_from_the_futures(venue, trader):
    for _ in range(3):
        await trader.limit("94000", quantity="0.0001")
    _, [short, day] = await trader.send("GET", "/api/v3/rateLimit/order")

    assert (short["interval"], short["intervalNum"], short["limit"]) == ("SECOND", 10, 100)
    assert (day["interval"], day["limit"], day["count"]) == ("DAY", 200_000, 3)


async def test_too_many_orders_in_ten_seconds_are_refused(trader):
    answers = [await trader.order(quantity="0") for _ in range(202)]

    refusals = [body for status, body in answers if status == 429]
    assert refusals
    assert refusals[0] == {"code": -1015, "msg": "Too many new orders; current limit is 100 orders per 10 SECONDS."}
