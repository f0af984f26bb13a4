"""The API's answers, made up: one bot, one signal, three orders of it; and a switch that turns it off."""

import json

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
    PASSWORD = "a long password"

    def __init__(self):
        self.away = False
        self.session_ended = False
        self.asked = []
        reason = "Quantity 0 is below the venue's minimum 0.001"
        plan = {"rule": "quantity_min", "inputs": {}, "numbers": SIZING}
        self.executions = [execution(1), execution(2, "SKIPPED", "skipped", reason=reason, plan=plan)]
        self.transport = httpx.MockTransport(self.answer)

    def answer(self, request):
        path = request.url.path
        self.asked.append(path)
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
            return listed(self.executions)
        return ANSWERS.get(path) or refused(404)


TOKEN = {"access_token": "access", "refresh_token": "refresh", "expires_in": 900, "role": "follower"}
HEALTH = {"success": True, "healthy": True, "active_bots": 7, "active_subscriptions": 11, "last_signal_at": AT}
HEALTH |= {"ledger_discrepancies": 0, "ledger_checked_at": AT}
ME = {"id": "ada", "username": "ada", "role": "follower", "allowed_mt5_id": None, "mt5_path": None}
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
}


def listed(items):
    return httpx.Response(200, json={"items": items, "next": None})


def refused(status):
    return httpx.Response(status, json={"error": {"code": "no", "message": "no", "details": {}}})


ANSWERS = {
    "/users/me": httpx.Response(200, json=ME | {"subscription": "free"}),
    "/api/v1/bots": listed([BOT | {"webhook_url": "http://hub/api/v1/bots/webhook/master/ema"}]),
    "/api/v1/bot-signals": listed([SIGNAL]),
    "/api/v1/bot-signals/signal-1": httpx.Response(200, json=SIGNAL),
}
