"""Time that moves only when told, and what falls due in it. That two such days are the same is in test_binance_same_day."""

import asyncio

import aiohttp
import pytest
from binance_simulator_support import eventually

DAY = 24 * 3_600_000
LIMIT = {
    "symbol": "BTCUSDT",
    "side": "BUY",
    "type": "LIMIT",
    "timeInForce": "GTC",
    "quantity": "0.01",
    "price": "94000",
}


async def test_virtual_time_stands_still_until_it_is_moved(virtual_venue):
    _, before = await virtual_venue.public("/fapi/v1/time")
    await asyncio.wait({asyncio.get_running_loop().create_future()}, timeout=0.3)
    _, still = await virtual_venue.public("/fapi/v1/time")
    await virtual_venue.advance(1_500)
    _, after = await virtual_venue.public("/fapi/v1/time")
    await virtual_venue.sim("POST", "time", {"to_ms": 1_767_312_000_000})
    _, later = await virtual_venue.public("/fapi/v1/time")

    times = [body["serverTime"] for body in (before, still, after, later)]
    assert times == [1_767_225_600_000, 1_767_225_600_000, 1_767_225_601_500, 1_767_312_000_000]


@pytest.mark.parametrize("wish", [{}, {"advance_ms": 0}, {"advance_ms": "1"}, {"to_ms": 1}, {"advance_ms": 400 * DAY}])
async def test_a_move_of_time_that_makes_no_sense_is_refused(virtual_venue, wish):
    status, body = await virtual_venue.sim("POST", "time", wish)

    assert (status, body["error"]["code"]) == (400, "bad_input")


async def test_the_time_on_the_wall_is_not_for_moving(venue):
    status, body = await venue.sim("POST", "time", {"advance_ms": 1_000})
    _, told = await venue.sim("GET", "time")

    assert (status, told["virtual"]) == (400, False)
    assert "--virtual-time" in body["error"]["message"]


async def test_a_delayed_answer_comes_when_virtual_time_has_passed(virtual_venue):
    trader = await virtual_venue.open_account("alice")
    await virtual_venue.fault("delay_after", next_n=1, delay_s=30)
    asked = asyncio.get_running_loop().create_task(trader.order())

    async def filled():
        return len((await virtual_venue.ledger())["fills"]) == 1

    await eventually(filled)
    await virtual_venue.advance(29_999)
    early = asked.done()
    await virtual_venue.advance(1)

    status, body = await asked
    assert (early, status, body["status"]) == (False, 200, "FILLED")


async def test_a_listen_key_ends_an_hour_after_its_last_sign_of_life(virtual_venue):
    trader = await virtual_venue.open_account("alice")
    _, opened = await trader.send("POST", "/fapi/v1/listenKey")
    url = f"{virtual_venue.base}/private/ws?listenKey={opened['listenKey']}"

    async with virtual_venue.session.ws_connect(url) as socket:
        await virtual_venue.advance(3_599_999)
        alive = await trader.code("PUT", "/fapi/v1/listenKey")
        await virtual_venue.advance(3_600_000)
        event = await socket.receive_json()

    assert (alive, event["e"]) == (0, "listenKeyExpired")
    assert await trader.code("PUT", "/fapi/v1/listenKey") == -1125


async def test_what_happened_and_what_is_due_survive_a_restart(start_venue, tmp_path):
    file = tmp_path / "state.json"
    async with start_venue(virtual_time=True, state=file) as before:
        await before.hold("BTCUSDT", "95200")
        await before.hold("XRPUSDT", "2.2")
        trader = await before.open_account("alice", bnb_balance="3", fee_burn=True)
        await trader.send("POST", "/fapi/v1/marginType", symbol="XRPUSDT", marginType="ISOLATED")
        await trader.order(symbol="XRPUSDT", quantity="1000")
        await trader.send("POST", "/fapi/v1/positionMargin", symbol="XRPUSDT", amount="5", type=1)
        await before.sim("POST", "funding", {"symbol": "XRPUSDT", "rate": "0.001"})
        _, counted = await trader.send("POST", "/fapi/v1/order", **LIMIT)
        till = before.now_ms() + 700_000
        ending = {
            **LIMIT,
            "symbol": "XRPUSDT",
            "price": "2.1",
            "quantity": "100",
            "timeInForce": "GTD",
            "goodTillDate": till,
        }
        _, dated = await trader.send("POST", "/fapi/v1/order", **ending)
        change = {
            "symbol": "BTCUSDT",
            "side": "BUY",
            "orderId": counted["orderId"],
            "price": "93900",
            "quantity": "0.01",
        }
        await trader.send("PUT", "/fapi/v1/order", **change)
        await trader.send("POST", "/fapi/v1/countdownCancelAll", symbol="BTCUSDT", countdownTime=600_000)
        remembered = await before.ledger()

    async with start_venue(virtual_time=True, state=file) as after:
        trader.venue = after
        again = await after.ledger()
        reads = {
            path: (await trader.send("GET", f"/fapi/v1/{path}", symbol="XRPUSDT"))[1]
            for path in ("income", "positionMargin/history", "feeBurn", "premiumIndex")
        }
        _, amended = await trader.send("GET", "/fapi/v1/orderAmendment", symbol="BTCUSDT", orderId=counted["orderId"])
        await after.advance(700_000)
        statuses = {row["order_id"]: row["status"] for row in (await after.ledger())["orders"]}

    assert again == remembered
    assert {row["incomeType"] for row in reads["income"]} == {"COMMISSION", "FUNDING_FEE"}
    assert (reads["positionMargin/history"][0]["amount"], reads["feeBurn"]) == ("5", {"feeBurn": True})
    assert (reads["premiumIndex"]["lastFundingRate"], len(amended)) == ("0.00100000", 1)
    assert (statuses[str(counted["orderId"])], statuses[str(dated["orderId"])]) == ("CANCELED", "EXPIRED")


async def test_a_client_that_leaves_a_venue_of_virtual_time_does_not_keep_it_from_ending(start_venue):
    async with start_venue(virtual_time=True) as venue:
        await venue.fault("delay_before", next_n=1, delay_s=30)
        trader = await venue.open_account("alice")
        with pytest.raises((asyncio.TimeoutError, aiohttp.ClientError)):
            await asyncio.wait_for(trader.order(), 0.05)
