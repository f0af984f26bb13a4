"""What spot tells in public, and what the wallet service tells of an account."""

import json
from decimal import Decimal

import pytest

FILTERS = {
    "PRICE_FILTER",
    "LOT_SIZE",
    "MARKET_LOT_SIZE",
    "TRAILING_DELTA",
    "PERCENT_PRICE_BY_SIDE",
    "NOTIONAL",
    "MAX_NUM_ORDERS",
    "MAX_NUM_ALGO_ORDERS",
    "MAX_NUM_ORDER_LISTS",
}


async def test_exchange_info_lists_all_pairs_one_a_few_or_those_with_a_permission(venue):
    path = "/api/v3/exchangeInfo"
    symbols = {}
    for name, wish in {
        "all": {},
        "one": {"symbol": "ETHBTC"},
        "few": {"symbols": '["BTCUSDT","BNBUSDT"]'},
        "spot": {"permissions": "SPOT"},
        "either": {"permissions": '["MARGIN","SPOT"]'},
        "margin": {"permissions": "MARGIN"},
    }.items():
        status, body = await venue.public(path, **wish)
        assert status == 200
        symbols[name] = [row["symbol"] for row in body["symbols"]]

    assert (symbols["one"], symbols["few"], symbols["margin"]) == (["ETHBTC"], ["BTCUSDT", "BNBUSDT"], [])
    assert symbols["all"] == symbols["spot"] == symbols["either"]
    assert len(symbols["all"]) == 8


async def test_exchange_info_tells_limits_and_every_filter(venue):
    _, body = await venue.public("/api/v3/exchangeInfo", symbol="BTCUSDT")

    limits = {(row["rateLimitType"], row["interval"], row["intervalNum"]): row["limit"] for row in body["rateLimits"]}
    [pair] = body["symbols"]
    assert limits == {
        ("REQUEST_WEIGHT", "MINUTE", 1): 6_000,
        ("ORDERS", "SECOND", 10): 100,
        ("ORDERS", "DAY", 1): 200_000,
    }
    assert {row["filterType"] for row in pair["filters"]} == FILTERS
    assert (pair["baseAsset"], pair["quoteAsset"], pair["status"]) == ("BTC", "USDT", "TRADING")


@pytest.mark.parametrize(
    ("wish", "code"),
    [
        ({"symbol": "NONE"}, -1121),
        ({"symbols": '["BTCUSDT","NONE"]'}, -1121),
        ({"symbols": "BTCUSDT"}, -1100),
        ({"symbol": "BTCUSDT", "symbols": '["BTCUSDT"]'}, -1128),
    ],
)
@pytest.mark.parametrize("path", ["exchangeInfo", "ticker/24hr", "ticker/price", "ticker/bookTicker"])
async def test_an_unknown_or_malformed_choice_of_pairs_is_refused(venue, path, wish, code):
    status, body = await venue.public(f"/api/v3/{path}", **wish)

    assert (status, body["code"]) == (400, code)


@pytest.mark.parametrize("path", ["ticker/24hr", "ticker/price", "ticker/bookTicker"])
async def test_tickers_come_one_by_one_as_a_list_or_all(venue, path):
    _, one = await venue.public(f"/api/v3/{path}", symbol="BTCUSDT")
    _, few = await venue.public(f"/api/v3/{path}", symbols=json.dumps(["BTCUSDT"], separators=(",", ":")))
    _, every = await venue.public(f"/api/v3/{path}")

    assert one["symbol"] == "BTCUSDT"
    assert [row["symbol"] for row in few] == ["BTCUSDT"]
    assert len(every) == 8


async def test_a_small_day_ticker_has_no_more_than_it_should(venue):
    _, small = await venue.public("/api/v3/ticker/24hr", symbol="BTCUSDT", type="MINI")
    _, full = await venue.public("/api/v3/ticker/24hr", symbol="BTCUSDT")

    assert set(small) < set(full)
    assert "bidPrice" not in small


async def test_a_held_price_is_held_on_every_spot_door(venue):
    await venue.hold("BTCUSDC", "50000")

    _, price = await venue.public("/api/v3/ticker/price", symbol="BTCUSDT")
    _, book = await venue.public("/api/v3/ticker/bookTicker", symbol="BTCUSDC")
    _, futures = await venue.public("/fapi/v1/ticker/price", symbol="BTCUSDT")
    _, health = await venue.sim("GET", "health")

    assert (price["price"], book["bidPrice"], book["askPrice"]) == (
        "50000.00000000",
        "49999.90000000",
        "50000.10000000",
    )
    assert (futures["price"], health["spot_prices"]["BTCUSDC"]) == ("50000", "50000")


async def test_a_pair_of_spots_own_can_be_held_and_nonsense_can_not(venue):
    await venue.hold("ETHBTC", "0.04")
    _, price = await venue.public("/api/v3/ticker/price", symbol="ETHBTC")
    unknown = await venue.sim("POST", "price", {"symbol": "DOGEUSDT", "price": "1"})

    assert (price["price"], unknown[0]) == ("0.04000000", 400)


async def test_candles_trades_and_average_fit_together(venue):
    _, candles = await venue.public("/api/v3/klines", symbol="ETHUSDT", interval="5m", limit=10)
    _, same = await venue.public("/api/v3/uiKlines", symbol="ETHUSDT", interval="5m", limit=10)
    _, average = await venue.public("/api/v3/avgPrice", symbol="ETHUSDT")

    assert len(candles) == 10
    assert [row[0] for row in candles[:-1]] == [row[0] for row in same[:-1]]
    assert all(Decimal(row[3]) <= Decimal(row[4]) <= Decimal(row[2]) for row in candles)
    assert average["mins"] == 5
    assert Decimal(average["price"]) == pytest.approx(Decimal(3_300), rel=Decimal("0.05"))


async def test_trades_can_be_read_from_a_number_on(venue):
    await venue.hold("ETHUSDT", "3300")
    await venue.hold("ETHUSDT", "3301")
    _, trades = await venue.public("/api/v3/trades", symbol="ETHUSDT", limit=2)
    first = trades[0]["id"]
    _, older = await venue.public("/api/v3/historicalTrades", symbol="ETHUSDT", fromId=first, limit=1)
    _, aggregated = await venue.public("/api/v3/aggTrades", symbol="ETHUSDT", fromId=first, limit=1)
    _, none = await venue.public("/api/v3/aggTrades", symbol="ETHUSDT", startTime=0, endTime=1)

    assert older == trades[:1]
    assert (aggregated[0]["a"], aggregated[0]["p"], none) == (first, trades[0]["price"], [])


async def test_clients_that_ask_for_every_kind_of_market_learn_what_is_not_here(venue, trader):
    _, coin_margined = await venue.public("/dapi/v1/exchangeInfo")
    _, cross = await trader.raw("GET", "/sapi/v1/margin/allPairs")
    _, isolated = await trader.raw("GET", "/sapi/v1/margin/isolated/allPairs")
    status, _ = await venue.public("/api/v3/ping")

    assert (coin_margined["symbols"], cross, isolated, status) == ([], [], [], 200)


async def test_the_wallet_service_tells_what_the_wallet_holds_and_what_trading_costs(trader):
    await trader.limit("94000", quantity="0.01")

    _, coins = await trader.send("GET", "/sapi/v1/capital/config/getall")
    _, assets = await trader.send("POST", "/sapi/v3/asset/getUserAsset")
    _, one = await trader.send("POST", "/sapi/v3/asset/getUserAsset", asset="BTC")
    _, fees = await trader.send("GET", "/sapi/v1/asset/tradeFee", symbol="BTCUSDT")
    _, commission = await trader.send("GET", "/api/v3/account/commission", symbol="BTCUSDT")
    _, account = await trader.send("GET", "/api/v3/account")

    held = {row["coin"]: (row["free"], row["locked"]) for row in coins}
    assert held["USDT"] == ("9060", "940")
    assert [row["asset"] for row in assets] == ["BTC", "USDT"]
    assert [row["free"] for row in one] == ["0.5"]
    assert fees == [{"symbol": "BTCUSDT", "makerCommission": "0.001", "takerCommission": "0.001"}]
    assert commission["standardCommission"]["taker"] == "0.00100000"
    assert (account["makerCommission"], account["canTrade"], account["accountType"]) == (10, True, "SPOT")
    assert len(account["balances"]) == 8
