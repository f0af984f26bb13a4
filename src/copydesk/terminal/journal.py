"""The master's own journal: what it knew, what happened, what was sent. One SQLite file, every commit on the disk.

An event is written together with the memory that it changed, so after a crash it is there once, or will be seen again.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from copydesk.domain.errors import IllegalMove
from copydesk.terminal.events import Event
from copydesk.terminal.ledger_file import LedgerFile
from copydesk.terminal.memory import Memory

T = TypeVar("T")


class Stage(StrEnum):
    """Where an event is on its way to the hub."""

    NEW = "new"
    SENDING = "sending"
    SENT = "sent"
    REFUSED = "refused"
    KEPT = "kept"
    EXPIRED = "expired"


MOVES: Mapping[Stage, frozenset[Stage]] = {
    Stage.NEW: frozenset({Stage.SENDING, Stage.KEPT, Stage.EXPIRED}),
    Stage.SENDING: frozenset({Stage.SENT, Stage.REFUSED, Stage.EXPIRED}),
    Stage.SENT: frozenset(),
    Stage.REFUSED: frozenset(),
    Stage.KEPT: frozenset(),
    Stage.EXPIRED: frozenset(),
}
"""A message that was on its way once is sent again as it was, or told to be too old; it is never made anew."""


class Told(Struct, frozen=True, kw_only=True):
    """What the hub was told of a ticket: its volume there, and whether it still waits for its price."""

    volume: Decimal
    waits: bool = False


class Message(Struct, frozen=True, kw_only=True):
    """What goes to the hub, frozen before it first goes: the same bytes under the same id, however often.

    `told` is what the hub knows once it has taken it; None where the ticket is over then.
    """

    route: str
    id: str
    body: bytes
    told: Told | None


class Entry(Struct, frozen=True, kw_only=True):
    """One event in the journal, with what became of it. Times are this machine's, in UTC."""

    number: int
    event: Event
    stage: Stage
    detected_at: datetime
    happened_at: datetime | None
    message: Message | None = None
    attempts: int = 0
    reason: str = ""
    accepted_at: datetime | None = None
    signal_id: str = ""


_SCHEMA = """
CREATE TABLE IF NOT EXISTS told (ticket INTEGER PRIMARY KEY, volume TEXT NOT NULL, waits INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS events (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    key TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    ticket INTEGER NOT NULL,
    symbol TEXT NOT NULL,
    event BLOB NOT NULL,
    stage TEXT NOT NULL,
    detected_at TEXT NOT NULL,
    happened_at TEXT,
    message BLOB,
    attempts INTEGER NOT NULL DEFAULT 0,
    reason TEXT NOT NULL DEFAULT '',
    accepted_at TEXT,
    signal_id TEXT NOT NULL DEFAULT ''
);
CREATE INDEX IF NOT EXISTS waiting_events ON events (number) WHERE stage IN ('new', 'sending');
"""

_COLUMNS = "number, event, stage, detected_at, happened_at, message, attempts, reason, accepted_at, signal_id"


def event_key(account: str, event: Event) -> str:
    """`account` is login and server. The same happening has the same key, whoever saw it."""
    return f"{account}:{event.identifier}:{event.kind}:{event.detail}"


class Journal:
    """Safe to use from several threads. Raise StoreUnavailable where the disk does not take it."""

    def __init__(self, path: Path) -> None:
        self._file = LedgerFile(path, _SCHEMA)

    def close(self) -> None:
        self._file.close()

    def memory(self) -> Memory:
        return self.fact("memory", Memory) or Memory()

    def fact(self, name: str, kind: type[T]) -> T | None:
        """Something small that must be known again after a restart."""
        return self._file.fact(name, kind)

    def keep_fact(self, name: str, value: object) -> None:
        self._file.write(lambda: self._file.put_fact(name, value))

    def record(
        self, account: str, memory: Memory, events: Iterable[tuple[Event, datetime | None]], detected_at: datetime
    ) -> int:
        """Memory and events (each with the time it happened at, where known) in one commit; how many were new."""

        def work() -> int:
            self._file.put_fact("memory", memory)
            added = 0
            for event, happened_at in events:
                row = (
                    event_key(account, event),
                    event.kind,
                    event.number,
                    event.symbol,
                    msgspec.msgpack.encode(event),
                    Stage.NEW,
                    detected_at.isoformat(),
                    None if happened_at is None else happened_at.isoformat(),
                )
                names = "key, kind, ticket, symbol, event, stage, detected_at, happened_at"
                cursor = self._file.run(
                    f"INSERT OR IGNORE INTO events ({names}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608  names of ours
                    *row,
                )
                added += cursor.rowcount
            return added

        return self._file.write(work)

    def unsent(self) -> Sequence[Entry]:
        """What still has to go, oldest first."""
        return self._entries("stage IN ('new', 'sending')")

    def entries(self) -> Sequence[Entry]:
        """All of it, oldest first."""
        return self._entries("1")

    def count(self, stage: Stage) -> int:
        rows = self._file.read("SELECT count(*) FROM events WHERE stage = ?", stage)
        return int(rows[0][0])

    def told(self, ticket: int) -> Told | None:
        """What the hub knows of a ticket; None where it never took it, or it is over."""
        rows = self._file.read("SELECT volume, waits FROM told WHERE ticket = ?", ticket)
        return Told(volume=Decimal(rows[0][0]), waits=bool(rows[0][1])) if rows else None

    def open_signals(self) -> Sequence[Entry]:
        """Of each ticket that the hub knows and that is not over, what opened it, or placed its order; oldest first."""
        opened = (
            "stage = 'sent' AND kind IN ('open', 'pending', 'pending_filled') AND ticket IN (SELECT ticket FROM told)"
        )
        return self._entries(f"number IN (SELECT max(number) FROM events WHERE {opened} GROUP BY ticket)")  # noqa: S608  names of ours

    def not_sent(self, most: int) -> Sequence[Entry]:
        """What was refused, given up or kept, with its reason; newest first."""
        found = "SELECT number FROM events WHERE stage IN ('refused', 'kept', 'expired') ORDER BY number DESC LIMIT ?"
        return list(reversed(self._entries(f"number IN ({found})", most)))

    def freeze(self, entry: Entry, message: Message) -> Entry:
        """Before its first byte leaves."""
        packed = msgspec.msgpack.encode(message)
        self._file.write(lambda: self._move(entry, Stage.SENDING, message=packed, attempts=1))
        return msgspec.structs.replace(entry, stage=Stage.SENDING, message=message, attempts=1)

    def count_attempt(self, entry: Entry) -> None:
        self._file.write(
            lambda: self._file.run("UPDATE events SET attempts = attempts + 1 WHERE number = ?", entry.number)
        )

    def finish(
        self,
        entry: Entry,
        stage: Stage,
        *,
        reason: str = "",
        accepted_at: datetime | None = None,
        signal_id: str = "",
        hub_knows: bool = False,
    ) -> None:
        """With `hub_knows`, what the message told counts as told from now on. Raise IllegalMove."""

        def work() -> None:
            at = None if accepted_at is None else accepted_at.isoformat()
            self._move(entry, stage, reason=reason, accepted_at=at, signal_id=signal_id)
            if hub_knows and entry.message is not None:
                self._tell(entry.event.number, entry.message.told)

        self._file.write(work)

    def _move(self, entry: Entry, stage: Stage, **changes: Any) -> None:
        if stage not in MOVES[entry.stage]:
            raise IllegalMove(f"event {entry.number} is {entry.stage}: it cannot become {stage}")
        names = ", ".join(f"{name} = ?" for name in ("stage", *changes))
        moved = self._file.run(
            f"UPDATE events SET {names} WHERE number = ? AND stage = ?",  # noqa: S608  names of ours
            stage,
            *changes.values(),
            entry.number,
            entry.stage,
        )
        if moved.rowcount != 1:
            raise IllegalMove(f"event {entry.number} is not {entry.stage} any more")

    def _tell(self, ticket: int, told: Told | None) -> None:
        if told is None:
            self._file.run("DELETE FROM told WHERE ticket = ?", ticket)
            return
        self._file.run("INSERT OR REPLACE INTO told VALUES (?, ?, ?)", ticket, str(told.volume), told.waits)

    def _entries(self, where: str, *values: object) -> Sequence[Entry]:
        rows = self._file.read(f"SELECT {_COLUMNS} FROM events WHERE {where} ORDER BY number", *values)  # noqa: S608  names of ours
        return [_entry(row) for row in rows]


def _entry(row: Sequence[Any]) -> Entry:
    number, event, stage, detected_at, happened_at, message, attempts, reason, accepted_at, signal_id = row
    return Entry(
        number=number,
        event=msgspec.msgpack.decode(event, type=Event),
        stage=Stage(stage),
        detected_at=datetime.fromisoformat(detected_at),
        happened_at=None if happened_at is None else datetime.fromisoformat(happened_at),
        message=None if message is None else msgspec.msgpack.decode(message, type=Message),
        attempts=attempts,
        reason=reason,
        accepted_at=None if accepted_at is None else datetime.fromisoformat(accepted_at),
        signal_id=signal_id,
    )
