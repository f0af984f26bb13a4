"""Backups on both databases: one file, counted and verified, and a database out of it on either."""

import sqlite3
import subprocess
import sys
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import inspect

from copydesk.domain.errors import Conflict, CopydeskError
from copydesk.domain.signal import LegKind
from copydesk.domain.user import Role
from copydesk.ports.clock import SystemClock
from copydesk.stores.backup import BackupBroken, back_up_postgres, back_up_sqlite, verify
from copydesk.stores.restoring import restore_postgres, restore_sqlite
from copydesk.stores.store import SqlStore
from store_support import NOW, make_position, make_trade, make_user

SECRET = "made-up"


async def make_backup(address, target, told=None):
    def tell(what, done, total):
        if told is not None:
            told.append((what, done, total))

    if address.kind == "sqlite":
        return back_up_sqlite(Path(address.place), target, NOW, tell)
    return await back_up_postgres(address.place, target, NOW, tell)


async def restore(address, backup, vault, *, replace=False):
    def tell(_what, _done, _total):
        pass

    at = SystemClock().now()
    if address.kind == "sqlite":
        return restore_sqlite(backup, Path(address.place), vault, at, tell, replace=replace)[0]
    return await restore_postgres(backup, address.place, vault, at, tell, replace=replace)


@pytest.fixture
async def filled(store, desk):
    """A desk with a signal, an execution with its journal, a position, a trade and three audit lines."""

    def work(tables):
        signal = desk.signal(payload={"text": "naïve ☃", "deep": [1.5, None, True]})
        tables.signals.add(signal)
        execution = desk.execution(signal, requested_quantity=Decimal("0.00100"), leg=LegKind.OPEN.value)
        tables.executions.add([execution])
        tables.positions.put(execution, make_position(), NOW)
        tables.positions.add_trade(execution, make_trade())
        for number in range(3):
            details = {"price": 1.1, "word": "é", "number": number}
            tables.audit.add(actor="ada", action="test", subject=str(number), details=details, at=NOW)
        return execution

    return await store.write(work)


@pytest.fixture
def empty_address(empty_address, tmp_path):
    """Not the file of the desk that is backed up."""
    return replace(empty_address, place=str(tmp_path / "empty.db")) if empty_address.kind == "sqlite" else empty_address


@pytest.fixture
def backup_file(tmp_path):
    return tmp_path / "kept" / "desk.backup"


async def test_a_backup_is_one_file_with_every_row_for_its_owner_alone(address, filled, backup_file):
    told = []

    made = await make_backup(address, backup_file, told)

    assert verify(backup_file) == made
    assert made.counts["bot_signal_executions"] == 1
    assert made.counts["audit_log"] == 3
    assert made.rows > 8
    assert backup_file.stat().st_mode & 0o777 == 0o600
    assert [one.name for one in backup_file.parent.iterdir()] == [backup_file.name]
    assert told[-1] == ("verify", 1, 1)
    assert SECRET.encode() not in backup_file.read_bytes()


async def test_what_is_restored_is_what_was_backed_up(address, empty_address, store, desk, filled, backup_file, vault):
    await make_backup(address, backup_file)

    made = await restore(empty_address, backup_file, vault)

    async with Opened(empty_address, vault) as there:
        before = await store.read(lambda tables: everything(tables, filled, desk))
        after = await there.read(lambda tables: everything(tables, filled, desk))
        lines = await there.read(lambda tables: tables.audit.lines(limit=10))
        broken = await there.read(lambda tables: tables.audit.first_broken())
        [breaker] = await there.read(lambda tables: tables.breakers.pulled() or [None])
    assert after == before
    assert made.counts["audit_log"] == 3
    assert broken is None
    assert [line.action for line in lines] == ["database.restore", "test", "test", "test"]
    assert lines[0].details["backup"] == "desk.backup"
    assert breaker is None  # this desk has no admin who could release it


async def test_openings_wait_after_a_restore_until_an_admin_has_looked(
    address, empty_address, store, filled, backup_file, vault
):
    admin = await store.write(add_admin)
    await make_backup(address, backup_file)

    await restore(empty_address, backup_file, vault)

    async with Opened(empty_address, vault) as there:
        [breaker] = await there.read(lambda tables: tables.breakers.pulled())
    assert (breaker.reach.scope, breaker.mode, breaker.set_by) == ("all", "stop_opens", admin.id)


async def test_the_journal_goes_on_with_numbers_of_its_own(address, empty_address, filled, backup_file, vault):
    await make_backup(address, backup_file)
    await restore(empty_address, backup_file, vault)

    async with Opened(empty_address, vault) as there:
        desk_of = await there.read(lambda tables: tables.executions.get(filled.id))

        def work(tables):
            signal = tables.signals.get(desk_of.signal_id)
            again = type(desk_of)(**{**as_fields(desk_of), "id": "0" * 26, "leg": "close"})
            tables.executions.add([again])
            return signal

        await there.write(work)
        newest = await there.read(lambda tables: tables.figures.newest_move())
    assert newest == 2


async def test_a_database_that_is_not_empty_is_kept_unless_one_says_otherwise(
    address, store, desk, filled, backup_file, vault
):
    await make_backup(address, backup_file)
    await store.write(lambda tables: tables.audit.add(actor="a", action="later", subject="", details={}, at=NOW))

    with pytest.raises(Conflict, match="not empty"):
        await restore(address, backup_file, vault)
    kept = await store.read(lambda tables: tables.audit.lines(limit=1))
    assert kept[0].action == "later"


async def test_told_so_a_backup_takes_the_place_of_what_was_there(address, desk, database, filled, backup_file, vault):
    await make_backup(address, backup_file)
    store = SqlStore(database, vault)
    await store.write(lambda tables: tables.audit.add(actor="a", action="later", subject="", details={}, at=NOW))
    await database.close()

    await restore(address, backup_file, vault, replace=True)

    async with Opened(address, vault) as there:
        lines = await there.read(lambda tables: tables.audit.lines(limit=10))
    assert [line.action for line in lines] == ["database.restore", "test", "test", "test"]
    if address.kind == "sqlite":
        [kept] = Path(address.place).parent.glob("desk.db.before-*")
        with sqlite3.connect(kept) as old:
            assert old.execute("SELECT count(*) FROM audit_log WHERE action = 'later'").fetchone() == (1,)


async def test_nothing_is_restored_under_a_desk_that_runs(address, store, filled, backup_file, vault):
    await make_backup(address, backup_file)
    await store.write(lambda tables: tables.leases.take("desk", "somebody", 60, lambda _: False))

    with pytest.raises(Conflict, match="stop it first"):
        await restore(address, backup_file, vault, replace=True)


async def test_a_backup_beside_writers_is_of_one_moment(address, store, desk, filled, backup_file):
    """While pages are copied the desk writes on: the copy has all of what was there when it began, and verifies."""
    await make_backup(address, backup_file)
    await store.write(lambda tables: tables.audit.add(actor="a", action="later", subject="", details={}, at=NOW))

    later = backup_file.with_name("later.backup")
    made = await make_backup(address, later)

    assert verify(backup_file).counts["audit_log"] == 3
    assert made.counts["audit_log"] == 4


async def test_a_backup_never_takes_another_s_place(address, filled, backup_file):
    await make_backup(address, backup_file)

    with pytest.raises(CopydeskError, match="there already"):
        await make_backup(address, backup_file)
    verify(backup_file)


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        ("DELETE FROM trades", "trades has 0 rows, not 1"),
        ("UPDATE audit_log SET actor = 'mallory' WHERE number = 2", "the audit log is broken at line 2"),
        ("DELETE FROM exchange_accounts", "refers to"),
        ("DROP TABLE copydesk_backup", "is no backup of copydesk"),
    ],
)
async def test_a_backup_that_was_changed_is_found_out(
    address, filled, backup_file, vault, empty_address, statement, found
):
    await make_backup(address, backup_file)
    with sqlite3.connect(backup_file) as connection:
        connection.execute(statement)
    connection.close()

    with pytest.raises(BackupBroken, match=found):
        verify(backup_file)
    with pytest.raises(BackupBroken, match=found):
        await restore(empty_address, backup_file, vault)


async def test_a_file_that_is_cut_short_is_no_backup(address, filled, backup_file):
    await make_backup(address, backup_file)
    whole = backup_file.read_bytes()
    backup_file.write_bytes(whole[: len(whole) // 2])

    with pytest.raises(BackupBroken):
        verify(backup_file)


def test_a_file_that_is_not_there_is_no_backup(tmp_path):
    with pytest.raises(BackupBroken, match="no such file"):
        verify(tmp_path / "nowhere.backup")


def add_admin(tables):
    admin = make_user(role=Role.ADMIN)
    tables.users.add(admin, "hash")
    return admin


def everything(tables, execution, desk):
    return (
        tables.executions.get(execution.id),
        tables.signals.get(execution.signal_id),
        tables.positions.get(execution.subscription_id, execution.symbol),
        tables.results.trades(desk.account),
        tables.bots.get(desk.bot.id),
        tables.followers.credentials(desk.account.id),
        tables.history.timeline([execution.id]),
    )


def as_fields(one):
    return {name: getattr(one, name) for name in one.__struct_fields__}


class Opened:
    """Another hub's way to a database."""

    def __init__(self, address, vault):
        self._database, self._vault = address.open(), vault

    async def __aenter__(self):
        await self._database.start()
        return SqlStore(self._database, self._vault)

    async def __aexit__(self, *_):
        await self._database.close()


async def test_no_table_is_left_out_of_a_backup(address):
    opened = address.open()
    await opened.start()

    names = await opened.read(lambda connection: set(inspect(connection).get_table_names()))

    await opened.close()
    assert set(known_alone()) == names - {"alembic_version", "table_marks"}


def known_alone():
    """In a program that loads nothing else: what another module declares would hide what this one forgot."""
    alone = "from copydesk.stores.backup import TABLES; print(*(table.name for table in TABLES))"
    told = subprocess.run([sys.executable, "-c", alone], capture_output=True, text=True, check=True)
    return told.stdout.split()
