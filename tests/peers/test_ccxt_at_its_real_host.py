"""ccxt as it is, its addresses untouched: the venue's host names lead to the simulator, so its error classes are the real ones."""

import asyncio
import re

import ccxt.async_support as ccxt
import ccxt.pro as ccxt_pro
import pytest

from peers.doors import ask, simulator
from simulators.binance.binance_tls_support import make_certificate, trusting_session

BTC, ETH = "BTC/USDT:USDT", "ETH/USDT:USDT"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    return make_certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def venue(certificate):
    """The simulator's address, which only the doors need: to clients it is the venue itself."""
    with simulator("--tls-cert", certificate) as origin:
        yield origin


@pytest.fixture
async def make_client(venue, certificate):
    clients = []
    async with trusting_session(certificate, int(re.search(r"\d+$", venue)[0])) as session:

        def make(module=ccxt, key="peer", secret="peer-secret", **options):
            client = module.binanceusdm(
                {"apiKey": key, "secret": secret, "session": session, "enableRateLimit": False, "options": options}
            )
            client.own_session = False
            clients.append(client)
            return client

        yield make
        for client in clients:
            await client.close()


async def test_a_whole_day_of_trading(venue, make_client):
    client = make_client(warnOnFetchOpenOrdersWithoutSymbol=False)
    await client.load_markets()
    assert (await client.set_leverage(5, BTC))["leverage"] == 5
    await client.set_margin_mode("isolated", BTC)

    entry = await client.create_order(BTC, "market", "buy", 0.01)
    stop = await client.create_order(BTC, "market", "sell", 0.01, None, {"stopLossPrice": 90_000, "reduceOnly": True})
    target = await client.create_order(
        BTC, "market", "sell", 0.01, None, {"takeProfitPrice": 99_000, "reduceOnly": True}
    )
    limit = await client.create_order(BTC, "limit", "buy", 0.01, 94_000)
    changed = await client.edit_order(limit["id"], BTC, "limit", "buy", 0.02, 93_000)
    batch = await client.create_orders(
        [
            {"symbol": BTC, "type": "limit", "side": "buy", "amount": 0.01, "price": 94_000},
            {"symbol": BTC, "type": "market", "side": "sell", "amount": 1, "params": {"reduceOnly": False}},
        ]
    )

    assert (entry["status"], entry["average"], stop["status"], target["status"]) == ("closed", 95_200.1, "open", "open")
    assert (changed["id"], changed["amount"], changed["price"]) == (limit["id"], 0.02, 93_000.0)
    assert {order["status"] for order in batch} == {"open", "rejected"}
    assert [position["contracts"] for position in await client.fetch_positions()]
    assert len(await client.fetch_open_orders(BTC)) == 2
    await client.cancel_all_orders(BTC)
    await client.cancel_order(target["id"], BTC, {"trigger": True})
    ask(venue, "price", {"symbol": "BTCUSDT", "price": "89999", "hold": True})
    assert (await client.fetch_order(stop["id"], BTC, {"trigger": True}))["status"] == "closed"
    assert await client.fetch_open_orders() == []
    assert (await client.fetch_balance())["USDT"]["total"] < 10_000
    assert "sell" in {trade["side"] for trade in await client.fetch_my_trades(BTC)}


@pytest.mark.parametrize(
    ("raises", "text", "wish"),
    [
        (ccxt.InsufficientFunds, "-2019", {"amount": 9, "price": 95_000}),
        (ccxt.InvalidOrder, "-4164", {"amount": 0.001, "price": 48_000}),
        (ccxt.BadRequest, "-4016", {"price": 190_000}),
        (ccxt.InvalidOrder, "-2022", {"price": 96_000, "side": "sell", "params": {"reduceOnly": True}}),
        (ccxt.OrderNotFillable, "-5022", {"price": 95_300, "params": {"postOnly": True}}),
        (ccxt.OrderNotFillable, "-5021", {"params": {"timeInForce": "FOK"}}),
        (
            ccxt.OrderImmediatelyFillable,
            "-2021",
            {"type": "market", "side": "sell", "params": {"stopLossPrice": 99_000}},
        ),
        (ccxt.InvalidOrder, "-4116", {"params": {"clientOrderId": "taken"}}),
    ],
)
async def test_each_refused_order_is_an_error_of_its_class(make_client, raises, text, wish):
    client = make_client()
    order = {"symbol": BTC, "type": "limit", "side": "buy", "amount": 0.01, "price": 94_000, "params": {}}
    await client.create_order(**{**order, "params": {"clientOrderId": "taken"}})

    with pytest.raises(raises, match=text):
        await client.create_order(**{**order, **wish})


async def test_each_refused_request_is_an_error_of_its_class(venue, make_client):
    client, market = make_client(), (BTC, "market", "buy", 0.01)
    await client.load_markets()

    with pytest.raises(ccxt.AuthenticationError, match="-1022"):
        await make_client(secret="wrong").fetch_balance()
    with pytest.raises(ccxt.AuthenticationError, match="-2015"):
        await make_client(key="stranger").fetch_balance()
    with pytest.raises(ccxt.OrderNotFound, match="-2013"):
        await client.fetch_order("1", BTC)
    with pytest.raises(ccxt.OrderNotFound, match="-2011"):
        await client.cancel_order("1", BTC)
    for kind, raises in {
        "rate_limit": ccxt.DDoSProtection,
        "ban": ccxt.DDoSProtection,
        "unknown_not_executed": ccxt.RequestTimeout,
        "html_502": ccxt.ExchangeNotAvailable,
        "drop_before": ccxt.ExchangeNotAvailable,
        "truncated": ccxt.ExchangeError,
        "clock_skew": ccxt.InvalidNonce,
    }.items():
        ask(venue, "faults", {"kind": kind, "next_n": 1, "delay_s": 60, "path": "POST /fapi/v1/order"})
        with pytest.raises(raises):
            await client.create_order(*market)


async def test_streams_of_ccxt_pro_speak_and_its_book_is_the_venues(make_client):
    client = make_client(ccxt_pro)
    await client.load_markets()

    book = await client.watch_order_book(ETH)
    for _ in range(3):
        book = await client.watch_order_book(ETH)
    seen = {
        "ticker": (await client.watch_ticker(ETH))["last"] > 0,
        "bid": (await client.watch_bids_asks([ETH]))[ETH]["bid"] > 0,
        "mark": (await client.watch_mark_price(ETH))["markPrice"] > 0,
        "trade": (await client.watch_trades(ETH))[0]["price"] > 0,
        "candle": len((await client.watch_ohlcv(ETH, "1m"))[0]),
    }

    assert book["bids"][0][0] < book["asks"][0][0]
    assert len(book["bids"]) == len(book["asks"]) == 50
    assert book["nonce"] > 0
    assert seen == {"ticker": True, "bid": True, "mark": True, "trade": True, "candle": 6}


async def test_own_orders_and_positions_are_watched_and_again_after_a_lost_connection(venue, make_client):
    watcher, trader = make_client(ccxt_pro), make_client()
    for client in (watcher, trader):
        await client.load_markets()

    async def seen_by(watching):
        """Orders come and go until one is seen: the stream opens at a moment of its own."""
        task = asyncio.get_running_loop().create_task(watching)
        while not task.done():
            order = await trader.create_order(BTC, "limit", "buy", 0.01, 94_000)
            await trader.cancel_order(order["id"], BTC)
            await asyncio.wait({task}, timeout=0.1)
        return task.result()

    async def watch_on():
        while True:
            await watcher.watch_orders(BTC)

    first = await seen_by(watcher.watch_orders(BTC))
    ask(venue, "faults", {"kind": "stream_disconnect", "next_n": 1, "account": "peer"})
    with pytest.raises(ccxt.NetworkError):
        await watch_on()
    again = await seen_by(watcher.watch_orders(BTC))
    watching = asyncio.get_running_loop().create_task(watcher.watch_positions([BTC]))
    while not watching.done():
        await trader.create_order(BTC, "market", "buy", 0.001)
        await asyncio.wait({watching}, timeout=0.1)

    assert {order["symbol"] for order in [*first, *again]} == {BTC}
    assert watching.result()[0]["contracts"] > 0


async def test_orders_go_over_the_websocket_api(make_client):
    client = make_client(ccxt_pro)
    await client.load_markets()

    placed = await client.create_order_ws(BTC, "limit", "buy", 0.01, 94_000)
    found = await client.fetch_order_ws(placed["id"], BTC)
    cancelled = await client.cancel_order_ws(placed["id"], BTC)
    entry = await client.create_order_ws(BTC, "market", "buy", 0.01)
    stop = await client.create_order_ws(
        BTC, "market", "sell", 0.01, None, {"stopLossPrice": 90_000, "reduceOnly": True}
    )

    assert (placed["status"], found["id"], cancelled["status"]) == ("open", placed["id"], "canceled")
    assert entry["id"]
    assert stop["id"]
    assert (await client.fetch_balance_ws())["USDT"]["free"] > 0
    assert (await client.fetch_positions_ws([BTC]))[0]["contracts"] == 0.01
    with pytest.raises(ccxt.ExchangeError, match="-2019"):  # over the socket ccxt has no table of classes for futures
        await client.create_order_ws(BTC, "market", "buy", 9)
