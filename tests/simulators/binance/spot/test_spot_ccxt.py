"""Unmodified ccxt, class ``binance``, lives a spot trader's day."""

import asyncio

import ccxt.async_support as ccxt
import ccxt.pro as ccxt_pro
import pytest

BTC = "BTC/USDT"


@pytest.fixture
def make_client(clients_of):
    return lambda key="alice", module=ccxt, **options: clients_of(module.binance, key, **options)


async def test_a_coin_is_bought_protected_by_a_stop_and_sold_by_it(venue, make_client):
    await venue.hold("BTCUSDT", "95200")
    client = await make_client(spot={"USDT": "10000"})

    entry = await client.create_order(BTC, "market", "buy", 0.01)
    stop = await client.create_order(BTC, "market", "sell", 0.00999, None, {"stopLossPrice": 90_000})
    waiting = await client.fetch_open_orders(BTC)
    await venue.hold("BTCUSDT", "89999")
    sold = await client.fetch_order(stop["id"], BTC)
    trades = await client.fetch_my_trades(BTC)
    balance = await client.fetch_balance()

    assert (entry["status"], entry["filled"], entry["average"]) == ("closed", 0.01, 95_200.1)
    assert entry["fee"] == {"currency": "BTC", "cost": 0.00001}
    assert [order["id"] for order in waiting] == [stop["id"]]
    assert (sold["status"], sold["filled"]) == ("closed", 0.00999)
    assert [(trade["side"], trade["fee"]["currency"]) for trade in trades] == [("buy", "BTC"), ("sell", "USDT")]
    assert balance["BTC"]["total"] == 0
    assert balance["USDT"]["free"] == pytest.approx(10_000 - 952.001 + 0.00999 * 89_998.9 * 0.999)


async def test_a_limit_order_rests_is_found_by_both_ids_and_is_cancelled(venue, make_client):
    await venue.hold("BTCUSDT", "95200")
    client = await make_client(spot={"USDT": "10000"})

    limit = await client.create_order(BTC, "limit", "buy", 0.01, 94_000, {"clientOrderId": "mine-1"})
    by_id = await client.fetch_order(limit["id"], BTC)
    by_client_id = await client.fetch_order(None, BTC, {"clientOrderId": "mine-1"})
    held = (await client.fetch_balance())["USDT"]
    cancelled = await client.cancel_order(limit["id"], BTC)

    assert (by_id["status"], by_client_id["id"]) == ("open", limit["id"])
    assert (held["free"], held["used"]) == (9_060.0, 940.0)
    assert cancelled["status"] == "canceled"
    assert (await client.fetch_balance())["USDT"]["free"] == 10_000
    assert [order["status"] for order in await client.fetch_orders(BTC)] == ["canceled"]


async def test_an_order_worth_so_much_money_is_bought_and_an_edited_one_is_another(venue, make_client):
    await venue.hold("BTCUSDT", "95200")
    client = await make_client(spot={"USDT": "10000"})

    bought = await client.create_market_buy_order_with_cost(BTC, 1_000)
    limit = await client.create_order(BTC, "limit", "sell", 0.005, 99_000)
    edited = await client.edit_order(limit["id"], BTC, "limit", "sell", 0.006, 98_000)

    assert bought["filled"] == 0.0105
    assert edited["id"] != limit["id"]
    assert [(order["amount"], order["price"]) for order in await client.fetch_open_orders()] == [(0.006, 98_000.0)]


async def test_refusals_become_the_errors_ccxt_has_for_them(venue, make_client):
    await venue.hold("BTCUSDT", "95200")
    client = await make_client(spot={"USDT": "100"})

    with pytest.raises(ccxt.InsufficientFunds):
        await client.create_order(BTC, "market", "buy", 0.01)
    with pytest.raises(ccxt.OrderNotFound):
        await client.cancel_order("1", BTC)
    with pytest.raises(ccxt.OrderNotFound):
        await client.fetch_order("1", BTC)
    with pytest.raises(ccxt.OrderImmediatelyFillable):
        await client.create_order(BTC, "limit", "buy", 0.001, 96_000, {"postOnly": True})


async def test_everything_ccxt_reads_of_the_spot_market_is_there(venue, make_client):
    await venue.hold("ETHUSDT", "3300")
    client = await make_client(balance="500")
    eth = "ETH/USDT"

    ticker = await client.fetch_ticker(eth)
    candles = await client.fetch_ohlcv(eth, "5m", limit=50)
    book = await client.fetch_order_book(eth, 5)
    fees = await client.fetch_trading_fees()
    currencies = await client.fetch_currencies()

    assert client.market(eth)["limits"]["cost"]["min"] == 5
    assert client.market(eth)["precision"] == {"amount": 0.0001, "price": 0.01, "base": 1e-8, "quote": 1e-8}
    assert ticker["last"] == 3_300.0
    assert len(candles) == 50
    assert (len(book["bids"]), book["bids"][0][0] < book["asks"][0][0]) == (5, True)
    assert (fees[eth]["maker"], fees[eth]["taker"]) == (0.001, 0.001)
    assert (await client.fetch_trading_fee(eth))["taker"] == 0.001
    assert set(currencies) == {"BNB", "BTC", "ETH", "POL", "SOL", "USDC", "USDT", "XRP"}
    assert len(await client.fetch_tickers()) == 8
    assert set(await client.fetch_tickers([eth, BTC])) == {eth, BTC}
    assert len(await client.fetch_bids_asks()) == 8
    assert (await client.fetch_last_prices([eth]))[eth]["price"] == 3_300.0
    assert (await client.fetch_time()) > 0
    assert (await client.fetch_status())["status"] == "ok"
    assert (await client.fetch_balance())["USDT"]["free"] == 500
    assert (await client.fetch_balance({"type": "swap"}))["USDT"]["free"] == 500


@pytest.fixture
async def watcher(venue, make_client):
    """ccxt.pro finds spot on a path of its own; the bare one belongs to the futures here."""
    client = await make_client(module=ccxt_pro, spot={"USDT": "10000"})
    client.urls["api"]["ws"]["spot"] = f"ws://127.0.0.1:{venue.port}/streams/spot/ws"
    return client


async def test_ccxt_pro_watches_ticker_trades_candles_and_a_book_that_stays_in_step(venue, watcher):
    ticker = await watcher.watch_ticker(BTC)
    trades = await watcher.watch_trades(BTC)
    candles = await watcher.watch_ohlcv(BTC, "1m")
    for _ in range(4):
        book = await watcher.watch_order_book(BTC)
    best = await watcher.watch_bids_asks([BTC])

    assert ticker["last"] > 0
    assert trades[0]["price"] > 0
    assert len(candles[0]) == 6
    assert book["bids"][0][0] < book["asks"][0][0] <= book["bids"][0][0] + 1
    assert best[BTC]["bid"] < best[BTC]["ask"]


async def test_ccxt_pro_watches_orders_fills_and_the_wallet_that_another_client_moves(venue, watcher, make_client):
    await venue.hold("BTCUSDT", "95200")
    trader = await make_client()
    loop = asyncio.get_running_loop()
    orders = loop.create_task(watcher.watch_orders(BTC))
    wallet = loop.create_task(watcher.watch_balance())

    placed = set()
    while not (orders.done() and wallet.done()):  # the stream opens with the first watch, at a moment of its own
        order = await trader.create_order(BTC, "limit", "buy", 0.001, 94_000)
        await trader.cancel_order(order["id"], BTC)
        placed.add(order["id"])
        await asyncio.wait({orders, wallet}, timeout=0.05)
    fills = loop.create_task(watcher.watch_my_trades(BTC))
    await asyncio.wait({fills}, timeout=0.05)
    await trader.create_order(BTC, "market", "buy", 0.001)

    assert {order["id"] for order in orders.result()} <= placed
    assert wallet.result()["USDT"]["free"] > 9_900
    assert [trade["amount"] for trade in await fills] == [0.001]
