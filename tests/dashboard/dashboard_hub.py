"""The API's answers, made up: a bot, a signal, orders of it, a position; and switches that turn it off."""

import asyncio
import json
from copy import deepcopy

import httpx

AT = "2026-11-21T08:00:00Z"
SIZING = {
    "margin_usd": "5",
    "leverage": "1",
    "last_price": "95200",
    "quantity_step": "0.001",
    "exact_quantity": "0.000052521008",
    "quantity": "0",
    "quantity_min": "0.001",
}


def execution(number, state="FILLED", status="success", **more):
    return {
        "id": f"execution-{number}",
        "signal_id": "signal-1",
        "subscription_id": f"subscription-{number}",
        "account_id": f"account-{number}",
        "bot_id": "bot-1",
        "leg": "open",
        "symbol": "BTCUSDT",
        "side": "BUY",
        "status": status,
        "state": state,
        "reason": None,
        "requested_quantity": "0.005",
        "executed_quantity": "0.005",
        "executed_price": "95200.1",
        "trigger_price": None,
        "fee_usd": "0",
        "exchange_order_id": None,
        "client_order_id": None,
        "execution_time_ms": 42,
        "plan": {},
        "timeline": [{"at": AT, "state": state, "note": None, "evidence": None}],
        "created_at": AT,
        "updated_at": AT,
    } | more


class FakeHub:
    """`asked` keeps each request's method, path and body; `answers` may be changed by a test."""

    PASSWORD = "a long password"

    def __init__(self, role="admin"):
        self.away = False
        self.session_ended = False
        self.asked = []
        reason = "Quantity 0 is below the venue's minimum 0.001"
        plan = {"rule": "quantity_min", "inputs": {}, "numbers": SIZING}
        self.executions = [execution(1), execution(2, "SKIPPED", "skipped", reason=reason, plan=plan)]
        self.answers = deepcopy(ANSWERS) | {("GET", "/users/me"): ME | {"role": role}}
        self.transport = httpx.MockTransport(self.answer)

    def answer(self, request):
        path = request.url.path
        self.asked.append((request.method, path, json.loads(request.content or b"null")))
        if self.away:
            raise httpx.ConnectError("refused")
        if path == "/token":
            right = json.loads(request.content)["password"] == self.PASSWORD
            return httpx.Response(200, json=TOKEN) if right else refused(401)
        if path == "/api/v1/bots/health":
            return httpx.Response(200, json=HEALTH)
        if self.session_ended or "authorization" not in request.headers:
            return refused(401)
        if path == "/api/v1/bot-signal-executions":
            wanted = request.url.params.get("state")
            return httpx.Response(200, json=listed([one for one in self.executions if wanted in {None, one["state"]}]))
        found = self.answers.get((request.method, path))
        return refused(404) if found is None else httpx.Response(200, json=found)

    def wishes(self, method, path):
        """The bodies that came to an address."""
        return [body for how, where, body in self.asked if (how, where) == (method, path)]


async def eventually(look):
    """The first true answer within five seconds."""
    async with asyncio.timeout(5):
        while not (found := look()):  # noqa: ASYNC110  what it looks at is a page, which has no event
            await asyncio.sleep(0.05)
    return found


def listed(items):
    return {"items": items, "next": None}


def refused(status):
    return httpx.Response(status, json={"error": {"code": "no", "message": "no", "details": {}}})


TOKEN = {"access_token": "access", "refresh_token": "refresh", "expires_in": 900, "role": "admin"}
HEALTH = {"success": True, "healthy": True, "active_bots": 7, "active_subscriptions": 11, "last_signal_at": AT}
HEALTH |= {"ledger_discrepancies": 0, "ledger_checked_at": AT}
ME = {"id": "ada", "username": "ada", "allowed_mt5_id": None, "mt5_path": None, "subscription": "free"}
BOT = {
    "id": "bot-1",
    "name": "EMA Cross",
    "description": "",
    "market_type": "futures",
    "source": "tradingview",
    "default_leverage": 10,
    "default_margin_usd": "50",
    "default_stop_loss_pct": "2.5",
    "default_take_profit_pct": "0",
    "on_opposite": "close",
    "payload_size": "ignore",
    "open_freshness_s": 30,
    "signature_v0": False,
    "status": "active",
    "created_at": AT,
    "updated_at": AT,
    "master_webhook_path": "ema",
    "webhook_url": "http://hub/api/v1/bots/webhook/master/ema",
}
SIGNAL = {
    "id": "signal-1",
    "bot_id": "bot-1",
    "source": "tradingview",
    "ticker": "BTCUSDT",
    "symbol": "BTCUSDT",
    "action": "open_long",
    "price": None,
    "steps": [],
    "note": None,
    "payload": {"action": "long"},
    "received_at": AT,
    "created_at": "2026-11-21T08:00:00.002Z",
    "fared": {"success": 1, "failed": 0, "skipped": 1, "pending": 0},
}
PART = {
    "id": "venue:binance-futures · demo",
    "kind": "venue",
    "name": "binance-futures · demo",
    "light": "red",
    "condition": "clock_unknown",
    "since": AT,
    "accounts": 2,
}
ALERT = {"id": "account:1", "kind": "key_refused", "light": "red", "at": AT, "detail": "no such key", "name": "Main"}
TODAY = {
    "since": AT,
    "signals": 3,
    "signals_by_source": {"tradingview": 3},
    "success": 5,
    "failed": 1,
    "skipped": 2,
    "pending": 0,
    "latency": {
        "fastest_ms": 41,
        "median_ms": 88,
        "p95_ms": 180,
        "slowest_ms": 180,
        "buckets": [{"up_to_ms": 100, "count": 3}, {"up_to_ms": None, "count": 2}],
    },
    "trades": 2,
    "won": 1,
    "net_usd": "-1234.5",
    "fees_usd": "0.16",
    "open_positions": 1,
    "working_orders": 0,
}
POSITION = {
    "subscription_id": "subscription-1",
    "account_id": "account-1",
    "account_name": "Main",
    "venue": "binance-futures",
    "bot_id": "bot-1",
    "symbol": "BTCUSDT",
    "direction": "long",
    "quantity": "0.005",
    "entry_price": "95200.1",
    "gross_usd": "0",
    "fees_usd": "0.2",
    "opened_at": AT,
    "last_price": "95300.1",
    "unrealised_usd": "0.5",
}
RESULT = {
    "bot_id": "bot-1",
    "name": "EMA Cross",
    "status": "active",
    "whose": "everybody",
    "followers": 2,
    "trades": 4,
    "won": 3,
    "net_usd": "12.5",
    "fees_usd": "0.4",
    "curve": [{"at": AT, "net_usd": "10"}, {"at": "2026-11-21T09:00:00Z", "net_usd": "12.5"}],
}
SHARE = {"status": "active", "open_positions": 1, "trades": 2, "won": 2, "net_usd": "6.25", "fees_usd": "0.2"}
WEBHOOK = {
    "success": True,
    "bot_name": "EMA Cross",
    "signal_id": "signal-1",
    "signal_ids": ["signal-1"],
    "status": "accepted",
    "duplicate": False,
    "broadcast_stats": {
        "total_subscribers": 2,
        "successful_executions": 1,
        "failed_executions": 0,
        "skipped": 1,
        "duration_ms": 40,
    },
    "timestamp": AT,
}
BREAKER = {"scope": "all", "id": None, "mode": "flatten", "in_force_since": AT}
ANSWERS = {
    ("GET", "/api/v1/bots"): listed([BOT]),
    ("GET", "/api/v1/bots/bot-1"): BOT,
    ("PATCH", "/api/v1/bots/bot-1"): BOT | {"status": "paused"},
    ("GET", "/api/v1/bots/results"): {"since": AT, "items": [RESULT]},
    ("GET", "/api/v1/bots/bot-1/results"): RESULT
    | {
        "since": AT,
        "results": [
            SHARE | {"subscription_id": "subscription-1", "name": None},
            SHARE | {"subscription_id": "subscription-2", "name": "ada"},
        ],
    },
    ("POST", "/api/v1/bots/bot-1/rotate-secret"): {"master_secret": "a brand new secret", "old_valid_until": AT},
    ("POST", "/api/v1/bots/bot-1/test-signal"): WEBHOOK,
    ("GET", "/api/v1/exchange-accounts"): listed([]),
    ("GET", "/api/v1/bot-signals"): listed([SIGNAL]),
    ("GET", "/api/v1/bot-signals/signal-1"): SIGNAL,
    ("GET", "/api/v1/desk/glance"): {"parts": [PART], "today": TODAY, "alerts": [ALERT], "breakers": []},
    ("GET", "/api/v1/positions"): listed([POSITION]),
    ("POST", "/api/v1/breaker"): BREAKER | {"cancelled": 2, "closing": 1},
}
