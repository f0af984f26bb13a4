"""The copier's own journal: each order before it is sent, what came of it, and which position copies which ticket."""

import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import msgspec
from msgspec.structs import replace

from copydesk.domain.errors import IllegalMove
from copydesk.domain.instrument import plain
from copydesk.terminal.codec import OrderRequest
from copydesk.terminal.copier.commands import Command
from copydesk.terminal.copier.records import (
    MOVES,
    NOTHING,
    Copy,
    Filled,
    Gone,
    Intent,
    Placed,
    Stage,
    read_copy,
    read_gone,
    read_intent,
    read_placed,
)
from copydesk.terminal.copier.requests import magic_of, number_of
from copydesk.terminal.ledger_file import LedgerFile

NONCES = 1 << 16


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
CREATE TABLE IF NOT EXISTS orders (
    number INTEGER PRIMARY KEY, command_id TEXT NOT NULL, bot_id TEXT NOT NULL, master_ticket INTEGER NOT NULL,
    symbol TEXT NOT NULL, type TEXT NOT NULL, volume TEXT NOT NULL
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

    def write_ahead(
        self, command: Command, leg: str, request: OrderRequest, plan: Mapping[str, str] | None = None
    ) -> Intent:
        """Written down with a magic of its own, which is put into the request. Raise StoreUnavailable for a leg that is there."""
        told = (command.id, leg, command.bot_id, command.master_ticket, command.symbol, command.side, Stage.INTENT)

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
                type=command.side,
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
            if stage is Stage.DONE and intent.places and filled.order:
                self._put_order(intent, filled.order)

        self._file.write(work)
        return replace(intent, stage=stage, note=note, sent_at=at, filled=filled)

    def _put_order(self, intent: Intent, number: int) -> None:
        """Inside a `write`."""
        told = (intent.command_id, intent.bot_id, intent.master_ticket, intent.symbol, intent.type)
        values = (number, *told, plain(intent.request.volume))
        self._file.run("INSERT OR IGNORE INTO orders VALUES (?, ?, ?, ?, ?, ?, ?)", *values)

    def orders(self) -> Sequence[Placed]:
        """All that wait, as far as is known."""
        return [read_placed(row) for row in self._file.read("SELECT * FROM orders ORDER BY number")]

    def orders_of(self, bot_id: str, master_ticket: int) -> Sequence[Placed]:
        statement = "SELECT * FROM orders WHERE bot_id = ? AND master_ticket = ? ORDER BY number"
        return [read_placed(row) for row in self._file.read(statement, bot_id, master_ticket)]

    def end_order(self, placed: Placed, filled: Filled = NOTHING) -> None:
        """It waits no more; what was filled copies its ticket from the same commit on."""

        def work() -> None:
            self._file.run("DELETE FROM orders WHERE number = ?", placed.order)
            if filled.volume:
                copy = (placed.bot_id, placed.master_ticket, placed.symbol, placed.type, plain(filled.volume))
                self._file.run("INSERT OR IGNORE INTO copies VALUES (?, ?, ?, ?, ?, ?)", filled.position, *copy)

        self._file.write(work)

    def removals_of(self, order: int) -> Sequence[Intent]:
        """What this program did to take an order back."""
        where = "(leg = ? OR leg LIKE ?) AND stage = 'DONE'"
        return self._intents(where, f"remove:{order}", f"remove:{order}:%")

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
        return [read_copy(row) for row in self._file.read("SELECT * FROM copies ORDER BY identifier")]

    def copies_of(self, bot_id: str, master_ticket: int) -> Sequence[Copy]:
        statement = "SELECT * FROM copies WHERE bot_id = ? AND master_ticket = ? ORDER BY identifier"
        return [read_copy(row) for row in self._file.read(statement, bot_id, master_ticket)]

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
        return [read_gone(row) for row in self._file.read(statement, since.isoformat())]

    def gone_of(self, command: Command) -> Sequence[Gone]:
        """What a close of this ticket finds closed: that nobody asked about before, or this command did."""
        where = "bot_id = ? AND master_ticket = ? AND (answers IS NULL OR answers = ?) ORDER BY identifier"
        values = (command.bot_id, command.master_ticket, command.id)
        return [read_gone(row) for row in self._file.read(f"SELECT * FROM gone WHERE {where}", *values)]  # noqa: S608  words of ours

    def answer_gone(self, command: Command) -> None:
        """They are in this command's result."""
        statement = "UPDATE gone SET answers = ? WHERE bot_id = ? AND master_ticket = ? AND answers IS NULL"
        values = (command.id, command.bot_id, command.master_ticket)
        self._file.write(lambda: self._file.run(statement, *values))

    def was_opened(self, bot_id: str, master_ticket: int) -> bool:
        """Whether anything was ever opened for the ticket, or waited for it."""
        found = self._intents("bot_id = ? AND master_ticket = ? AND stage = 'DONE'", bot_id, master_ticket)
        return any(one.opens or one.places for one in found)

    def by_magic(self, magic: int) -> Intent | None:
        """An order of this journal by its number; None for a stranger's, and for another journal's."""
        if magic != magic_of(self._nonce, number_of(magic) or 1):
            return None
        return next(iter(self._intents("number = ?", number_of(magic))), None)

    def _intents(self, where: str, *values: object) -> Sequence[Intent]:
        rows = self._file.read(f"SELECT {_COLUMNS} FROM intents WHERE {where} ORDER BY number", *values)  # noqa: S608  words of ours
        return [read_intent(row) for row in rows]
