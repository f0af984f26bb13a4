"""The made-up hub with what Follow, Accounts and Admin ask for; it keeps what it was told."""

import json

import httpx
from dashboard_hub import AT, FakeHub, listed

SUBSCRIPTIONS = "/api/v1/bot-subscriptions"
ACCOUNTS = "/api/v1/exchange-accounts"

EFFECTIVE = {"leverage": 10, "margin_usd": "50", "stop_loss_pct": "2.5", "take_profit_pct": "0"}
ACCOUNT = {
    "id": "account-1",
    "name": "Main",
    "venue": "binance-futures",
    "environment": "simulator",
    "is_active": True,
    "key_hint": "…abcd",
    "key_check": "accepted",
    "key_problem": None,
    "created_at": AT,
    "updated_at": AT,
}
SUBSCRIPTION = {
    "id": "subscription-1",
    "bot_id": "bot-1",
    "exchange_account_id": "account-1",
    "status": "active",
    "custom_leverage": 3,
    "custom_margin_usd": None,
    "custom_stop_loss_pct": "0",
    "custom_take_profit_pct": None,
    "max_daily_loss_usd": "100",
    "max_concurrent_positions": None,
    "copy": {"margin_mode": "isolated", "on_unprotected": "flatten", "on_daily_loss": "stop_opens"},
    "effective": EFFECTIVE | {"leverage": 3, "stop_loss_pct": "0"},
    "total_signals_received": 12,
    "total_orders_executed": 10,
    "total_orders_failed": 1,
    "last_signal_at": AT,
    "current_daily_loss_usd": "14.2",
    "daily_loss_resets_at": "2026-11-22T00:00:00Z",
    "current_positions": 1,
    "created_at": AT,
    "updated_at": AT,
}
SIZING = {"margin_usd": "50", "leverage": "10", "last_price": "100000", "exact_quantity": "0.005", "quantity": "0.005"}


def finding(name, ok=True, detail="fine", advice=None):
    return {"name": name, "ok": ok, "detail": detail, "advice": advice}


def checked(*findings, key_check="accepted"):
    ok = all(one["ok"] for one in findings)
    return {"ok": ok, "key_check": key_check, "key_problem": None, "checked_at": AT, "findings": list(findings)}


def preview_line(**changes):
    return {
        "signal_id": "signal-1",
        "received_at": AT,
        "symbol": "BTCUSDT",
        "master_ticket": None,
        "action": "buy",
        "leg": "open",
        "would": "copy",
        "side": "BUY",
        "direction": "long",
        "quantity": "0.005",
        "price": "100000",
        "price_from": "alert",
        "reason": None,
        "rule": "margin × leverage ÷ last price, rounded down to the step",
        "inputs": SIZING,
        "numbers": {},
        "result_usd": None,
    } | changes


PREVIEW = {
    "effective": EFFECTIVE,
    "signals": 2,
    "copied": 1,
    "refused": 1,
    "realised_usd": "12.5",
    "open_usd": None,
    "lines": [preview_line(would="refuse", reason="Max concurrent positions reached"), preview_line()],
    "held": [],
}


class PeopleHub(FakeHub):
    """Of a follower unless told otherwise. An answer may be a whole response; `told` holds each request that changes something."""

    def __init__(self, role="follower"):
        super().__init__(role)
        self.told = []
        self.answers |= {
            ("GET", SUBSCRIPTIONS): listed([SUBSCRIPTION]),
            ("GET", ACCOUNTS): listed([ACCOUNT]),
            ("POST", f"{SUBSCRIPTIONS}/preview"): PREVIEW,
            ("POST", SUBSCRIPTIONS): SUBSCRIPTION,
            ("PATCH", f"{SUBSCRIPTIONS}/subscription-1"): SUBSCRIPTION,
            ("DELETE", f"{SUBSCRIPTIONS}/subscription-1"): httpx.Response(204),
            ("POST", f"{ACCOUNTS}/account-1/check"): checked(
                finding("clock"), finding("key"), finding("balance", detail="90 of 100 USD available")
            ),
        }

    def answer(self, request):
        found = self.answers.get((request.method, request.url.path))
        if request.method != "GET" and request.url.path != "/token":
            self.told.append((request.method, request.url.path, json.loads(request.content or b"null")))
        if isinstance(found, httpx.Response) and not self.away:
            return found
        return super().answer(request)


def refusal(status, **fields):
    problems = [{"field": name, "problem": problem} for name, problem in fields.items()]
    error = {"code": "invalid_input", "message": "no", "details": {"fields": problems}}
    return httpx.Response(status, json={"error": error})
