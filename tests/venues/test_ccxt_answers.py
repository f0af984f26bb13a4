"""What an exchange of ccxt answers, and what may be concluded from it."""

import asyncio
import contextlib
import secrets
import socket
from datetime import timedelta
from decimal import Decimal

import ccxt
import pytest
from aiohttp import web
from msgspec.structs import replace

from copydesk.domain.errors import OutcomeUnknown, VenueUnavailable
from copydesk.domain.order import NewOrder, OrderStatus
from copydesk.domain.signal import Direction, LegKind, Side
from copydesk.domain.subscription import Environment, PositionMode
from copydesk.venues.binance.transport import Transport
from copydesk.venues.ccxt import CcxtVenue, codec
from copydesk.venues.ccxt.capabilities import KNOWN, UNTRUSTED, Capabilities
from copydesk.venues.ccxt.carrier import Carrier
from desk_support import CLOCK
from store_support import make_account
from venue_support import purchase

TERSE = Capabilities(
    simulated=True,
    options={
        "fetchMargins": False,
        "fetchMarkets": {"types": ["spot"]},
        "newOrderRespType": {"market": "ACK"},
    },
)
"""Trusted with nothing, and its first answer tells an order's id only."""

MARKET = {"base": "BTC", "quote": "USDT", "spot": True, "contract": False, "taker": 0.001}


async def account_at(venue, market):
    key = secrets.token_hex(16)
    await market.account(key, spot={"USDT": "10000"})
    return venue.open_session(make_account(venue="ccxt:binance"), {"api_key": key, "api_secret": f"secret-of-{key}"})


async def test_an_order_keeps_the_id_it_was_given_though_nothing_more_is_told_in_time(market):
    venue = CcxtVenue("binance", CLOCK, simulator_url=market.url, timeout_s=2, allow_live=False, known=TERSE)
    session = await account_at(venue, market)
    await venue.symbols(make_account().environment)
    await market.tell("faults", kind="delay_before", probability=1, path="GET /api/v3/order", delay_s=5)

    async with asyncio.timeout(2):
        report = await session.place(purchase(venue))

    (order,) = [one for one in await market.orders() if one["symbol"] == "BTCUSDT"]
    assert (report.status, report.exchange_order_id) == (OrderStatus.WORKING, str(order["order_id"]))
    await venue.close()


@contextlib.asynccontextmanager
async def redirecting(to):
    """An address that takes an order and names another one; how many it took."""
    taken = []

    async def take(request):
        taken.append(request.path)
        return web.Response(status=307, headers={"Location": to})

    app = web.Application()
    app.router.add_post("/{path:.*}", take)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}", taken
    finally:
        await runner.cleanup()


@pytest.mark.parametrize("to", ["/again", "http://127.0.0.1:9/nobody-listens-here"])
async def test_an_order_that_is_redirected_is_sent_once_and_unknown(to):
    key = {"api_key": "key", "api_secret": "secret"}
    async with redirecting(to) as (url, taken):
        carrier = Carrier("binance", Environment.SIMULATOR, KNOWN["binance"], url, 5)
        exchange = carrier.instance(key)
        with pytest.raises(OutcomeUnknown):
            await carrier.ask(lambda: exchange.private_post_order({"symbol": "BTCUSDT"}), sends=True)
        await carrier.close()

        transport = Transport(Environment.SIMULATOR, CLOCK, simulator_url=url, timeout_s=5)
        with pytest.raises(OutcomeUnknown):
            await transport.signed(key, "POST", "order", {"symbol": "BTCUSDT"})
        await transport.close()

    assert len(taken) == 2


async def test_only_a_call_of_one_request_that_made_no_connection_has_sent_nothing():
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
        carrier = Carrier("binance", Environment.SIMULATOR, KNOWN["binance"], url, 5)
        exchange = carrier.instance({"api_key": "key", "api_secret": "secret"})

        async def once():
            await exchange.private_post_order({"symbol": "BTCUSDT"})

        async def after_another():
            with contextlib.suppress(ccxt.BaseError):
                await once()
            await once()

        with pytest.raises(VenueUnavailable):
            await carrier.ask(once, sends=True)
        with pytest.raises(OutcomeUnknown):
            await carrier.ask(after_another, sends=True)
        await carrier.close()


def test_a_closed_order_without_a_quantity_is_no_fill_yet():
    answer = {"id": "7", "status": "closed", "filled": None, "average": None, "side": "buy"}

    report = codec.read_order(answer, "cd-ours", MARKET, UNTRUSTED)

    assert (report.status, report.executed_quantity) == (OrderStatus.WORKING, 0)


def test_a_fill_without_a_price_is_asked_about_by_the_id_it_came_with():
    answer = {"id": "7", "status": "closed", "filled": 0.005, "average": None, "side": "buy"}

    report = codec.read_placed(answer, "cd-ours", MARKET, UNTRUSTED)

    assert (report.status, report.exchange_order_id) == (OrderStatus.WORKING, "7")


def test_a_purchase_whose_side_is_not_told_counts_its_fee_in_coins_all_the_same():
    told = {
        "id": "1",
        "status": "closed",
        "filled": 0.005,
        "average": 95_200,
        "fee": {"cost": 0.000005, "currency": "BTC"},
    }

    assert codec.read_order(told, "cd-1", MARKET, UNTRUSTED).base_fee == Decimal("0.000005")
    assert codec.read_order({**told, "side": "sell"}, "cd-1", MARKET, UNTRUSTED).base_fee == 0


@pytest.fixture
async def spot(market):
    venue = CcxtVenue("binance", CLOCK, simulator_url=market.url, timeout_s=10, allow_live=False)
    yield venue
    await venue.close()


async def test_an_order_whose_id_is_there_already_may_be_the_one_that_was_sent(spot, market):
    session = await account_at(spot, market)
    await session.place(purchase(spot))
    order = NewOrder(
        client_order_id=f"cd-{secrets.token_hex(8)}",
        symbol="BTCUSDT",
        leg=LegKind.STOP_LOSS,
        side=Side.SELL,
        direction=Direction.LONG,
        quantity=Decimal("0.004"),
        reduce_only=True,
        trigger_price=Decimal(90_000),
    )
    stop = spot.freeze(order, mode=PositionMode.ONE_WAY, at=CLOCK.now())
    smaller = spot.freeze(replace(order, quantity=Decimal("0.0005")), mode=PositionMode.ONE_WAY, at=CLOCK.now())
    await session.place(stop)

    with pytest.raises(OutcomeUnknown, match="Duplicate order sent"):
        await session.place(smaller)


@pytest.mark.parametrize("code", [-1000, -1001, -1006, -1007, -1008, -2011, -2013])
async def test_a_code_that_does_not_say_not_placed_is_unknown_on_spot(spot, market, code):
    session = await account_at(spot, market)
    await market.tell("faults", kind="refuse", code=code, next_n=1)

    with pytest.raises(OutcomeUnknown):
        await session.place(purchase(spot))


async def test_an_exchange_whose_ids_are_not_trusted_lists_no_orders(market):
    venue = CcxtVenue("binance", CLOCK, simulator_url=market.url, timeout_s=5, allow_live=False, known=TERSE)
    session = await account_at(venue, market)

    assert not venue.traits.lists_orders
    with pytest.raises(VenueUnavailable, match="not known to list orders"):
        await session.orders_since("BTCUSDT", CLOCK.now())
    await venue.close()


@pytest.mark.parametrize("kind", ["empty_200", "html_502", "truncated", "drop_after"])
async def test_a_list_of_orders_that_cannot_be_read_is_unknown_not_empty(spot, market, kind):
    session = await account_at(spot, market)
    await session.place(purchase(spot))
    await market.tell("faults", kind=kind, probability=1, path="GET /api/v3/allOrders")

    with pytest.raises(OutcomeUnknown):
        await session.orders_since("BTCUSDT", CLOCK.now() - timedelta(minutes=1))


async def test_a_list_of_orders_longer_than_a_page_is_read_to_its_end(spot, market, monkeypatch):
    monkeypatch.setattr("copydesk.venues.ccxt.session._PAGE", 2)
    session = await account_at(spot, market)
    since = CLOCK.now()
    placed = []
    for _ in range(5):
        placed.append((await session.place(purchase(spot))).exchange_order_id)
        await CLOCK.sleep(0.002)

    listed = await session.orders_since("BTCUSDT", since)

    assert [one.exchange_order_id for one in listed] == placed


async def test_a_list_of_orders_that_does_not_go_on_after_a_page_is_unknown(spot, market, monkeypatch):
    monkeypatch.setattr("copydesk.venues.ccxt.session._PAGE", 1)
    session = await account_at(spot, market)
    await session.place(purchase(spot))

    with pytest.raises(OutcomeUnknown, match="does not go on"):
        await session.orders_since("BTCUSDT", CLOCK.now() - timedelta(minutes=1))
