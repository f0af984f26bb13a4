"""SQLite: WAL, one writer thread that commits what waits in one go, readers beside it.

synchronous=FULL: a commit is on the disk before anybody is told, which is what "written down first" means.
"""

import asyncio
import contextlib
import queue
import sqlite3
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar, cast

from sqlalchemy import Connection, create_engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import QueuePool

from copydesk.domain.errors import StoreUnavailable
from copydesk.stores.migrate import upgrade

T = TypeVar("T")

READERS = 2
"""Threads that read; more only fight over the interpreter."""

JOBS_MAX = 200
"""The most units of work that share one commit."""

STATEMENTS_KEPT = 512
"""Of each connection: of an INSERT there is one for every number of rows (statements.py)."""

BUSY_TIMEOUT_MS = 5_000

_FAILURES = (DBAPIError, sqlite3.Error)
"""The driver's own, as SQLAlchemy wraps them or as they are (statements.py, `read_all`)."""

WAL_TRIES = 50
WAL_WAIT_S = 0.1


@dataclass(frozen=True, slots=True)
class _Job:
    work: Callable[[Connection], Any]
    done: Future[Any]


class SqliteDatabase:
    """One file. Everything that is written goes through one thread, in the order it was asked for."""

    is_serial = True

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._engine = create_engine(
            f"sqlite:///{path}",
            isolation_level="AUTOCOMMIT",
            poolclass=QueuePool,
            pool_size=READERS + 1,
            connect_args={"check_same_thread": False, "cached_statements": STATEMENTS_KEPT},
        )
        event.listen(self._engine, "connect", _prepare_connection)
        self._closed = False
        self.listeners: list[Callable[[int, float], None]] = []
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._writer = threading.Thread(target=self._write_for_ever, name="copydesk-writer", daemon=True)
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="copydesk-reader")

    async def start(self) -> None:
        await asyncio.to_thread(self._migrate)
        self._writer.start()

    async def read(self, work: Callable[[Connection], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._read, work)

    async def write(self, work: Callable[[Connection], T]) -> T:
        if self._closed:
            raise StoreUnavailable("the database is closed")
        job = _Job(work, Future())
        self._jobs.put(job)
        done: asyncio.Future[T] = asyncio.wrap_future(job.done)
        # Whoever is cancelled meanwhile does not hear of a failure, and nobody needs to be told that they did not.
        done.add_done_callback(lambda told: told.cancelled() or told.exception())
        # A caller that is cancelled must not cancel the write: it is under way in another thread.
        return await asyncio.shield(done)

    async def close(self) -> None:
        self._closed = True
        if self._writer.is_alive():
            self._jobs.put(None)
            await asyncio.to_thread(self._writer.join)
        self._readers.shutdown()
        self._engine.dispose()

    def _migrate(self) -> None:
        try:
            with self._engine.connect() as connection:
                connection.exec_driver_sql("BEGIN IMMEDIATE")
                upgrade(connection)
                connection.exec_driver_sql("COMMIT")
        except DBAPIError as error:
            raise StoreUnavailable(str(error.orig)) from error

    def _read(self, work: Callable[[Connection], T]) -> T:
        try:
            with self._engine.connect() as connection:
                say = _driver(connection).execute
                say("BEGIN")
                try:
                    return work(connection)
                finally:
                    say("ROLLBACK")
        except _FAILURES as error:
            raise _unavailable(error) from error

    def _write_for_ever(self) -> None:
        with self._engine.connect() as connection:
            while (job := self._jobs.get()) is not None:
                batch = [job]
                ended = False
                while len(batch) < JOBS_MAX:
                    try:
                        more = self._jobs.get_nowait()
                    except queue.Empty:
                        break
                    if more is None:
                        ended = True
                        break
                    batch.append(more)
                began = time.perf_counter()
                _commit_together(connection, batch)
                for listener in self.listeners:
                    listener(len(batch), time.perf_counter() - began)
                if ended:
                    return


def _prepare_connection(connection: sqlite3.Connection, _record: object) -> None:
    connection.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
    _switch_to_wal(connection)
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA foreign_keys=ON")


def _switch_to_wal(connection: sqlite3.Connection) -> None:
    """Of two programs that open a new file at once, one is told "locked" without any waiting."""
    for _ in range(WAL_TRIES):
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError:
            time.sleep(WAL_WAIT_S)
    connection.execute("PRAGMA journal_mode=WAL")


def _commit_together(connection: Connection, batch: list[_Job]) -> None:
    """Each job in a savepoint of its own: one that fails takes nothing else with it. One alone needs none: each word to the driver may
    cost a wait for the interpreter.
    """
    say = _driver(connection).execute
    try:
        say("BEGIN IMMEDIATE")
        run = _run if len(batch) == 1 else partial(_run_in_savepoint, say)
        results = [(job, run(connection, job)) for job in batch]
        if len(batch) == 1 and isinstance(results[0][1], _Failed):
            with contextlib.suppress(sqlite3.Error):
                say("ROLLBACK")
        else:
            say("COMMIT")
    except _FAILURES as error:
        # Where BEGIN itself failed (locked), or SQLite has rolled back by itself (full), there is nothing to roll back.
        with contextlib.suppress(sqlite3.Error):
            say("ROLLBACK")
        failure = _unavailable(error)
        for job in batch:
            job.done.set_exception(failure)
        return
    for job, result in results:
        if isinstance(result, _Failed):
            job.done.set_exception(result.error)
        else:
            job.done.set_result(result)


@dataclass(frozen=True, slots=True)
class _Failed:
    error: Exception


def _run_in_savepoint(say: Callable[[str], object], connection: Connection, job: _Job) -> Any:
    say("SAVEPOINT job")
    result = _run(connection, job)
    if isinstance(result, _Failed):
        say("ROLLBACK TO job")
    say("RELEASE job")
    return result


def _run(connection: Connection, job: _Job) -> Any:
    try:
        return job.work(connection)
    except Exception as error:  # noqa: BLE001  the boundary of one unit of work: its caller gets the error, whatever it is
        return _Failed(_unavailable(error) if isinstance(error, _FAILURES) else error)


def _driver(connection: Connection) -> sqlite3.Connection:
    """For words that hold for the whole transaction: of them SQLAlchemy has nothing to know, and it takes its time."""
    driver: Any = connection.connection.driver_connection
    return cast("sqlite3.Connection", driver)


def _unavailable(error: Exception) -> StoreUnavailable:
    return StoreUnavailable(str(error.orig if isinstance(error, DBAPIError) else error))
