"""Conditional orders: their own endpoint, their own life."""

import pytest

LIMIT = {"type": "LIMIT", "timeInForce": "GTC", "price": "94000"}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"algoType": "TWAP"}, -1102),
        ({"type": "MARKET"}, -1116),
        ({"triggerPrice": None}, -1102),
        ({"quantity": None}, -1102),
        ({"closePosition": "true"}, -1106),
        ({"positionSide": "LONG"}, -4061),
        ({"triggerPrice": "90000.05"}, -4014),
        ({"quantity": "0.0001"}, -1111),
        ({"triggerPrice": "95200"}, -2021),
        ({"triggerPrice": "99000"}, -2021),
        ({"side": "BUY", "triggerPrice": "95000"}, -2021),
        ({"type": "TAKE_PROFIT_MARKET", "triggerPrice": "95000"}, -2021),
        ({"type": "TRAILING_STOP_MARKET", "callbackRate": "11"}, -1102),
        ({"type": "STOP"}, -1102),
    ],
)
async def test_a_bad_conditional_order_is_refused(venue, trader, changes, expected):
    status, body = await trader.algo(**changes)

    assert (status, body["code"]) == (400, expected)
    assert (await venue.ledger())["orders"] == []


async def test_a_stop_becomes_a_normal_order_with_its_name_when_the_price_comes(venue, trader):
    await trader.order()
    _, stop = await trader.algo(clientAlgoId="sl-1")
    _, waiting = await trader.send("GET", "/fapi/v1/openAlgoOrders", symbol="BTCUSDT")

    await venue.hold("BTCUSDT", "90000")

    _, later = await trader.send("GET", "/fapi/v1/algoOrder", algoId=stop["algoId"])
    order_id = int(later["actualOrderId"])
    _, order = await trader.send("GET", "/fapi/v1/order", symbol="BTCUSDT", orderId=order_id)
    assert (stop["algoStatus"], [row["algoId"] for row in waiting]) == ("NEW", [stop["algoId"]])
    assert (later["algoStatus"], order["status"], order["clientOrderId"]) == ("FINISHED", "FILLED", "sl-1")
    assert (order["type"], order["origType"], order["reduceOnly"]) == ("MARKET", "STOP_MARKET", True)
    assert await trader.positions() == {}
    rows = {row["order_id"]: row for row in (await venue.ledger())["orders"]}
    assert rows[f"algo-{stop['algoId']}"]["status"] == "FINISHED"
    assert rows[str(order_id)]["algo_id"] == str(stop["algoId"])


@pytest.mark.parametrize(
    ("kind", "entry", "trigger", "before", "at"),
    [
        ("STOP_MARKET", "BUY", "90000", "90000.1", "90000"),
        ("STOP_MARKET", "SELL", "99000", "98999.9", "99000"),
        ("TAKE_PROFIT_MARKET", "BUY", "99000", "98999.9", "99000"),
        ("TAKE_PROFIT_MARKET", "SELL", "90000", "90000.1", "90000"),
    ],
)
async def test_each_kind_triggers_on_its_own_side_and_not_a_tick_early(venue, trader, kind, entry, trigger, before, at):
    await trader.order(side=entry)
    exit_side = "SELL" if entry == "BUY" else "BUY"
    await trader.algo(type=kind, side=exit_side, triggerPrice=trigger)

    await venue.hold("BTCUSDT", before)
    held = await trader.positions()
    await venue.hold("BTCUSDT", at)

    assert held
    assert await trader.positions() == {}


async def test_a_reduce_only_stop_without_a_position_is_taken_and_expires_when_triggered(venue, trader):
    _, stop = await trader.algo()

    await venue.hold("BTCUSDT", "89000")

    _, later = await trader.send("GET", "/fapi/v1/algoOrder", algoId=stop["algoId"])
    assert (later["algoStatus"], later["actualOrderId"]) == ("EXPIRED", "")
    assert (await venue.ledger())["fills"] == []


async def test_a_triggered_stop_never_turns_the_position(venue, trader):
    await trader.order(quantity="0.01")
    await trader.algo(quantity="0.05")

    await venue.hold("BTCUSDT", "89000")

    assert await trader.positions() == {}
    assert sum(row["side"] == "SELL" for row in (await venue.ledger())["fills"]) == 1


async def test_close_position_closes_whatever_there_is(venue, trader):
    await trader.order(quantity="0.03")
    status, _ = await trader.algo(quantity=None, reduceOnly=None, closePosition="true")
    await trader.order(quantity="0.02")

    await venue.hold("BTCUSDT", "89000")

    assert (status, await trader.positions()) == (200, {})


async def test_an_opening_stop_without_margin_is_rejected_when_triggered(venue):
    await venue.hold("BTCUSDT", "95200")
    poor = await venue.open_account("poor", balance="10")
    _, entry = await poor.algo(side="BUY", triggerPrice="96000", reduceOnly=None)

    await venue.hold("BTCUSDT", "96001")

    _, later = await poor.send("GET", "/fapi/v1/algoOrder", algoId=entry["algoId"])
    assert (later["algoStatus"], later["rejectReason"]) == ("REJECTED", "Margin is insufficient.")


async def test_a_stop_limit_is_triggered_first_and_finished_with_its_order(venue, trader):
    await trader.order()
    _, stop = await trader.algo(type="STOP", price="91000", triggerPrice="90000")

    async def status():
        return (await trader.send("GET", "/fapi/v1/algoOrder", algoId=stop["algoId"]))[1]["algoStatus"]

    await venue.hold("BTCUSDT", "89000")
    triggered = await status()
    await venue.hold("BTCUSDT", "91000")

    assert (triggered, await status(), await trader.positions()) == ("TRIGGERED", "FINISHED", {})


async def test_a_trailing_stop_follows_the_best_price_and_fires_on_the_way_back(venue, trader):
    await trader.order()
    await trader.algo(type="TRAILING_STOP_MARKET", callbackRate="1", triggerPrice=None)

    for price in ("98000", "97100"):
        await venue.hold("BTCUSDT", price)
    held = await trader.positions()
    await venue.hold("BTCUSDT", "97020")

    assert held
    assert await trader.positions() == {}


async def test_the_two_endpoints_cancel_only_their_own(trader):
    await trader.order(**LIMIT)
    _, stop = await trader.algo()

    await trader.send("DELETE", "/fapi/v1/allOpenOrders", symbol="BTCUSDT")
    _, algos = await trader.send("GET", "/fapi/v1/openAlgoOrders")
    status, _ = await trader.send("DELETE", "/fapi/v1/algoOpenOrders", symbol="BTCUSDT")

    assert ([row["algoId"] for row in algos], status) == ([stop["algoId"]], 200)
    assert (await trader.send("GET", "/fapi/v1/openAlgoOrders"))[1] == []
    assert await trader.code("DELETE", "/fapi/v1/algoOrder", algoId=stop["algoId"]) == -2011


async def test_a_conditional_order_is_cancelled_by_its_name_and_the_name_is_free_again(trader):
    _, first = await trader.algo(clientAlgoId="sl")
    assert await trader.algo_code(clientAlgoId="sl") == -4116

    _, answer = await trader.send("DELETE", "/fapi/v1/algoOrder", clientAlgoId="sl")

    assert answer == {"algoId": first["algoId"], "clientAlgoId": "sl", "code": "200", "msg": "success"}
    assert await trader.algo_code(clientAlgoId="sl") == 0
    assert await trader.code("GET", "/fapi/v1/algoOrder", clientAlgoId="other") == -2013


async def test_the_eleventh_conditional_order_of_a_symbol_is_one_too_many(trader):
    codes = [await trader.algo_code() for _ in range(11)]

    assert codes == [0] * 10 + [-4045]
