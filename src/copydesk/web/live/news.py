"""The copy desk's own events, read out of the journal behind the engine's back: nobody connected, nothing read."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import structlog
from msgspec.structs import replace

from copydesk.domain.errors import CopydeskError
from copydesk.domain.ids import ExecutionId
from copydesk.domain.terminal import SILENT_AFTER, Terminal
from copydesk.engine.notifying import Tail
from copydesk.stores.news import Arrived, Moved
from copydesk.stores.store import Tables
from copydesk.web.history import execution_answers, signal_answer
from copydesk.web.hub import Hub
from copydesk.web.live.server import Server
from copydesk.web.live.sessions import Sessions
from copydesk.web.terminals import terminal_answer

log = structlog.get_logger()

LOOK_EVERY_S = 0.25
GIVES_WAY_S = 10.0
"""So long a look waits for signals that are going out."""

READ_MAX = 2_000
EXECUTIONS_AT_ONCE = 100
"""In one look: ten thousand followers' are told in half a minute, and take a fifth of a core meanwhile."""

PENDING_MAX = 20_000
"""Executions that wait to be told; of more, the oldest are left out: the HTTP API has them all."""

_OVERLAP = timedelta(seconds=5)
"""Reports are stored a little later than they were made, and several hubs' clocks differ a little."""

_Place = tuple[str, str, int]


@dataclass(slots=True)
class _Read:
    """How far everything has been read."""

    moves: Tail[int]
    signals: Tail[str]
    reported_at: datetime
    pending: dict[ExecutionId, Moved] = field(default_factory=dict)
    told: dict[ExecutionId, int] = field(default_factory=dict)
    terminals: dict[_Place, Terminal] = field(default_factory=dict)
    silent: set[_Place] = field(default_factory=set)


class News:
    """`begin` before somebody is told that they are connected: what comes after that is told."""

    def __init__(self, hub: Hub, server: Server, sessions: Sessions) -> None:
        self._hub = hub
        self._server = server
        self._sessions = sessions
        self._read: _Read | None = None
        self._beginning = asyncio.Lock()

    async def begin(self) -> None:
        async with self._beginning:
            if self._read is None:
                self._read = await self._start()

    async def _start(self) -> _Read:
        now = self._hub.clock.now()
        (number, signal_id, _), terminals = await self._hub.store.read(
            lambda tables: (tables.notices.latest(), tables.news.terminals_since(now - SILENT_AFTER))
        )
        known = {_place(one): one for one in terminals}
        return _Read(Tail(number), Tail(signal_id), now, terminals=known)

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            try:
                await self._look()
            except (CopydeskError, TypeError, ValueError) as error:
                # The boundary of one look: what is told must never stop what trades.
                log.warning("the live API could not look", error=type(error).__name__, problem=str(error)[:300])
            await self._hub.clock.sleep(LOOK_EVERY_S)

    async def _look(self) -> None:
        if not self._sessions:
            self._read = None
        if self._read is None:
            return
        read = self._read
        await self._hub.desk.give_way(GIVES_WAY_S)
        since = read.reported_at - _OVERLAP
        moves, signals, terminals = await self._hub.store.read(
            lambda tables: (
                tables.news.moves_after(read.moves.floor, READ_MAX),
                tables.news.signals_after(read.signals.floor, READ_MAX),
                tables.news.terminals_since(since),
            )
        )
        now = self._hub.clock.now()
        await self._tell_signals(read.signals.fresh(signals, now, READ_MAX))
        self._note(read, read.moves.fresh(moves, now, READ_MAX))
        await self._tell_executions(read)
        await self._tell_terminals(read, terminals, now)

    async def _tell_signals(self, arrived: Sequence[Arrived]) -> None:
        for one in arrived:
            if rooms := self._sessions.rooms(one.provider):
                await self._server.emit("signal", signal_answer(one.signal).model_dump(mode="json"), room=rooms)

    def _note(self, read: _Read, moved: Sequence[Moved]) -> None:
        """Several moves of one execution are told as one."""
        for one in moved:
            if self._sessions.rooms(one.follower, one.provider):
                read.pending.setdefault(one.execution_id, one)
        for execution_id in list(read.pending)[: max(len(read.pending) - PENDING_MAX, 0)]:
            del read.pending[execution_id]

    async def _tell_executions(self, read: _Read) -> None:
        chosen = list(read.pending)[:EXECUTIONS_AT_ONCE]
        if not chosen:
            return

        def work(tables: Tables) -> list[dict[str, Any]]:
            answers = execution_answers(tables, tables.news.executions(chosen))
            return [one.model_dump(mode="json") for one in answers]

        told = {one["id"]: one for one in await self._hub.store.read(work)}
        for execution_id in chosen:
            whom = read.pending.pop(execution_id)
            rooms = self._sessions.rooms(whom.follower, whom.provider)
            if rooms and execution_id in told and _is_news(read, told[execution_id]):
                await self._server.emit("execution", told[execution_id], room=rooms)

    async def _tell_terminals(self, read: _Read, reported: Sequence[Terminal], now: datetime) -> None:
        for one in reported:
            if read.terminals.get(_place(one)) != one:
                read.terminals[_place(one)] = one
                read.silent.discard(_place(one))
                await self._tell_terminal(one, now)
            read.reported_at = max(read.reported_at, one.reported_at)
        for place, one in read.terminals.items():
            if one.connected and place not in read.silent and not one.is_connected(now):
                read.silent.add(place)
                await self._tell_terminal(replace(one, connected=False), now)

    async def _tell_terminal(self, terminal: Terminal, now: datetime) -> None:
        if rooms := self._sessions.rooms(terminal.user_id):
            await self._server.emit("agent_status", terminal_answer(terminal, now).model_dump(mode="json"), room=rooms)


def _is_news(read: _Read, answer: dict[str, Any]) -> bool:
    """An execution is told as it is when it is read: a move that was seen later may be in there already."""
    moves = len(answer["timeline"])
    before = read.told.pop(answer["id"], 0)
    read.told[answer["id"]] = moves
    if len(read.told) > PENDING_MAX:
        del read.told[next(iter(read.told))]
    return before != moves


def _place(terminal: Terminal) -> _Place:
    return terminal.user_id, terminal.role.value, terminal.login
