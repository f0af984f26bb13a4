"""The copier's own journal: each order before it is sent, what came of it, and which position copies which ticket."""

import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from copydesk.domain.errors import IllegalMove
from copydesk.domain.instrument import plain
from copydesk.terminal.codec import OrderRequest
from copydesk.terminal.copier.commands import Command
from copydesk.terminal.copier.figures import Booked
from copydesk.terminal.copier.requests import DEAL, magic_of, number_of
from copydesk.terminal.ledger_file import LedgerFile

NONCES = 1 << 16


class Stage(StrEnum):
    """An order's life here. SENT is unknown until an answer or the account itself says more."""

    INTENT = "INTENT"
    SENT = "SENT"
    DONE = "DONE"
    REFUSED = "REFUSED"
    UNKNOWN = "UNKNOWN"
    ABSENT = "ABSENT"
    REVIEW = "REVIEW"


MOVES: Mapping[Stage, frozenset[Stage]] = {
    Stage.INTENT: frozenset({Stage.SENT, Stage.ABSENT}),
    Stage.SENT: frozenset({Stage.DONE, Stage.REFUSED, Stage.UNKNOWN}),
    Stage.UNKNOWN: frozenset({Stage.DONE, Stage.ABSENT, Stage.REVIEW}),
    Stage.ABSENT: frozenset({Stage.DONE}),
    Stage.REVIEW: frozenset({Stage.DONE}),
    Stage.REFUSED: frozenset(),
    Stage.DONE: frozenset(),
}
"""ABSENT and REVIEW become DONE where the account shows the order after all."""


class Filled(Struct, frozen=True, kw_only=True):
    """What an answer, or the account itself, says of an order; `position` is the one that it opened or closed."""

    volume: Decimal = Decimal(0)
    price: Decimal = Decimal(0)
    position: int = 0
    retcode: int = 0


NOTHING = Filled()


class Intent(Struct, frozen=True, kw_only=True):
    """One order for one leg of one command: `open`, `close:POSITION`, `modify:POSITION`; `…:2` is the second order for it."""

    number: int
    command_id: str
    leg: str
    bot_id: str
    master_ticket: int
    symbol: str
    type: str
    stage: Stage
    magic: int
    request: OrderRequest
    plan: Mapping[str, str] = {}
    sent_at: datetime | None = None
    note: str = ""
    filled: Filled = NOTHING

    @property
    def opens(self) -> bool:
        return self.request.action == DEAL and not self.request.position

    @property
    def closes(self) -> bool:
        return self.request.action == DEAL and self.request.position != 0


class Copy(Struct, frozen=True, kw_only=True):
    """So many lots of a position of this account copy a ticket of a bot; `symbol` and `type` are the master's."""

    identifier: int
    bot_id: str
    master_ticket: int
    symbol: str
    type: str
    volume: Decimal


class Gone(Struct, frozen=True, kw_only=True):
    """A copy that ended without a command of the hub's, and what the deals say of it; `answers` is the hub's close for it."""

    identifier: int
    bot_id: str
    master_ticket: int
    symbol: str
    booked: Booked
    ended_at: datetime
    answers: str | None = None


_SCHEMA = """
CREATE TABLE IF NOT EXISTS intents (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    command_id TEXT NOT NULL,
    leg TEXT NOT NULL,
    bot_id TEXT NOT NULL,
    master_ticket INTEGER NOT NULL,
    symbol TEXT NOT NULL,
    type TEXT NOT NULL,
    stage TEXT NOT NULL,
    request BLOB,
    plan BLOB,
    sent_at TEXT,
    note TEXT NOT NULL DEFAULT '',
    filled BLOB,
    UNIQUE (command_id, leg)
);
CREATE INDEX IF NOT EXISTS unsettled_intents ON intents (number) WHERE stage IN ('SENT', 'UNKNOWN');
CREATE INDEX IF NOT EXISTS intents_of_ticket ON intents (bot_id, master_ticket);
CREATE TABLE IF NOT EXISTS copies (
    identifier INTEGER NOT NULL, bot_id TEXT NOT NULL, master_ticket INTEGER NOT NULL,
    symbol TEXT NOT NULL, type TEXT NOT NULL, volume TEXT NOT NULL,
    PRIMARY KEY (bot_id, master_ticket, identifier)
);
CREATE TABLE IF NOT EXISTS gone (
    identifier INTEGER NOT NULL, bot_id TEXT NOT NULL, master_ticket INTEGER NOT NULL,
    symbol TEXT NOT NULL, booked BLOB NOT NULL, ended_at TEXT NOT NULL, answers TEXT,
    PRIMARY KEY (bot_id, master_ticket, identifier)
);
CREATE INDEX IF NOT EXISTS untold_gone ON gone (identifier) WHERE answers IS NULL;
"""

_COLUMNS = "number, command_id, leg, bot_id, master_ticket, symbol, type, stage, request, plan, sent_at, note, filled"


class CopierJournal:
    """Every change is on the disk when the call returns. Raise StoreUnavailable."""

    def __init__(self, path: Path) -> None:
        self._file = LedgerFile(path, _SCHEMA)
        found = self._file.fact("nonce", int)
        self._nonce = secrets.randbelow(NONCES) if found is None else found
        if found is None:
            self._file.write(lambda: self._file.put_fact("nonce", self._nonce))

    def close(self) -> None:
        self._file.close()

    def find(self, command_id: str, leg: str) -> Intent | None:
        """One order of a command."""
        return next(iter(self._intents("command_id = ? AND leg = ?", command_id, leg)), None)

    def tried(self, command_id: str) -> Sequence[Intent]:
        """All orders of a command, oldest first: a command that comes again is not done again."""
        return self._intents("command_id = ?", command_id)

    def intend(
        self, command: Command, leg: str, request: OrderRequest, plan: Mapping[str, str] | None = None
    ) -> Intent:
        """Written down with a magic of its own, which is put into the request. Raise StoreUnavailable for a leg that is there."""
        told = (command.id, leg, command.bot_id, command.master_ticket, command.symbol, command.type, Stage.INTENT)

        def work() -> Intent:
            names = "command_id, leg, bot_id, master_ticket, symbol, type, stage"
            cursor = self._file.run(
                f"INSERT INTO intents ({names}) VALUES (?, ?, ?, ?, ?, ?, ?)",  # noqa: S608  names of ours
                *told,
            )
            number = cursor.lastrowid or 0
            marked = replace(request, magic=magic_of(self._nonce, number))
            packed, planned = msgspec.msgpack.encode(marked), msgspec.msgpack.encode(plan or {})
            self._file.run("UPDATE intents SET request = ?, plan = ? WHERE number = ?", packed, planned, number)
            return Intent(
                number=number,
                command_id=command.id,
                leg=leg,
                bot_id=command.bot_id,
                master_ticket=command.master_ticket,
                symbol=command.symbol,
                type=command.type,
                stage=Stage.INTENT,
                magic=marked.magic,
                request=marked,
                plan=plan or {},
            )

        return self._file.write(work)

    def move(
        self,
        intent: Intent,
        stage: Stage,
        *,
        note: str = "",
        sent_at: datetime | None = None,
        filled: Filled = NOTHING,
    ) -> Intent:
        """What was filled counts for the ticket's copies in the same commit. Raise IllegalMove."""
        if stage not in MOVES[intent.stage]:
            raise IllegalMove(f"order {intent.number} is {intent.stage}: it cannot become {stage}")
        at = sent_at or intent.sent_at

        def work() -> None:
            moved = self._file.run(
                "UPDATE intents SET stage = ?, note = ?, sent_at = ?, filled = ? WHERE number = ? AND stage = ?",
                stage,
                note,
                None if at is None else at.isoformat(),
                msgspec.msgpack.encode(filled),
                intent.number,
                intent.stage,
            )
            if moved.rowcount != 1:
                raise IllegalMove(f"order {intent.number} is not {intent.stage} any more")
            if stage is Stage.DONE and (intent.opens or intent.closes) and filled.volume:
                self._count(intent, filled)

        self._file.write(work)
        return replace(intent, stage=stage, note=note, sent_at=at, filled=filled)

    def _count(self, intent: Intent, filled: Filled) -> None:
        """Inside a `write`. More than was opened for the ticket is never taken off it."""
        key = (intent.bot_id, intent.master_ticket, filled.position)
        where = "bot_id = ? AND master_ticket = ? AND identifier = ?"
        rows = self._file.run(f"SELECT volume FROM copies WHERE {where}", *key).fetchall()  # noqa: S608  words of ours
        before = Decimal(rows[0][0]) if rows else Decimal(0)
        volume = before + filled.volume if intent.opens else before - filled.volume
        self._file.run(f"DELETE FROM copies WHERE {where}", *key)  # noqa: S608  words of ours
        if volume > 0:
            self._file.run(
                "INSERT INTO copies VALUES (?, ?, ?, ?, ?, ?)",
                filled.position,
                intent.bot_id,
                intent.master_ticket,
                intent.symbol,
                intent.type,
                plain(volume),
            )

    def abandoned(self) -> Sequence[Intent]:
        """Written down and never sent: a program that died in between."""
        return self._intents("stage = 'INTENT' AND request IS NOT NULL")

    def unsettled(self) -> Sequence[Intent]:
        """Sent, and nothing is certain."""
        return self._intents("stage IN ('SENT', 'UNKNOWN')")

    def copies(self) -> Sequence[Copy]:
        """All that this copier holds."""
        return [_copy(row) for row in self._file.read("SELECT * FROM copies ORDER BY identifier")]

    def copies_of(self, bot_id: str, master_ticket: int) -> Sequence[Copy]:
        statement = "SELECT * FROM copies WHERE bot_id = ? AND master_ticket = ? ORDER BY identifier"
        return [_copy(row) for row in self._file.read(statement, bot_id, master_ticket)]

    def bury(self, ends: Sequence[Gone], copies: Sequence[Copy] = ()) -> None:
        """These copies are no more; nothing is left to tell where a command closed it all."""
        where = "bot_id = ? AND master_ticket = ? AND identifier = ?"

        def work() -> None:
            for copy in copies:
                key = (copy.bot_id, copy.master_ticket, copy.identifier)
                self._file.run(f"DELETE FROM copies WHERE {where}", *key)  # noqa: S608  words of ours
            for one in ends:
                told = (one.identifier, one.bot_id, one.master_ticket, one.symbol, msgspec.msgpack.encode(one.booked))
                at = one.ended_at.isoformat()
                self._file.run("INSERT OR IGNORE INTO gone VALUES (?, ?, ?, ?, ?, ?, NULL)", *told, at)

        self._file.write(work)

    def gone(self, since: datetime) -> Sequence[Gone]:
        """What the hub has not asked about yet. After a day it never will: it held nothing of it."""
        statement = "SELECT * FROM gone WHERE answers IS NULL AND ended_at >= ? ORDER BY identifier"
        return [_gone(row) for row in self._file.read(statement, since.isoformat())]

    def gone_of(self, command: Command) -> Sequence[Gone]:
        """What a close of this ticket finds closed: that nobody asked about before, or this command did."""
        where = "bot_id = ? AND master_ticket = ? AND (answers IS NULL OR answers = ?) ORDER BY identifier"
        values = (command.bot_id, command.master_ticket, command.id)
        return [_gone(row) for row in self._file.read(f"SELECT * FROM gone WHERE {where}", *values)]  # noqa: S608  words of ours

    def answer_gone(self, command: Command) -> None:
        """They are in this command's result."""
        statement = "UPDATE gone SET answers = ? WHERE bot_id = ? AND master_ticket = ? AND answers IS NULL"
        values = (command.id, command.bot_id, command.master_ticket)
        self._file.write(lambda: self._file.run(statement, *values))

    def was_opened(self, bot_id: str, master_ticket: int) -> bool:
        """Whether anything was ever opened for the ticket."""
        found = self._intents("bot_id = ? AND master_ticket = ? AND stage = 'DONE'", bot_id, master_ticket)
        return any(one.opens for one in found)

    def by_magic(self, magic: int) -> Intent | None:
        """An order of this journal by its number; None for a stranger's, and for another journal's."""
        if magic != magic_of(self._nonce, number_of(magic) or 1):
            return None
        return next(iter(self._intents("number = ?", number_of(magic))), None)

    def _intents(self, where: str, *values: object) -> Sequence[Intent]:
        rows = self._file.read(f"SELECT {_COLUMNS} FROM intents WHERE {where} ORDER BY number", *values)  # noqa: S608  words of ours
        return [_intent(row) for row in rows]


def _copy(row: Sequence[Any]) -> Copy:
    identifier, bot_id, master_ticket, symbol, kind, volume = row
    return Copy(
        identifier=identifier,
        bot_id=bot_id,
        master_ticket=master_ticket,
        symbol=symbol,
        type=kind,
        volume=Decimal(volume),
    )


def _gone(row: Sequence[Any]) -> Gone:
    identifier, bot_id, master_ticket, symbol, packed, ended_at, answers = row
    return Gone(
        identifier=identifier,
        bot_id=bot_id,
        master_ticket=master_ticket,
        symbol=symbol,
        booked=msgspec.msgpack.decode(packed, type=Booked),
        ended_at=datetime.fromisoformat(ended_at),
        answers=answers,
    )


def _intent(row: Sequence[Any]) -> Intent:
    number, command_id, leg, bot_id, master_ticket, symbol, kind, stage, packed, plan, sent_at, note, filled = row
    request = msgspec.msgpack.decode(packed, type=OrderRequest)
    return Intent(
        number=number,
        command_id=command_id,
        leg=leg,
        bot_id=bot_id,
        master_ticket=master_ticket,
        symbol=symbol,
        type=kind,
        stage=Stage(stage),
        magic=request.magic,
        request=request,
        plan=msgspec.msgpack.decode(plan, type=dict[str, str]),
        sent_at=None if sent_at is None else datetime.fromisoformat(sent_at),
        note=note,
        filled=NOTHING if filled is None else msgspec.msgpack.decode(filled, type=Filled),
    )
