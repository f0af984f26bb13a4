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
    ("host", "name", "event"),
    [
        ("market", "btcusdt@kline_1m", "kline"),
        ("market", "btcusdt@miniTicker", "24hrMiniTicker"),
        ("market", "btcusdt@ticker", "24hrTicker"),
        ("market", "btcusdt@aggTrade", "aggTrade"),
        ("market", "btcusdt@markPrice@1s", "markPriceUpdate"),
        ("public", "btcusdt@bookTicker", "bookTicker"),
        ("public", "!bookTicker", "bookTicker"),
        ("public", "btcusdt@trade", "trade"),
        ("public", "btcusdt@depth", "depthUpdate"),
        ("public", "btcusdt@depth5@100ms", "depthUpdate"),
    ],
)
async def test_market_streams_are_subscribed_by_name_on_their_host(venue, host, name, event):
    async with connect(venue, f"/{host}/ws/0") as socket:
        await socket.send_json({"method": "SUBSCRIBE", "params": [name], "id": 1})
        answer, first = await receive(socket, 2)

    assert answer == {"result": None, "id": 1}
    assert (first["e"], first["s"], first["st"]) == (event, "BTCUSDT", 1)


async def test_a_stream_asked_for_on_the_wrong_host_is_accepted_and_stays_silent(venue, trader, listen_key):
    wrong = ["btcusdt@markPrice@1s", listen_key]

    async with connect(venue, "/public/stream") as socket:
        await socket.send_json({"method": "SUBSCRIBE", "params": [*wrong, "btcusdt@bookTicker"], "id": 1})
        await trader.order()
        _, *frames = await receive(socket, 6)

    assert {frame["stream"] for frame in frames} == {"btcusdt@bookTicker"}


async def test_streams_of_all_symbols_come_as_one_list(venue):
    async with connect(venue, "/market/stream?streams=!ticker@arr/!miniTicker@arr/!markPrice@arr@1s") as socket:
        frames = await receive(socket, 3)

    assert {frame["stream"]: frame["data"][0]["e"] for frame in frames} == {
        "!ticker@arr": "24hrTicker",
        "!miniTicker@arr": "24hrMiniTicker",
        "!markPrice@arr@1s": "markPriceUpdate",
    }
    assert {len(frame["data"]) for frame in frames} == {6}


async def test_combined_streams_wrap_their_events(venue):
    async with connect(venue, "/public/stream?streams=ethusdt@trade/btcusdt@trade") as socket:
        frames = await receive(socket, 2)

    assert {frame["stream"] for frame in frames} == {"ethusdt@trade", "btcusdt@trade"}
    assert {frame["data"]["e"] for frame in frames} == {"trade"}


@pytest.mark.parametrize("name", ["btcusdt@forceOrder", "!forceOrder@arr"])
async def test_a_liquidation_is_told_to_the_market_and_to_its_account(venue, trader, listen_key, name):
    await trader.order(quantity="0.1")

    async with (
        connect(venue, f"/market/ws/{name}") as market,
        connect(venue, f"/private/ws?listenKey={listen_key}&events=ORDER_TRADE_UPDATE") as own,
    ):
        await venue.sim("POST", "liquidate", {"account": "alice", "symbol": "BTCUSDT"})
        told = await market.receive_json()
        placed, done = await receive(own, 2)

    assert (told["e"], told["o"]["s"], told["o"]["S"], told["o"]["z"]) == ("forceOrder", "BTCUSDT", "SELL", "0.1")
    assert placed["o"]["c"].startswith("autoclose-")
    assert (done["o"]["x"], done["o"]["X"]) == ("CALCULATED", "FILLED")


async def test_a_connection_can_be_told_to_wrap_its_events(venue):
    async with connect(venue, "/public/ws/btcusdt@bookTicker") as socket:
        await socket.send_json({"method": "SET_PROPERTY", "params": ["combined", True], "id": 1})
        await socket.send_json({"method": "GET_PROPERTY", "params": ["combined"], "id": 2})
        frames = await receive(socket, 6)

    told = [frame for frame in frames if "result" in frame]
    assert [frame["result"] for frame in told] == [None, True]
    assert frames[-1]["stream"] == "btcusdt@bookTicker"


async def test_only_the_events_asked_for_come_for_each_key(venue, trader, listen_key):
    bob = await venue.open_account("bob")
    bobs_key = (await bob.raw("POST", "/fapi/v1/listenKey"))[1]["listenKey"]
    target = f"/private/stream?listenKey={listen_key}&events=ACCOUNT_UPDATE/TRADE_LITE&listenKey={bobs_key}&events=ORDER_TRADE_UPDATE"

    async with connect(venue, target) as socket:
        await trader.order()
        await bob.order(**LIMIT)
        frames = await receive(socket, 3)

    assert [(frame["stream"] == bobs_key, frame["data"]["e"]) for frame in frames] == [
        (False, "TRADE_LITE"),
        (False, "ACCOUNT_UPDATE"),
        (True, "ORDER_TRADE_UPDATE"),
    ]


async def test_a_listen_key_can_be_subscribed_and_given_up_on_an_open_connection(venue, trader, listen_key):
    async with connect(venue, "/private/stream") as socket:
        await socket.send_json({"method": "SUBSCRIBE", "params": [listen_key], "id": "uuid"})
        answer = await socket.receive_json()
        await trader.order(**LIMIT, newClientOrderId="heard")
        heard = await socket.receive_json()
        await socket.send_json({"method": "UNSUBSCRIBE", "params": [listen_key], "id": 2})
        await socket.receive_json()
        await trader.order(**LIMIT, newClientOrderId="unheard")
        await socket.send_json({"method": "LIST_SUBSCRIPTIONS", "params": [], "id": 3})
        last = await socket.receive_json()

    assert answer == {"result": None, "id": "uuid"}
    assert (heard["stream"], heard["data"]["o"]["c"]) == (listen_key, "heard")
    assert last == {"result": [], "id": 3}


async def test_the_old_path_carries_every_kind(venue, trader, listen_key):
    async with connect(venue, "/ws") as socket:
        wish = ["btcusdt@bookTicker", "ethusdt@markPrice@1s", listen_key]
        await socket.send_json({"method": "SUBSCRIBE", "params": wish, "id": 1})
        await trader.order(**LIMIT)
        kinds = set()
        while len(kinds) < 3:
            kinds.add((await socket.receive_json()).get("e", ""))
            kinds.discard("")

    assert kinds == {"bookTicker", "markPriceUpdate", "ORDER_TRADE_UPDATE"}


async def test_a_subscription_can_be_ended_and_listed_and_nonsense_is_told(venue):
    async with connect(venue, "/ws") as socket:
        await socket.send_json({"method": "SUBSCRIBE", "params": ["a@b", "c@d"], "id": "x"})
        await socket.send_json({"method": "UNSUBSCRIBE", "params": ["a@b"], "id": 2})
        await socket.send_json({"method": "LIST_SUBSCRIPTIONS", "params": [], "id": 3})
        await socket.send_json({"method": "SUBSCRIBE", "params": ["not a stream"], "id": 4})
        await socket.send_json({"method": "SING", "params": [], "id": 5})
        await socket.send_json({"params": [], "id": 6})
        await socket.send_str("nonsense")
        answers = await receive(socket, 7)

    assert [answer.get("result") for answer in answers[:3]] == [None, None, ["c@d"]]
    assert [(answer["id"], answer["error"]["code"]) for answer in answers[3:]] == [(4, 2), (5, 2), (None, 2), (None, 3)]


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
