"""One program at a time does a duty; what one wrote that has lost it is not stored, and the journal tells each move's epoch."""

import asyncio

import pytest
from msgspec.structs import replace
from sqlalchemy import select, text

from copydesk.domain.errors import LeaseLost, StaleWrite, StoreUnavailable
from copydesk.domain.execution import State
from copydesk.stores import tables as schema
from copydesk.stores.store import SqlStore
from store_support import NOW


@pytest.fixture
async def signal(store, desk):
    made = desk.signal()
    await store.write(lambda tables: tables.signals.add(made))
    return made


def take(owner, *, gone=False, ttl_s=15.0):
    return lambda tables: tables.leases.take("desk", owner, ttl_s, lambda _name: gone)


async def test_a_lease_is_taken_by_one_and_counts_its_epochs(store):
    assert await store.write(take("one")) == 1
    assert await store.write(take("two")) is None
    assert await store.write(take("one")) == 2  # it was started again
    assert await store.write(take("two", gone=True)) == 3


async def test_a_lease_that_ran_out_is_anybody_s(store):
    await store.write(take("one", ttl_s=-1))

    assert await store.write(take("two")) == 2


async def test_a_lease_that_is_renewed_runs_on_and_one_that_is_given_back_does_not(store):
    epoch = await store.write(take("one", ttl_s=-1))
    await store.write(lambda tables: tables.leases.renew("desk", epoch, 15.0))
    assert await store.write(take("two")) is None

    await store.write(lambda tables: tables.leases.renew("desk", epoch, 0))
    assert await store.write(take("two")) == 2
    with pytest.raises(LeaseLost):
        await store.write(lambda tables: tables.leases.renew("desk", epoch, 15.0))


async def test_nothing_is_stored_for_an_epoch_that_is_over(store, desk, signal):
    epoch = await store.write(take("one"))
    await store.write(take("two", gone=True))
    execution = desk.execution(signal)

    def work(tables):
        tables.executions.add([execution])
        tables.leases.fence("desk", epoch)

    with pytest.raises(LeaseLost):
        await store.write(work)
    assert await store.read(lambda tables: tables.executions.get(execution.id)) is None


async def test_the_journal_tells_in_which_epoch_a_move_was_made(store, desk, signal):
    epoch = await store.write(take("one"))
    execution = desk.execution(signal, state=State.SENDING)

    def fenced(tables):
        tables.leases.fence("desk", epoch)
        tables.executions.add([execution])

    await store.write(fenced)
    unknown = replace(execution, state=State.UNKNOWN)
    await store.write(lambda tables: tables.executions.move(execution, unknown, at=NOW))

    events = schema.execution_events.c
    query = select(events.state, events.epoch).where(events.execution_id == execution.id).order_by(events.number)
    told = await store.read(lambda tables: tables.executions._connection.execute(query).all())
    assert [tuple(row) for row in told] == [(State.SENDING, epoch), (State.UNKNOWN, None)]


async def test_a_move_from_a_state_that_is_no_longer_so_is_refused(store, desk, signal):
    execution = desk.execution(signal, state=State.SENDING)
    await store.write(lambda tables: tables.executions.add([execution]))
    imagined = replace(execution, state=State.QUEUED)

    with pytest.raises(StaleWrite):
        await store.write(
            lambda tables: tables.executions.move(imagined, replace(imagined, state=State.SENDING), at=NOW)
        )


@pytest.mark.parametrize("address", ["postgresql"], indirect=True)
async def test_one_that_is_stopped_in_a_transaction_is_replaced_when_its_lease_has_run_out(store, address, vault):
    database = address.open("one")
    stopped, entered = SqlStore(database, vault), asyncio.Event()
    loop = asyncio.get_running_loop()
    epoch = await stopped.write(take("one", ttl_s=1.0))

    def work(tables):
        tables.leases.fence("desk", epoch)
        loop.call_soon(entered.set)
        tables.leases._connection.execute(text("SELECT pg_sleep(60)"))

    under_way = asyncio.ensure_future(stopped.write(work))
    async with asyncio.timeout(10):
        await entered.wait()
        assert await store.write(take("two")) is None
        await asyncio.sleep(1.2)
        assert await store.write(take("two")) == epoch + 1
        with pytest.raises(StoreUnavailable):
            await under_way
    await database.close()
