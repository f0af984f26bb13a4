"""Make a database out of a backup: verified before, counted after, and openings wait until a person has looked."""

import contextlib
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, func, inspect, select

from copydesk.domain.breaker import Breaker, BreakerMode, BreakerScope, Reach
from copydesk.domain.errors import Conflict
from copydesk.domain.user import Role
from copydesk.ports.vault import Vault
from copydesk.stores import tables
from copydesk.stores.backup import TABLES, Manifest, Tell, check_rows, copy_rows, forget_manifest, opened, verify
from copydesk.stores.kept import Kept
from copydesk.stores.migrate import upgrade
from copydesk.stores.postgres import PostgresDatabase
from copydesk.stores.store import Tables

_RUNS = "a desk runs on this database: stop it first"
_NOT_EMPTY = "this database is not empty: --replace puts the backup in its place"


def restore_sqlite(
    backup: Path, target: Path, vault: Vault, at: datetime, tell: Tell, *, replace: bool
) -> tuple[Manifest, Path | None]:
    """The manifest, and where the database that was there is now. Raise Conflict or BackupBroken, and then nothing was changed."""
    if target.exists():
        with opened(target) as connection:
            _refuse(connection, at, replace=replace)
    target.parent.mkdir(parents=True, exist_ok=True)
    with _staged(backup, target.parent, vault, at, tell) as (staged, manifest):
        kept = _put_aside(target, at)
        staged.replace(target)
    return manifest, kept


async def restore_postgres(
    backup: Path, url: str, vault: Vault, at: datetime, tell: Tell, *, replace: bool
) -> Manifest:
    """In one transaction. Raise Conflict or BackupBroken, and then nothing was changed."""
    database = PostgresDatabase(url, "copydesk restore")
    try:
        await database.start()
        await database.read(lambda connection: _refuse(connection, at, replace=replace))
        with (
            tempfile.TemporaryDirectory() as folder,
            _staged(backup, Path(folder), vault, at, tell) as (staged, manifest),
        ):
            await database.write(lambda connection: _fill(connection, staged, tell))
        return manifest
    finally:
        await database.close()


@contextlib.contextmanager
def _staged(backup: Path, folder: Path, vault: Vault, at: datetime, tell: Tell) -> Iterator[tuple[Path, Manifest]]:
    """The backup as a database of today's schema, in a file of its own: what goes wrong goes wrong there."""
    tell("verify", 0, 1)
    manifest = verify(backup)
    tell("verify", 1, 1)
    staged = folder / f".{backup.name}.restoring"
    try:
        shutil.copyfile(backup, staged)
        staged.chmod(0o600)
        with opened(staged, mode="rw") as connection:
            forget_manifest(connection)
        with opened(staged, mode="rw") as connection:
            upgrade(connection)
        with opened(staged, mode="rw") as connection:
            check_rows(connection, manifest.counts, str(backup))
            _note(Tables(connection, vault, Kept()), backup, manifest, at)
        yield staged, manifest
    finally:
        staged.unlink(missing_ok=True)


def _note(here: Tables, backup: Path, manifest: Manifest, at: datetime) -> None:
    """Nobody knows what happened at the venues since the backup: openings wait until an admin releases the breaker."""
    connection = here.unit.connection
    admin = select(tables.users.c.id).where(tables.users.c.role == Role.ADMIN).order_by(tables.users.c.id).limit(1)
    who = connection.execute(admin).scalar_one_or_none()
    if who is not None:
        everything = Reach(scope=BreakerScope.ALL, target="")
        here.breakers.pull(Breaker(reach=everything, mode=BreakerMode.STOP_OPENS, set_by=who, set_at=at))
    details = {"backup": backup.name, "made_at": manifest.made_at, "rows": manifest.rows}
    here.audit.add(actor="command line", action="database.restore", subject="database", details=details, at=at)
    here.unit.flush()


def _refuse(connection: Connection, at: datetime, *, replace: bool) -> None:
    there = set(inspect(connection).get_table_names())
    if tables.leases.name in there:
        leases = connection.execute(select(tables.leases.c.expires_at)).scalars()
        if any(one > at for one in leases):
            raise Conflict(_RUNS)
    filled = (one for one in TABLES if one is not tables.leases and one.name in there)
    if not replace and any(connection.execute(select(one).limit(1)).first() is not None for one in filled):
        raise Conflict(_NOT_EMPTY)


def _put_aside(target: Path, at: datetime) -> Path | None:
    """What was there is kept beside, as one file: without its write-ahead log it would not be whole."""
    if not target.exists():
        return None
    with contextlib.closing(sqlite3.connect(target)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.execute("PRAGMA journal_mode=DELETE")
    kept = target.with_name(f"{target.name}.before-{at:%Y%m%dT%H%M%SZ}")
    target.rename(kept)
    return kept


def _fill(target: Connection, staged: Path, tell: Tell) -> None:
    names = ", ".join(f'"{table.name}"' for table in TABLES)
    target.exec_driver_sql(f"TRUNCATE {names}")
    with opened(staged) as source:
        counts = copy_rows(source, target, tell)
    check_rows(target, counts, "the restored database")
    for table in TABLES:
        column = table.autoincrement_column
        if column is not None:
            # The next automatic number comes after those that were copied.
            sequence = func.pg_get_serial_sequence(table.name, column.name)
            following = select(func.coalesce(func.max(column), 0) + 1).scalar_subquery()
            target.execute(select(func.setval(sequence, following, False)))
