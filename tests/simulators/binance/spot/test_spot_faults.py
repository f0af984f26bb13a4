"""Each fault strikes spot orders as it strikes the futures': the answer, and the order behind it."""

import asyncio

import aiohttp
import pytest
from binance_simulator_support import eventually


async def outcome(trader, **params):
    """What the client sees: (status, code or state) or the name of the error."""
    try:
        status, body = await trader.order(**params)
    except aiohttp.ContentTypeError as error:
        return error.status
    except (aiohttp.ClientError, ValueError) as error:
        return type(error).__name__
    return status, body.get("code", body.get("status")) if isinstance(body, dict) else body


@pytest.mark.parametrize(
    ("kind", "seen", "executed"),
    [
        ("drop_before", "ServerDisconnectedError", 0),
        ("drop_after", "ServerDisconnectedError", 1),
        ("truncated", "ClientPayloadError", 1),
        ("html_502", 502, 0),
        ("unknown_executed", (408, -1007), 1),
        ("unknown_not_executed", (408, -1007), 0),
        ("rate_limit", (429, -1003), 0),
        ("ban", (418, -1003), 0),
        ("empty_200", (200, None), 1),
    ],
)
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


async def test_the_other_order_paths_are_struck_too(venue, trader):
    legs = {"aboveType": "LIMIT_MAKER", "abovePrice": "99000", "belowType": "STOP_LOSS", "belowStopPrice": "90000"}
    await venue.fault("unknown_executed", next_n=1)

    status, body = await trader.send(
        "POST", "/api/v3/orderList/oco", symbol="BTCUSDT", side="SELL", quantity="0.1", **legs
    )

    assert (status, body["code"], len((await venue.ledger())["orders"])) == (408, -1007, 2)
