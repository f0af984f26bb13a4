"""The way in: raw bytes, keys, time, weight, in the order the sheet gives."""

import pytest
from binance_simulator_support import now_ms

ORDER = "symbol=BTCUSDT&side=BUY&type=MARKET&quantity=0.01"


async def test_a_signature_may_stand_anywhere_and_cover_query_and_body(trader):
    stamp = f"timestamp={now_ms()}"
    whole, half, rest = f"{ORDER}&{stamp}", "symbol=BTCUSDT&side=BUY", f"type=MARKET&quantity=0.01&{stamp}"
    signed, mixed = trader.sign(whole), trader.sign(half + rest)
    path = "/fapi/v1/order"

    answers = [
        await trader.raw("POST", f"{path}?{whole}&signature={signed}"),
        await trader.raw("POST", f"{path}?signature={signed}&{whole}"),
        await trader.raw("POST", path, f"{whole}&signature={signed}"),
        await trader.raw("POST", f"{path}?signature={signed}", whole),
        await trader.raw("POST", f"{path}?{half}", f"{rest}&signature={mixed}"),
        await trader.raw("POST", f"{path}?{half}&signature={mixed}", rest),
    ]

    assert [status for status, _ in answers] == [200] * 6


async def test_bytes_are_verified_as_received_never_decoded_or_ordered_anew(trader):
    query = f"newClientOrderId=a%3Ab%2Fc&{ORDER}&timestamp={now_ms()}&note=%7e~%C3%A9[]"

    status, body = await trader.raw("POST", f"/fapi/v1/order?{query}&signature={trader.sign(query)}")

    assert (status, body["clientOrderId"]) == (200, "a:b/c")


async def test_the_query_wins_over_the_body(trader):
    body = f"{ORDER}&timestamp={now_ms()}"

    signature = trader.sign("symbol=ETHUSDT" + body)
    status, answer = await trader.raw("POST", f"/fapi/v1/order?symbol=ETHUSDT&signature={signature}", body)

    assert (status, answer["symbol"]) == (200, "ETHUSDT")


async def test_a_wrong_or_missing_signature_is_refused(trader):
    query = f"{ORDER}&timestamp={now_ms()}"
    signature = trader.sign(query)

    answers = [
        await trader.raw("POST", f"/fapi/v1/order?{query}&signature={'0' * 64}"),
        await trader.raw("POST", f"/fapi/v1/order?{query.replace('0.01', '0.02')}&signature={signature}"),
        await trader.raw("POST", f"/fapi/v1/order?{query}&signature=%C3%A9"),
        await trader.raw("POST", f"/fapi/v1/order?{query}"),
    ]

    assert [(status, body["code"]) for status, body in answers] == [(400, -1022)] * 3 + [(400, -1102)]


@pytest.mark.parametrize(("key", "expected"), [("", -2014), ("a b", -2014), ("stranger", -2015)])
async def test_the_key_is_judged_before_the_signature(trader, key, expected):
    trader.key = key

    status, body = await trader.raw("GET", "/fapi/v3/account?signature=nonsense")

    assert (status, body["code"]) == (401, expected)


@pytest.mark.parametrize(
    ("offset_ms", "window", "expected"),
    [
        (0, None, 0),
        (-4_000, None, 0),
        (-6_000, None, -1021),
        (-6_000, 10_000, 0),
        (-70_000, 60_000, -1021),
        (500, None, 0),
        (5_000, None, -1021),
        (0, 60_001, -1102),
    ],
)
async def test_time_stands_within_the_window_and_at_most_a_second_ahead(trader, offset_ms, window, expected):
    query = f"timestamp={now_ms() + offset_ms}" + (f"&recvWindow={window}" if window else "")

    _, body = await trader.raw("GET", f"/fapi/v3/account?{query}&signature={trader.sign(query)}")

    assert body.get("code", 0) == expected


async def test_a_wrong_signature_is_told_before_a_wrong_time(trader):
    _, body = await trader.raw("GET", "/fapi/v3/account?timestamp=1&signature=00")

    assert body["code"] == -1022


async def test_an_unknown_path_is_404_in_json_whoever_asks(venue):
    async with venue.session.get(f"{venue.base}/fapi/v1/nowhere") as answer:
        assert answer.status == 404
        assert (await answer.json())["code"] == -5000


async def test_weight_is_counted_and_told_and_beyond_it_429(venue, trader):
    await venue.sim("POST", "limits", {"weight_per_minute": 50})
    target = "/fapi/v1/ticker/24hr"

    async with venue.session.get(venue.base + target) as first:
        used = int(first.headers["X-MBX-USED-WEIGHT-1M"])
    later = [await trader.raw("GET", target, with_headers=True) for _ in range(3)]

    body, headers = next((body, headers) for status, body, headers in later if status == 429)
    assert used >= 40
    assert body["code"] == -1003
    assert 1 <= int(headers["Retry-After"]) <= 60


async def test_orders_are_counted_per_account(venue, trader):
    await venue.sim("POST", "limits", {"orders_per_10s": 2, "orders_per_minute": 3})
    other = await venue.open_account("bob")
    query = f"{ORDER}&timestamp={now_ms()}"

    status, _, headers = await trader.raw(
        "POST", f"/fapi/v1/order?{query}&signature={trader.sign(query)}", with_headers=True
    )
    codes = [await trader.order_code() for _ in range(4)]

    assert (status, headers["X-MBX-ORDER-COUNT-1M"]) == (200, "1")
    assert -1015 in codes
    assert await other.order_code() == 0


async def test_a_key_without_futures_permission_may_read_but_not_trade(venue):
    await venue.hold("BTCUSDT", "95200")
    reader = await venue.open_account("reader", permissions={"enableFutures": False, "enableWithdrawals": True})

    _, restrictions = await reader.send("GET", "/sapi/v1/account/apiRestrictions")

    assert (restrictions["enableFutures"], restrictions["enableWithdrawals"]) == (False, True)
    assert await reader.order_code() == -2015
    assert await reader.code("GET", "/fapi/v3/account") == 0
