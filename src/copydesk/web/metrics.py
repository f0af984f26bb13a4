"""What an operator of the desk watches, for Prometheus: counted beside the work, and read from the journal at a scrape."""

import asyncio
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from itertools import takewhile
from time import perf_counter
from typing import Any

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from copydesk.domain.errors import StoreUnavailable
from copydesk.domain.execution import FINAL, State
from copydesk.domain.ids import SignalId
from copydesk.domain.signal import SourceKind
from copydesk.domain.venue import VenueName
from copydesk.engine.intake import Acceptance
from copydesk.stores.figures import Move
from copydesk.stores.store import SqlStore, Tables
from copydesk.web.limits import LIVE_PATH

MOVES_MAX = 50_000
"""Moves that one scrape counts; the next one counts the next."""

SIGNALS_MAX = 10_000
"""Signals whose results are remembered, so that their first and last are told once."""

SETTLED_AFTER = timedelta(seconds=2)
"""PostgreSQL hands numbers out before it commits: a younger move may still get an older neighbour."""

_SOON = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900)
_QUICK = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)
_SIZES = (1, 2, 5, 10, 20, 50, 100, 200)

_METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"})
_SOURCES = {"/api/v1/bots/webhook/": SourceKind.TRADINGVIEW, "/signal/": SourceKind.REST}
_NOT_REFUSED_SIGNALS = frozenset({401, 404, 405, 429})
"""Nobody has shown there that a signal came from somebody who may send one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What a scrape reads in one go."""

    moves: Sequence[Move]
    open_signals: frozenset[SignalId]
    unsettled: Mapping[tuple[VenueName, State], int]
    waiting_signals: int
    health: Mapping[str, Any]


class Metrics:
    """All of them; docs/api.md has the table. `registry` holds nothing else."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry
        self._turn = asyncio.Lock()
        self._counted_to = 0
        self._unfinished: dict[SignalId, datetime] = {}
        self._answered: OrderedDict[SignalId, datetime] = OrderedDict()
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=registry)

        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(f"copydesk_{name}", text, labels, registry=registry)

        def gauge(name: str, text: str, *labels: str) -> Gauge:
            return Gauge(f"copydesk_{name}", text, labels, registry=registry)

        def histogram(name: str, text: str, buckets: Sequence[float], *labels: str) -> Histogram:
            return Histogram(f"copydesk_{name}", text, labels, buckets=buckets, registry=registry)

        self._signals = counter("signals", "Signals that came in", "source", "result")
        self._stored = histogram("signal_stored_seconds", "From receipt to stored", _QUICK, "source")
        self._first = histogram("signal_first_result_seconds", "From receipt to the first follower's end", _SOON)
        self._last = histogram("signal_last_result_seconds", "From receipt to the last follower's end", _SOON)
        self._moves = counter("execution_moves", "Moves of executions into a state", "venue", "state")
        self._unsettled = gauge("executions_unsettled", "Executions that are not final", "venue", "state")
        self._waiting = gauge("signals_waiting", "Signals stored and not yet fanned out")
        self._bots = gauge("active_bots", "Bots that take signals")
        self._subscriptions = gauge("active_subscriptions", "Subscriptions that copy")
        self._latest = gauge("last_signal_timestamp_seconds", "When the last signal came")
        self._discrepancies = gauge("ledger_discrepancies", "Differences between the venues' ledgers and ours")
        self._checked = gauge("ledger_checked_timestamp_seconds", "When an account was last compared with its venue")
        self._requests = counter("http_requests", "Answers of the API", "method", "route", "status")
        self._answering = histogram("http_request_seconds", "From request to answer", _QUICK, "method", "route")
        self._commits = histogram("database_commit_seconds", "One commit of the writer", _QUICK)
        self._batch = histogram("database_commit_size", "Units of work that shared a commit", _SIZES)
        self._up = gauge("database_up", "Whether the database answered this scrape")
        # Counted for every alert: finding what belongs to the labels costs more than counting.
        self._quick: Any = cache(lambda family, *labels: family.labels(*labels))

    def take_signal(self, source: SourceKind, acceptance: Acceptance, stored_s: float) -> None:
        """A listener of the intake."""
        self._quick(self._signals, source, "duplicate" if acceptance.duplicate else "accepted").inc()
        if not acceptance.duplicate:
            self._quick(self._stored, source).observe(stored_s)

    def take_commit(self, size: int, seconds: float) -> None:
        """A listener of the database."""
        self._commits.observe(seconds)
        self._batch.observe(size)

    def take_answer(self, method: str, route: str, status: int, seconds: float) -> None:
        self._quick(self._requests, method, route, str(status)).inc()
        self._quick(self._answering, method, route).observe(seconds)
        if not 400 <= status < 500 or status in _NOT_REFUSED_SIGNALS:  # noqa: PLR2004  client errors
            return
        for prefix, source in _SOURCES.items():
            if route.startswith(prefix):
                self._signals.labels(source, "refused").inc()

    async def scrape(self, store: SqlStore, now: datetime) -> bytes:
        """Everything in Prometheus' text format; without a database, what was counted beside it."""
        async with self._turn:
            try:
                self._take(await store.read(self._look), now)
                self._up.set(1)
            except StoreUnavailable:
                self._up.set(0)
        return generate_latest(self._registry)

    async def start(self, store: SqlStore) -> None:
        """Moves count from here on: what an earlier run did was its own to count."""
        self._counted_to = await store.read(lambda tables: tables.figures.newest_move())

    def _look(self, tables: Tables) -> Look:
        moves = tables.figures.moves_after(self._counted_to, MOVES_MAX)
        touched = [*self._unfinished, *dict.fromkeys(move.signal_id for move in moves)]
        return Look(
            moves=moves,
            open_signals=tables.figures.open_signals(touched[-SIGNALS_MAX:]),
            unsettled=tables.figures.unsettled(),
            waiting_signals=tables.figures.waiting_signals(),
            health={**tables.bots.health(), **tables.checks.health()},
        )

    def _take(self, look: Look, now: datetime) -> None:
        settled = list(takewhile(lambda move: move.at <= now - SETTLED_AFTER, look.moves))
        self._take_moves(settled)
        self._take_ends(look.open_signals | {move.signal_id for move in look.moves[len(settled) :]})
        self._unsettled.clear()
        for labels, number in look.unsettled.items():
            self._unsettled.labels(*labels).set(number)
        self._waiting.set(look.waiting_signals)
        self._bots.set(look.health["active_bots"])
        self._subscriptions.set(look.health["active_subscriptions"])
        self._discrepancies.set(look.health["ledger_discrepancies"])
        if look.health["ledger_checked_at"] is not None:
            self._checked.set(look.health["ledger_checked_at"].timestamp())
        if look.health["last_signal_at"] is not None:
            self._latest.set(look.health["last_signal_at"].timestamp())

    def _take_moves(self, moves: Iterable[Move]) -> None:
        for move in moves:
            self._counted_to = move.number
            self._moves.labels(move.venue, move.state).inc()
            if move.follows and move.state in FINAL:
                self._take_result(move)

    def _take_result(self, move: Move) -> None:
        if move.signal_id not in self._answered:
            self._first.observe((move.at - move.received_at).total_seconds())
            self._unfinished[move.signal_id] = move.received_at
        self._answered[move.signal_id] = move.at
        while len(self._answered) > SIGNALS_MAX:
            forgotten, _ = self._answered.popitem(last=False)
            self._unfinished.pop(forgotten, None)

    def _take_ends(self, open_signals: AbstractSet[SignalId]) -> None:
        for signal_id in [one for one in self._unfinished if one not in open_signals]:
            received_at = self._unfinished.pop(signal_id)
            self._last.observe((self._answered[signal_id] - received_at).total_seconds())


class CountAnswers:
    """ASGI: each answer by its route, not by its address, so that no id becomes a label."""

    def __init__(self, app: ASGIApp, routes: frozenset[str]) -> None:
        self._app = app
        self._routes = routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # A poll of the live API waits for something to happen: that time is no answer's.
        if scope["type"] != "http" or scope["path"].startswith(LIVE_PATH):
            await self._app(scope, receive, send)
            return
        metrics: Metrics = scope["app"].state.hub.metrics
        began = perf_counter()
        status = 500

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, noting)
        finally:
            route = getattr(scope.get("route"), "path", None)
            known = route if route in self._routes else "none"
            method = scope["method"] if scope["method"] in _METHODS else "other"
            metrics.take_answer(method, known, status, perf_counter() - began)
