"""User data and market data over WebSocket, on every path clients use."""

import pytest

LIMIT = {"type": "LIMIT", "timeInForce": "GTC", "price": "94000"}


@pytest.fixture
async def listen_key(trader):
    return (await trader.raw("POST", "/fapi/v1/listenKey"))[1]["listenKey"]


def connect(venue, target):
    return venue.session.ws_connect(f"ws://127.0.0.1:{venue.port}{target}")


async def receive(socket, count):
    return [await socket.receive_json() for _ in range(count)]


@pytest.mark.parametrize("path", ["/private/ws?listenKey={}", "/private/ws/{}", "/ws/{}"])
async def test_a_fill_is_told_in_full_on_every_raw_path(venue, trader, listen_key, path):
    async with connect(venue, path.format(listen_key)) as socket:
        _, order = await trader.order(newClientOrderId="told")
        events = await receive(socket, 4)

    assert [event["e"] for event in events] == [
        "ORDER_TRADE_UPDATE",
        "TRADE_LITE",
        "ACCOUNT_UPDATE",
        "ORDER_TRADE_UPDATE",
    ]
    assert [(event["o"]["x"], event["o"]["X"]) for event in (events[0], events[3])] == [
        ("NEW", "NEW"),
        ("TRADE", "FILLED"),
    ]
    assert (events[3]["o"]["i"], events[3]["o"]["c"], events[3]["o"]["n"]) == (order["orderId"], "told", "0.4760005")
    assert events[2]["a"]["P"][0]["pa"] == "0.01"
    assert events[2]["a"]["B"][0]["wb"] == "9999.52399950"


async def test_several_accounts_share_one_connection_and_hear_only_themselves(venue, trader, listen_key):
    bob = await venue.open_account("bob")
    carol = await venue.open_account("carol")
    bobs_key = (await bob.raw("POST", "/fapi/v1/listenKey"))[1]["listenKey"]

    async with connect(venue, f"/private/stream?listenKey={listen_key}&listenKey={bobs_key}") as socket:
        await carol.order(**LIMIT, newClientOrderId="carols")
        await bob.order(**LIMIT, newClientOrderId="bobs")
        await trader.order(**LIMIT, newClientOrderId="alices")
        frames = await receive(socket, 2)

    assert [(frame["stream"], frame["data"]["o"]["c"]) for frame in frames] == [
        (bobs_key, "bobs"),
        (listen_key, "alices"),
    ]


async def test_a_conditional_order_is_told_through_its_whole_life(venue, trader, listen_key):
    await trader.order()

    async with connect(venue, f"/private/ws?listenKey={listen_key}") as socket:
        await trader.algo()
        await venue.hold("BTCUSDT", "89000")
        events = await receive(socket, 8)

    assert [event["o"]["X"] for event in events if event["e"] == "ALGO_UPDATE"] == [
        "NEW",
        "TRIGGERING",
        "TRIGGERED",
        "FINISHED",
    ]
    [triggered] = [event for event in events if event["e"] == "ORDER_TRADE_UPDATE" and event["o"]["X"] == "FILLED"]
    assert (triggered["o"]["R"], triggered["o"]["ot"]) == (True, "STOP_MARKET")


async def test_a_changed_leverage_is_told(venue, trader, listen_key):
    async with connect(venue, f"/private/ws?listenKey={listen_key}") as socket:
        await trader.send("POST", "/fapi/v1/leverage", symbol="BTCUSDT", leverage=7)
        [event] = await receive(socket, 1)

    assert (event["e"], event["ac"]) == ("ACCOUNT_CONFIG_UPDATE", {"s": "BTCUSDT", "l": 7})


async def test_listen_keys_are_kept_extended_and_closed(trader, listen_key):
    again = (await trader.raw("POST", "/fapi/v1/listenKey"))[1]["listenKey"]

    assert again == listen_key
    assert (await trader.raw("PUT", "/fapi/v1/listenKey"))[0] == 200
    assert (await trader.raw("PUT", "/fapi/v1/listenKey", f"listenKey={listen_key}"))[0] == 200
    assert (await trader.raw("PUT", "/fapi/v1/listenKey", "listenKey=other"))[1]["code"] == -1125
    assert (await trader.raw("DELETE", "/fapi/v1/listenKey"))[0] == 200
    assert (await trader.raw("DELETE", "/fapi/v1/listenKey"))[1]["code"] == -1125


@pytest.mark.parametrize(
    ("name", "event"),
    [
        ("btcusdt@kline_1m", "kline"),
        ("btcusdt@bookTicker", "bookTicker"),
        ("btcusdt@trade", "trade"),
        ("btcusdt@depth", "depthUpdate"),
        ("btcusdt@markPrice@1s", "markPriceUpdate"),
    ],
)
async def test_market_streams_are_subscribed_by_name(venue, name, event):
    async with connect(venue, "/market/ws/0") as socket:
        await socket.send_json({"method": "SUBSCRIBE", "params": [name], "id": 1})
        answer, first = await receive(socket, 2)

    assert answer == {"result": None, "id": 1}
    assert (first["e"], first["s"], first["st"]) == (event, "BTCUSDT", 1)


async def test_combined_streams_wrap_their_events(venue):
    async with connect(venue, "/market/stream?streams=ethusdt@trade/btcusdt@trade") as socket:
        frames = await receive(socket, 2)

    assert {frame["stream"] for frame in frames} == {"ethusdt@trade", "btcusdt@trade"}
    assert {frame["data"]["e"] for frame in frames} == {"trade"}


async def test_a_subscription_can_be_ended_and_listed_and_nonsense_is_told(venue):
    async with connect(venue, "/ws") as socket:
        await socket.send_json({"method": "SUBSCRIBE", "params": ["a@b", "c@d"], "id": "x"})
        await socket.send_json({"method": "UNSUBSCRIBE", "params": ["a@b"], "id": 2})
        await socket.send_json({"method": "LIST_SUBSCRIPTIONS", "params": [], "id": 3})
        await socket.send_str("nonsense")
        answers = await receive(socket, 4)

    assert [answer.get("result") for answer in answers[:3]] == [None, None, ["c@d"]]
    assert answers[3]["code"] == 2


async def test_a_disconnect_drops_the_accounts_streams(venue, listen_key):
    async with connect(venue, f"/private/ws?listenKey={listen_key}") as socket:
        await venue.fault("stream_disconnect", next_n=1, account="alice")
        message = await socket.receive()

    assert message.type.name in {"CLOSED", "CLOSE", "ERROR"}


async def test_events_may_come_twice_or_out_of_order(venue, trader, listen_key):
    async with connect(venue, f"/private/ws?listenKey={listen_key}") as socket:
        await venue.fault("duplicate_event", next_n=1)
        await trader.order(**LIMIT, newClientOrderId="twice")
        await venue.fault("reordered_event", next_n=1)
        await trader.order(**LIMIT, newClientOrderId="later")
        await trader.order(**LIMIT, newClientOrderId="sooner")
        events = await receive(socket, 4)

    assert [event["o"]["c"] for event in events] == ["twice", "twice", "sooner", "later"]


async def test_a_path_that_is_no_stream_is_refused(venue):
    from aiohttp import WSServerHandshakeError

    with pytest.raises(WSServerHandshakeError) as refused:
        async with connect(venue, "/nowhere"):
            pass

    assert refused.value.status == 404
