"""Spot's sockets by hand: market data that stays in step, user data by listen key and by the WebSocket API, event faults."""

import contextlib
from urllib.parse import urlencode

import aiohttp
import pytest
from binance_simulator_support import now_ms

STREAMS = "/streams/spot"


@contextlib.asynccontextmanager
async def connected(venue, path):
    async with venue.session.ws_connect(f"{venue.base}{path}") as socket:
        yield socket


async def read(socket, kind, count=1):
    """The next ``count`` events of this kind, whatever comes between."""
    found = []
    while len(found) < count:
        event = await socket.receive_json(timeout=5)
        if event.get("e") == kind:
            found.append(event)
    return found


async def listen_key(trader):
    _, body = await trader.send("POST", "/api/v3/userDataStream")
    return body["listenKey"]


async def subscribed(venue, trader, socket):
    """Signed as the WebSocket API wants it: parameters sorted by name."""
    params = {"apiKey": trader.key, "timestamp": now_ms()}
    signature = trader.sign(urlencode(sorted(params.items())))
    request = {"id": "one", "method": "userDataStream.subscribe.signature"}
    await socket.send_json({**request, "params": {**params, "signature": signature}})
    return await socket.receive_json(timeout=5)


async def test_trades_come_once_each_and_are_those_of_the_tape(venue):
    async with connected(venue, f"{STREAMS}/ws/ethusdt@trade") as socket:
        told = await read(socket, "trade", 5)

    _, tape = await venue.public("/api/v3/trades", symbol="ETHUSDT")
    numbers = [event["t"] for event in told]
    kept = {trade["id"]: trade["price"] for trade in tape}
    assert numbers == list(range(numbers[0], numbers[0] + 5))
    assert [kept[event["t"]] for event in told] == [event["p"] for event in told]


class LocalBook:
    """Kept as the venue's documents tell: a snapshot, then every update that follows on it."""

    def __init__(self, snapshot):
        self.sides = {side: dict(snapshot[side]) for side in ("bids", "asks")}
        self.last = snapshot["lastUpdateId"]
        self.gaps = []

    def take(self, event):
        if event["u"] <= self.last:
            return
        if event["U"] != self.last + 1:
            self.gaps.append(event)
        self.last = event["u"]
        for side, changes in (("bids", event["b"]), ("asks", event["a"])):
            levels = {**self.sides[side], **dict(changes)}
            self.sides[side] = {price: size for price, size in levels.items() if float(size)}


async def test_a_book_kept_by_its_updates_is_the_book_the_venue_shows(venue):
    async def snapshot():
        return (await venue.public("/api/v3/depth", symbol="ETHUSDT", limit=5_000))[1]

    async with connected(venue, f"{STREAMS}/ws/ethusdt@depth@100ms") as socket:
        book = LocalBook(await snapshot())
        for event in await read(socket, "depthUpdate", 6):
            book.take(event)
        await venue.hold("ETHUSDT", "3300")
        shown = await snapshot()
        while book.last < shown["lastUpdateId"]:
            for event in await read(socket, "depthUpdate"):
                book.take(event)

    assert book.gaps == []
    assert book.sides == {side: dict(shown[side]) for side in ("bids", "asks")}


@pytest.mark.parametrize(
    ("name", "kind", "fields"),
    [
        ("btcusdt@aggTrade", "aggTrade", {"a", "p", "q", "f", "l", "T", "m"}),
        ("btcusdt@kline_1m", "kline", {"k"}),
        ("btcusdt@miniTicker", "24hrMiniTicker", {"c", "o", "h", "l", "v", "q"}),
        ("btcusdt@ticker", "24hrTicker", {"p", "P", "w", "x", "c", "Q", "b", "a"}),
        ("btcusdt@avgPrice", "avgPrice", {"i", "w", "T"}),
    ],
)
async def test_every_market_stream_speaks_with_its_documented_fields(venue, name, kind, fields):
    async with connected(venue, f"{STREAMS}/ws/{name}") as socket:
        [event] = await read(socket, kind)

    assert event["s"] == "BTCUSDT"
    assert fields <= set(event)


async def test_combined_frames_name_their_stream_and_names_can_be_added_and_removed(venue):
    async with connected(venue, f"{STREAMS}/stream?streams=btcusdt@bookTicker/btcusdt@depth5") as socket:
        seen = {(await socket.receive_json(timeout=5))["stream"] for _ in range(4)}
        await socket.send_json({"method": "UNSUBSCRIBE", "params": ["btcusdt@depth5", "btcusdt@bookTicker"], "id": 1})
        while "id" not in (answer := await socket.receive_json(timeout=5)):
            pass
        await socket.send_json({"method": "SUBSCRIBE", "params": ["!ticker@arr"], "id": 2})
        await socket.receive_json(timeout=5)
        every = await socket.receive_json(timeout=5)

    assert seen == {"btcusdt@bookTicker", "btcusdt@depth5"}
    assert answer == {"result": None, "id": 1}
    assert (every["stream"], len(every["data"])) == ("!ticker@arr", 8)


async def test_an_order_is_told_with_the_balances_it_moves(venue, trader):
    key = await listen_key(trader)
    async with connected(venue, f"{STREAMS}/ws/{key}") as socket:
        await trader.limit("94000", quantity="0.1", newClientOrderId="mine")
        [new] = await read(socket, "executionReport")
        [locked] = await read(socket, "outboundAccountPosition")
        await venue.hold("BTCUSDT", "94000")
        [trade] = await read(socket, "executionReport")
        [moved] = await read(socket, "outboundAccountPosition")

    assert (new["x"], new["X"], new["c"], new["w"]) == ("NEW", "NEW", "mine", True)
    assert {"a": "USDT", "f": "600.00000000", "l": "9400.00000000"} in locked["B"]
    assert (trade["x"], trade["X"], trade["l"], trade["n"], trade["N"], trade["m"]) == (
        "TRADE",
        "FILLED",
        "0.10000000",
        "0.00010000",
        "BTC",
        True,
    )
    assert {"a": "BTC", "f": "0.59990000", "l": "0.00000000"} in moved["B"]


async def test_a_cancel_carries_its_own_id_and_the_orders(venue, trader):
    key = await listen_key(trader)
    async with connected(venue, f"{STREAMS}/ws/{key}") as socket:
        await trader.limit("94000", newClientOrderId="mine")
        wish = {"symbol": "BTCUSDT", "origClientOrderId": "mine", "newClientOrderId": "away"}
        await trader.send("DELETE", "/api/v3/order", **wish)
        [_, cancelled] = await read(socket, "executionReport", 2)

    assert (cancelled["x"], cancelled["c"], cancelled["C"]) == ("CANCELED", "away", "mine")


async def test_a_deposit_is_told_by_how_much_it_was(venue, trader):
    key = await listen_key(trader)
    async with connected(venue, f"{STREAMS}/ws/{key}") as socket:
        await venue.open_account("alice", spot={"USDT": "10500"})
        [event] = await read(socket, "balanceUpdate")

    assert (event["a"], event["d"]) == ("USDT", "500.00000000")


async def test_the_websocket_api_tells_an_accounts_own_events(venue, trader):
    async with connected(venue, "/ws-api/v3") as socket:
        answer = await subscribed(venue, trader, socket)
        await trader.order()
        report = await socket.receive_json(timeout=5)
        await socket.send_json({"id": 2, "method": "userDataStream.unsubscribe"})
        while "id" not in (left := await socket.receive_json(timeout=5)):
            pass
        await trader.order()
        await socket.send_json({"id": 3, "method": "ping"})
        pong = await socket.receive_json(timeout=5)

    assert answer == {"id": "one", "status": 200, "result": {"subscriptionId": 0}}
    assert (report["subscriptionId"], report["event"]["e"]) == (0, "executionReport")
    assert (left["status"], pong) == (200, {"id": 3, "status": 200, "result": {}})


async def test_the_websocket_api_refuses_a_wrong_signature_and_an_unknown_method(venue, trader):
    forger = type(trader)(venue, "alice", "wrong")
    async with connected(venue, "/ws-api/v3") as socket:
        forged = await subscribed(venue, forger, socket)
        await socket.send_json({"id": 4, "method": "order.amend"})
        unknown = await socket.receive_json(timeout=5)
        await socket.send_str("no JSON")
        garbled = await socket.receive_json(timeout=5)

    assert (forged["status"], forged["error"]["code"]) == (400, -1022)
    assert (unknown["id"], unknown["status"], garbled["error"]["code"]) == (4, 400, -1135)


async def test_a_closed_listen_key_is_unknown_and_a_kept_one_lives_on(venue, trader):
    key = await listen_key(trader)

    kept = await trader.send("PUT", "/api/v3/userDataStream", listenKey=key)
    same = await listen_key(trader)
    closed = await trader.send("DELETE", "/api/v3/userDataStream", listenKey=key)
    again = await trader.send("DELETE", "/api/v3/userDataStream", listenKey=key)

    assert (kept, same, closed) == ((200, {}), key, (200, {}))
    assert again[1]["code"] == -1125


async def test_events_can_be_doubled_and_their_order_turned(venue, trader):
    key = await listen_key(trader)
    async with connected(venue, f"{STREAMS}/ws/{key}") as socket:
        await venue.fault("duplicate_event", next_n=1, account="alice")
        await trader.limit("94000", newClientOrderId="one")
        doubled = [await socket.receive_json(timeout=5) for _ in range(3)]
        await venue.fault("reordered_event", next_n=1, account="alice")
        await trader.limit("93000", newClientOrderId="two")
        turned = [(await socket.receive_json(timeout=5))["e"] for _ in range(2)]

    assert doubled[0] == doubled[1] != doubled[2]
    assert turned == ["outboundAccountPosition", "executionReport"]


async def test_a_stream_can_be_cut(venue, trader):
    key = await listen_key(trader)
    async with connected(venue, f"{STREAMS}/ws/{key}") as socket:
        await venue.fault("stream_disconnect", next_n=1, account="alice")
        message = await socket.receive(timeout=5)

    assert message.type in {aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.ERROR}
