"""The right to do the desk's work: one program has it at a time, and nothing is written for it by one that had it before."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

import structlog

from copydesk.domain.errors import LeaseLost, StoreUnavailable
from copydesk.ports.clock import Clock
from copydesk.ports.store import Store, Transaction

log = structlog.get_logger()

T = TypeVar("T")

DUTY = "desk"

TTL_S = 15.0
RENEW_EVERY_S = 5.0

STOP_BEFORE_S = 5.0
"""An owner that could not renew stops so long before its lease ends, by its own clock."""

TRY_EVERY_S = 0.5


@dataclass(frozen=True, slots=True)
class Owner:
    """Who this program is, and whether another one is known for certain to be gone."""

    name: str
    is_gone: Callable[[str], bool]


class Lease:
    """Also the Store that the desk's work writes through: each transaction is fenced by the epoch, or does not happen."""

    def __init__(self, store: Store, clock: Clock, owner: Owner) -> None:
        self._store = store
        self._clock = clock
        self._owner = owner
        self._epoch: int | None = None
        self._lost = asyncio.Event()

    async def take(self) -> None:
        """Stand by until it is ours."""
        waits = False
        while self._epoch is None:
            try:
                self._epoch = await self._store.write(
                    lambda tables: tables.leases.take(DUTY, self._owner.name, TTL_S, self._owner.is_gone)
                )
            except StoreUnavailable as error:
                log.warning("waiting for the database", problem=str(error))
            if self._epoch is None:
                if not waits:
                    log.info("standing by: another program does the desk's work")
                waits = True
                await self._clock.sleep(TRY_EVERY_S)
        self._lost.clear()
        log.info("the desk's work is ours", epoch=self._epoch)

    async def keep(self) -> None:
        """Renew it until cancelled; raise LeaseLost as soon as it is no longer certainly ours."""
        renewed_at_s = self._clock.elapsed()
        while not self._lost.is_set():
            if self._clock.elapsed() - renewed_at_s > TTL_S - STOP_BEFORE_S:
                raise LeaseLost("the lease could not be renewed in time")
            asked_at_s = self._clock.elapsed()
            try:
                await self._renew(self._store.write_ahead, TTL_S)
                renewed_at_s = asked_at_s
            except StoreUnavailable as error:
                log.warning("lease not renewed", problem=str(error))
            try:
                async with asyncio.timeout(RENEW_EVERY_S):
                    await self._lost.wait()
            except TimeoutError:
                continue
        raise LeaseLost("another program has taken the desk's work over")

    async def give_up(self) -> None:
        """Whoever stands by need not wait for its end."""
        if self._epoch is not None and not self._lost.is_set():
            try:
                await self._renew(self._store.write, 0)
            except (LeaseLost, StoreUnavailable) as error:
                log.info("lease not given back", problem=str(error))
        self._epoch = None

    async def read(self, work: Callable[[Transaction], T]) -> T:
        return await self._store.read(work)

    async def write(self, work: Callable[[Transaction], T]) -> T:
        """Raise LeaseLost, besides what every store raises."""
        return await self._fenced(self._store.write, work)

    async def write_ahead(self, work: Callable[[Transaction], T]) -> T:
        """As `write`."""
        return await self._fenced(self._store.write_ahead, work)

    async def _fenced(
        self, write: Callable[[Callable[[Transaction], T]], Awaitable[T]], work: Callable[[Transaction], T]
    ) -> T:
        epoch = self._epoch
        if epoch is None:
            raise LeaseLost("the desk's work is not ours")

        def fenced(tables: Transaction) -> T:
            tables.leases.fence(DUTY, epoch)
            return work(tables)

        try:
            return await write(fenced)
        except LeaseLost:
            self._lost.set()
            raise

    async def _renew(self, write: Callable[[Callable[[Transaction], None]], Awaitable[None]], ttl_s: float) -> None:
        """Ahead of what was only intended: a fan-out that is under way must not wait until all of that is filed."""
        epoch = self._epoch
        if epoch is not None:
            await write(lambda tables: tables.leases.renew(DUTY, epoch, ttl_s))
