"""Unmodified ccxt, only its URLs rewritten, lives a trader's day."""

import asyncio

import ccxt.async_support as ccxt
import ccxt.pro as ccxt_pro
import pytest

BTC = "BTC/USDT:USDT"


@pytest.fixture
def make_client(clients_of):
    return lambda key="alice", module=ccxt, **options: clients_of(module.binanceusdm, key, **options)


async def test_a_position_is_opened_protected_and_closed_by_its_stop(venue, make_client):
    await venue.hold("BTCUSDT", "95200")
    client = await make_client()
    assert (await client.set_leverage(5, BTC))["leverage"] == 5
    assert (await client.set_margin_mode("isolated", BTC))["code"] == 200

    entry = await client.create_order(BTC, "market", "buy", 0.01)
    protect = {"reduceOnly": True}
    stop = await client.create_order(BTC, "market", "sell", 0.01, None, {**protect, "stopLossPrice": 90_000})
    target = await client.create_order(BTC, "market", "sell", 0.01, None, {**protect, "takeProfitPrice": 99_000})

    assert (entry["status"], entry["filled"], entry["average"]) == ("closed", 0.01, 95_200.1)
    assert stop["status"] == target["status"] == "open"
    assert len(await client.fetch_open_orders(BTC, params={"trigger": True})) == 2
    [position] = await client.fetch_positions()
    assert (position["side"], position["contracts"], position["marginMode"]) == ("long", 0.01, "isolated")

    await venue.hold("BTCUSDT", "89999")
    await client.cancel_order(target["id"], BTC, {"trigger": True})

    assert (await client.fetch_order(stop["id"], BTC, {"trigger": True}))["status"] == "closed"
    assert await client.fetch_positions() == []
    trades = await client.fetch_my_trades(BTC)
    assert [trade["side"] for trade in trades] == ["buy", "sell"]
    paid = sum(trade["fee"]["cost"] for trade in trades)
    balance = (await client.fetch_balance())["USDT"]
    assert balance["total"] == pytest.approx(10_000 + float(trades[1]["info"]["realizedPnl"]) - paid)


async def test_a_reduce_only_market_order_closes_and_limits_rest_until_cancelled(venue, make_client):
    await venue.hold("BTCUSDT", "95200")
    client = await make_client()

    await client.create_order(BTC, "market", "sell", 0.02)
    limit = await client.create_order(BTC, "limit", "buy", 0.01, 94_000, {"clientOrderId": "mine-1"})
    found = await client.fetch_order(None, BTC, {"clientOrderId": "mine-1"})
    cancelled = await client.cancel_order(limit["id"], BTC)
    closed = await client.create_order(BTC, "market", "buy", 0.02, None, {"reduceOnly": True})

    assert (found["id"], found["status"], cancelled["status"]) == (limit["id"], "open", "canceled")
    assert closed["filled"] == 0.02
    assert await client.fetch_positions() == []
    with pytest.raises(ccxt.ExchangeError, match="-2022"):
        await client.create_order(BTC, "market", "buy", 0.02, None, {"reduceOnly": True})


async def test_everything_ccxt_reads_is_there(venue, make_client):
    await venue.hold("ETHUSDT", "3300")
    client = await make_client()

    ticker = await client.fetch_ticker("ETH/USDT:USDT")
    candles = await client.fetch_ohlcv("ETH/USDT:USDT", "5m", limit=50)
    book = await client.fetch_order_book(BTC, 5)
    funding = await client.fetch_funding_rate(BTC)
    fees = await client.fetch_trading_fee(BTC)

    assert ticker["last"] == 3_300.0
    assert len(candles) == 50
    assert [row[0] for row in candles] == sorted({row[0] for row in candles})
    assert book["bids"][0][0] < book["asks"][0][0]
    assert funding["markPrice"] > 0
    assert (fees["maker"], fees["taker"]) == (0.0002, 0.0005)
    assert len(await client.fetch_tickers()) == 6
    assert (await client.fetch_leverages([BTC]))[BTC]["longLeverage"] == 20
    assert (await client.fetch_time()) > 0
    assert (await client.fetch_position_mode(BTC))["hedged"] is False


async def test_hedge_mode_holds_long_and_short_side_by_side(venue, make_client):
    await venue.hold("BTCUSDT", "95200")
    client = await make_client()
    await client.set_position_mode(True)

    await client.create_order(BTC, "market", "buy", 0.01, None, {"positionSide": "LONG"})
    await client.create_order(BTC, "market", "sell", 0.02, None, {"positionSide": "SHORT"})
    await client.create_order(BTC, "market", "sell", 0.01, None, {"hedged": True, "reduceOnly": True})

    [short] = await client.fetch_positions()
    assert (short["side"], short["contracts"], short["hedged"]) == ("short", 0.02, True)


async def test_watch_orders_of_ccxt_pro_sees_orders_that_another_client_places(venue, make_client):
    await venue.hold("BTCUSDT", "95200")
    watcher = await make_client(module=ccxt_pro)
    trader = await make_client()
    watching = asyncio.get_running_loop().create_task(watcher.watch_orders(BTC))

    placed = []
    while not watching.done():  # the stream opens with the first watch, at a moment of its own
        order = await trader.create_order(BTC, "limit", "buy", 0.001, 94_000)
        await trader.cancel_order(order["id"], BTC)
        placed.append(order["id"])
        await asyncio.wait({watching}, timeout=0.05)

    assert {order["id"] for order in watching.result()} <= set(placed)
    assert watching.result()
