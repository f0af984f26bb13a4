"""Deriv's two official clients, unmodified, each in an environment of its own: only their endpoint is changed."""

import pytest

pytestmark = pytest.mark.timeout(600)  # the first run installs them


def test_the_official_python_client_lives_a_traders_day(tell_deriv):
    seen = tell_deriv("python-deriv-api", "deriv_python_story.py")

    assert seen["around"] == {
        "ping": "pong",
        "time": True,
        "symbol": True,
        "contracts": True,
        "history": 10,
        "candles": 10,
    }
    assert seen["errors"] == {
        "anonymous": "AuthorizationRequired",
        "token": "InvalidToken",
        "symbol": "InvalidSymbol",
        "shape": "InputValidationFailed",
        "unknown": "UnrecognisedRequest",
    }
    assert seen["account"] == [1000, "USD"]
    assert seen["streams"] == {"apart": [1, 1], "candles": ["candles", "ohlc", "str"], "forgotten": 2}
    assert seen["trade"] == {
        "payout": 1.95,
        "balance": 998,
        "over": ["won", 0.95, True],
        "bought": True,
        "statement": ["buy", "buy", "sell", "sell", "virtual_credit"],
        "portfolio": [],
        "again": "NoOpenPosition",
    }


def test_the_official_javascript_client_and_its_own_objects_follow_a_trade(tell_deriv):
    seen = tell_deriv("deriv-javascript", "deriv_javascript_story.js")

    assert seen["around"] == {"ping": "pong", "time": True, "symbol": True, "candles": 10}
    assert seen["errors"] == {
        "anonymous": "AuthorizationRequired",
        "token": "InvalidToken",
        "symbol": "InvalidSymbol",
    }
    assert seen["streams"] == {"apart": [1, 1], "candles": ["candles", "ohlc", "string"]}
    assert seen["trade"] == {
        "account": ["USD", True],
        "paid": [1, 1.95],
        "over": ["won", True, 0.95, 1.95],
        "balances": [999, 1000.95],
        "bookings": ["buy", "sell"],
        "statement": ["sell", "buy", "virtual_credit"],
    }
    assert seen["past"] == {"ticks": 1_000, "candles": 1_000}
