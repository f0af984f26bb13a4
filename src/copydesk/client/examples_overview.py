"""As examples.py: the desk at a glance, and what bots brought those who follow them."""

from collections.abc import Mapping
from typing import Any

_AT = "2026-11-21T09:30:00.120000Z"
_LATER = "2026-11-21T11:02:13.480000Z"
_BOT = "01m7yq0m2e0007c1d3t9xk4v8a"
_ACCOUNT = "01m7yq0n5w0009f6s2r8hj1b7c"
_SUBSCRIPTION = "01m7yq0p8k000bq4z7m3yd5w2e"
_SIGNAL = "01m7yq0qa3000dv9n6g1kt8r4h"
_EXECUTION = "01m7yq0rc6000fj2x8c5mb7p3k"

_RESULT = {
    "bot_id": _BOT,
    "name": "EMA Cross 15m",
    "status": "active",
    "whose": "everybody",
    "followers": 3,
    "trades": 2,
    "won": 1,
    "net_usd": "0.9",
    "fees_usd": "0.16",
    "curve": [{"at": _AT, "net_usd": "1.12"}, {"at": _LATER, "net_usd": "0.9"}],
}

_EXAMPLES: Mapping[str, Mapping[str, Any]] = {
    "DeskAnswer": {
        "at": _LATER,
        "parts": [
            {
                "id": "venue:binance-futures · demo",
                "kind": "venue",
                "name": "binance-futures · demo",
                "light": "green",
                "condition": "well",
                "since": _AT,
                "accounts": 2,
            },
            {
                "id": "copier:01m7yq0kfb0005w6p57jeeq0np/5012345",
                "kind": "copier",
                "name": "5012345 · Demo-Server",
                "light": "red",
                "condition": "terminal_away",
                "since": _LATER,
                "owner": "ada",
                "heard_at": _LATER,
            },
        ],
    },
    "TodayAnswer": {
        "since": "2026-11-21T00:00:00Z",
        "signals": 2,
        "signals_by_source": {"tradingview": 2},
        "success": 5,
        "failed": 0,
        "skipped": 1,
        "pending": 0,
        "latency": {
            "fastest_ms": 41,
            "median_ms": 88,
            "p95_ms": 180,
            "slowest_ms": 180,
            "buckets": [
                {"up_to_ms": 50, "count": 1},
                {"up_to_ms": 100, "count": 2},
                {"up_to_ms": 200, "count": 2},
                {"up_to_ms": None, "count": 0},
            ],
        },
        "trades": 2,
        "won": 1,
        "net_usd": "0.9",
        "fees_usd": "0.16",
        "open_positions": 3,
        "working_orders": 6,
    },
    "AlertAnswer": {
        "id": _EXECUTION,
        "kind": "unknown",
        "light": "amber",
        "at": _LATER,
        "detail": "No answer in time",
        "symbol": "BTCUSDT",
        "signal_id": _SIGNAL,
        "account_id": _ACCOUNT,
    },
    "PositionAnswer": {
        "subscription_id": _SUBSCRIPTION,
        "account_id": _ACCOUNT,
        "account_name": "Main",
        "venue": "binance-futures",
        "bot_id": _BOT,
        "symbol": "BTCUSDT",
        "direction": "long",
        "quantity": "0.001",
        "entry_price": "95200",
        "gross_usd": "0",
        "fees_usd": "0.038",
        "opened_at": _AT,
        "last_price": "95600",
        "unrealised_usd": "0.4",
    },
    "LeaderboardAnswer": {"since": _AT, "items": [_RESULT]},
    "BotResultAnswer": {
        **_RESULT,
        "since": _AT,
        "results": [
            {
                "subscription_id": _SUBSCRIPTION,
                "name": None,
                "status": "active",
                "open_positions": 1,
                "trades": 2,
                "won": 1,
                "net_usd": "0.9",
                "fees_usd": "0.16",
            }
        ],
    },
    "TrialSignal": {"symbol": "BTCUSDT", "action": "open_long"},
}

EXAMPLES_OF_THE_DESK: Mapping[str, Mapping[str, Any]] = {
    **_EXAMPLES,
    "GlanceAnswer": {
        "parts": _EXAMPLES["DeskAnswer"]["parts"],
        "today": _EXAMPLES["TodayAnswer"],
        "alerts": [_EXAMPLES["AlertAnswer"]],
        "breakers": [],
    },
}
