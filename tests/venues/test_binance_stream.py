"""The user-data stream of Binance: many accounts on one connection, told apart, and never believed to be whole."""

import asyncio
import secrets
from contextlib import aclosing
from decimal import Decimal

import pytest

from copydesk.domain.errors import OutcomeUnknown, VenueUnavailable
from copydesk.domain.ids import new_id
from copydesk.domain.order import NewOrder, OrderStatus
from copydesk.domain.signal import Direction, LegKind, Side
from copydesk.domain.subscription import MarginMode
from copydesk.ports.venue import OrderNews, StreamOpened
from copydesk.venues.binance import BinanceFutures, codec
from desk_support import CLOCK, running_simulator
from store_support import make_account


@pytest.fixture
async def market():
    async with running_simulator() as running:
        await running.hold("BTCUSDT", "95200")
        yield running


@pytest.fixture
async def venue(market):
    venue = BinanceFutures(CLOCK, simulator_url=market.url, timeout_s=10, allow_live=False)
    yield venue
    await venue.close()


async def account_at(market, venue, *, known=True):
    key = secrets.token_hex(16)
    if known:
        await market.account(key)
    return key, venue.open_session(make_account(), {"api_key": key, "api_secret": f"secret-of-{key}"})


async def order(venue, session, leg=LegKind.OPEN, trigger=None):
    mode = await session.prepare("BTCUSDT", leverage=10, margin_mode=MarginMode.ISOLATED)
    client_id = f"cd-{new_id(CLOCK.now())}"
    new = NewOrder(
        client_order_id=client_id,
        symbol="BTCUSDT",
        leg=leg,
        side=Side.BUY if leg is LegKind.OPEN else Side.SELL,
        direction=Direction.LONG,
        quantity=Decimal("0.005"),
        reduce_only=leg is not LegKind.OPEN,
        trigger_price=trigger,
    )
    return client_id, await session.place(venue.freeze(new, mode=mode, at=CLOCK.now()))


async def heard(told, wanted):
    """News until one fits."""
    async with asyncio.timeout(10):
        async for news in told:
            if isinstance(news, OrderNews) and wanted(news):
                return news
    return None


async def test_two_accounts_on_one_connection_are_told_apart(market, venue):
    _, one = await account_at(market, venue)
    _, two = await account_at(market, venue)
    async with aclosing(venue.listen({"one": one, "two": two})) as told:
        assert isinstance(await anext(told), StreamOpened)
        first, report = await order(venue, one)
        second, _ = await order(venue, two)

        filled = await heard(told, lambda news: news.report and news.report.status is OrderStatus.FILLED)
        other = await heard(told, lambda news: news.client_order_id == second)

    assert (filled.account_id, filled.client_order_id, other.account_id) == ("one", first, "two")
    assert filled.report.exchange_order_id == report.exchange_order_id
    assert (filled.report.executed_quantity, filled.report.average_price) == (
        report.executed_quantity,
        report.average_price,
    )


async def test_a_stop_that_triggers_is_told_by_its_own_id_and_has_to_be_looked_up(market, venue):
    _, session = await account_at(market, venue)
    async with aclosing(venue.listen({"one": session})) as told:
        await anext(told)
        await order(venue, session)
        stop, _ = await order(venue, session, LegKind.STOP_LOSS, trigger=Decimal(93_000))
        standing = await heard(told, lambda news: news.client_order_id == stop)
        await market.hold("BTCUSDT", 92_900)

        triggered = await heard(told, lambda news: news.client_order_id == stop and news.report is None)

    assert standing.report.status is OrderStatus.WORKING
    assert triggered.account_id == "one"


async def test_a_stream_that_is_cut_says_so(market, venue):
    _, session = await account_at(market, venue)
    async with aclosing(venue.listen({"one": session})) as told:
        await anext(told)
        await market.tell("faults", kind="stream_disconnect")

        with pytest.raises(VenueUnavailable):
            await heard(told, lambda _news: False)


async def test_an_account_whose_key_is_refused_does_not_silence_the_others(market, venue):
    _, bad = await account_at(market, venue, known=False)
    _, good = await account_at(market, venue)
    async with aclosing(venue.listen({"bad": bad, "good": good})) as told:
        assert isinstance(await anext(told), StreamOpened)
        client_id, _ = await order(venue, good)

        news = await heard(told, lambda news: news.client_order_id == client_id)

    assert news.account_id == "good"


async def test_with_no_account_left_there_is_no_stream(market, venue):
    _, bad = await account_at(market, venue, known=False)

    with pytest.raises(VenueUnavailable):
        await anext(venue.listen({"bad": bad}))


async def test_without_a_way_to_the_venue_there_is_no_stream():
    venue = BinanceFutures(CLOCK, simulator_url="http://127.0.0.1:9", timeout_s=1, allow_live=False)
    session = venue.open_session(make_account(), {"api_key": "key", "api_secret": "secret"})

    with pytest.raises(VenueUnavailable):
        await anext(venue.listen({"one": session}))
    await venue.close()


@pytest.mark.parametrize("missing", ["i", "c", "X", "z"])
def test_news_that_leave_something_out_are_unknown(missing):
    whole = {"i": 8886774, "c": "cd-x", "X": "PARTIALLY_FILLED", "z": "0.001", "ap": "7100.50"}
    read = codec.read_order_news(whole)
    assert (read.status, read.executed_quantity, read.average_price) == (
        OrderStatus.PARTIAL,
        Decimal("0.001"),
        Decimal("7100.50"),
    )

    with pytest.raises(OutcomeUnknown):
        codec.read_order_news({name: value for name, value in whole.items() if name != missing})


def test_a_conditional_order_is_told_until_it_triggers():
    order = {"caid": "cd-x", "aid": 7, "X": "NEW", "ai": ""}

    assert codec.read_algo_news(order).status is OrderStatus.WORKING
    assert codec.read_algo_news({**order, "X": "TRIGGERED", "ai": "9"}) is None
