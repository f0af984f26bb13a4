"""As examples.py, for backtests."""

from collections.abc import Mapping
from typing import Any

ID = "01m7yr2c4d000hx5r8v1wq6n9t"
BOT = "01m7yq0m2e0007c1d3t9xk4v8a"
AT = "2026-11-21T09:30:00Z"
BEFORE = "2026-11-14T09:31:00Z"

_FIGURES = {
    "balance": "10042.17",
    "net": "42.17",
    "return_pct": 0.4217,
    "buy_and_hold_pct": -1.84,
    "trades": 38,
    "wins": 24,
    "losses": 14,
    "win_rate_pct": 63.1579,
    "profit_factor": 1.3084,
    "average_win": "7.46",
    "average_loss": "-9.77",
    "best": "18.9",
    "worst": "-31.22",
    "losses_in_a_row": 3,
    "max_drawdown_pct": 0.91,
    "sharpe": 1.7,
    "exposure_pct": 71.4,
    "fees": "38",
    "funding": "0",
}
_POINT = {"at": AT, "account": "10042.17", "drawdown_pct": 0.12}

BACKTEST_EXAMPLES: Mapping[str, Mapping[str, Any]] = {
    "NewBacktest": {
        "bot_id": BOT,
        "symbol": "BTCUSDT",
        "candles": 10_080,
        "candles_from": "market",
        "balance": "10000",
        "size_usd": "1000",
        "fee_pct": "0.05",
        "slippage_pct": "0.01",
    },
    "BacktestFigures": _FIGURES,
    "BacktestPoint": _POINT,
    "LaddersAnswer": {"count": 41, "won": 41, "lost": 0, "deepest_level": 5},
    "BacktestAnswer": {
        "id": ID,
        "bot_id": BOT,
        "strategy": "rsi",
        "settings": {"rsi_period": 14, "rsi_buy": "35", "rsi_sell": "60", "stop_loss_pct": "3"},
        "symbol": "BTCUSDT",
        "timeframe": "1m",
        "market": "binanceusdm:demo",
        "candles_from": "market",
        "candles": 10_080,
        "balance": "10000",
        "size_usd": "1000",
        "fee_pct": "0.05",
        "slippage_pct": "0.01",
        "payout": "1.95",
        "state": "done",
        "ahead": 0,
        "progress": 1.0,
        "problem": None,
        "created_at": "2026-11-21T09:30:12.120000Z",
        "finished_at": "2026-11-21T09:30:16.480000Z",
        "candles_played": 10_080,
        "candles_missing": 0,
        "first_at": BEFORE,
        "last_at": AT,
        "figures": _FIGURES,
        "ladders": None,
        "has_report": True,
        "curve": [_POINT],
    },
}
