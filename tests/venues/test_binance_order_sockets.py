"""Orders over the WebSocket API: one connection for many accounts, and what is not clearly answered is unknown."""

import asyncio
import contextlib
import json

import pytest
from aiohttp import WSMsgType, web

from copydesk.domain.errors import CredentialsRefused, OrderRejected, OutcomeUnknown, VenueUnavailable
from copydesk.domain.order import OrderStatus
from copydesk.ports.clock import SystemClock
from copydesk.venues.binance import BinanceFutures, order_sockets
from copydesk.venues.binance.budget import Budget
from copydesk.venues.binance.order_sockets import OrderSockets, result_of
from desk_support import CLOCK
from venue_support import futures_session, purchase

ORDER = {"symbol": "BTCUSDT", "quantity": "0.005", "recvWindow": "3000", "timestamp": "1790000000000"}


class Exchange:
    """The other end of the sockets; `answers` says what to send back for a request, as text, None to hang up."""

    def __init__(self, answers):
        self.answers = answers
        self.asked = []
        self.connections = 0
        self.opens = lambda: None

    async def serve(self, request):
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self.connections += 1
        self.opens()
        async for message in socket:
            if message.type is not WSMsgType.TEXT:
                continue
            asked = json.loads(message.data)
            self.asked.append(asked)
            for text in self.answers(asked):
                if text is None:
                    await socket.close()
                else:
                    await socket.send_str(text)
        return socket


def success(asked, **more):
    return json.dumps({"id": asked["id"], "status": 200, "result": {"of": asked["params"]["apiKey"]}, **more})


@contextlib.asynccontextmanager
async def exchange_of(answers):
    exchange = Exchange(answers)
    app = web.Application()
    app.router.add_get("/ws-fapi/v1", exchange.serve)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield exchange, f"ws://127.0.0.1:{runner.addresses[0][1]}/ws-fapi/v1"
    finally:
        await runner.cleanup()


def sockets_to(url, *, accounts_each=10, budget=None, timeout_s=5):
    return OrderSockets(url, CLOCK, budget or Budget(CLOCK), accounts_each=accounts_each, timeout_s=timeout_s)


def begin(sockets, key):
    """What is told of it, sooner or later."""
    told = asyncio.get_running_loop().create_future()
    sockets.ready(key).begin("order.place", ORDER, key, b"secret", told.set_result)
    return told


def ask(sockets, key="alice"):
    return sockets.ask("order.place", ORDER, key, f"secret of {key}")


async def test_each_request_is_signed_by_itself_and_answers_find_theirs_in_any_order():
    held = []

    def answers(asked):
        held.append(asked)
        return [success(one) for one in reversed(held)] if len(held) == 3 else []

    async with exchange_of(answers) as (exchange, url):
        sockets = sockets_to(url)
        answered = await asyncio.gather(*(ask(sockets, key) for key in ("alice", "bob", "carol")))
        sockets.close()

    assert [result_of(one)["of"] for one in answered] == ["alice", "bob", "carol"]
    assert exchange.connections == 1
    first = exchange.asked[0]["params"]
    assert (first["timestamp"], first["recvWindow"], first["quantity"]) == (1790000000000, 3000, "0.005")
    assert len({one["params"]["signature"] for one in exchange.asked}) == 3


@pytest.mark.parametrize(("accounts_each", "connections"), [(1, 4), (3, 2), (4, 1)])
async def test_so_many_accounts_share_a_connection_as_the_setting_says(accounts_each, connections):
    async with exchange_of(lambda asked: [success(asked)]) as (exchange, url):
        sockets = sockets_to(url, accounts_each=accounts_each)
        for key in ("a", "b", "c", "d", "a"):
            await ask(sockets, key)
        sockets.close()

    assert exchange.connections == connections


NO_ID = '{"id":null,"status":400,"error":{"code":-1135,"msg":"Invalid JSON request"}}'


@pytest.mark.parametrize("spoiled", [NO_ID, '{"id":1,"sta', "<html>502</html>", '{"status":"fine"}', None], ids=str)
async def test_what_cannot_be_assigned_makes_everything_under_way_there_unknown(spoiled):
    async with exchange_of(lambda asked: [spoiled] if len(exchange.asked) == 2 else []) as (exchange, url):
        sockets = sockets_to(url)
        async with asyncio.timeout(5):
            told = await asyncio.gather(ask(sockets), ask(sockets, "bob"), return_exceptions=True)
        sockets.close()

    assert [type(one) for one in told] == [OutcomeUnknown, OutcomeUnknown]
    assert len(exchange.asked) == 2, "nothing is sent again"


async def test_after_an_end_the_next_request_opens_a_connection_of_its_own():
    async with exchange_of(lambda asked: [None] if len(exchange.asked) == 1 else [success(asked)]) as (exchange, url):
        sockets = sockets_to(url)
        with pytest.raises(OutcomeUnknown):
            await ask(sockets)
        assert result_of(await ask(sockets))["of"] == "alice"
        sockets.close()

    assert exchange.connections == 2


async def test_an_answer_that_nobody_waits_for_any_more_disturbs_nobody():
    late = []

    def answers(asked):
        if len(exchange.asked) == 1:
            late.append(success(asked))
            return []
        return [*late, success(asked)]

    async with exchange_of(answers) as (exchange, url):
        sockets = sockets_to(url, timeout_s=0.2)
        with pytest.raises(OutcomeUnknown, match="in time"):
            await ask(sockets)
        assert result_of(await ask(sockets, "bob"))["of"] == "bob"
        sockets.close()


async def test_where_nobody_listens_there_is_no_answer_and_it_is_not_tried_again_at_once():
    sockets = sockets_to("ws://127.0.0.1:1/ws-fapi/v1")

    assert await ask(sockets) is None
    assert await ask(sockets) is None


async def test_a_handshake_waits_for_no_weight():
    budget = Budget(CLOCK)
    await budget.take(2_279)
    async with exchange_of(lambda asked: [success(asked)]) as (exchange, url):
        assert await ask(sockets_to(url, budget=budget)) is None

    assert exchange.connections == 0


async def test_limits_are_read_from_answers():
    def counted(kind, interval, number, count):
        return {"rateLimitType": kind, "interval": interval, "intervalNum": number, "limit": 9999, "count": count}

    limits = [
        counted("REQUEST_WEIGHT", "MINUTE", 1, 2_000),
        counted("ORDERS", "SECOND", 10, 295),
        counted("ORDERS", "DAY", 1, 5),
    ]
    budget = Budget(CLOCK)
    async with exchange_of(lambda asked: [success(asked, rateLimits=limits)]) as (_, url):
        sockets = sockets_to(url, budget=budget)
        await ask(sockets)
        sockets.close()

    with pytest.raises(VenueUnavailable, match="as many as Binance lets it"):
        budget.take_order("alice")
    budget.take_order("bob")
    assert not budget.takes_at_once(300)


@pytest.mark.parametrize(
    ("status", "error", "kind"),
    [
        (400, {"code": -2019, "msg": "Margin is insufficient."}, OrderRejected),
        (400, {"code": -2015, "msg": "Invalid API-key"}, CredentialsRefused),
        (408, {"code": -1007, "msg": "Timeout"}, OutcomeUnknown),
        (503, {"code": -1008, "msg": "overloaded"}, VenueUnavailable),
        (500, None, OutcomeUnknown),
        (200, {"code": -4242, "msg": "a success that is none"}, OutcomeUnknown),
    ],
)
async def test_refusals_mean_what_they_mean_over_rest(status, error, kind):
    def answers(asked):
        return [json.dumps({"id": asked["id"], "status": status, "error": error})]

    async with exchange_of(answers) as (_, url):
        sockets = sockets_to(url)
        with pytest.raises(kind):
            result_of(await ask(sockets))
        sockets.close()


async def test_who_asks_too_much_is_told_when_to_come_back():
    error = {"code": -1003, "msg": "Too many", "data": {"serverTime": 1_000_000, "retryAfter": 1_030_000}}

    async with exchange_of(lambda asked: [json.dumps({"id": asked["id"], "status": 429, "error": error})]) as (_, url):
        sockets = sockets_to(url)
        with pytest.raises(VenueUnavailable) as told:
            result_of(await ask(sockets))
        sockets.close()

    assert told.value.retry_after_s == 30


async def test_orders_of_two_accounts_go_over_one_connection_to_the_simulator_and_not_over_rest(market, binance):
    sessions = [await futures_session(market, binance) for _ in range(2)]
    await market.tell("faults", kind="html_502", probability=1, path="POST /fapi/v1/listenKey")
    reports = [await one.place(purchase(binance)) for one in sessions]

    assert [one.status for one in reports] == [OrderStatus.FILLED] * 2
    (socket,) = sessions[0].transport.sockets._open.values()
    assert socket.is_open


async def test_a_key_that_is_refused_among_others_and_well_by_itself_goes_over_rest_from_then_on(market, binance):
    session = await futures_session(market, binance)
    await market.tell("faults", kind="refuse", code=-2015, next_n=1)

    with pytest.raises(VenueUnavailable, match="not placed"):
        await session.place(purchase(binance))
    report = await session.place(purchase(binance))

    assert report.status is OrderStatus.FILLED
    assert session.transport.sockets._elsewhere


async def test_a_key_on_a_connection_of_its_own_is_refused_for_good(market):
    venue = BinanceFutures(CLOCK, simulator_url=market.url, timeout_s=10, allow_live=False, accounts_per_connection=1)
    session = await futures_session(market, venue)
    await market.tell("faults", kind="refuse", code=-2015, next_n=1)

    with pytest.raises(CredentialsRefused):
        await session.place(purchase(venue))
    await venue.close()


async def test_an_order_that_is_throttled_over_the_socket_silences_the_address(market, binance):
    session = await futures_session(market, binance)
    await session.balance()
    await market.tell("faults", kind="rate_limit", next_n=1, path="POST /fapi/v1/order", retry_after_s=20)

    with pytest.raises(VenueUnavailable):
        await session.place(purchase(binance))
    with pytest.raises(VenueUnavailable, match="throttles this address"):
        await session.balance()


async def test_a_refused_key_that_cannot_be_asked_about_elsewhere_is_not_called_bad(market, binance):
    session = await futures_session(market, binance)
    await market.tell("faults", kind="refuse", code=-2015, next_n=1)
    await market.tell("faults", kind="html_502", probability=1, path="GET /fapi/v3/account")

    with pytest.raises(VenueUnavailable, match="not placed"):
        await session.place(purchase(binance))
    assert not session.transport.sockets._elsewhere


async def test_a_key_that_is_refused_everywhere_is_bad(market, binance):
    session = await futures_session(market, binance, known=False)

    with pytest.raises(CredentialsRefused):
        await session.place(purchase(binance))


class Stoppable(SystemClock):
    """The machine's clock as a program sees it that was stopped for a while."""

    stopped_s = 0.0

    def elapsed(self):
        return super().elapsed() + self.stopped_s


async def test_who_was_stopped_while_a_connection_opened_sends_nothing_over_it():
    clock = Stoppable()
    async with exchange_of(lambda asked: [success(asked)]) as (exchange, url):
        exchange.opens = lambda: setattr(clock, "stopped_s", 15.0)
        sockets = OrderSockets(url, clock, Budget(clock), accounts_each=1, timeout_s=5)
        with pytest.raises(VenueUnavailable, match="in time"):
            await ask(sockets)
        sockets.close()

    assert exchange.asked == []


async def test_over_an_open_connection_a_request_is_on_its_way_at_once():
    async with exchange_of(lambda asked: [success(asked)]) as (_exchange, url):
        sockets = sockets_to(url)
        assert sockets.ready("alice") is None
        await sockets.warm("alice")
        begun = [begin(sockets, key) for key in ("alice", "bob")]
        assert [result_of(await one)["of"] for one in begun] == ["alice", "bob"]
        sockets.close()

    assert sockets.ready("alice") is None


async def test_what_is_begun_and_not_answered_in_time_is_unknown_and_sent_once():
    async with exchange_of(lambda asked: [success(asked)] if asked["id"] == 2 else []) as (exchange, url):
        sockets = sockets_to(url, timeout_s=0.2)
        await sockets.warm("alice")
        silent, answered = (begin(sockets, "alice") for _ in range(2))
        assert isinstance(unknown := await silent, OutcomeUnknown)
        assert "in time" in str(unknown)
        assert result_of(await answered)["of"] == "alice"
        sockets.close()

    assert len(exchange.asked) == 2


async def test_more_than_a_connection_carries_wait_for_their_turn(monkeypatch):
    monkeypatch.setattr(order_sockets, "IN_FLIGHT_MAX", 2)
    async with exchange_of(lambda asked: [success(asked)]) as (_exchange, url):
        sockets = sockets_to(url)
        answered = await asyncio.gather(*(ask(sockets, key) for key in "abcdefgh"))
        sockets.close()

    assert [result_of(one)["of"] for one in answered] == list("abcdefgh")
