"""One SQLite file with a program's own facts: WAL, every commit on the disk before anybody is told."""

import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from copydesk.domain.errors import StoreUnavailable

T = TypeVar("T")

BUSY_S = 5.0

_FACTS = "CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;"


class LedgerFile:
    """Safe to use from several threads. Raise StoreUnavailable where the disk does not take it."""

    def __init__(self, path: Path, schema: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        try:
            self._file = sqlite3.connect(path, timeout=BUSY_S, isolation_level=None, check_same_thread=False)
            self._file.execute("PRAGMA journal_mode=WAL")
            self._file.execute("PRAGMA synchronous=FULL")
            self._file.executescript(_FACTS + schema)
        except sqlite3.Error as error:
            raise StoreUnavailable(f"{path}: {error}") from error

    def close(self) -> None:
        with self._lock:
            self._file.close()

    def fact(self, name: str, kind: type[T]) -> T | None:
        """Something small that must be known again after a restart."""
        rows = self.read("SELECT value FROM facts WHERE name = ?", name)
        return msgspec.msgpack.decode(rows[0][0], type=kind) if rows else None

    def put_fact(self, name: str, value: object) -> None:
        """Inside a `write`."""
        self.run("INSERT OR REPLACE INTO facts VALUES (?, ?)", name, msgspec.msgpack.encode(value))

    def read(self, statement: str, *values: object) -> list[Any]:
        with self._lock:
            try:
                return self._file.execute(statement, values).fetchall()
            except sqlite3.Error as error:
                raise StoreUnavailable(str(error)) from error

    def write(self, work: Callable[[], T]) -> T:
        """One transaction; nothing of it stays where anything fails."""
        with self._lock:
            try:
                self._file.execute("BEGIN IMMEDIATE")
                with self._file:
                    return work()
            except sqlite3.Error as error:
                raise StoreUnavailable(str(error)) from error

    def run(self, statement: str, *values: object) -> sqlite3.Cursor:
        """Inside a `write`."""
        return self._file.execute(statement, values)
