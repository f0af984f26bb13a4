"""Backups: one SQLite file whatever the database is, whole as of one moment, counted and verified before it gets its name.

The master key is in none: it is in no table.
"""

import contextlib
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from urllib.parse import quote

import msgspec
from msgspec import Struct
from sqlalchemy import Column, Connection, MetaData, Table, Text, create_engine, func, inspect, select
from sqlalchemy.exc import DBAPIError

from copydesk.domain.errors import Conflict, CopydeskError
from copydesk.stores import strategy_tables, tables, terminal_tables
from copydesk.stores.audit import AuditLog
from copydesk.stores.migrate import upgrade
from copydesk.stores.postgres import PostgresDatabase
from copydesk.stores.schema import metadata
from copydesk.stores.unit import Unit

ROWS_AT_ONCE = 1_000
PAGES_AT_ONCE = 1_000
"""SQLite lets others go first after each so many pages of 4 KiB."""

_DECLARED = (tables, terminal_tables, strategy_tables)
"""Where the tables are declared."""

TABLES = tuple(one for one in metadata.sorted_tables if one is not tables.table_marks)
"""Every table, each after those that it refers to, but for what a database notes for those who use it just now."""

_MANIFEST = Table("copydesk_backup", MetaData(), Column("manifest", Text, nullable=False))

Tell = Callable[[str, int, int], None]
"""What is being done, how much of it is done, and how much there is."""


class BackupBroken(CopydeskError):
    """It is none of ours, or not what it was when it was made."""


class Manifest(Struct, frozen=True, kw_only=True):
    """What a backup says of itself: how many rows each table had."""

    made_at: datetime
    source: str
    counts: Mapping[str, int]

    @property
    def rows(self) -> int:
        return sum(self.counts.values())


def back_up_sqlite(source: Path, target: Path, at: datetime, tell: Tell) -> Manifest:
    """Beside a running desk: it reads what was committed when it began, and nobody waits for it."""
    with _drafted(target) as draft:
        _copy_pages(source, draft, tell)
        return _finish(draft, at, "sqlite", tell)


async def back_up_postgres(url: str, target: Path, at: datetime, tell: Tell) -> Manifest:
    """Row by row out of one snapshot."""
    database = PostgresDatabase(url, "copydesk backup")
    try:
        with _drafted(target) as draft:
            await database.read(lambda connection: _copy_rows_into_file(connection, draft, tell))
            return _finish(draft, at, "postgresql", tell)
    finally:
        await database.close()


def verify(path: Path) -> Manifest:
    """Raise BackupBroken unless every page reads, every table has its rows, and the audit log's chain is whole."""
    with _broken_where_unreadable(path), opened(path) as connection:
        manifest = _read_manifest(connection, path)
        problem = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar_one()
        if problem != "ok":
            raise BackupBroken(f"{path}: {problem}")
        if (orphan := connection.exec_driver_sql("PRAGMA foreign_key_check").first()) is not None:
            raise BackupBroken(f"{path}: a row of {orphan[0]} refers to one of {orphan[2]} that is not there")
        check_rows(connection, manifest.counts, str(path))
    return manifest


def read_manifest(path: Path) -> Manifest:
    """What it says of itself, unchecked. Raise BackupBroken for what is no backup of copydesk."""
    with _broken_where_unreadable(path), opened(path) as connection:
        return _read_manifest(connection, path)


def check_rows(connection: Connection, counts: Mapping[str, int], where: str) -> None:
    """Raise BackupBroken unless there are as many rows, and the audit log is whole."""
    known = {table.name: table for table in TABLES}
    for name, wanted in counts.items():
        found = connection.execute(select(func.count()).select_from(known[name])).scalar_one() if name in known else 0
        if found != wanted:
            raise BackupBroken(f"{where}: {name} has {found} rows, not {wanted}")
    if "audit_log" in counts and (line := AuditLog(Unit(connection)).first_broken()) is not None:
        raise BackupBroken(f"{where}: the audit log is broken at line {line}")


def copy_rows(source: Connection, target: Connection, tell: Tell) -> Mapping[str, int]:
    """Every row of every table, parents first; how many there were."""
    there = set(inspect(source).get_table_names())
    tables = [table for table in TABLES if table.name in there]
    counts = {one.name: source.execute(select(func.count()).select_from(one)).scalar_one() for one in tables}
    done, total = 0, sum(counts.values())
    for table in tables:
        rows = source.execution_options(yield_per=ROWS_AT_ONCE).execute(select(table)).mappings()
        for some in rows.partitions():
            target.execute(table.insert(), [dict(row) for row in some])
            done += len(some)
            tell(table.name, done, total)
    return counts


@contextlib.contextmanager
def opened(path: Path, *, mode: str = "ro") -> Iterator[Connection]:
    """A SQLite file; what is written is committed where nothing was raised."""
    engine = create_engine(f"sqlite:///file:{quote(str(path))}?mode={mode}&uri=true")
    try:
        with engine.begin() as connection:
            yield connection
    finally:
        engine.dispose()


@contextlib.contextmanager
def _drafted(target: Path) -> Iterator[Path]:
    """A file that gets its name once it is whole; nobody but its owner reads it."""
    if target.exists():
        raise Conflict(f"{target} is there already: a backup never takes the place of another")
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = target.with_name(f"{target.name}.part")
    draft.unlink(missing_ok=True)
    draft.touch(mode=0o600)
    try:
        yield draft
        draft.rename(target)
    finally:
        draft.unlink(missing_ok=True)


def _copy_pages(source: Path, draft: Path, tell: Tell) -> None:
    def told(_status: int, remaining: int, total: int) -> None:
        tell("pages", total - remaining, total)

    with contextlib.closing(sqlite3.connect(source)) as here, contextlib.closing(sqlite3.connect(draft)) as there:
        # While this transaction is open SQLite reads one snapshot, and does not begin again for every write of the desk.
        here.execute("BEGIN")
        here.execute("SELECT count(*) FROM sqlite_master").fetchone()
        here.backup(there, pages=PAGES_AT_ONCE, progress=told)
        there.execute("PRAGMA journal_mode=DELETE")


def _copy_rows_into_file(source: Connection, draft: Path, tell: Tell) -> None:
    source.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
    with opened(draft, mode="rw") as target:
        upgrade(target)
    with opened(draft, mode="rw") as target:
        copy_rows(source, target, tell)


def _finish(draft: Path, at: datetime, source: str, tell: Tell) -> Manifest:
    """Write down what is in it, and look whether it is."""
    with opened(draft, mode="rw") as connection:
        there = set(inspect(connection).get_table_names())
        counts = {
            table.name: connection.execute(select(func.count()).select_from(table)).scalar_one()
            for table in TABLES
            if table.name in there
        }
        manifest = Manifest(made_at=at, source=source, counts=counts)
        _MANIFEST.create(connection)
        connection.execute(_MANIFEST.insert().values(manifest=msgspec.json.encode(manifest).decode()))
    tell("verify", 0, 1)
    verify(draft)
    tell("verify", 1, 1)
    return manifest


def forget_manifest(connection: Connection) -> None:
    """What was a backup is a database again."""
    _MANIFEST.drop(connection)


def _read_manifest(connection: Connection, path: Path) -> Manifest:
    if not inspect(connection).has_table(_MANIFEST.name):
        raise BackupBroken(f"{path} is no backup of copydesk")
    text = connection.execute(select(_MANIFEST.c.manifest)).scalar_one()
    try:
        return msgspec.json.decode(text, type=Manifest)
    except msgspec.DecodeError as error:
        raise BackupBroken(f"{path}: it does not say what is in it") from error


@contextlib.contextmanager
def _broken_where_unreadable(path: Path) -> Iterator[None]:
    if not path.is_file():
        raise BackupBroken(f"{path}: there is no such file")
    try:
        yield
    except DBAPIError as error:
        raise BackupBroken(f"{path}: {error.orig}") from error
