"""A database: where work over a connection runs, and when it counts as done."""

from collections.abc import Callable
from typing import Protocol, TypeVar

from sqlalchemy import Connection

T = TypeVar("T")


class Database(Protocol):
    """`read` sees committed data; `write` returns after its commit, and a failure of either leaves nothing behind."""

    listeners: list[Callable[[int, float], None]]
    """Told of each commit, from whatever thread: how many units of work shared it, and its seconds."""

    is_serial: bool
    """Whether one write happens after the other, in the order asked for, and each sees all that came before."""

    async def start(self) -> None:
        """Bring the schema up to date and get ready. Raise StoreUnavailable, and then it may be tried again."""
        ...

    async def read(self, work: Callable[[Connection], T]) -> T: ...

    async def write(self, work: Callable[[Connection], T]) -> T: ...

    async def close(self) -> None: ...
