"""A write is told of after its commit, all of it or nothing; and a database that fails says so and comes back."""

import asyncio
import sqlite3
import threading

import pytest
from sqlalchemy import text

from copydesk.domain.errors import StoreUnavailable
from copydesk.stores.postgres import PostgresDatabase
from store_support import make_user

ONLY_SQLITE = pytest.mark.parametrize("address", ["sqlite"], indirect=True)
ONLY_POSTGRES = pytest.mark.parametrize("address", ["postgresql"], indirect=True)
DEADLINE_S = 2


def add(user):
    return lambda tables: tables.users.add(user, "hash")


async def is_stored(store, user):
    return await store.read(lambda tables: tables.users.get(user.id)) == user


def hold_writer(database):
    """Work that keeps SQLite's writer busy until it is let go, so that what comes meanwhile shares one commit."""
    busy, let_go = threading.Event(), threading.Event()

    def work(_connection):
        busy.set()
        assert let_go.wait(DEADLINE_S)

    return asyncio.ensure_future(database.write(work)), busy, let_go


async def test_a_write_is_seen_by_another_connection_when_it_returns(store, address):
    other = address.open()
    await other.start()
    user = make_user()

    await store.write(add(user))
    names = await other.read(lambda connection: connection.execute(text("SELECT username FROM users")).scalars().all())
    await other.close()

    assert names == [user.username]


async def test_work_that_fails_raises_its_own_error_and_leaves_nothing(store):
    user = make_user()

    def fail(tables):
        tables.users.add(user, "hash")
        raise LookupError("changed its mind")

    with pytest.raises(LookupError, match="changed its mind"):
        await store.write(fail)

    assert not await is_stored(store, user)


async def test_work_that_the_database_refuses_leaves_nothing(database, store):
    user = make_user()

    def fail(tables):
        tables.users.add(user, "hash")
        tables.users.add_token("t", "nobody", "family", user.created_at)

    with pytest.raises(StoreUnavailable):
        await store.write(fail)
    with pytest.raises(StoreUnavailable):
        await database.read(lambda connection: connection.execute(text("SELECT * FROM no_such_table")))

    assert not await is_stored(store, user)


async def test_one_failing_job_among_many_leaves_the_others_stored(store):
    users = [make_user() for _ in range(20)]

    def work(tables, number):
        tables.users.add(users[number], "hash")
        if number % 5 == 2:
            raise LookupError(number)
        return number

    told = await asyncio.gather(
        *(store.write(lambda tables, n=number: work(tables, n)) for number in range(20)), return_exceptions=True
    )

    for number, (user, answer) in enumerate(zip(users, told, strict=True)):
        failed = number % 5 == 2
        assert isinstance(answer, LookupError) if failed else answer == number
        assert await is_stored(store, user) is not failed


@ONLY_SQLITE
async def test_jobs_that_share_a_commit_succeed_and_fail_one_by_one(database, store):
    good, bad, last = make_user(), make_user(), make_user()
    held, busy, let_go = hold_writer(database)
    await asyncio.to_thread(busy.wait, DEADLINE_S)

    def fail(tables):
        tables.users.add(bad, "hash")
        tables.users.add_token("t", "nobody", "family", bad.created_at)

    writes = asyncio.gather(store.write(add(good)), store.write(fail), store.write(add(last)), return_exceptions=True)
    await asyncio.to_thread(let_go.set)
    await held
    told = await writes

    assert [type(one) for one in told] == [type(None), StoreUnavailable, type(None)]
    assert [await is_stored(store, user) for user in (good, bad, last)] == [True, False, True]


@ONLY_SQLITE
async def test_nothing_is_seen_before_the_commit(database, store):
    user, written, let_go = make_user(), threading.Event(), threading.Event()

    def work(tables):
        tables.users.add(user, "hash")
        written.set()
        assert let_go.wait(DEADLINE_S)

    await store.read(lambda tables: None)  # the first one looks for what an earlier program left
    async with asyncio.TaskGroup() as tasks:
        write = tasks.create_task(store.write(work))
        await asyncio.to_thread(written.wait, DEADLINE_S)
        before, done = await is_stored(store, user), write.done()
        let_go.set()

    assert (before, done) == (False, False)
    assert await is_stored(store, user)


@ONLY_SQLITE
async def test_a_cancelled_caller_does_not_lose_the_write(database, store):
    user = make_user()
    held, busy, let_go = hold_writer(database)
    await asyncio.to_thread(busy.wait, DEADLINE_S)

    async with asyncio.TaskGroup() as tasks:
        caller = tasks.create_task(store.write(add(user)))
        await asyncio.to_thread(busy.is_set)
        caller.cancel()
    assert caller.cancelled()
    let_go.set()
    await held
    async with asyncio.timeout(DEADLINE_S):
        await store.write(lambda tables: tables.users.count({}))

    assert await is_stored(store, user)


@ONLY_POSTGRES
async def test_a_cancelled_caller_leaves_all_or_nothing_and_a_pool_that_works(database, store):
    user = make_user()
    inside = asyncio.Event()

    def work(tables):
        tables.users.add(user, "hash")
        inside.set()
        tables.users._connection.execute(text("SELECT pg_sleep(30)"))

    async with asyncio.TaskGroup() as tasks:
        caller = tasks.create_task(store.write(work))
        await inside.wait()
        caller.cancel()

    assert not await is_stored(store, user)
    await asyncio.gather(*(store.write(add(make_user())) for _ in range(30)))
    assert await store.read(lambda tables: tables.users.count({})) == 30


@ONLY_SQLITE
async def test_what_was_asked_before_closing_is_still_written(address, store):
    extra = address.open()
    await extra.start()
    user = make_user()
    other = type(store)(extra, None)
    held, busy, let_go = hold_writer(extra)
    await asyncio.to_thread(busy.wait, DEADLINE_S)

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(other.write(add(user)))
        await asyncio.to_thread(busy.is_set)
        tasks.create_task(extra.close())
        await asyncio.to_thread(let_go.set)
    await held

    assert await is_stored(store, user)


@ONLY_SQLITE
async def test_writing_after_closing_is_refused(database, store):
    await database.close()

    with pytest.raises(StoreUnavailable):
        async with asyncio.timeout(1):
            await store.write(add(make_user()))


def lock(place):
    """Another program that holds SQLite's write lock."""
    other = sqlite3.connect(place, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    return other


def wait_briefly(connection):
    connection.exec_driver_sql("PRAGMA busy_timeout = 50").all()


@ONLY_SQLITE
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
async def test_a_database_locked_by_another_program_is_unavailable(database, store, address):
    user = make_user()
    await database.write(wait_briefly)
    other = lock(address.place)

    with pytest.raises(StoreUnavailable, match="locked"):
        await store.write(add(user))
    other.close()

    assert not await is_stored(store, user)


@ONLY_SQLITE
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
async def test_writing_works_again_once_the_lock_is_gone(database, store, address):
    await database.write(wait_briefly)
    other = lock(address.place)
    with pytest.raises(StoreUnavailable):
        await store.write(add(make_user()))
    other.close()
    user = make_user()

    async with asyncio.timeout(DEADLINE_S):
        await store.write(add(user))

    assert await is_stored(store, user)


@ONLY_SQLITE
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
async def test_a_full_database_refuses_the_write_and_takes_later_ones(database, store):
    def set_pages(connection, more):
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages + more}").all()

    def fill(tables):
        for _ in range(500):
            tables.users.add(make_user(), "x" * 1000)

    await database.write(lambda connection: set_pages(connection, 0))
    with pytest.raises(StoreUnavailable):
        async with asyncio.timeout(DEADLINE_S):
            await store.write(fill)
    async with asyncio.timeout(DEADLINE_S):
        await database.write(lambda connection: set_pages(connection, 1000))
        await store.write(add(make_user()))

    assert await store.read(lambda tables: tables.users.count({})) == 1


@ONLY_POSTGRES
async def test_connections_that_were_cut_are_replaced_unnoticed(database, store, postgres):
    user = make_user()
    await store.write(add(user))

    await postgres.run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname LIKE 'test_%'")

    assert await is_stored(store, user)


@ONLY_POSTGRES
async def test_a_connection_cut_in_the_middle_of_a_write_is_unavailable(store):
    user = make_user()

    def work(tables):
        tables.users.add(user, "hash")
        tables.users._connection.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))

    with pytest.raises(StoreUnavailable):
        await store.write(work)

    assert not await is_stored(store, user)


@pytest.mark.parametrize(
    "url", ["postgresql://postgres@/desk?host=/no/such/folder", "postgresql://postgres@127.0.0.1:1/desk"]
)
async def test_a_server_that_is_not_there_is_unavailable(url):
    database = PostgresDatabase(url)

    with pytest.raises(StoreUnavailable):
        await database.start()
    with pytest.raises(StoreUnavailable):
        await database.read(lambda connection: connection.execute(text("SELECT 1")).scalar_one())

    await database.close()


@ONLY_POSTGRES
async def test_a_server_that_takes_nobody_in_is_unavailable(database, store, postgres, address):
    name = address.place.partition("@/")[2].partition("?")[0]
    await postgres.run(
        f"ALTER DATABASE {name} ALLOW_CONNECTIONS false",
        f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'",
    )

    with pytest.raises(StoreUnavailable):
        await store.read(lambda tables: tables.users.count({}))


@ONLY_POSTGRES
async def test_a_pool_that_is_used_up_is_unavailable(database):
    database._engine.pool._timeout = 0.1

    told = await asyncio.gather(
        *(
            database.read(lambda connection: connection.execute(text("SELECT pg_sleep(0.5)")).scalar_one())
            for _ in range(25)
        ),
        return_exceptions=True,
    )

    failed = [one for one in told if isinstance(one, Exception)]
    assert failed
    assert {type(one) for one in failed} == {StoreUnavailable}
