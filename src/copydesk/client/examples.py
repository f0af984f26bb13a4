"""What each request and answer looks like with life in it: the API's pages show these, and a test reads them with the models."""

from collections.abc import Mapping
from typing import Any

from copydesk.client.backtest_examples import BACKTEST_EXAMPLES
from copydesk.client.examples_accounts import EXAMPLES_OF_ACCOUNTS
from copydesk.client.examples_overview import EXAMPLES_OF_THE_DESK
from copydesk.client.strategy_examples import STRATEGY_EXAMPLES

AT = "2026-11-21T09:30:00.120000Z"
LATER = "2026-11-21T09:30:00.480000Z"

ADA = "01m7yq0kfb0005w6p57jeeq0np"
BOT = "01m7yq0m2e0007c1d3t9xk4v8a"
ACCOUNT = "01m7yq0n5w0009f6s2r8hj1b7c"
SUBSCRIPTION = "01m7yq0p8k000bq4z7m3yd5w2e"
SIGNAL = "01m7yq0qa3000dv9n6g1kt8r4h"
EXECUTION = "01m7yq0rc6000fj2x8c5mb7p3k"
SECRET = "pJ3vT9wK2mQ7xR5cL8nB4dF6hZ1sY0aG"  # noqa: S105  made up for the pages
TOKEN = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIwMW03In0.x7k"  # noqa: S105  made up for the pages

_USER = {
    "username": "ada",
    "role": "follower",
    "status": "active",
    "allowed_mt5_id": 5012345,
    "mt5_path": None,
    "subscription": "free",
}
_TRADE_COPY = {
    "mode": "fix",
    "fixed_lot": "0.01",
    "multiplier": "1",
    "max_slippage_points": 50,
    "max_spread_points": None,
    "max_orders_per_symbol": 2,
    "max_exposure_trades": 5,
    "max_exposure_lots": "10",
}
_BOT = {
    "name": "EMA Cross 15m",
    "description": "Two moving averages on the 15-minute candles",
    "market_type": "futures",
    "source": "tradingview",
    "default_leverage": 5,
    "default_margin_usd": "20",
    "default_stop_loss_pct": "2.5",
    "default_take_profit_pct": "5",
    "on_opposite": "close",
    "payload_size": "ignore",
    "open_freshness_s": 30,
    "signature_v0": False,
    "status": "active",
}
_ACCOUNT = {"name": "Main", "venue": "binance-futures", "environment": "demo", "is_active": True}
_CUSTOM = {
    "custom_leverage": 3,
    "custom_margin_usd": "50",
    "custom_stop_loss_pct": None,
    "custom_take_profit_pct": "0",
    "max_daily_loss_usd": "100",
    "max_concurrent_positions": 3,
    "status": "active",
    "copy": {"margin_mode": "isolated", "on_unprotected": "flatten", "on_daily_loss": "stop_opens"},
}
_PLAN = {
    "inputs": {"leverage": 3, "margin_usd": "50"},
    "rule": "copy",
    "numbers": {"price": "95200", "quantity": "0.001", "step": "0.001"},
}

_FIGURES = {
    "balance": "10250.4",
    "equity": "10262.75",
    "currency": "USD",
    "leverage": 100,
    "margin": "108.5",
    "margin_free": "10154.25",
    "margin_level": "9458.76",
    "open_positions": 1,
    "trade_allowed": True,
    "signals_sent": 17,
    "active_clients": 3,
}
_TICKET = {
    "ticket": 557416535,
    "symbol": "EURUSD",
    "type": "BUY",
    "volume": "0.1",
    "entry": "1.085",
    "sl": "1.08",
    "tp": "1.09",
    "time": AT,
}
_TERMINAL = {
    "server": "Broker-Demo",
    "login": 5012345,
    "connected": True,
    "role": "master",
    **_FIGURES,
    "positions": [_TICKET],
    "signals": [_TICKET],
}
_TERMINAL_ANSWER = {"user_id": ADA, "reported_at": LATER, **_TERMINAL}

EXAMPLES: Mapping[str, Mapping[str, Any]] = {
    **STRATEGY_EXAMPLES,
    **BACKTEST_EXAMPLES,
    "TokenAnswer": {
        "access_token": TOKEN,
        "refresh_token": "Qx3mB1bT0sV2kYd9uCw7hR5nJ8pLfA4e",
        "token_type": "bearer",
        "expires_in": 900,
        "role": "follower",
    },
    "RefreshRequest": {"refresh_token": "Qx3mB1bT0sV2kYd9uCw7hR5nJ8pLfA4e"},
    "LogoutRequest": {"refresh_token": "Qx3mB1bT0sV2kYd9uCw7hR5nJ8pLfA4e"},
    "NewUser": {**_USER, "password": "correct horse battery"},
    "UserChange": {"status": "disabled"},
    "UserAnswer": {"id": ADA, **_USER, "created_at": AT, "updated_at": AT},
    "Profile": {"id": ADA, **{name: value for name, value in _USER.items() if name != "status"}},
    "UserConfig": {"trade_copy": _TRADE_COPY},
    "UserConfigChange": {"trade_copy": {"mode": "multiplier", "multiplier": "0.5", "max_exposure_lots": None}},
    "NewBot": _BOT,
    "BotChange": {"default_margin_usd": "30", "status": "paused"},
    "BotAnswer": {
        "id": BOT,
        **_BOT,
        "created_at": AT,
        "updated_at": AT,
        "master_webhook_path": "bot-ema-cross-15m-5f0c2a91",
        "webhook_url": "https://desk.example/api/v1/bots/webhook/master/bot-ema-cross-15m-5f0c2a91",
        "master_secret": SECRET,
    },
    "RotateSecret": {"overlap_s": 3600},
    "NewSecret": {"master_secret": SECRET, "old_valid_until": "2026-11-21T10:30:00.120000Z"},
    "NewAccount": {
        **_ACCOUNT,
        "api_key": "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zv",
        "api_secret": "NhqPtmdSJYdKjVHjA7PZj4Mge",
    },
    "AccountChange": {"is_active": False},
    "AccountAnswer": {
        "id": ACCOUNT,
        **_ACCOUNT,
        "key_hint": "…E2zv",
        "key_check": "accepted",
        "key_problem": None,
        "created_at": AT,
        "updated_at": AT,
    },
    "CheckAnswer": {
        "ok": False,
        "key_check": "refused",
        "key_problem": "the key is not known at Binance",
        "checked_at": AT,
        "findings": [
            {"name": "clock", "ok": True, "detail": "12 ms apart, give or take 40 ms", "advice": None},
            {
                "name": "key",
                "ok": False,
                "detail": "the key is not known at Binance",
                "advice": "make a new key that may trade and not withdraw",
            },
        ],
    },
    "NewSubscription": {"bot_id": BOT, "exchange_account_id": ACCOUNT, **_CUSTOM},
    "SubscriptionChange": {"custom_margin_usd": None, "status": "close_only"},
    "SubscriptionAnswer": {
        "id": SUBSCRIPTION,
        "bot_id": BOT,
        "exchange_account_id": ACCOUNT,
        **_CUSTOM,
        "effective": {"leverage": 3, "margin_usd": "50", "stop_loss_pct": "2.5", "take_profit_pct": "0"},
        "total_signals_received": 12,
        "total_orders_executed": 10,
        "total_orders_failed": 1,
        "last_signal_at": AT,
        "current_daily_loss_usd": "14.2",
        "daily_loss_resets_at": "2026-11-22T00:00:00Z",
        "current_positions": 1,
        "created_at": AT,
        "updated_at": AT,
    },
    "SignalAnswer": {
        "id": SIGNAL,
        "bot_id": BOT,
        "source": "tradingview",
        "ticker": "BINANCE:BTCUSDT.P",
        "symbol": "BTCUSDT",
        "action": "buy",
        "price": "95200",
        "steps": [{"leg": "open", "direction": "long", "fraction": "1"}],
        "note": None,
        "payload": {"ticker": "BINANCE:BTCUSDT.P", "action": "buy", "price": "95200"},
        "received_at": AT,
        "created_at": AT,
    },
    "ExecutionAnswer": {
        "id": EXECUTION,
        "signal_id": SIGNAL,
        "subscription_id": SUBSCRIPTION,
        "account_id": ACCOUNT,
        "bot_id": BOT,
        "leg": "open",
        "symbol": "BTCUSDT",
        "side": "BUY",
        "status": "success",
        "state": "FILLED",
        "reason": None,
        "requested_quantity": "0.001",
        "executed_quantity": "0.001",
        "executed_price": "95200.1",
        "trigger_price": None,
        "fee_usd": "0.038",
        "exchange_order_id": "8389765591",
        "client_order_id": f"cd-{EXECUTION}",
        "execution_time_ms": 180,
        "plan": _PLAN,
        "timeline": [
            {"at": AT, "state": "SENDING", "note": None, "evidence": None},
            {"at": LATER, "state": "FILLED", "note": None, "evidence": {"status": "FILLED"}},
        ],
        "created_at": AT,
        "updated_at": LATER,
    },
    "WebhookAnswer": {
        "success": True,
        "bot_name": "EMA Cross 15m",
        "signal_id": SIGNAL,
        "signal_ids": [SIGNAL],
        "status": "accepted",
        "duplicate": False,
        "broadcast_stats": {
            "total_subscribers": 3,
            "successful_executions": 2,
            "failed_executions": 0,
            "skipped": 1,
            "duration_ms": 212,
        },
        "timestamp": LATER,
    },
    "BreakerWish": {"scope": "account", "id": ACCOUNT, "mode": "stop_opens"},
    "BreakerAnswer": {"scope": "account", "id": ACCOUNT, "mode": "stop_opens", "in_force_since": AT},
    "PulledAnswer": {
        "scope": "account",
        "id": ACCOUNT,
        "mode": "stop_opens",
        "in_force_since": AT,
        "cancelled": 0,
        "closing": 0,
    },
    "HealthAnswer": {
        "success": True,
        "healthy": True,
        "active_bots": 4,
        "active_subscriptions": 31,
        "last_signal_at": AT,
        "ledger_discrepancies": 0,
        "ledger_checked_at": AT,
    },
    "SickAnswer": {"success": False, "healthy": False, "error": "the database does not answer"},
    "AliveAnswer": {"status": "ok"},
    "ReadyAnswer": {"status": "ready"},
    "AuditAnswer": {
        "number": 17,
        "at": AT,
        "actor": ADA,
        "action": "bot.create",
        "subject": BOT,
        "details": {"name": "EMA Cross 15m"},
        "previous_hash": "5f0c2a9173e8b64d" * 4,
        "hash": "c81d0be29a47f653" * 4,
    },
    "NotificationsWish": {
        "addresses": ["ntfys://ntfy.sh/my-own-topic"],
        "kinds": ["order_failed", "needs_a_person"],
        "quiet_hours": {"start": "22:00:00", "end": "07:00:00", "time_zone": "Europe/Lisbon"},
    },
    "NotificationsAnswer": {
        "addresses": [{"scheme": "ntfys", "hint": "ntfy.sh/…"}],
        "kinds": ["needs_a_person", "order_failed"],
        "quiet_hours": {"start": "22:00:00", "end": "07:00:00", "time_zone": "Europe/Lisbon"},
    },
    "TerminalReport": _TERMINAL,
    "TerminalAnswer": _TERMINAL_ANSWER,
    "TerminalsAnswer": {**_TERMINAL_ANSWER, "terminals": [_TERMINAL_ANSWER]},
    **EXAMPLES_OF_THE_DESK,
    "NotificationTestAnswer": {
        "success": True,
        "results": [{"scheme": "ntfys", "hint": "ntfy.sh/…", "sent": True, "problem": None}],
    },
    **EXAMPLES_OF_ACCOUNTS,
}
"""By the name of the model."""
