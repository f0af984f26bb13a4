"""PostgreSQL through asyncpg: the same sync functions, run in SQLAlchemy's greenlet over an async connection."""

import json
import time
from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import create_async_engine

from copydesk.domain.errors import StoreUnavailable
from copydesk.stores.migrate import upgrade

T = TypeVar("T")

POOL_SIZE = 10


class PostgresDatabase:
    """Rows that must be read and changed at one moment are locked by the statements themselves (FOR UPDATE).

    `program` names this one's sessions: whoever takes its work over ends them.
    """

    is_serial = False

    def __init__(self, url: str, program: str = "copydesk") -> None:
        self.listeners: list[Callable[[int, float], None]] = []
        address = "postgresql+asyncpg://" + url.partition("://")[2]
        self._engine = create_async_engine(
            address,
            pool_size=POOL_SIZE,
            pool_pre_ping=True,
            connect_args={"server_settings": {"application_name": program}},
            json_serializer=lambda value: json.dumps(value, default=str),
        )

    async def start(self) -> None:
        await self._run(upgrade)

    async def read(self, work: Callable[[Connection], T]) -> T:
        return await self._run(work)

    async def write(self, work: Callable[[Connection], T]) -> T:
        began = time.perf_counter()
        result = await self._run(work)
        for listener in self.listeners:
            listener(1, time.perf_counter() - began)
        return result

    async def close(self) -> None:
        await self._engine.dispose()

    async def _run(self, work: Callable[[Connection], T]) -> T:
        try:
            async with self._engine.begin() as connection:
                return await connection.run_sync(work)
        except (DBAPIError, PoolTimeout, OSError) as error:
            raise StoreUnavailable(str(error)) from error
