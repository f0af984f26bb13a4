"""The user-data stream of Binance: what it leaves out, what ends it, and what it is never believed to say."""

import asyncio
import contextlib
import secrets
from contextlib import aclosing
from datetime import UTC, datetime
from decimal import Decimal

import httpx
import pytest
from aiohttp import web

from copydesk.domain.errors import CredentialsRefused, OutcomeUnknown, VenueUnavailable
from copydesk.domain.order import OrderStatus
from copydesk.domain.subscription import MarginMode
from copydesk.ports.venue import StreamOpened
from copydesk.simulators.binance import serve
from copydesk.venues.binance import BinanceFutures, codec, stream
from copydesk.venues.binance.session import BinanceSession
from desk_support import CLOCK, Simulator
from store_support import make_account
from venue_conformance import heard
from venue_support import purchase


@pytest.fixture
def venue(binance):
    return binance


async def account_at(market, venue, *, known=True):
    key = secrets.token_hex(16)
    if known:
        await market.account(key)
    return key, venue.open_session(make_account(), {"api_key": key, "api_secret": f"secret-of-{key}"})


async def order(venue, session, at=None):
    """A purchase; `at` a moment of the venue's own, without preparing (which would use ours)."""
    if at is None:
        await session.prepare("BTCUSDT", leverage=10, margin_mode=MarginMode.ISOLATED)
    request = purchase(venue, at=at)
    await session.place(request)
    return request.params["newClientOrderId"]


async def test_an_account_whose_key_is_refused_does_not_silence_the_others(market, venue):
    _, bad = await account_at(market, venue, known=False)
    _, good = await account_at(market, venue)
    async with aclosing(venue.listen({"bad": bad, "good": good})) as told:
        assert await anext(told) == StreamOpened(accounts=frozenset({"good"}))
        client_id = await order(venue, good)

        news = await heard(told, lambda news: news.client_order_id == client_id)

    assert news.account_id == "good"


async def test_with_no_account_left_there_is_no_stream(market, venue):
    _, bad = await account_at(market, venue, known=False)

    with pytest.raises(VenueUnavailable):
        await anext(venue.listen({"bad": bad}))


async def test_many_accounts_are_opened_a_few_at_a_time(market, venue, monkeypatch):
    sessions = {str(number): (await account_at(market, venue))[1] for number in range(12)}
    under_way, most, open_one = 0, 0, BinanceSession.open_listen_key

    async def counted(session):
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        try:
            return await open_one(session)
        finally:
            under_way -= 1

    monkeypatch.setattr(BinanceSession, "open_listen_key", counted)
    async with aclosing(venue.listen(sessions)) as told:
        await anext(told)
        client_id = await order(venue, sessions["7"])

        assert (await heard(told, lambda news: news.client_order_id == client_id)).account_id == "7"
    assert 1 < most <= stream.OPENING_AT_ONCE


async def test_without_a_way_to_the_venue_there_is_no_stream():
    venue = BinanceFutures(CLOCK, simulator_url="http://127.0.0.1:9", timeout_s=1, allow_live=False)
    session = venue.open_session(make_account(), {"api_key": "key", "api_secret": "secret"})

    with pytest.raises(VenueUnavailable):
        await anext(venue.listen({"one": session}))
    await venue.close()


@pytest.mark.parametrize("status", [307, 503])
async def test_a_stream_that_is_refused_is_told_without_the_listen_keys_in_its_address(status):
    async def answer(request):
        if request.method == "POST":
            return web.json_response({"listenKey": "a-planted-secret"})
        return web.Response(status=status, headers={"Location": "http://127.0.0.1:9"})

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    venue = BinanceFutures(CLOCK, simulator_url=url, timeout_s=5, allow_live=False)
    session = venue.open_session(make_account(), {"api_key": "key", "api_secret": "secret"})

    with pytest.raises(VenueUnavailable) as refused:
        await anext(venue.listen({"one": session}))

    assert "a-planted-secret" not in f"{refused.value.text}{refused.value.__cause__}"
    await venue.close()
    await runner.cleanup()


async def test_one_account_of_the_venue_behind_two_keys_is_told_to_both(market, venue):
    """The venue's listen key is its account's: the second key gets the same one."""
    key, one = await account_at(market, venue)
    two = venue.open_session(make_account(), {"api_key": key, "api_secret": f"secret-of-{key}"})
    async with aclosing(venue.listen({"one": one, "two": two})) as told:
        await anext(told)
        client_id = await order(venue, one)

        news = [await heard(told, lambda news: news.client_order_id == client_id) for _ in range(2)]

    assert {each.account_id for each in news} == {"one", "two"}


@pytest.mark.parametrize(("kind", "statuses"), [("duplicate_event", "WWFF"), ("reordered_event", "FW")])
async def test_news_that_come_twice_or_out_of_order_are_told_as_they_come(market, venue, kind, statuses):
    key, session = await account_at(market, venue)
    async with aclosing(venue.listen({"one": session})) as told:
        await anext(told)
        await session.prepare("BTCUSDT", leverage=10, margin_mode=MarginMode.ISOLATED)
        # An order makes four events: NEW, the short notice, the account, the fill.
        await market.tell("faults", kind=kind, probability=1, account=key)
        client_id = await order(venue, session)
        await market.http.delete("/_sim/faults")
        after = await order(venue, session)

        seen = []
        async with asyncio.timeout(10):
            async for news in told:
                if news.client_order_id == after:
                    break
                seen.append(news)

    assert {news.client_order_id for news in seen} == {client_id}
    letters = {OrderStatus.WORKING: "W", OrderStatus.FILLED: "F"}
    assert sorted(letters[news.report.status] for news in seen) == sorted(statuses)


async def test_a_position_that_the_venue_closes_is_told_though_it_is_no_order_of_ours(market, venue):
    key, session = await account_at(market, venue)
    await order(venue, session)
    async with aclosing(venue.listen({"one": session})) as told:
        await anext(told)
        await market.tell("liquidate", account=key)

        news = await heard(told, lambda _news: True)

    assert news.client_order_id.startswith("autoclose-")
    assert (news.account_id, news.report) == ("one", None)


async def test_orders_of_the_follower_s_own_are_not_told(market, venue):
    _, session = await account_at(market, venue)
    async with aclosing(venue.listen({"one": session})) as told:
        await anext(told)
        own = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.005", "newClientOrderId": "by-hand"}
        await session._call("POST", "order", own)
        client_id = await order(venue, session, CLOCK.now())

        assert (await heard(told, lambda _news: True)).client_order_id == client_id


async def test_whoever_stops_listening_leaves_no_connection_and_no_task_behind(market, venue):
    _, session = await account_at(market, venue)
    await session.balance()
    before = asyncio.all_tasks()
    opened = asyncio.Event()

    async def listen():
        async with aclosing(venue.listen({"one": session})) as told:
            async for _ in told:
                opened.set()

    listening = asyncio.get_running_loop().create_task(listen())
    await opened.wait()
    listening.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await listening

    for _ in range(500):  # the simulator's side of the connection is a task here, too
        if not asyncio.all_tasks() - before:
            return
        await asyncio.sleep(0.01)
    assert asyncio.all_tasks() - before == set()


class Ahead:
    """The machine's clock, so many seconds further on."""

    ahead_s = 0.0

    def now(self):
        return CLOCK.now()

    def elapsed(self):
        return CLOCK.elapsed() + self.ahead_s

    async def sleep(self, seconds):
        await CLOCK.sleep(seconds)


@pytest.fixture
async def still_market():
    """Its time moves when it is told."""
    ready = asyncio.get_running_loop().create_future()
    task = asyncio.get_running_loop().create_task(serve(port=0, virtual_time=True, on_ready=ready.set_result))
    url = f"http://127.0.0.1:{await ready}"
    async with httpx.AsyncClient(base_url=url, timeout=20) as http:
        yield Simulator(http, url)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


@pytest.fixture
def clock():
    return Ahead()


@pytest.fixture
async def still_venue(still_market, clock):
    venue = BinanceFutures(clock, simulator_url=still_market.url, timeout_s=10, allow_live=False)
    yield venue
    await venue.close()


async def minutes_go_by(market, minutes):
    await market.tell("time", advance_ms=minutes * 60_000)
    shown = (await market.http.get("/_sim/time")).json()["now_ms"]
    return datetime.fromtimestamp(shown / 1000, UTC)


async def test_a_listen_key_that_expires_ends_the_stream(still_market, still_venue):
    _, session = await account_at(still_market, still_venue)
    async with aclosing(still_venue.listen({"one": session})) as told:
        await anext(told)
        await minutes_go_by(still_market, 61)

        with pytest.raises(VenueUnavailable, match="expired"):
            await heard(told, lambda _news: False)


async def test_listen_keys_are_kept_however_much_there_is_to_tell(still_market, still_venue, clock):
    _, one = await account_at(still_market, still_venue)
    _, two = await account_at(still_market, still_venue)
    async with aclosing(still_venue.listen({"one": one, "two": two})) as told:
        await anext(told)
        for _ in range(4):
            at = await minutes_go_by(still_market, 30)
            clock.ahead_s += 30 * 60
            for session in (one, two):
                client_id = await order(still_venue, session, at)
                await heard(told, lambda news: news.client_order_id == client_id)  # noqa: B023


async def test_while_the_venue_takes_no_requests_it_is_listened_to_all_the_same(still_market, still_venue, clock):
    _, session = await account_at(still_market, still_venue)
    async with aclosing(still_venue.listen({"one": session})) as told:
        await anext(told)
        refusals = {"kind": "html_502", "path": "PUT /fapi/v1/listenKey"}
        await still_market.tell("faults", **refusals, next_n=2)
        clock.ahead_s += 32 * 60
        client_id = await order(still_venue, session, await minutes_go_by(still_market, 31))

        await heard(told, lambda news: news.client_order_id == client_id)


class Keeping:
    """A session whose key is kept, or not."""

    def __init__(self, error):
        self.error = error

    async def keep_listen_key(self):
        raise self.error


@pytest.mark.parametrize("error", [CredentialsRefused("no"), OutcomeUnknown("no such key", code=-1125)])
async def test_a_key_that_is_lost_ends_the_stream(error):
    with pytest.raises(type(error)):
        await stream._keep_next(stream.deque([Keeping(error)]))


@pytest.mark.parametrize("error", [VenueUnavailable("throttled"), OutcomeUnknown("HTTP 502"), TimeoutError()])
async def test_a_key_that_could_not_be_kept_is_tried_again(error):
    turn = stream.deque([Keeping(error), Keeping(None)])
    first = turn[0]

    assert await stream._keep_next(turn) is False
    assert turn[0] is first


ORDER = {"i": 8886774, "c": "cd-x", "X": "PARTIALLY_FILLED", "z": "0.001", "ap": "7100.50", "ot": "MARKET"}


@pytest.mark.parametrize("missing", ["i", "c", "X", "z", "ap"])
def test_news_that_leave_something_out_are_unknown(missing):
    read = codec.read_order_news(ORDER)
    assert (read.status, read.executed_quantity, read.average_price) == (
        OrderStatus.PARTIAL,
        Decimal("0.001"),
        Decimal("7100.50"),
    )
    assert (read.client_order_id, read.exchange_order_id) == ("cd-x", "8886774")
    assert read.fee_usd == Decimal("0.001") * Decimal("7100.50") * codec.TAKER_FEE

    with pytest.raises(OutcomeUnknown):
        codec.read_order_news({name: value for name, value in ORDER.items() if name != missing})


@pytest.mark.parametrize("kind", ["STOP_MARKET", "TAKE_PROFIT_MARKET"])
def test_what_a_conditional_order_became_is_never_told_under_its_id(kind):
    assert codec.read_order_news({**ORDER, "ot": kind}) is None


def test_a_conditional_order_is_told_until_it_triggers():
    order = {"caid": "cd-x", "aid": 7, "X": "NEW", "ai": ""}

    assert codec.read_algo_news(order).status is OrderStatus.WORKING
    assert codec.read_algo_news({**order, "X": "TRIGGERED", "ai": "9"}) is None


class Frame:
    """What the socket hands over."""

    type = None

    def __init__(self, data):
        self.data = data


@pytest.mark.parametrize(
    "frame", ["", "[]", "null", "{}", '{"stream":"K"}', '{"stream":["K"],"data":{"e":"ALGO_UPDATE","o":{}}}']
)
def test_a_frame_that_cannot_be_read_ends_the_stream(frame):
    with pytest.raises(VenueUnavailable):
        list(stream._read(Frame(frame), {"K": ["one"]}))


@pytest.mark.parametrize("order", ['{"c":"cd-x"}', '{"c":"cd-x","i":"?","X":"FILLED","z":"1","ap":"0"}'])
def test_an_order_whose_news_cannot_be_read_is_to_be_looked_up(order):
    frame = Frame(f'{{"stream":"K","data":{{"e":"ORDER_TRADE_UPDATE","o":{order}}}}}')

    (news,) = stream._read(frame, {"K": ["one"]})

    assert (news.account_id, news.client_order_id, news.report) == ("one", "cd-x", None)


def test_a_stranger_s_stream_is_told_to_nobody():
    frame = Frame('{"stream":"L","data":{"e":"ORDER_TRADE_UPDATE","o":{"c":"cd-x"}}}')

    assert list(stream._read(frame, {"K": ["one"]})) == []
