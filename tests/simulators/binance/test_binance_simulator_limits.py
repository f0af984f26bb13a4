"""How much the venue bears: weight by address, orders by account, in calendar windows of a time that stands still."""

import pytest

ORDER = {
    "symbol": "BTCUSDT",
    "side": "BUY",
    "type": "LIMIT",
    "timeInForce": "IOC",
    "quantity": "0.001",
    "price": "94000",
}
TEN_SECONDS, MINUTE = 10_000, 60_000


async def told(trader, method, path, **params):
    """(status, body, headers) of a signed request."""
    query = "&".join([*(f"{name}={value}" for name, value in params.items()), f"timestamp={trader.venue.now_ms()}"])
    return await trader.raw(method, f"{path}?{query}&signature={trader.sign(query)}", with_headers=True)


async def place(trader, count):
    return [await told(trader, "POST", "/fapi/v1/order", **ORDER) for _ in range(count)]


async def test_the_301st_order_in_ten_seconds_is_refused_until_the_next_ten(virtual_venue):
    trader = await virtual_venue.open_account("alice")
    await virtual_venue.advance(TEN_SECONDS - 3_000)

    taken = await place(trader, 300)
    [(status, body, headers)] = await place(trader, 1)
    await virtual_venue.advance(2_999)
    [(still, _, late)] = await place(trader, 1)
    await virtual_venue.advance(1)
    [(again, _, fresh)] = await place(trader, 1)

    assert {each[0] for each in taken} == {200}
    assert [each[2]["X-MBX-ORDER-COUNT-10S"] for each in taken[:3]] == ["1", "2", "3"]
    assert (status, body) == (
        429,
        {"code": -1015, "msg": "Too many new orders; current limit is 300 orders per 10 SECONDS."},
    )
    assert headers["Retry-After"] == "3"
    assert (still, late["Retry-After"]) == (429, "1")
    assert (again, fresh["X-MBX-ORDER-COUNT-10S"]) == (200, "1")


async def test_1200_orders_fit_into_a_minute_and_the_next_minute_starts_anew(virtual_venue):
    trader = await virtual_venue.open_account("alice")

    for _ in range(4):
        await place(trader, 300)
        await virtual_venue.advance(TEN_SECONDS)
    [(status, body, headers)] = await place(trader, 1)
    await virtual_venue.advance(2 * TEN_SECONDS)
    [(again, _, fresh)] = await place(trader, 1)

    assert (status, body["msg"]) == (429, "Too many new orders; current limit is 1200 orders per 1 MINUTE.")
    assert headers["Retry-After"] == "20"
    assert (again, fresh["X-MBX-ORDER-COUNT-1M"]) == (200, "1")


async def test_each_account_has_its_own_order_count(virtual_venue):
    alice, bob = [await virtual_venue.open_account(name) for name in ("alice", "bob")]

    await place(alice, 301)
    [(status, _, headers)] = await place(bob, 1)

    assert (status, headers["X-MBX-ORDER-COUNT-10S"], headers["X-MBX-ORDER-COUNT-1M"]) == (200, "1", "1")


@pytest.mark.parametrize(("method", "counts"), [("POST", ("5", "1")), ("PUT", ("5", "1"))])
async def test_a_batch_counts_five_in_ten_seconds_and_one_in_the_minute(virtual_venue, method, counts):
    trader = await virtual_venue.open_account("alice")

    _, _, headers = await told(trader, method, "/fapi/v1/batchOrders", batchOrders="[{}]")

    assert (headers["X-MBX-ORDER-COUNT-10S"], headers["X-MBX-ORDER-COUNT-1M"]) == counts
    assert headers["X-MBX-USED-WEIGHT-1M"] == "5"


async def test_2400_weight_fit_into_a_minute_for_all_accounts_of_an_address(virtual_venue):
    alice, bob = [await virtual_venue.open_account(name) for name in ("alice", "bob")]
    await virtual_venue.advance(15_000)

    used = [(await told(trader, "GET", "/fapi/v1/income"))[2] for trader in (alice, bob) for _ in range(40)]
    status, body, headers = await told(bob, "GET", "/fapi/v3/account")
    await virtual_venue.advance(45_000)
    again, _, fresh = await told(bob, "GET", "/fapi/v3/account")

    assert [each["X-MBX-USED-WEIGHT-1M"] for each in (used[0], used[-1])] == ["30", "2400"]
    assert status == 429
    assert body == {
        "code": -1003,
        "msg": "Too many requests; current limit is 2400 requests per minute. "
        "Please use the websocket for live updates to avoid polling the API.",
    }
    assert headers["Retry-After"] == "45"
    assert (again, fresh["X-MBX-USED-WEIGHT-1M"]) == (200, "5")


async def test_who_goes_on_after_429_is_banned_for_two_minutes_and_told_until_when(virtual_venue):
    trader = await virtual_venue.open_account("alice")
    for _ in range(60):
        await virtual_venue.public("/fapi/v1/ticker/24hr")

    statuses = [(await virtual_venue.public("/fapi/v1/ticker/24hr"))[0] for _ in range(302)]
    status, body, headers = await told(trader, "POST", "/fapi/v1/order", **ORDER)
    await virtual_venue.advance(120_000 - 1)
    last, _, _ = await told(trader, "POST", "/fapi/v1/order", **ORDER)
    await virtual_venue.advance(1)
    free, _, _ = await told(trader, "POST", "/fapi/v1/order", **ORDER)

    assert statuses == [429] * 301 + [418]
    until = virtual_venue.now_ms()
    assert (status, body["code"], headers["Retry-After"]) == (418, -1003, "120")
    assert (
        body["msg"]
        == f"Way too many requests; IP banned until {until}. Please use the websocket for live updates to avoid bans."
    )
    assert (last, free) == (418, 200)


async def test_the_venues_own_doors_are_never_weighed(virtual_venue):
    await virtual_venue.sim("POST", "limits", {"weight_per_minute": 1})
    await virtual_venue.public("/fapi/v1/ticker/24hr")

    answers = [await virtual_venue.sim("GET", "ledger") for _ in range(5)]

    assert {status for status, _ in answers} == {200}
