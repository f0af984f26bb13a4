"""What has happened since somebody looked last, for those who watch: the journal's newest lines and whom each concerns."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Select, select

from copydesk.domain.execution import Execution
from copydesk.domain.ids import ExecutionId, UserId
from copydesk.domain.signal import Signal, SourceKind
from copydesk.domain.terminal import Terminal
from copydesk.stores import tables, terminal_tables
from copydesk.stores.rows import columns, load
from copydesk.stores.signals import read_signal
from copydesk.stores.unit import Part

_EVENTS, _SENT = tables.execution_events, tables.bot_signal_executions
_SIGNALS, _BOTS, _TERMINALS = tables.bot_signals, tables.bots, terminal_tables.terminals


class Moved(NamedTuple):
    """An execution that moved: its follower, and who owns the bot."""

    execution_id: ExecutionId
    follower: UserId
    provider: UserId


class Arrived(NamedTuple):
    """A signal, and who owns its bot."""

    signal: Signal
    provider: UserId


class News(Part):
    """In the order of the journal; a number may appear after a larger one did."""

    def moves_after(self, number: int, most: int) -> Sequence[tuple[int, Moved]]:
        query = (
            select(_EVENTS.c.number, _SENT.c.id, _SENT.c.owner_id, _BOTS.c.owner_id)
            .join(_SENT, _SENT.c.id == _EVENTS.c.execution_id)
            .join(_BOTS, _BOTS.c.id == _SENT.c.bot_id)
            .where(_EVENTS.c.number > number)
        )
        rows = self._connection.execute(query.order_by(_EVENTS.c.number).limit(most))
        return [(found, Moved(*whom)) for found, *whom in rows]

    def signals_after(self, signal_id: str, most: int) -> Sequence[tuple[str, Arrived]]:
        """What the desk itself decided is left out: its executions tell of it."""
        query: Select[Any] = (
            select(*columns(_SIGNALS, Signal), _BOTS.c.owner_id.label("provider"))
            .join(_BOTS, _BOTS.c.id == _SIGNALS.c.bot_id)
            .where(_SIGNALS.c.id > signal_id, _SIGNALS.c.source != SourceKind.DESK)
        )
        rows = self._connection.execute(query.order_by(_SIGNALS.c.id).limit(most))
        return [(row.id, Arrived(read_signal(row), row.provider)) for row in rows]

    def executions(self, ids: Sequence[ExecutionId]) -> Sequence[Execution]:
        """As they are now, in the order asked for."""
        query = select(*columns(_SENT, Execution)).where(_SENT.c.id.in_(ids))
        found = {row.id: load(Execution, row) for row in self._connection.execute(query)}
        return [found[one] for one in ids if one in found]

    def terminals_since(self, at: datetime) -> Sequence[Terminal]:
        """Those that were reported after that, the oldest report first."""
        query = select(*columns(_TERMINALS, Terminal)).where(_TERMINALS.c.reported_at > at)
        return [load(Terminal, row) for row in self._connection.execute(query.order_by(_TERMINALS.c.reported_at))]
