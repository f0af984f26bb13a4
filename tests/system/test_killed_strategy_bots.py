"""Hubs with a strategy bot are killed with -9 around every kind of decision: what is decided is what one life would have decided."""

import asyncio
import itertools
import json
import os
import sqlite3
import sys
import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import httpx
import pytest

from copydesk.domain.user import Role
from copydesk.engine.backtest.run import play
from copydesk.engine.backtest.tape import tape_of
from copydesk.engine.backtest.terms import Terms
from copydesk.settings import Settings
from copydesk.strategies.rsi import RsiStrategy
from copydesk.strategies.streak import StreakStrategy
from copydesk.wiring.admin import create_user
from copydesk.wiring.children import free_port
from strategy_process import SCRIPT
from strategy_support import MINUTE_MS, candles_of
from system_support import PASSWORD, running_world
from web_support import eventually

# A hub starts in a few seconds, and in many where other tests run beside it.
pytestmark = pytest.mark.timeout(500)

TESTS = Path(__file__).resolve().parent.parent
KILLS = 6
UNPROTECTED = {"stop_loss_pct": "99", "take_profit_pct": "0"}
STREAK = {"delay_threshold": 2, "max_level": 3}


class Play:
    """A script, and hubs that live on it one after the other."""

    def __init__(self, folder, market_url, closes, shown):
        self.folder = folder
        self.market_url = market_url
        self.closes = closes
        self.now = datetime.now(UTC)
        self.start_ms = int(self.now.timestamp() * 1_000) - 1_000 - shown * MINUTE_MS
        self.candles = candles_of(closes, start_ms=self.start_ms)
        self.shown = shown
        self.port = free_port(0)
        self.settings = Settings(
            _env_file=None, data_dir=folder / "data", master_key_file=folder / "keys" / "master.key"
        )
        self.write()

    def write(self):
        told = {
            "closes": [str(one) for one in self.closes],
            "start_ms": self.start_ms,
            "shown": self.shown,
            "now": self.now.isoformat(),
            "written": time.time(),
        }
        ready = self.folder / "script.new"
        ready.write_text(json.dumps(told))
        ready.replace(self.folder / SCRIPT)

    def close_one(self):
        self.shown += 1
        self.now += timedelta(seconds=60)
        self.write()

    @property
    def newest(self):
        return self.candles[self.shown - 1]

    async def hub(self, point="none", countdown=0):
        settings = {
            "COPYDESK_DATA_DIR": str(self.folder / "data"),
            "COPYDESK_MASTER_KEY_FILE": str(self.folder / "keys" / "master.key"),
            "COPYDESK_SIMULATOR__BINANCE_URL": self.market_url,
            "PYTHONPATH": str(TESTS),
        }
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("COPYDESK_")}
        arguments = [str(self.folder), point, str(countdown), "--", "serve", "--no-dashboard", "--port", str(self.port)]
        with (self.folder / "hub.log").open("ab") as log:
            return await asyncio.create_subprocess_exec(
                sys.executable, "-m", "strategy_process", *arguments, env=inherited | settings, stdout=log, stderr=log
            )

    async def ask(self, method, path, body):
        """As soon as the hub of the moment answers."""
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{self.port}", timeout=10) as http:
            while True:
                try:
                    token = await http.post("/token", data={"username": "owner", "password": PASSWORD})
                    if token.is_success:
                        break
                except httpx.TransportError:
                    pass
                await asyncio.sleep(0.1)
            signed = {"Authorization": f"Bearer {token.json()['access_token']}"}
            answer = await http.request(method, path, json=body, headers=signed)
            answer.raise_for_status()
            return answer.json()

    def rows(self, query, *values):
        with sqlite3.connect(f"file:{self.folder / 'data' / 'copydesk.db'}?mode=ro", uri=True) as database:
            return database.execute(query, values).fetchall()

    def decisions(self):
        rows = self.rows("SELECT candle_at, occasion, reason, numbers FROM market_analysis")
        rows = sorted(rows, key=lambda row: (row[0], row[1].startswith("contract")))
        return [
            (int(datetime.fromisoformat(at).timestamp() * 1_000), reason, json.loads(numbers))
            for at, _, reason, numbers in rows
        ]

    def is_decided(self):
        at = self.newest.opened_at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        decided = self.rows("SELECT 1 FROM market_analysis WHERE candle_at = ? AND occasion LIKE 'candle:%'", at)
        waiting = self.rows("SELECT 1 FROM bot_signals WHERE fanned_out_at IS NULL")
        under_way = self.rows(
            "SELECT 1 FROM bot_signal_executions WHERE leg IN ('open', 'close') AND state NOT IN "
            "('FILLED', 'SKIPPED', 'REJECTED', 'CANCELLED', 'EXPIRED', 'NOT_PLACED')"
        )
        return decided and not waiting and not under_way

    async def play_on(self, hub, kills):
        """Every candle to its end; a hub that has died is followed by one that dies at the next kill."""
        async with asyncio.timeout(400):
            while True:
                while not self.is_decided():
                    if hub.returncode is not None:
                        hub = await self.hub(*next(kills, ("none", 0)))
                    await asyncio.sleep(0.05)
                if self.shown == len(self.closes):
                    # The last contract may end on the last candle.
                    await asyncio.sleep(1.5)
                    return hub
                self.close_one()


def backtested(strategy, candles):
    made = []
    terms = Terms(balance=Decimal(10_000))
    play(strategy, tape_of(candles, MINUTE_MS), terms, note=lambda candle, decision: made.append((candle, decision)))
    return [
        (candle.start_ms, decision.reason, {name: told(value) for name, value in decision.numbers.items()})
        for candle, decision in made
    ]


def told(value):
    return str(value) if isinstance(value, Decimal) else value


@pytest.fixture
async def market_url(tmp_path):
    async with running_world(tmp_path) as world:
        yield str(world.market.base_url)


async def lived(play, body):
    """Seeded, started, killed again and again, and played to the last candle."""
    await create_user(play.settings, username="owner", password=PASSWORD, role=Role.PROVIDER)
    hub = await play.hub()
    bot = await play.ask("POST", "/api/v1/bots", {"name": "Killed", "source": "strategy", **body})
    await play.ask("POST", f"/api/v1/bots/{bot['id']}/run", {"command": "start"})
    kills = itertools.islice(itertools.cycle([("before", 1), ("after", 1), ("before", 2), ("after", 2)]), KILLS)
    await eventually(lambda: asyncio.sleep(0.05, play.is_decided()), within_s=60)
    hub.kill()
    await hub.wait()
    hub = await play.play_on(hub, kills)
    deaths = list(kills)
    hub.terminate()
    await hub.wait()
    assert deaths == [], "not every kill came about"


async def test_a_killed_streak_bot_buys_no_contract_twice_and_keeps_its_level(tmp_path, market_url):
    closes = [1_000, 1_001, 1_002, 1_003, 1_002, 1_003, 1_004, 1_005, 1_006, 1_007, 1_006, 1_005, 1_004, 1_005, 1_006]
    play = Play(tmp_path, market_url, list(map(Decimal, closes)), shown=2)

    await lived(play, {"strategy": "streak", "settings": STREAK})

    assert play.decisions() == backtested(StreakStrategy.configured(STREAK), play.candles)
    signals = play.rows("SELECT json_extract(contract, '$.number') FROM bot_signals")
    assert len(signals) == len(set(signals)) > 3


async def test_a_killed_rsi_bot_opens_nothing_twice_and_knows_its_position(tmp_path, market_url):
    strategy = RsiStrategy.configured(UNPROTECTED)
    calm = [Decimal(1_000) + index % 2 for index in range(strategy.history)]
    moves = [calm[-1] + step for step in (-9, -14, -6, 4, 12, 18, 9, -4, -14, -20, -9, 6, 18)]
    play = Play(tmp_path, market_url, [*calm, *moves], shown=strategy.history + 1)

    await lived(play, {"strategy": "rsi", "symbols": ["BTCUSDT"], "settings": UNPROTECTED, "default_leverage": 5})

    assert play.decisions() == backtested(strategy, play.candles)
    legs = play.rows(
        "SELECT leg, count(*) FROM bot_signal_executions WHERE state = 'FILLED' AND leg IN ('open', 'close') GROUP BY leg"
    )
    wished = [decision[1] for decision in play.decisions()]
    assert dict(legs)["open"] == sum(1 for one in wished if one in {"RSI below 40", "RSI above 60"})
    orders = play.rows("SELECT client_order_id FROM paper_orders")
    assert len(orders) == len(set(orders))
