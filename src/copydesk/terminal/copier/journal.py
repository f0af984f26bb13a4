"""The copier's own journal: each order before it is sent, what came of it, and which position copies which ticket."""

import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from copydesk.domain.errors import IllegalMove
from copydesk.terminal.codec import OrderRequest
from copydesk.terminal.copier.commands import Command
from copydesk.terminal.copier.requests import magic_of
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


class Intent(Struct, frozen=True, kw_only=True):
    """One order for one leg of one command: `open`, `open:2` (the other filling), `close:TICKET`, `modify:TICKET`."""

    number: int
    command_id: str
    leg: str
    bot_id: str
    master_ticket: int
    stage: Stage
    magic: int
    request: OrderRequest
    sent_at: datetime | None = None
    note: str = ""


class Copy(Struct, frozen=True, kw_only=True):
    """A position of this account that copies a ticket of a bot."""

    identifier: int
    bot_id: str
    master_ticket: int


_SCHEMA = """
CREATE TABLE IF NOT EXISTS intents (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    command_id TEXT NOT NULL,
    leg TEXT NOT NULL,
    bot_id TEXT NOT NULL,
    master_ticket INTEGER NOT NULL,
    stage TEXT NOT NULL,
    request BLOB,
    sent_at TEXT,
    note TEXT NOT NULL DEFAULT '',
    UNIQUE (command_id, leg)
);
CREATE INDEX IF NOT EXISTS unsettled_intents ON intents (number) WHERE stage IN ('SENT', 'UNKNOWN');
CREATE TABLE IF NOT EXISTS copies (
    identifier INTEGER PRIMARY KEY, bot_id TEXT NOT NULL, master_ticket INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS copies_of_ticket ON copies (bot_id, master_ticket);
"""

_COLUMNS = "number, command_id, leg, bot_id, master_ticket, stage, request, sent_at, note"


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
        """What this leg of this command came to: a command that comes again is not done again."""
        return next(iter(self._intents("command_id = ? AND leg = ?", command_id, leg)), None)

    def intend(self, command: Command, leg: str, request: OrderRequest) -> Intent:
        """Written down with a magic of its own, which is put into the request. Raise StoreUnavailable for a leg that is there."""

        def work() -> Intent:
            names = "command_id, leg, bot_id, master_ticket, stage"
            cursor = self._file.run(
                f"INSERT INTO intents ({names}) VALUES (?, ?, ?, ?, ?)",  # noqa: S608  names of ours
                command.id,
                leg,
                command.bot_id,
                command.master_ticket,
                Stage.INTENT,
            )
            number = cursor.lastrowid or 0
            magic = magic_of(self._nonce, number)
            marked = replace(request, magic=magic)
            self._file.run("UPDATE intents SET request = ? WHERE number = ?", msgspec.msgpack.encode(marked), number)
            return Intent(
                number=number,
                command_id=command.id,
                leg=leg,
                bot_id=command.bot_id,
                master_ticket=command.master_ticket,
                stage=Stage.INTENT,
                magic=magic,
                request=marked,
            )

        return self._file.write(work)

    def move(
        self,
        intent: Intent,
        stage: Stage,
        *,
        note: str = "",
        sent_at: datetime | None = None,
        copies: int | None = None,
    ) -> Intent:
        """`copies` is the position that copies the ticket from now on, in the same commit. Raise IllegalMove."""
        if stage not in MOVES[intent.stage]:
            raise IllegalMove(f"order {intent.number} is {intent.stage}: it cannot become {stage}")
        at = sent_at or intent.sent_at

        def work() -> None:
            moved = self._file.run(
                "UPDATE intents SET stage = ?, note = ?, sent_at = ? WHERE number = ? AND stage = ?",
                stage,
                note,
                None if at is None else at.isoformat(),
                intent.number,
                intent.stage,
            )
            if moved.rowcount != 1:
                raise IllegalMove(f"order {intent.number} is not {intent.stage} any more")
            if copies is not None:
                self._file.run(
                    "INSERT OR REPLACE INTO copies VALUES (?, ?, ?)", copies, intent.bot_id, intent.master_ticket
                )

        self._file.write(work)
        return replace(intent, stage=stage, note=note, sent_at=at)

    def abandoned(self) -> Sequence[Intent]:
        """Written down and never sent: a program that died in between."""
        return self._intents("stage = 'INTENT' AND request IS NOT NULL")

    def unsettled(self) -> Sequence[Intent]:
        """Sent, and nothing is certain."""
        return self._intents("stage IN ('SENT', 'UNKNOWN')")

    def copies_of(self, bot_id: str, master_ticket: int) -> Sequence[Copy]:
        statement = "SELECT identifier FROM copies WHERE bot_id = ? AND master_ticket = ?"
        rows = self._file.read(statement, bot_id, master_ticket)
        return [Copy(identifier=row[0], bot_id=bot_id, master_ticket=master_ticket) for row in rows]

    def forget_copy(self, identifier: int) -> None:
        """The position is closed."""
        self._file.write(lambda: self._file.run("DELETE FROM copies WHERE identifier = ?", identifier))

    def _intents(self, where: str, *values: object) -> Sequence[Intent]:
        rows = self._file.read(f"SELECT {_COLUMNS} FROM intents WHERE {where} ORDER BY number", *values)  # noqa: S608  words of ours
        return [_intent(row) for row in rows]


def _intent(row: Sequence[Any]) -> Intent:
    number, command_id, leg, bot_id, master_ticket, stage, packed, sent_at, note = row
    request = msgspec.msgpack.decode(packed, type=OrderRequest)
    return Intent(
        number=number,
        command_id=command_id,
        leg=leg,
        bot_id=bot_id,
        master_ticket=master_ticket,
        stage=Stage(stage),
        magic=request.magic,
        request=request,
        sent_at=None if sent_at is None else datetime.fromisoformat(sent_at),
        note=note,
    )
