"""Unmodified ccxt, class ``binance``, lives a spot trader's day."""

import ccxt.async_support as ccxt
import pytest

BTC = "BTC/USDT"


@pytest.fixture
async def make_client(venue):
    clients = []

    async def make(key="alice", module=ccxt, **options):
        await venue.open_account(key, **options)
        client = module.binance({"apiKey": key, "secret": f"{key}-secret", "enableRateLimit": False})
        client.urls["api"] = venue.rewritten(client.urls["api"])
        client.options["warnOnFetchOpenOrdersWithoutSymbol"] = False
        clients.append(client)
        await client.load_markets()
        return client

    yield make
    for client in clients:
        await client.close()


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
