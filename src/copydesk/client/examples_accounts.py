"""As examples.py: what an account holds and has earned, what following would have done, and what an admin looks after."""

from collections.abc import Mapping
from typing import Any

_AT = "2026-11-21T09:30:00.120000Z"
_LATER = "2026-11-21T11:02:13.480000Z"
_BOT = "01m7yq0m2e0007c1d3t9xk4v8a"
_ACCOUNT = "01m7yq0n5w0009f6s2r8hj1b7c"
_SUBSCRIPTION = "01m7yq0p8k000bq4z7m3yd5w2e"
_SIGNAL = "01m7yq0qa3000dv9n6g1kt8r4h"
_EXECUTION = "01m7yq0rc6000fj2x8c5mb7p3k"

_HELD = {"symbol": "BTCUSDT", "direction": "long", "quantity": "0.001", "entry_price": "95200", "opened_at": _AT}
_SIZED = {"margin_usd": "50", "leverage": "3", "last_price": "95200", "quantity_step": "0.001"}
_BACKUP = {"name": "copydesk-20261121T031500Z.backup", "made_at": _AT, "bytes": 1_048_576, "rows": 12_480}

EXAMPLES_OF_ACCOUNTS: Mapping[str, Mapping[str, Any]] = {
    "PreviewWish": {
        "bot_id": _BOT,
        "exchange_account_id": _ACCOUNT,
        "custom_leverage": 3,
        "custom_margin_usd": "50",
        "max_concurrent_positions": 3,
        "signals": 20,
    },
    "PreviewAnswer": {
        "effective": {"leverage": 3, "margin_usd": "50", "stop_loss_pct": "2.5", "take_profit_pct": "0"},
        "signals": 2,
        "copied": 1,
        "refused": 0,
        "realised_usd": "1.2",
        "open_usd": None,
        "lines": [
            {
                "signal_id": _SIGNAL,
                "received_at": _AT,
                "symbol": "BTCUSDT",
                "action": "buy",
                "leg": "open",
                "would": "copy",
                "side": "BUY",
                "direction": "long",
                "quantity": "0.001",
                "price": "95200",
                "price_from": "alert",
                "rule": "margin × leverage ÷ last price, rounded down to the step",
                "inputs": _SIZED,
                "numbers": {"exact_quantity": "0.00157563", "quantity": "0.001", "notional": "95.2"},
            }
        ],
        "held": [{**_HELD, "result_usd": "0.4"}],
    },
    "AccountBook": {
        "account_id": _ACCOUNT,
        "at": _LATER,
        "positions": [
            {
                "subscription_id": _SUBSCRIPTION,
                "bot_id": _BOT,
                **_HELD,
                "gross_usd": "0",
                "fees_usd": "0.038",
                "last_price": "95600",
                "unrealised_usd": "0.4",
            }
        ],
        "orders": [
            {
                "id": _EXECUTION,
                "signal_id": _SIGNAL,
                "subscription_id": _SUBSCRIPTION,
                "bot_id": _BOT,
                "leg": "stop_loss",
                "symbol": "BTCUSDT",
                "side": "SELL",
                "state": "WORKING",
                "reason": None,
                "requested_quantity": "0.001",
                "executed_quantity": "0",
                "trigger_price": "92820",
                "created_at": _AT,
            }
        ],
        "balance": {"total_usd": "10000.4", "available_usd": "9968.6"},
    },
    "AccountResults": {
        "account_id": _ACCOUNT,
        "total_trades": 1,
        "wins": 1,
        "losses": 0,
        "gross_usd": "1.2",
        "fees_usd": "0.08",
        "net_usd": "1.12",
        "max_drawdown_usd": "0",
        "trades": [
            {
                "id": "01m7yq0tt4000hk5b9d2rc6v1n",
                "subscription_id": _SUBSCRIPTION,
                "bot_id": _BOT,
                "symbol": "BTCUSDT",
                "closed_by": "close",
                "direction": "long",
                "quantity": "0.001",
                "entry_price": "95200",
                "exit_price": "96400",
                "gross_usd": "1.2",
                "fees_usd": "0.08",
                "net_usd": "1.12",
                "sum_usd": "1.12",
                "opened_at": _AT,
                "closed_at": _LATER,
            }
        ],
    },
    "AuditVerification": {"whole": True, "lines": 214, "first_broken": None, "verified_at": _LATER},
    "BackupAnswer": _BACKUP,
    "BackupsAnswer": {"folder": "/var/lib/copydesk/backups", "items": [_BACKUP]},
    "LogAnswer": {
        "number": 4711,
        "at": _LATER,
        "level": "warning",
        "event": "clock not read",
        "fields": {"venue": "binance-futures", "environment": "demo", "problem": "no answer in time"},
    },
}
