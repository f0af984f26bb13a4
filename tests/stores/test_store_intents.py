"""Intents: stored together in one row ahead of the wire, and filed by execution before anything else is written."""

import asyncio
from contextlib import suppress

import pytest
from msgspec.structs import replace

from copydesk.domain.errors import StoreUnavailable
from copydesk.domain.execution import State
from copydesk.engine.lease import Lease, Owner
from copydesk.ports.clock import SystemClock
from copydesk.stores import store as store_module
from copydesk.stores.intents import write_down
from copydesk.stores.store import SqlStore
from copydesk.stores.tables import bot_signal_executions
from store_support import NOW, new_desk

ONLY_SQLITE = pytest.mark.parametrize("address", ["sqlite"], indirect=True)
ONLY_POSTGRES = pytest.mark.parametrize("address", ["postgresql"], indirect=True)


@pytest.fixture
async def executions(store, desk):
    other = await store.write(new_desk)
    signals = [one.signal() for one in (desk, other)]
    await store.write(lambda tables: [tables.signals.add(one) for one in signals])
    made = [one.execution(signal, state=State.SENDING) for one, signal in zip((desk, other), signals, strict=True)]
    return [
        replace(
            one,
            plan={"rule": "margin", "numbers": {"x": "0.10"}},
            frozen_at=NOW,
            settle_at=NOW,
            request={"side": "BUY"},
        )
        for one in made
    ]


async def rows(database):
    query = bot_signal_executions.select()
    return len(await database.read(lambda connection: connection.execute(query).all()))


def add(executions):
    return lambda tables: tables.executions.add(executions)


def get_all(executions):
    return lambda tables: [tables.executions.get(one.id) for one in executions]


@ONLY_SQLITE
async def test_what_is_intended_is_filed_as_it_was_by_the_next_write(database, store, executions):
    await store.write_ahead(add(executions))
    assert await rows(database) == 0

    seen = await store.write(get_all(executions))

    assert seen == executions
    assert await rows(database) == 2
    journal = await store.read(lambda tables: tables.history.timeline([one.id for one in executions]))
    assert [[event.state for event in journal[one.id]] for one in executions] == [[State.SENDING]] * 2
    assert await store.write(get_all(executions)) == executions


@ONLY_SQLITE
async def test_the_journal_names_the_epoch_that_intended(database, store, executions):
    def intend(tables):
        tables.executions.be_of(7)
        tables.executions.add(executions)

    await store.write_ahead(intend)
    await store.write(lambda tables: tables.executions.be_of(8))

    with_epoch = await database.read(
        lambda connection: connection.exec_driver_sql("SELECT DISTINCT epoch FROM execution_events").scalars().all()
    )
    assert with_epoch == [7]


@ONLY_SQLITE
async def test_a_reader_sees_them_a_moment_later(store, executions, monkeypatch):
    await store.write_ahead(add(executions))
    at_once = await store.read(get_all(executions))

    monkeypatch.setattr(store_module, "READ_LATE_S", 0)

    assert at_once == [None, None]
    assert await store.read(get_all(executions)) == executions


async def test_what_a_program_that_died_intended_is_there_for_the_next_one(database, vault, executions):
    """On PostgreSQL too: a backup of SQLite may have been restored there."""
    await database.write(lambda connection: write_down(connection, executions, 3))

    following = SqlStore(database, vault)

    assert await following.read(lambda tables: tables.executions.in_state([State.SENDING])) == executions


@ONLY_SQLITE
async def test_who_only_reads_is_answered_where_nothing_can_be_filed(database, store, executions, monkeypatch):
    await store.write_ahead(add(executions))
    monkeypatch.setattr(store_module, "READ_LATE_S", 0)

    async def away(_work):
        raise StoreUnavailable("database or disk is full")

    with monkeypatch.context() as trouble:
        trouble.setattr(database, "write", away)
        assert await store.read(get_all(executions)) == [None, None]

    assert await store.read(get_all(executions)) == executions


@ONLY_SQLITE
async def test_work_that_fails_intends_nothing_and_a_write_that_fails_files_nothing(database, store, executions):
    def fail(tables):
        tables.executions.add(executions)
        raise LookupError

    with pytest.raises(LookupError):
        await store.write_ahead(fail)
    assert await store.write(get_all(executions)) == [None, None]

    await store.write_ahead(add(executions))
    with pytest.raises(LookupError):
        await store.write(fail)

    assert await rows(database) == 0
    assert await store.write(get_all(executions)) == executions


@ONLY_SQLITE
async def test_what_json_cannot_say_gets_its_row_at_once(database, store, executions):
    strange = [replace(one, plan={"numbers": {"half a character": "\ud83d"}}) for one in executions]

    await store.write_ahead(add(strange))

    assert await rows(database) == 2


@ONLY_POSTGRES
async def test_where_writes_overlap_an_intent_is_a_row_at_once(database, store, executions):
    await store.write_ahead(add(executions))

    assert await rows(database) == 2


@ONLY_SQLITE
async def test_keeping_the_desks_lease_files_nothing_and_giving_it_up_does(database, store, executions):
    lease = Lease(store, SystemClock(), Owner(name="this desk", is_gone=lambda _name: False))
    await lease.take()
    await lease.write_ahead(add(executions))

    with suppress(TimeoutError):
        async with asyncio.timeout(0.5):
            await lease.keep()
    while_kept = await rows(database)
    await lease.give_up()

    assert (while_kept, await rows(database)) == (0, 2)
