"""The same tests on both databases: a SQLite file and a real PostgreSQL server, a fresh database for every test."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from copydesk.stores.database import Database
from copydesk.stores.postgres import PostgresDatabase
from copydesk.stores.sqlite import SqliteDatabase
from copydesk.stores.store import SqlStore
from copydesk.stores.vault import EnvelopeVault
from store_support import new_desk


@dataclass(frozen=True)
class Address:
    """Where a database is; `open` gives another hub's way to it."""

    kind: str
    place: str

    def open(self, program: str = "copydesk") -> Database:
        return SqliteDatabase(Path(self.place)) if self.kind == "sqlite" else PostgresDatabase(self.place, program)


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
