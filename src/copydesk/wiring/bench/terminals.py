"""From a master's hand to its followers' fills: every program a process, the broker simulated, and the floor in the same run.

The broker's ledger tells when deals were made, the journals when each program saw, took and sent: nothing is asked of them while it counts.
"""

import asyncio
import re
import secrets
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack, closing
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx

from copydesk.client.api import signed_in
from copydesk.client.models import NewBot, NewSubscription
from copydesk.client.people import UserConfigChange
from copydesk.domain.bot import MarketType
from copydesk.domain.errors import CopydeskError
from copydesk.domain.signal import SourceKind
from copydesk.domain.user import Role
from copydesk.ports.clock import SystemClock
from copydesk.simulators.metatrader5 import STANDIN_FOLDER, Hand
from copydesk.terminal.codec import OrderRequest
from copydesk.terminal.copier.inbox import Inbox
from copydesk.terminal.copier.requests import DEAL
from copydesk.terminal.frames import Failed
from copydesk.terminal.gateway import Gateway
from copydesk.wiring.bench.machine import describe_machine
from copydesk.wiring.children import Child, child, free_port, wait_until_ready
from copydesk.wiring.terminals import Broker, Seat, broker, open_terminal_account, seat_person

Tell = Callable[[str, int, int], None]

SYMBOL, LOTS, BALANCE = "EURUSD", 0.1, "100000"
MASTER_LOGIN, FIRST_LOGIN, FLOOR_LOGIN = 5000, 5001, 5999
POLL_S = 0.05
"""The master's loop_interval, by default: a trade waits half of it until it is looked for."""

REST_S = 0.12
WITHIN_S = 30.0
NO_LIMITS = {
    "mode": "fix",
    "fixed_lot": "0.01",
    "max_slippage_points": None,
    "max_orders_per_symbol": None,
    "max_exposure_trades": None,
    "max_exposure_lots": None,
}
STEPS = ("seen by the master", "accepted by the hub", "order_send at the copier", "filled for the follower")


@dataclass(slots=True)
class _Stage:
    """Everything that runs. `trades` counts the master's."""

    broker: Broker
    master: Seat
    followers: Sequence[Seat]
    admin: Mapping[str, str]
    trades: int = 0
    floor_ms: list[float] = field(default_factory=list)
    accepted: Sequence[datetime] = ()
    fills: Mapping[int, Sequence[datetime]] = field(default_factory=dict)


async def run_terminals(*, followers: int, rounds: int, tell: Tell) -> dict[str, Any]:
    """Once with one follower and once with all of them, on desks of their own."""
    counts = sorted({1, followers})
    rows: list[dict[str, Any]] = []
    totals: dict[int, float] = {}
    floor: list[float] = []
    for count in counts:
        found, own_floor = await _measure(count, rounds, tell)
        whose = "1 follower" if count == 1 else f"{count} followers"
        rows += [{"step": f"{whose}: {step}", **_summary(found[step])} for step in STEPS]
        totals[count] = statistics.median(found[STEPS[-1]])
        floor += own_floor
    round_trip_ms = statistics.median(floor)
    rows.append({"step": "floor: half of the master's loop", "ms_p50": POLL_S * 500, "ms_p95": POLL_S * 950})
    rows.append({"step": "floor: order_send's own round trip", **_summary(floor)})
    floor_ms = POLL_S * 500 + round_trip_ms
    return {
        "benchmark": "mt5",
        "machine": describe_machine(),
        "followers": followers,
        "rounds": rounds,
        "rows": rows,
        "ratios": {"ms_fill_over_floor": round(totals[1] / floor_ms, 2)},
    }


def _summary(found: Sequence[float]) -> dict[str, float]:
    ordered = sorted(found)
    return {
        "ms_p50": round(statistics.median(ordered), 1),
        "ms_p95": round(ordered[min(len(ordered) - 1, round(0.95 * len(ordered)))], 1),
    }


async def _measure(followers: int, rounds: int, tell: Tell) -> tuple[Mapping[str, Sequence[float]], Sequence[float]]:
    with tempfile.TemporaryDirectory(prefix="copydesk-bench-") as place:
        stage = await _play(Path(place), followers, rounds, tell)
        return await asyncio.to_thread(_read, stage), stage.floor_ms


async def _play(folder: Path, followers: int, rounds: int, tell: Tell) -> "_Stage":
    """Each trade is done everywhere before the next one begins. Programs are ended before their journals are read."""
    tell(f"Starting {followers} followers", 0, rounds)
    port, clock = free_port(0), SystemClock()
    api = f"http://127.0.0.1:{port}"
    settings = {
        "COPYDESK_DATA_DIR": str(folder / "hub"),
        "COPYDESK_MASTER_KEY_FILE": str(folder / "keys" / "master.key"),
    }
    async with AsyncExitStack() as stack:
        own, _ = await stack.enter_async_context(broker(folder, free_port(0), api))
        verb = ["serve", "--no-dashboard", "--port", str(port)]
        hub = await stack.enter_async_context(child("hub", verb, settings, folder))
        await wait_until_ready(hub, f"{api}/ready", clock)
        admin = await _first_admin(hub, api)
        seats = [
            Seat(username=f"f{FIRST_LOGIN + n}", password=_word(), login=FIRST_LOGIN + n) for n in range(followers)
        ]
        stage = _Stage(own, Seat(username="master", password=_word(), login=MASTER_LOGIN), seats, admin)
        secret = await _seed(stage)
        await stack.enter_async_context(own.programs(stage.master, secret, seats))
        stage.floor_ms += await _floor(own, rounds)
        for number in range(rounds):
            tell(f"{followers} followers", number, rounds)
            await _trade(stage)
        tell(f"{followers} followers", rounds, rounds)
        await _keep_books(stage)
    return stage


async def _first_admin(hub: Child, api: str) -> Mapping[str, str]:
    link = re.search(r"/setup/[\w-]+", hub.log.read_text(encoding="utf-8"))
    if link is None:
        raise CopydeskError(f"the hub printed no link for its first admin; its log: {hub.log}")
    admin = {"username": "admin", "password": _word()}
    async with httpx.AsyncClient(base_url=api, timeout=20) as http:
        (await http.post(link.group(), json={**admin, "role": "admin"})).raise_for_status()
    return admin


async def _seed(stage: _Stage) -> str:
    """Accounts at the broker and people at the desk; the bot's signing secret."""
    own, master = stage.broker, stage.master
    floor = Seat(username="", password=_word(), login=FLOOR_LOGIN)
    for seat in (master, floor, *stage.followers):
        await own.open_account(seat, balance=BALANCE)
    async with signed_in(own.api, **stage.admin) as desk:
        await seat_person(desk, master, Role.PROVIDER)
        async with signed_in(own.api, master.username, master.password) as provider:
            wanted = NewBot(name="Bench", source=SourceKind.MASTER, market_type=MarketType.MT5)
            bot = await provider.create_bot(wanted)
        for seat in stage.followers:
            await seat_person(desk, seat, Role.FOLLOWER)
            account_id = await open_terminal_account(own.api, seat)
            async with signed_in(own.api, seat.username, seat.password) as mine:
                await mine.change_config(UserConfigChange.model_validate({"trade_copy": NO_LIMITS}))
                await mine.subscribe(NewSubscription(bot_id=bot.id, exchange_account_id=account_id))
    return bot.signing_secret or ""


async def _trade(stage: _Stage) -> None:
    """A person opens, and closes again; each is at every follower's before the next."""
    hand = Hand(stage.broker.url, MASTER_LOGIN)
    opened = await asyncio.to_thread(hand.buy, SYMBOL, LOTS)
    await _until_followed(stage)
    await asyncio.to_thread(hand.close, opened["order"])
    await _until_followed(stage)


async def _until_followed(stage: _Stage) -> None:
    stage.trades += 1
    clock = SystemClock()
    until_s = clock.elapsed() + WITHIN_S
    while True:
        await clock.sleep(REST_S)
        fills = await _fills(stage.broker.url)
        if all(len(fills.get(seat.login, ())) == stage.trades for seat in stage.followers):
            return
        if clock.elapsed() > until_s:
            raise CopydeskError(f"trade {stage.trades} did not reach every follower within {WITHIN_S:g} s")


async def _floor(own: Broker, rounds: int) -> Sequence[float]:
    """What one order takes by itself: through a gateway of its own, on an account that nobody watches."""
    start = (
        f"import os, sys; os.environ['METATRADER5_SIMULATOR_URL'] = {own.url!r}; sys.path.insert(0, {str(STANDIN_FOLDER)!r}); "
        "from copydesk.terminal.package import main; main()"
    )
    seat = Seat(username="", password="", login=FLOOR_LOGIN)
    taken: list[float] = []
    async with Gateway([sys.executable, "-c", start]) as gateway:
        await gateway.initialize(seat.path)
        await gateway.select(SYMBOL)
        for number in range(2 * rounds):
            tick = await gateway.tick(SYMBOL)
            if isinstance(tick, Failed):
                raise CopydeskError(f"the floor's own terminal tells no price: {tick}")
            request = OrderRequest(
                action=DEAL,
                symbol=SYMBOL,
                type=number % 2,
                volume=Decimal("0.01"),
                price=tick.bid if number % 2 else tick.ask,
                deviation=1_000,
            )
            began_s = time.perf_counter()
            sent = await gateway.send(request, login=FLOOR_LOGIN)
            taken.append((time.perf_counter() - began_s) * 1_000)
            if isinstance(sent, Failed):
                raise CopydeskError(f"the floor's own order came to nothing: {sent}")
    return taken


async def _keep_books(stage: _Stage) -> None:
    """While broker and hub can still be asked."""
    stage.fills = await _fills(stage.broker.url)
    async with signed_in(stage.broker.api, **stage.admin) as desk:
        stage.accepted = sorted(one.created_at for one in await desk.signals())


async def _fills(url: str) -> Mapping[int, Sequence[datetime]]:
    """When deals were made on each account, oldest first."""
    async with httpx.AsyncClient(base_url=url, timeout=20) as doors:
        ledger = (await doors.get("/_sim/ledger")).json()
    found: dict[int, list[datetime]] = {}
    for one in ledger["fills"]:
        found.setdefault(int(one["account"]), []).append(datetime.fromisoformat(one["time"]))
    return found


def _read(stage: _Stage) -> Mapping[str, Sequence[float]]:
    """Milliseconds from each of the master's deals on, by step. Trades came one by one, so the books need no keys."""
    dealt = stage.fills[stage.master.login]
    seen = _moments(stage.broker.journal("master", stage.master), "SELECT detected_at FROM events ORDER BY number")
    sent, filled = list[float](), list[float]()
    for seat in stage.followers:
        journal = stage.broker.journal("copier", seat)
        own = _moments(journal, "SELECT sent_at FROM intents WHERE stage = 'DONE' ORDER BY number")
        # A copier goes by the hub's clock, as it knows it; here both have the same one.
        ahead_ms = _hub_is_ahead_ms(journal)
        sent += [one - ahead_ms for one in _after(dealt, own)]
        filled += _after(dealt, stage.fills[seat.login])
    return dict(zip(STEPS, (_after(dealt, seen), _after(dealt, stage.accepted), sent, filled), strict=True))


def _after(dealt: Sequence[datetime], then: Sequence[datetime]) -> list[float]:
    return [(one - began).total_seconds() * 1_000 for began, one in zip(dealt, then, strict=True)]


def _hub_is_ahead_ms(journal: Path) -> float:
    inbox = Inbox(journal)
    try:
        return (inbox.fact("offset_s", float) or 0.0) * 1_000
    finally:
        inbox.close()


def _moments(journal: Path, question: str) -> list[datetime]:
    with closing(sqlite3.connect(f"file:{journal}?mode=ro", uri=True)) as book:
        return [datetime.fromisoformat(at) for (at,) in book.execute(question)]


def _word() -> str:
    return secrets.token_urlsafe(12)
