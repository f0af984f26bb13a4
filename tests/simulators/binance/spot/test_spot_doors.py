"""The simulator's doors reach spot as they reach the futures: liquidity, limits, virtual time."""

import pytest
from spot_support import SpotTrader


@pytest.mark.parametrize(
    ("share", "fills", "status"), [("1", 1, "FILLED"), ("0.001", 10, "FILLED"), ("0", 0, "EXPIRED")]
)
async def test_a_thin_book_is_thin_on_spot_too(venue, trader, share, fills, status):
    told = await venue.sim("POST", "liquidity", {"symbol": "BTCUSDT", "share": share})
    _, depth = await venue.public("/api/v3/depth", symbol="BTCUSDT")
    _, order = await trader.order(quantity="0.05")

    assert told == (200, {"symbol": "BTCUSDT", "share": share})
    assert (order["status"], bool(depth["asks"])) == (status, share != "0")
    assert len(order["fills"]) >= fills


async def test_a_pair_that_only_spot_lists_has_a_book_of_its_own_to_thin(venue):
    status, _ = await venue.sim("POST", "liquidity", {"symbol": "ETHBTC", "share": "0"})
    unknown, body = await venue.sim("POST", "liquidity", {"symbol": "DOGEBTC", "share": "0"})

    assert (status, (await venue.public("/api/v3/depth", symbol="ETHBTC"))[1]["asks"]) == (200, [])
    assert (unknown, body["error"]["details"]) == (400, {"field": "symbol"})


async def test_spots_limits_are_others_on_request_and_the_futures_stay(venue, trader):
    _, told = await venue.sim("POST", "limits", {"spot": {"weight_per_minute": 100, "orders_per_10s": 2}})

    orders = [(await trader.order(quantity="0.001"))[1].get("code", 0) for _ in range(3)]
    weighed = [(await venue.public("/api/v3/ticker/24hr"))[0] for _ in range(2)]
    futures = [(await venue.public("/fapi/v1/ticker/24hr"))[0] for _ in range(2)]

    assert (orders, weighed[-1], futures) == ([0, 0, -1015], 429, [200, 200])
    assert (told["weight_per_minute"], told["spot"]["weight_per_minute"]) == (2_400, 100)


@pytest.mark.parametrize("wish", [{"spot": 5}, {"spot": {"orders_per_day": 0}}])
async def test_a_limit_of_spot_that_makes_no_sense_is_refused(venue, wish):
    status, body = await venue.sim("POST", "limits", wish)

    assert (status, body["error"]["code"]) == (400, "bad_input")


async def test_spots_streams_speak_as_virtual_time_passes_and_only_then(virtual_venue):
    async with virtual_venue.session.ws_connect(f"{virtual_venue.base}/streams/spot/ws/ethbtc@trade") as socket:
        await virtual_venue.advance(1_000)
        await socket.send_json({"method": "LIST_SUBSCRIPTIONS", "id": 1, "params": []})
        frames = [await socket.receive_json() for _ in range(5)]

    assert [frame.get("e") for frame in frames] == ["trade"] * 4 + [None]
    assert [frame["E"] % 1_000 for frame in frames[:4]] == [250, 500, 750, 0]


async def test_a_listen_key_of_spot_ends_after_an_hour_to_the_millisecond(virtual_venue):
    await virtual_venue.open_account("alice")
    trader = SpotTrader(virtual_venue, "alice", "alice-secret")
    _, body = await trader.send("POST", "/api/v3/userDataStream")

    async with virtual_venue.session.ws_connect(f"{virtual_venue.base}/streams/spot/ws/{body['listenKey']}") as socket:
        await virtual_venue.advance(3_599_999)
        alive = await trader.code("PUT", "/api/v3/userDataStream", listenKey=body["listenKey"])
        await virtual_venue.advance(3_600_000)
        event = await socket.receive_json()

    assert (alive, event["e"], event["listenKey"]) == (0, "listenKeyExpired", body["listenKey"])
