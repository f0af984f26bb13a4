"""A database: where work over a connection runs, and when it counts as done."""

from collections.abc import Callable
from typing import Protocol, TypeVar

from sqlalchemy import Connection

T = TypeVar("T")


class Database(Protocol):
    """`read` sees committed data; `write` returns after its commit, and a failure of either leaves nothing behind."""

    async def start(self) -> None:
        """Bring the schema up to date and get ready."""
        ...

    async def read(self, work: Callable[[Connection], T]) -> T: ...

    async def write(self, work: Callable[[Connection], T]) -> T: ...

    async def close(self) -> None: ...
