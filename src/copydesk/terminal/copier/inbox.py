"""What the hub has told, each command once, and what was answered: written down before the hub hears that it arrived."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from copydesk.terminal.copier.wire import Told, Withdrawn, read_frame
from copydesk.terminal.ledger_file import LedgerFile

T = TypeVar("T")

OWN = "copier:"
"""Commands that this program gives itself begin so: the hub is told nothing of them."""


class Standing(StrEnum):
    """ASKING: an order for it is unknown, and the hub was told so. PLACED: an order for it waits for its price, and the hub was told
    so; what comes for the ticket next does not wait for that.
    """

    WAITING = "WAITING"
    ASKING = "ASKING"
    PLACED = "PLACED"
    ANSWERED = "ANSWERED"


class Entry(Struct, frozen=True, kw_only=True):
    """A command that has no definite answer yet, in the order of the wire."""

    number: int
    told: Told | Withdrawn
    standing: Standing


class Refusal(Struct, frozen=True, kw_only=True):
    """A command as the hub told it, and the answer that it got."""

    frame: Mapping[str, Any]
    answer: Mapping[str, Any]
    at: datetime


_SCHEMA = """
CREATE TABLE IF NOT EXISTS commands (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    bot_id TEXT NOT NULL,
    master_ticket INTEGER NOT NULL,
    frame BLOB NOT NULL,
    received_at TEXT NOT NULL,
    standing TEXT NOT NULL,
    answer BLOB
);
CREATE INDEX IF NOT EXISTS open_commands ON commands (number) WHERE standing <> 'ANSWERED';
CREATE INDEX IF NOT EXISTS commands_of_ticket ON commands (bot_id, master_ticket);
"""


class Inbox:
    """The number of the last command is in the same transaction as the command. Raise StoreUnavailable."""

    def __init__(self, path: Path) -> None:
        self._file = LedgerFile(path, _SCHEMA)

    def close(self) -> None:
        self._file.close()

    def fact(self, name: str, kind: type[T]) -> T | None:
        return self._file.fact(name, kind)

    def keep_fact(self, name: str, value: object) -> None:
        self._file.write(lambda: self._file.put_fact(name, value))

    @property
    def last_seq(self) -> int | None:
        return self._file.fact("last_seq", int)

    def skip_to(self, seq: int) -> None:
        """What lies before was left out on purpose."""
        self.keep_fact("last_seq", seq)

    def take(self, frame: Mapping[str, Any], read: Told | Withdrawn | str, at: datetime, seq: int | None) -> bool:
        """Whether it is new; one that is known changes nothing. What is not understood is answered at once.

        `seq` is None for a command of this program's own.
        """
        bot_id, ticket = ("", 0) if isinstance(read, str) else read.ticket
        refused = {"action": "result", "id": frame["id"], "status": "refused", "reason": f"not understood: {read}"}
        answer = json.dumps(refused).encode() if isinstance(read, str) else None
        standing = Standing.WAITING if answer is None else Standing.ANSWERED
        values = (frame["id"], bot_id, ticket, json.dumps(frame).encode(), at.isoformat(), standing, answer)
        statement = (
            "INSERT OR IGNORE INTO commands (id, bot_id, master_ticket, frame, received_at, standing, answer)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)"
        )

        def work() -> bool:
            is_new = self._file.run(statement, *values).rowcount == 1
            if seq is not None:
                self._file.put_fact("last_seq", seq)
            return is_new

        return self._file.write(work)

    def open(self) -> Sequence[Entry]:
        """Without a definite answer, oldest first."""
        rows = self._file.read(
            "SELECT number, frame, standing FROM commands WHERE standing <> 'ANSWERED' ORDER BY number"
        )
        found = []
        for number, frame, standing in rows:
            read = read_frame(json.loads(frame))
            if not isinstance(read, str):
                found.append(Entry(number=number, told=read, standing=Standing(standing)))
        return found

    def answer(self, command_id: str, answer: Mapping[str, Any], standing: Standing = Standing.ANSWERED) -> None:
        """Another one follows where this is not the last."""
        statement = "UPDATE commands SET standing = ?, answer = ? WHERE id = ?"
        written = msgspec.json.encode(answer)
        self._file.write(lambda: self._file.run(statement, standing, written, command_id))

    def answers(self, ids: Iterable[str]) -> Mapping[str, Mapping[str, Any] | None]:
        """Of those that are known here: what was answered, None where nothing was yet."""
        found: dict[str, Mapping[str, Any] | None] = {}
        for one in ids:
            for (answer,) in self._file.read("SELECT answer FROM commands WHERE id = ?", one):
                found[one] = None if answer is None else json.loads(answer)
        return found

    def refused(self, most: int) -> Sequence[Refusal]:
        """What was definitely not done, and why; newest first."""
        rows = self._file.read(
            "SELECT frame, answer, received_at FROM commands WHERE standing = 'ANSWERED' AND answer IS NOT NULL"
            " AND json_extract(CAST(answer AS TEXT), '$.status') = 'refused' ORDER BY number DESC LIMIT ?",
            most,
        )
        return [
            Refusal(frame=json.loads(frame), answer=json.loads(answer), at=datetime.fromisoformat(at))
            for frame, answer, at in rows
        ]

    def knows_ticket(self, bot_id: str, master_ticket: int) -> bool:
        """Whether any command was ever about it."""
        statement = "SELECT 1 FROM commands WHERE bot_id = ? AND master_ticket = ? LIMIT 1"
        return bool(self._file.read(statement, bot_id, master_ticket))

    def forget_before(self, at: datetime) -> None:
        """What was answered long ago is asked about by nobody."""
        statement = "DELETE FROM commands WHERE standing = 'ANSWERED' AND received_at < ?"
        self._file.write(lambda: self._file.run(statement, at.isoformat()))
