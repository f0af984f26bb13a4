"""A worker and programs that are made up, for the pages of windows."""

import json
from datetime import UTC, datetime
from decimal import Decimal

import httpx
from dashboard_hub import BOT, HEALTH, ME, TOKEN, listed, refused
from msgspec.structs import replace

from copydesk.domain.terminal import TerminalRole
from copydesk.ports.beside import Condition, Copied, Holding, Insight, Line, Login, NotDone, OpenSignal, Phase

AT = datetime(2026, 11, 21, 8, tzinfo=UTC)
ACCOUNT = Login(
    login=1001,
    server="Copydesk-Demo",
    currency="USD",
    balance=Decimal("10000.5"),
    equity=Decimal("9999.4"),
    leverage=100,
    margin_level=Decimal("9216.9"),
    trade_allowed=True,
    positions=[
        Holding(
            ticket=500000005,
            symbol="EURUSD",
            type="BUY",
            volume=Decimal("0.1"),
            price=Decimal("1.08493"),
            sl=Decimal(0),
            tp=Decimal(0),
        )
    ],
)
SENDER = Insight(
    login=1001,
    username="ada",
    bot="Gold",
    looked_s=0.1,
    account=ACCOUNT,
    sent=7,
    signals=[
        OpenSignal(
            ticket=500000005,
            symbol="EURUSD",
            type="BUY",
            volume=Decimal("0.1"),
            price=Decimal("1.08493"),
            told_at=AT,
        )
    ],
)
COPIES = Insight(
    login=2001,
    username="ada",
    looked_s=0.1,
    account=ACCOUNT,
    copies=[
        Copied(
            master_ticket=500000005,
            ticket=700000001,
            bot_id="bot-1",
            symbol="EURUSD",
            type="BUY",
            volume=Decimal("0.04"),
        )
    ],
    not_done=[
        NotDone(
            id="c1",
            at=AT,
            what="OPEN GBPUSD BUY 0.1",
            ticket=500000009,
            reason="spread: the spread is 90 points, at most 20 is allowed",
        )
    ],
)


class FakeProgram:
    """What is asked of it is in `asked`; a test says how it is."""

    def __init__(self, role=TerminalRole.MASTER, url=None):
        self.role = role
        self.condition = Condition(phase=Phase.STOPPED, since=AT)
        self.insight = None
        self.heard_s = 0.0
        self.lines = [Line(at=AT, text="signed in as ada", level="success")]
        self.asked = []
        self.log = ["a line of the log"]
        self._url = url

    def start(self, *access):
        self.asked.append(("start", *access))
        self.become(Phase.RUNNING)

    def stop(self):
        self.asked.append(("stop",))
        self.become(Phase.STOPPED)

    async def open(self):
        self.asked.append(("open",))
        return self._url

    async def log_tail(self, most):
        return self.log[-most:]

    def become(self, phase, **how):
        self.condition = replace(self.condition, phase=phase, **how)

    def sees(self, insight, **changes):
        self.insight = replace(insight, **changes)


class FakeDesk:
    """The hub's answers to a window, and what was changed there."""

    PASSWORD = "a long password"

    def __init__(self):
        self.away = False
        self.config = {
            "mode": "fix",
            "fixed_lot": "0.01",
            "multiplier": "1",
            "max_slippage_points": 50,
            "max_spread_points": None,
            "max_orders_per_symbol": 2,
            "max_exposure_trades": 5,
            "max_exposure_lots": "10",
        }
        self.changes = []
        self.tries = []
        self.transport = httpx.MockTransport(self.answer)

    def answer(self, request):
        if self.away:
            raise httpx.ConnectError("refused")
        path = request.url.path
        if path == "/token":
            self.tries.append(json.loads(request.content)["password"])
            right = self.tries[-1] == self.PASSWORD
            return httpx.Response(200, json=TOKEN) if right else refused(401)
        if path == "/users/config":
            self.changes.append(json.loads(request.content)["trade_copy"])
            self.config |= self.changes[-1]
        return self._found().get(path) or refused(404)

    def _found(self):
        own = BOT | {"source": "master", "master_webhook_path": "gold", "webhook_url": "http://hub/gold"}
        config = httpx.Response(200, json={"trade_copy": self.config})
        return {
            "/users/me": httpx.Response(200, json=ME | {"role": "provider", "subscription": "gold plan"}),
            "/users/me/config": config,
            "/users/config": config,
            "/api/v1/bots": httpx.Response(200, json=listed([own])),
            "/api/v1/bots/health": httpx.Response(200, json=HEALTH),
            "/mt5/status/ada": httpx.Response(200, json=TERMINAL | {"terminals": [TERMINAL]}),
            "/logout": httpx.Response(204),
        }


TERMINAL = {
    "user_id": "ada",
    "role": "master",
    "server": "Copydesk-Demo",
    "login": 1001,
    "connected": True,
    "reported_at": "2026-11-21T08:00:00Z",
    "active_clients": 3,
}
