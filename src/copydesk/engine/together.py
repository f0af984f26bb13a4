"""Those who come while a transaction is under way share the next one."""

import asyncio
import contextlib
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from copydesk.domain.errors import StoreUnavailable

QUIET_ROUNDS = 3
"""Of the loop, in which nobody came: from its first byte to its place here a request takes two."""

E = TypeVar("E")
R = TypeVar("R")


@dataclass(slots=True, eq=False)
class _Place(Generic[E, R]):
    """One entry, and what came of it: None until then."""

    entry: E
    came: R | Exception | None = None


class Together(Generic[E, R]):
    """`store` stores all it is given in one transaction, or nothing and raises; of each entry it tells what came of it, or why it
    was refused.
    """

    def __init__(self, store: Callable[[Sequence[E]], Awaitable[Sequence[R | Exception]]], most: int) -> None:
        self._store = store
        self._most = most
        self._waiting: deque[_Place[E, R]] = deque()
        self._stored: asyncio.Event | None = None

    async def do(self, entry: E) -> R:
        """Raise what it was refused with, or what storing raises."""
        place: _Place[E, R] = _Place(entry)
        self._waiting.append(place)
        try:
            while place.came is None:
                await (self._store_some() if self._stored is None else self._stored.wait())
        except asyncio.CancelledError:
            # Whoever has gone must not be stored with those who come later.
            with contextlib.suppress(ValueError):
                self._waiting.remove(place)
            raise
        if isinstance(place.came, Exception):
            raise place.came
        return place.came

    async def _store_some(self) -> None:
        """Whoever comes first stores for all that wait; all of them are woken at once."""
        stored = self._stored = asyncio.Event()
        some: list[_Place[E, R]] = []
        try:
            await self._wait_for_those_at_the_door()
            some = [self._waiting.popleft() for _ in range(min(self._most, len(self._waiting)))]
            await self._store_these(some)
        finally:
            # Whoever stored for the others was cancelled: whether it is stored is not known.
            _tell([one for one in some if one.came is None], StoreUnavailable("given up while it was being stored"))
            self._stored = None
            stored.set()

    async def _wait_for_those_at_the_door(self) -> None:
        """They come along: a transaction for one alone costs those behind it the time of one for all."""
        quiet = 0
        while quiet < QUIET_ROUNDS and len(self._waiting) < self._most:
            here = len(self._waiting)
            await _once_around()
            quiet = quiet + 1 if len(self._waiting) == here else 0

    async def _store_these(self, some: Sequence[_Place[E, R]]) -> None:
        try:
            came = await self._store([one.entry for one in some])
        except Exception as error:  # noqa: BLE001  each hears of it; what breaks one must not break those beside it
            if len(some) == 1 or isinstance(error, StoreUnavailable):
                _tell(some, error)
                return
            for one in some:
                await self._store_these([one])
            return
        for place, one_came in zip(some, came, strict=True):
            place.came = one_came


async def _once_around() -> None:
    turned = asyncio.Event()
    asyncio.get_running_loop().call_soon(turned.set)
    await turned.wait()


def _tell(places: Sequence[_Place[E, R]], error: Exception) -> None:
    for one in places:
        one.came = error
