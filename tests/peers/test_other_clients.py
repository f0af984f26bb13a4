"""Other people's clients, unmodified, each in an environment of its own: only their addresses are changed."""

import pytest

pytestmark = pytest.mark.timeout(600)  # the first run installs them


def test_python_binance_lives_a_traders_day(tell):
    seen = tell("python-binance", "python_binance_story.py")

    assert seen["around"] == {
        "symbols": 6,
        "time": True,
        "last": "95200",
        "candles": 50,
        "depth": 5,
        "leverage": 5,
        "balance": "10000.00000000",
        "mark": "95200.00000000",
    }
    assert seen["trade"] == {
        "entry": ["FILLED", "95200.1"],
        "stop": ["NEW", "FINISHED"],
        "changed": ["0.02", "93000", "93000"],
        "batch": ["py-2", -1111],
        "cancelled": "CANCELED",
        "open": 0,
        "positions": [],
        "trades": ["BUY", "SELL"],
    }
    assert seen["errors"] == {
        "signature": -1022,
        "key": -2015,
        "late": -1021,
        "margin": -2019,
        "precision": -1111,
        "tick": -4014,
        "notional": -4164,
        "unknown order": -2011,
        "missing order": -2013,
        "duplicate": -4116,
        "trigger": -2021,
        "nothing to reduce": -2022,
        "symbol": -1121,
        "rate": -1003,
        "unknown": -1007,
    }
    assert seen["streams"] == {
        "candles": "continuous_kline",
        "marks": "markPriceUpdate",
        "several": seen["streams"]["several"],
        "depth": "depthUpdate",
        "trades": "aggTrade",
        "books": "bookTicker",
        "ticker": "24hrTicker",
        "book": [10, 10],
    }
    assert seen["streams"]["several"] in {"24hrMiniTicker", "aggTrade"}
    assert seen["own"] == {"first": "heard", "lost": "ConnectionClosedError", "again": "BTCUSDT"}
    assert seen["api"] == {
        "placed": "NEW",
        "number": "94000.5",
        "changed": ["93000", "0.02"],
        "cancelled": "CANCELED",
        "stop": ["NEW", "success"],
        "book": 5,
        "ticker": "BTCUSDT",
        "balance": "USDT",
        "status": True,
        "position": "0.01",
        "refused": -2019,
    }


def test_the_official_sdk_trades_and_misses_no_documented_field(tell):
    seen = tell("official-sdk", "official_sdk_story.py")

    assert seen["around"] == {
        "symbols": [6, []],
        "time": True,
        "last": "95200",
        "candles": 50,
        "depth": [],
        "balance": ["10000.00000000", [], []],
        "leverage": 5,
        "limits": ["REQUEST_WEIGHT"],
    }
    assert seen["trade"] == {
        "entry": ["FILLED", "95200.1", []],
        "position": ["0.01", []],
        "stop": ["NEW", ["icebergQuantity"], "success"],  # null at the venue, too
        "changed": ["0.02", "93000", "93000", ["activatePrice", "priceRate"]],  # of trailing stops
        "batch": [True, -4003],
        "cancelled": "CANCELED",
        "closed": "0.01",
        "trades": [[side, "USDT", ["baseQty", "marginAsset", "pair"]] for side in ("BUY", "SELL")],  # of coin-margined
        "left": [0, 0],
    }
    assert {name: kind for name, (kind, _) in seen["errors"].items()} == {
        "signature": "BadRequestError",
        "key": "UnauthorizedError",
        "time": "BadRequestError",
        "margin": "BadRequestError",
        "precision": "BadRequestError",
        "filter": "BadRequestError",
        "notional": "BadRequestError",
        "nothing to reduce": "BadRequestError",
        "symbol": "BadRequestError",
        "duplicate": "BadRequestError",
        "rate_limit": "TooManyRequestsError",
        "ban": "RateLimitBanError",
        "unknown_not_executed": "ClientError",
        "html_502": "ServerError",
    }
    assert seen["errors"]["duplicate"][1] == "ClientOrderId is duplicated."
    assert seen["errors"]["time"][1] == "Timestamp for this request is outside of the recvWindow."


def test_the_official_sdk_reads_every_stream_and_socket_answer_whole(tell):
    seen = tell("official-sdk", "official_sdk_story.py")

    assert len(seen["streams"]) == 13
    assert {name: fields for name, fields in seen["streams"].items() if fields} == {}
    assert seen["own"] == {
        "kinds": ["OrderTradeUpdate", "TradeLite", "AccountUpdate", "OrderTradeUpdate", "AccountConfigUpdate"],
        "order": ["AP", "M", "cr", "er"],  # of trailing stops and refusals
        "account": [["S"], [], []],
        "again": "OrderTradeUpdate",
    }
    assert seen["api"] == {
        "placed": ["NEW", []],
        "limits": ["ORDERS MINUTE", "ORDERS SECOND", "REQUEST_WEIGHT MINUTE"],
        "changed": ["93000", "0.02", ["activatePrice", "priceRate"]],
        "cancelled": "CANCELED",
        "stop": ["NEW", "success"],
        "status": [],
        "balance": "USDT",
        "position": 0,
        "book": [],
        "price": "95200",
        "ticker": "BTCUSDT",
        "stream": 64,
        "refused": {"error": {"code": -2019, "msg": "Margin is insufficient."}},
    }


def test_the_deprecated_connector_is_told_where_stops_belong(tell):
    seen = tell("futures-connector", "futures_connector_story.py")

    assert seen["trade"] == {
        "entry": "FILLED",
        "ack": ["NEW", "0"],
        "batch": "NEW",
        "cancelled": "CANCELED",
        "all": 200,
        "position": "0.01",
        "trades": ["BUY"],
        "leverage": 6,
        "time": True,
        "stop": [400, -4120],
        "forged": [400, -1022],
        "missing": [400, -2013],
    }
    assert seen["streams"] == {"kinds": ["ORDER_TRADE_UPDATE", "markPriceUpdate"], "answers": [None, None]}
