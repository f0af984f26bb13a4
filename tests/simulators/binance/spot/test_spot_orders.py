"""What becomes of each kind of order: answer, fills, wallet."""

from decimal import Decimal

import pytest

STOP = {"side": "SELL", "type": "STOP_LOSS", "stopPrice": "90000", "quantity": "0.1"}


async def query(trader, order):
    _, body = await trader.send("GET", "/api/v3/order", symbol="BTCUSDT", orderId=order["orderId"])
    return body


async def test_a_market_buy_pays_the_fee_in_what_it_bought_and_tells_its_fills(trader):
    _, order = await trader.order(quantity="0.01")

    [fill] = order["fills"]
    assert (order["status"], order["executedQty"], order["cummulativeQuoteQty"]) == (
        "FILLED",
        "0.01000000",
        "952.00100000",
    )
    assert (fill["price"], fill["commission"], fill["commissionAsset"]) == ("95200.10000000", "0.00001000", "BTC")
    assert await trader.balances() == {"BTC": (Decimal("0.50999"), 0), "USDT": (Decimal("9047.999"), 0)}


async def test_a_market_sell_pays_the_fee_in_what_it_got(trader):
    _, order = await trader.order(side="SELL", quantity="0.1")

    [fill] = order["fills"]
    assert (fill["price"], fill["commission"], fill["commissionAsset"]) == ("95199.90000000", "9.51999000", "USDT")
    assert (await trader.balances())["BTC"] == (Decimal("0.4"), 0)


@pytest.mark.parametrize(
    ("side", "executed"),
    [("BUY", "0.01050000"), ("SELL", "0.01050000")],
)
async def test_an_order_for_an_amount_of_money_takes_whole_steps_and_leaves_the_rest(trader, side, executed):
    _, order = await trader.order(side=side, quantity=None, quoteOrderQty="1000")

    assert (order["executedQty"], order["origQuoteOrderQty"]) == (executed, "1000.00000000")
    assert Decimal(order["cummulativeQuoteQty"]) <= 1_000
    assert (await trader.balances())["USDT"][1] == 0


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("ACK", {"symbol", "orderId", "orderListId", "clientOrderId", "transactTime"}),
        ("RESULT", {"status", "executedQty", "cummulativeQuoteQty", "workingTime", "selfTradePreventionMode"}),
        ("FULL", {"status", "fills"}),
    ],
)
async def test_the_answer_has_the_size_that_was_asked_for(trader, kind, told):
    _, order = await trader.order(newOrderRespType=kind)

    assert told <= set(order)
    assert ("fills" in order) == (kind == "FULL")
    assert ("status" in order) == (kind != "ACK")


async def test_a_limit_that_rests_binds_its_money_and_fills_at_its_own_price_when_reached(venue, trader):
    _, order = await trader.limit("94000", quantity="0.1")
    bound = await trader.balances()
    await venue.hold("BTCUSDT", "94000")
    filled = await query(trader, order)

    assert order["status"] == "NEW"
    assert bound["USDT"] == (600, 9_400)
    assert (filled["status"], filled["cummulativeQuoteQty"]) == ("FILLED", "9400.00000000")
    assert await trader.balances() == {"BTC": (Decimal("0.5999"), 0), "USDT": (600, 0)}


async def test_a_limit_that_takes_gets_the_better_price_and_its_money_back(trader):
    _, order = await trader.limit("99000", quantity="0.1")

    assert (order["status"], order["fills"][0]["price"]) == ("FILLED", "95200.10000000")
    assert (await trader.balances())["USDT"] == (Decimal("479.99"), 0)


@pytest.mark.parametrize("time_in_force", ["IOC", "FOK"])
async def test_what_can_not_be_filled_at_once_expires_and_binds_nothing(trader, time_in_force):
    _, order = await trader.limit("94000", quantity="0.1", timeInForce=time_in_force)

    assert (order["status"], order["executedQty"]) == ("EXPIRED", "0.00000000")
    assert (await trader.balances())["USDT"] == (10_000, 0)


async def test_a_stop_waits_bound_and_sells_at_the_market_when_the_price_comes(venue, trader):
    _, order = await trader.order(**STOP)
    waiting = await query(trader, order)
    bound = (await trader.balances())["BTC"]
    await venue.hold("BTCUSDT", "90000")
    sold = await query(trader, order)

    assert set(order) == {"symbol", "orderId", "orderListId", "clientOrderId", "transactTime"}
    assert (waiting["status"], waiting["isWorking"], waiting["workingTime"]) == ("NEW", False, -1)
    assert bound == (Decimal("0.4"), Decimal("0.1"))
    assert (sold["status"], sold["cummulativeQuoteQty"], sold["isWorking"]) == ("FILLED", "8999.99000000", True)


async def test_a_stop_limit_rests_at_its_price_after_it_was_triggered(venue, trader):
    limit = {"type": "STOP_LOSS_LIMIT", "price": "90500", "timeInForce": "GTC"}
    _, order = await trader.order(**{**STOP, **limit})
    await venue.hold("BTCUSDT", "90000")
    resting = await query(trader, order)
    await venue.hold("BTCUSDT", "90500")
    sold = await query(trader, order)

    assert (resting["status"], resting["isWorking"]) == ("NEW", True)
    assert (sold["status"], sold["cummulativeQuoteQty"]) == ("FILLED", "9050.00000000")


async def test_a_take_profit_sells_above_and_buys_below(venue, trader):
    take = {"type": "TAKE_PROFIT", "quantity": "0.01"}
    _, sell = await trader.order(**take, side="SELL", stopPrice="99000")
    _, buy = await trader.order(**take, stopPrice="91000")
    await venue.hold("BTCUSDT", "99000")
    sold = await query(trader, sell)
    await venue.hold("BTCUSDT", "91000")
    bought = await query(trader, buy)

    assert (sold["status"], bought["status"]) == ("FILLED", "FILLED")


async def test_a_buy_stop_that_jumped_beyond_the_purse_expires(venue, trader):
    _, order = await trader.order(type="STOP_LOSS", stopPrice="96000", quantity="0.104")
    await venue.hold("BTCUSDT", "97000")

    assert (await query(trader, order))["status"] == "EXPIRED"
    assert (await trader.balances())["USDT"] == (10_000, 0)


async def test_a_trailing_stop_follows_the_best_price_and_fires_when_it_comes_back(venue, trader):
    trailing = {"stopPrice": None, "trailingDelta": "100"}
    _, order = await trader.order(**{**STOP, **trailing})
    states = []
    for price in ("95200", "100000", "99100", "99000"):
        await venue.hold("BTCUSDT", price)
        states.append((await query(trader, order))["status"])

    assert states == ["NEW", "NEW", "NEW", "FILLED"]


async def test_a_trailing_stop_with_a_stop_price_begins_to_follow_there(venue, trader):
    trailing = {"type": "TAKE_PROFIT", "stopPrice": "99000", "trailingDelta": "100"}
    _, order = await trader.order(**{**STOP, **trailing})
    states = []
    for price in ("98000", "97000", "99000", "98010"):
        await venue.hold("BTCUSDT", price)
        states.append((await query(trader, order))["status"])

    assert states == ["NEW", "NEW", "NEW", "FILLED"]


async def test_cancelling_all_of_a_pair_leaves_the_others(trader):
    await trader.limit("94000", quantity="0.01")
    await trader.limit("93000", quantity="0.01")
    await trader.limit("3000", symbol="ETHUSDT", quantity="0.1")

    _, cancelled = await trader.send("DELETE", "/api/v3/openOrders", symbol="BTCUSDT")
    _, left = await trader.send("GET", "/api/v3/openOrders")

    assert [order["status"] for order in cancelled] == ["CANCELED", "CANCELED"]
    assert [order["symbol"] for order in left] == ["ETHUSDT"]
    assert (await trader.balances())["USDT"] == (9_700, 300)


async def test_a_replacement_cancels_first_and_may_use_what_that_freed(trader):
    _, old = await trader.limit("94000", quantity="0.1")
    new = {"type": "LIMIT", "price": "94500", "timeInForce": "GTC", "quantity": "0.1"}
    how = {"cancelReplaceMode": "STOP_ON_FAILURE", "cancelOrderId": old["orderId"]}

    status, body = await trader.send("POST", "/api/v3/order/cancelReplace", symbol="BTCUSDT", side="BUY", **new, **how)

    assert (status, body["cancelResult"], body["newOrderResult"]) == (200, "SUCCESS", "SUCCESS")
    assert (body["cancelResponse"]["status"], body["newOrderResponse"]["status"]) == ("CANCELED", "NEW")
    assert (await trader.balances())["USDT"] == (550, 9_450)


@pytest.mark.parametrize(
    ("mode", "has_old", "price", "expected"),
    [
        ("STOP_ON_FAILURE", False, "94500", (400, -2022, "FAILURE", "NOT_ATTEMPTED")),
        ("ALLOW_FAILURE", False, "94500", (409, -2021, "FAILURE", "SUCCESS")),
        ("ALLOW_FAILURE", False, "1", (400, -2022, "FAILURE", "FAILURE")),
        ("STOP_ON_FAILURE", True, "1", (409, -2021, "SUCCESS", "FAILURE")),
    ],
)
async def test_a_replacement_tells_which_half_failed(trader, mode, has_old, price, expected):
    _, old = await trader.limit("94000", quantity="0.01")
    new = {"type": "LIMIT", "price": price, "timeInForce": "GTC", "quantity": "0.01"}
    how = {"cancelReplaceMode": mode, "cancelOrderId": old["orderId"] if has_old else "1"}

    status, body = await trader.send("POST", "/api/v3/order/cancelReplace", symbol="BTCUSDT", side="BUY", **new, **how)

    assert (status, body["code"], body["data"]["cancelResult"], body["data"]["newOrderResult"]) == expected


async def test_a_test_order_is_judged_and_never_placed(venue, trader):
    wish = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET"}

    good = await trader.send("POST", "/api/v3/order/test", **wish, quantity="0.01")
    bad = await trader.send("POST", "/api/v3/order/test", **wish, quantity="0")
    _, rates = await trader.send("POST", "/api/v3/order/test", **wish, quantity="1", computeCommissionRates="true")

    assert (good, bad[1]["code"]) == ((200, {}), -1013)
    assert rates["standardCommissionForOrder"] == {"maker": "0.001", "taker": "0.001"}
    assert (await venue.ledger())["orders"] == []


async def test_orders_and_trades_are_paged_by_id_and_time(trader):
    orders = [(await trader.order(quantity="0.001"))[1] for _ in range(4)]
    ids = [order["orderId"] for order in orders]

    _, newest = await trader.send("GET", "/api/v3/allOrders", symbol="BTCUSDT", limit="2")
    _, onwards = await trader.send("GET", "/api/v3/allOrders", symbol="BTCUSDT", orderId=ids[1], limit="2")
    _, of_one = await trader.send("GET", "/api/v3/myTrades", symbol="BTCUSDT", orderId=ids[2])
    _, none = await trader.send("GET", "/api/v3/myTrades", symbol="BTCUSDT", startTime="0", endTime="1000")

    assert [order["orderId"] for order in newest] == ids[2:]
    assert [order["orderId"] for order in onwards] == ids[1:3]
    assert ([trade["orderId"] for trade in of_one], none) == ([ids[2]], [])


async def test_pairs_with_other_quotes_trade_too(venue, trader):
    await venue.open_account("alice", spot={"USDC": "1000", "BTC": "1"})
    await venue.hold("ETHBTC", "0.035")

    _, in_usdc = await trader.order(symbol="BTCUSDC", quantity="0.01")
    _, in_btc = await trader.order(symbol="ETHBTC", quantity="1")

    assert (in_usdc["fills"][0]["price"], in_btc["fills"][0]["price"]) == ("95200.10000000", "0.03501000")
    assert (await trader.balances())["ETH"] == (Decimal("0.999"), 0)
