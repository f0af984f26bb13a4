"""The WebSocket API: the same routes, rules and limits as over HTTP, many keys on one connection."""

import asyncio
import base64

import aiohttp
import pytest
from binance_simulator_support import Trader, now_ms
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from socket_api_support import LIMIT, ORDER, STOP, ApiSocket, signed


@pytest.fixture
async def api(venue):
    async with venue.session.ws_connect(f"ws://127.0.0.1:{venue.port}/ws-fapi/v1") as socket:
        yield ApiSocket(socket)


class KeyPair(Trader):
    """A trader who signs with Ed25519; the account is opened with the public key in the secret's place."""

    def __init__(self, venue, key):
        super().__init__(venue, key, "")
        self.private = Ed25519PrivateKey.generate()
        public = self.private.public_key()
        self.pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()

    async def open(self):
        status, _ = await self.venue.sim(
            "POST", "accounts", {"api_key": self.key, "api_secret": self.pem, "balance": "1000"}
        )
        assert status == 200
        return self

    def sign(self, payload):
        return base64.b64encode(self.private.sign(payload.encode())).decode()


async def test_an_order_is_placed_found_modified_and_cancelled(trader, api):
    placed = await api.ask("order.place", {**LIMIT, "newClientOrderId": "mine"}, by=trader)
    named = {"symbol": "BTCUSDT", "origClientOrderId": "mine"}
    found = await api.ask("order.status", named, by=trader)
    cancelled = await api.ask("order.cancel", named, by=trader)
    gone = await api.ask("order.cancel", named, by=trader)

    assert (placed["status"], placed["result"]["status"], placed["result"]["clientOrderId"]) == (200, "NEW", "mine")
    assert found["result"]["orderId"] == placed["result"]["orderId"]
    assert cancelled["result"]["status"] == "CANCELED"
    assert (gone["status"], gone["error"]) == (400, {"code": -2011, "msg": "Unknown order sent."})


async def test_several_keys_trade_over_one_connection(venue, trader, api):
    bob = await venue.open_account("bob")

    answers = [await api.ask("order.place", ORDER, by=each) for each in (trader, bob, trader)]

    assert {answer["result"]["status"] for answer in answers} == {"FILLED"}
    assert sorted(order["account"] for order in (await venue.ledger())["orders"]) == ["alice", "alice", "bob"]


async def test_a_stop_is_placed_with_a_stray_parameter_and_cancelled(trader, api):
    await api.ask("order.place", ORDER, by=trader)

    placed = await api.ask("algoOrder.place", {**STOP, "stopLossPrice": 90000, "reduceOnly": "true"}, by=trader)
    cancelled = await api.ask("algoOrder.cancel", {"algoId": placed["result"]["algoId"]}, by=trader)

    assert (placed["result"]["algoStatus"], placed["result"]["triggerPrice"]) == ("NEW", "90000")
    assert cancelled["result"]["msg"] == "success"


async def test_a_stop_on_the_order_method_is_sent_to_the_algo_one(trader, api):
    answer = await api.ask("order.place", {**STOP, "stopPrice": "90000"}, by=trader)

    assert answer["error"]["code"] == -4120


async def test_numbers_may_be_json_numbers_and_null_is_no_value(trader, api):
    wish = {**LIMIT, "quantity": 0.01, "price": 94000.5, "recvWindow": 5000, "reduceOnly": False, "positionSide": None}
    params = signed(trader, {name: value for name, value in wish.items() if value is not None})

    answer = await api.ask("order.place", {**params, "positionSide": None})

    assert (answer["result"]["price"], answer["result"]["origQty"]) == ("94000.5", "0.01")


async def test_a_percent_encoded_payload_is_a_valid_signature_too(trader, api):
    params = {"symbol": "BTCUSDT", "origClientOrderId": "a/b:c", "apiKey": trader.key, "timestamp": now_ms()}
    payload = f"apiKey={trader.key}&origClientOrderId=a%2Fb%3Ac&symbol=BTCUSDT&timestamp={params['timestamp']}"

    answer = await api.ask("order.status", {**params, "signature": trader.sign(payload)})

    assert answer["error"]["code"] == -2013


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"signature": "0" * 64}, 400, -1022),
        ({"signature": None}, 400, -1102),
        ({"quantity": "0.02"}, 400, -1022),
        ({"apiKey": "nobody"}, 401, -2015),
        ({"apiKey": None}, 401, -2014),
    ],
)
async def test_what_is_not_signed_by_its_key_is_refused(venue, trader, api, change, status, code):
    answer = await api.ask("order.place", {**signed(trader, ORDER), **change})

    assert (answer["status"], answer["error"]["code"]) == (status, code)
    assert (await venue.ledger())["orders"] == []


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"symbol": "NOPE"}, -1121),
        ({"quantity": "0"}, -4003),
        ({"quantity": "0.01234"}, -1111),
        ({"quantity": "100"}, -2019),
        ({"reduceOnly": "true"}, -2022),
        ({"type": "PERHAPS"}, -1116),
        ({"side": "HOLD"}, -1117),
        ({"recvWindow": 100000}, -1102),
    ],
)
async def test_the_rules_of_the_rest_route_hold(trader, api, change, code):
    answer = await api.ask("order.place", {**ORDER, **change}, by=trader)

    assert (answer["error"]["code"], "result" in answer) == (code, False)


async def test_old_and_early_timestamps_are_refused(trader, api):
    def stamped(at_ms):
        named = {**ORDER, "apiKey": trader.key, "timestamp": at_ms}
        return {**named, "signature": trader.sign("&".join(f"{name}={named[name]}" for name in sorted(named)))}

    late = await api.ask("order.place", stamped(now_ms() - 6_000))
    early = await api.ask("order.place", stamped(now_ms() + 2_000))

    assert [answer["error"]["code"] for answer in (late, early)] == [-1021, -1021]
    assert "ahead" in early["error"]["msg"]


async def test_the_account_is_told_in_both_shapes(trader, api):
    await api.ask("order.place", ORDER, by=trader)

    answers = {
        method: (await api.ask(method, by=trader))["result"]
        for prefix in ("", "v2/")
        for method in (f"{prefix}account.status", f"{prefix}account.balance", f"{prefix}account.position")
    }

    assert answers["account.status"]["canTrade"] is True
    assert "canTrade" not in answers["v2/account.status"]
    assert answers["v2/account.balance"][0]["asset"] == "USDT"
    assert [row["positionAmt"] for row in answers["v2/account.position"]] == ["0.01"]
    assert "leverage" in answers["account.position"][0]


async def test_market_questions_need_no_key(trader, api):
    price = await api.ask("ticker.price", {"symbol": "BTCUSDT"})
    book = await api.ask("ticker.book")
    depth = await api.ask("depth", {"symbol": "BTCUSDT", "limit": 5})

    assert price["result"]["price"] == "95200"
    assert len(book["result"]) == 6
    assert (len(depth["result"]["bids"]), depth["result"]["lastUpdateId"] > 0) == (5, True)


async def test_a_user_data_stream_is_started_kept_and_stopped(venue, trader, api):
    started = await api.ask("userDataStream.start", {"apiKey": "alice"})
    key = started["result"]["listenKey"]
    kept = await api.ask("userDataStream.ping", {"apiKey": "alice"})

    async with venue.session.ws_connect(f"ws://127.0.0.1:{venue.port}/private/ws?listenKey={key}") as stream:
        await api.ask("order.place", ORDER, by=trader)
        first = await stream.receive_json()
    stopped = await api.ask("userDataStream.stop", {"apiKey": "alice"})

    assert (first["e"], kept["result"]["listenKey"], stopped["result"]) == ("ORDER_TRADE_UPDATE", key, {})
    assert (await api.ask("userDataStream.ping", {"apiKey": "alice"}))["error"]["code"] == -1125


async def test_limits_are_told_shared_with_rest_and_silenced_on_request(venue, trader, api):
    await trader.send("GET", "/fapi/v3/account")  # weight 5, after 5 of the handshake
    await trader.order()

    told = await api.ask("order.place", ORDER, by=trader)
    quiet = await api.ask("order.place", {**ORDER, "returnRateLimits": False}, by=trader)
    quieter = await api.ask("order.place", {**ORDER, "returnRateLimits": "false"}, by=trader)
    public = await api.ask("ticker.price", {"symbol": "BTCUSDT"})

    counts = [(row["rateLimitType"], row["intervalNum"], row["limit"], row["count"]) for row in told["rateLimits"]]
    assert counts == [("REQUEST_WEIGHT", 1, 2400, 10), ("ORDERS", 10, 300, 2), ("ORDERS", 1, 1200, 2)]
    assert ("rateLimits" in quiet, "rateLimits" in quieter) == (False, False)
    assert [row["rateLimitType"] for row in public["rateLimits"]] == ["REQUEST_WEIGHT"]


async def test_a_connection_may_be_opened_without_limits_in_its_answers(venue):
    target = f"ws://127.0.0.1:{venue.port}/ws-fapi/v1?returnRateLimits=false"

    async with venue.session.ws_connect(target) as socket:
        api = ApiSocket(socket)
        quiet = await api.ask("ticker.price", {"symbol": "BTCUSDT"})
        told = await api.ask("ticker.price", {"symbol": "BTCUSDT", "returnRateLimits": True})

    assert ("rateLimits" in quiet, "rateLimits" in told) == (False, True)


async def test_one_who_asks_too_much_is_told_when_to_come_back_and_gets_no_new_connection(venue, trader, api):
    await venue.sim("POST", "limits", {"weight_per_minute": 6})

    for _ in range(2):
        last = await api.ask("ticker.price", {"symbol": "BTCUSDT"})

    assert (last["status"], last["error"]["code"]) == (429, -1003)
    assert 0 < last["error"]["data"]["retryAfter"] - last["error"]["data"]["serverTime"] <= 60_000
    with pytest.raises(aiohttp.WSServerHandshakeError, match="429"):
        await venue.session.ws_connect(f"ws://127.0.0.1:{venue.port}/ws-fapi/v1")


@pytest.mark.parametrize(
    "frame",
    ["nonsense", "[]", '{"id": 1}', '{"id": 1, "method": "order.place", "params": []}', '{"id": 1.5, "method": "a"}'],
)
async def test_what_cannot_be_read_is_answered_without_an_id(api, frame):
    await api.socket.send_str(frame)
    answer = await api.socket.receive_json()

    assert (answer["id"], answer["status"], answer["error"]["code"]) == (None, 400, -1135)


@pytest.mark.parametrize("number", [7, "7d3b", None])
async def test_the_id_comes_back_as_it_was_sent(api, number):
    await api.socket.send_json({"id": number, "method": "ticker.price", "params": {"symbol": "BTCUSDT"}})

    answer = await api.socket.receive_json()

    assert (answer["id"], answer["status"]) == (number, 200)


async def test_an_unknown_method_is_refused_by_name(api):
    answer = await api.ask("order.admire")

    assert answer["error"] == {"code": -5000, "msg": "Method order.admire is invalid"}


async def test_a_key_with_a_shared_secret_cannot_log_on(trader, api):
    answer = await api.ask("session.logon", by=trader)

    assert answer["error"] == {"code": -4056, "msg": "HMAC_SHA256 API key is not supported."}
    assert (await api.ask("order.place", {**ORDER, "timestamp": now_ms()}))["error"]["code"] == -2014


async def test_a_key_pair_logs_on_and_signs_no_more_until_it_logs_out(venue, trader, api):
    carol = await KeyPair(venue, "carol").open()

    before = await api.ask("session.status")
    logged_on = await api.ask("session.logon", by=carol)
    own = await api.ask("order.place", {**ORDER, "quantity": "0.001", "timestamp": now_ms()})
    others = await api.ask("order.place", ORDER, by=trader)
    unsigned = await api.ask("order.place", {**ORDER, "apiKey": "alice", "timestamp": now_ms()})
    logged_out = await api.ask("session.logout")
    after = await api.ask("order.place", {**ORDER, "timestamp": now_ms()})

    assert [answer["result"]["apiKey"] for answer in (before, logged_on, logged_out)] == [None, "carol", None]
    assert (own["status"], others["status"], unsigned["error"]["code"]) == (200, 200, -1102)
    assert after["error"]["code"] == -2014
    assert {(row["account"], row["quantity"]) for row in (await venue.ledger())["orders"]} == {
        ("carol", "0.001"),
        ("alice", "0.01"),
    }


async def test_a_key_pair_signs_over_http_too_and_only_with_its_own_key(venue, trader):
    carol = await KeyPair(venue, "carol").open()
    stranger = KeyPair(venue, "carol")

    async def balance(who):
        query = f"timestamp={now_ms()}"
        signature = who.sign(query).replace("+", "%2B").replace("/", "%2F").replace("=", "%3D")
        return await who.raw("GET", f"/fapi/v3/balance?{query}&signature={signature}")

    assert (await balance(carol))[0] == 200
    assert (await balance(stranger))[1]["code"] == -1022


async def test_a_slow_request_holds_up_no_other_on_the_connection(venue, trader, api):
    bob = await venue.open_account("bob")
    await venue.fault("delay_after", next_n=1, account="alice", delay_s=0.2)

    slow = await api.send("order.place", ORDER, by=trader)
    quick = await api.ask("order.place", ORDER, by=bob)
    last = await asyncio.wait_for(api.socket.receive_json(), 5)

    assert quick["status"] == 200
    assert (last["id"], last["status"]) == (slow, 200)
