"""Us: the whole way from an accepted signal to the last settled execution."""

import asyncio
import hashlib
import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path

from copydesk.domain.errors import CopydeskError
from copydesk.domain.execution import FINAL
from copydesk.domain.ids import SignalId
from copydesk.domain.signal import Action, Instruction, SourceKind
from copydesk.domain.venue import BINANCE_FUTURES
from copydesk.engine.desk import Desk
from copydesk.ports.clock import SystemClock
from copydesk.stores.sqlite import SqliteDatabase
from copydesk.stores.store import SqlStore, Tables
from copydesk.stores.vault import EnvelopeVault
from copydesk.venues.binance import BinanceFutures
from copydesk.wiring.bench.floor import TIMEOUT_S
from copydesk.wiring.bench.seed import SYMBOL, Key, seed
from copydesk.wiring.owner import this_program

LOOK_EVERY_S = 0.02


class WholeDesk:
    """The desk itself, each intent on the disk first."""

    def __init__(self, url: str, keys: Sequence[Key], folder: Path) -> None:
        self._url = url
        self.keys = keys
        self._folder = folder
        self._stack = AsyncExitStack()
        self._clock = SystemClock()

    async def open(self) -> None:
        """The desk's database is there before it starts."""
        database = SqliteDatabase(self._folder / "bench.db")
        await database.start()
        self._stack.push_async_callback(database.close)
        self._store = SqlStore(database, EnvelopeVault(hashlib.sha256(b"bench").digest()))
        self._bot = await self._store.write(lambda tables: seed(tables, self.keys, self._clock.now()))

    async def warm_up(self) -> None:
        binance = BinanceFutures(self._clock, simulator_url=self._url, timeout_s=TIMEOUT_S, allow_live=False)
        self._stack.push_async_callback(binance.close)
        venues = {BINANCE_FUTURES: binance}
        self._desk = Desk(
            self._store,
            venues,
            self._clock,
            owner=this_program(),
            venue_timeout_s=TIMEOUT_S,
            ledger_check_every_s=3_600,
        )
        await self._stack.enter_async_context(_running(self._desk))

    async def prepare(self) -> None:
        """Nothing that is not measured."""

    async def fire(self) -> None:
        instruction = Instruction(
            ticker=SYMBOL,
            symbol=SYMBOL,
            action=Action.OPEN_LONG,
            key=secrets.token_hex(),
            key_ttl_s=60,
            payload={},
        )
        now = self._clock.now()
        accepted = await self._desk.intake.accept(self._bot.id, instruction, source=SourceKind.REST, received_at=now)
        while not await self._store.read(partial(_is_over, signal_id=accepted.signal_id)):
            await self._clock.sleep(LOOK_EVERY_S)
        found = await self._store.read(lambda tables: tables.history.states_of_signal(accepted.signal_id))
        if sum(found.values()) < len(self.keys) or not FINAL.issuperset(found):
            raise CopydeskError(f"of {len(self.keys)} followers' orders there are {found}")

    async def close(self) -> None:
        await self._stack.aclose()


def _is_over(tables: Tables, *, signal_id: SignalId) -> bool:
    """Cheap to ask: whoever looks takes the interpreter from the desk."""
    return all(one.id != signal_id for one in tables.signals.waiting()) and tables.executions.is_settled(signal_id)


@asynccontextmanager
async def _running(desk: Desk) -> AsyncIterator[None]:
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(desk.run())
        try:
            yield
        finally:
            running.cancel()
