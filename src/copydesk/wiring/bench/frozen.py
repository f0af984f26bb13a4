"""What the hot path proper costs: from the frozen plan to the decoded answer, each intent on the disk first."""

import asyncio
import hashlib
from collections.abc import Iterable, Sequence
from contextlib import AsyncExitStack
from datetime import datetime, timedelta
from pathlib import Path

from copydesk.domain.bot import Bot
from copydesk.domain.errors import CopydeskError
from copydesk.domain.execution import Execution, State
from copydesk.domain.ids import SignalId, new_id
from copydesk.domain.order import OrderStatus
from copydesk.domain.planning import Copy, Follower, Plans, Quote, what_counts
from copydesk.domain.signal import Action, Direction, LegKind, Signal, SourceKind, Step
from copydesk.domain.subscription import Environment, PositionMode
from copydesk.domain.venue import BINANCE_FUTURES
from copydesk.engine.fanout import batches
from copydesk.engine.making import Freezer, like, new_execution, planned, ready_to_send
from copydesk.engine.wire import Wire
from copydesk.ports.clock import SystemClock
from copydesk.ports.venue import Begun, Session
from copydesk.stores.sqlite import SqliteDatabase
from copydesk.stores.store import SqlStore, Tables
from copydesk.stores.tables import bot_signal_executions
from copydesk.stores.vault import EnvelopeVault
from copydesk.venues.binance import BinanceFutures
from copydesk.wiring.bench.machine import StepWatch
from copydesk.wiring.bench.seed import SYMBOL, Key, seed

_OPEN = Step(leg=LegKind.OPEN, direction=Direction.LONG)

_Order = tuple[Session, Execution]


class FromThePlan:
    """The desk's own parts over a database of their own; `prepare` plans and freezes, and is not measured."""

    def __init__(self, url: str, keys: Sequence[Key], folder: Path, *, timeout_s: float) -> None:
        self.keys = keys
        self._clock = SystemClock()
        self._database = SqliteDatabase(folder / "frozen.db")
        self._store = SqlStore(self._database, EnvelopeVault(hashlib.sha256(b"bench").digest()))
        self._venue = BinanceFutures(self._clock, simulator_url=url, timeout_s=timeout_s, allow_live=False)
        self._stack = AsyncExitStack()
        self._sessions: list[Session] = []
        self._orders: list[_Order] = []
        self._wire = Wire(lambda _: self._venue.traits.at_once)

    async def open(self) -> None:
        await self._database.start()
        self._stack.push_async_callback(self._database.close)
        self._stack.push_async_callback(self._venue.close)
        self._bot = await self._store.write(lambda tables: seed(tables, self.keys, self._clock.now()))

    async def warm_up(self) -> None:
        for follower, (key, secret) in zip(await self._followers(), self.keys, strict=True):
            credentials = {"api_key": key, "api_secret": secret}
            self._sessions.append(self._venue.open_session(follower.account, credentials))

    async def prepare(self) -> None:
        """One more signal, each follower planned and their requests frozen; what the last one did is over."""
        await self._store.write(_end_all)
        self._plan(*await self._given(), await self._followers())

    async def steps(self) -> dict[str, float]:
        """One more signal, a step at a time for everybody: the seconds of CPU that each takes."""
        await self._store.write(_end_all)
        signal, quote, freezer = await self._given()
        watch = StepWatch()
        followers = await self._followers()
        watch.note("read who follows")
        self._plan(signal, quote, freezer, followers)
        watch.note("planned, the request frozen")
        for part in self._parts():
            await self._write_down(part)
        watch.note("written down (SQLite, FULL)")
        self._expect_all()
        async with asyncio.TaskGroup() as tasks:
            self._begin(self._orders, tasks)
            watch.note("signed and sent")
            await self._is_over.wait()
        watch.note("answer understood")
        return watch.seconds

    async def _given(self) -> tuple[Signal, Quote, Freezer]:
        """What all of a signal's followers share."""
        quote = await self._venue.quote(Environment.SIMULATOR, SYMBOL)
        reading = await self._venue.read_clock(Environment.SIMULATOR)
        if quote is None:
            raise CopydeskError("the exchange tells no price")
        at = self._clock.now() + timedelta(seconds=reading.offset_s)
        freezer = Freezer(venue=self._venue, mode=PositionMode.ONE_WAY, at=at)
        signal = _signal(self._bot, self._clock.now())
        await self._store.write(lambda tables: tables.signals.add(signal))
        return signal, quote, freezer

    def _plan(self, signal: Signal, quote: Quote, freezer: Freezer, followers: Sequence[Follower]) -> None:
        plans, models = Plans(quote), dict[tuple[object, ...], Execution]()
        intents = [_frozen(signal, one, plans, freezer, models) for one in followers]
        self._orders = list(zip(self._sessions, intents, strict=True))

    def _parts(self) -> Iterable[Sequence[_Order]]:
        return batches(self._orders, self._venue.traits.at_once)

    async def fire(self) -> None:
        """As the fan-out does it: a part is written down and sent, then the next one, as far as there are places on the wire."""
        self._expect_all()
        async with asyncio.TaskGroup() as tasks:
            for part in self._parts():
                await self._wire.reserve(BINANCE_FUTURES, len(part))
                await self._write_down(part)
                self._begin(part, tasks)
            await self._is_over.wait()
        if self._refused:
            raise CopydeskError(f"{self._refused} orders of ours were not filled")

    def _expect_all(self) -> None:
        self._left, self._refused, self._is_over = len(self._orders), 0, asyncio.Event()

    async def _write_down(self, orders: Sequence[_Order]) -> None:
        intents = [intent for _, intent in orders]
        await self._store.write_ahead(lambda tables: tables.executions.add(intents))

    def _begin(self, orders: Sequence[_Order], tasks: asyncio.TaskGroup) -> None:
        for session, one in orders:
            begun: Begun | None = session.begin(one.frozen())
            if begun is None:
                begun = tasks.create_task(session.place(one.frozen()))
                begun.add_done_callback(lambda _: self._wire.give_back(BINANCE_FUTURES, 1))
            else:
                self._wire.give_back(BINANCE_FUTURES, 1)
            begun.add_done_callback(self._take)

    def _take(self, shown: Begun) -> None:
        self._left -= 1
        if shown.exception() is not None or shown.result().status is not OrderStatus.FILLED:
            self._refused += 1
        if not self._left:
            self._is_over.set()

    async def close(self) -> None:
        await self._stack.aclose()

    async def _followers(self) -> Sequence[Follower]:
        def work(tables: Tables) -> Sequence[Follower]:
            ids = tables.followers.subscribers(self._bot.id)
            return tables.followers.followers(self._bot, SYMBOL, ids, self._clock.now())

        return await self._store.read(work)


def _end_all(tables: Tables) -> None:
    """Nobody books here what was sent; left as it is, every account would have one more order under way each round."""
    sent = bot_signal_executions
    tables.unit.connection.execute(sent.update().where(sent.c.state == State.SENDING).values(state=State.FILLED))


def _frozen(
    signal: Signal, follower: Follower, plans: Plans, freezer: Freezer, models: dict[tuple[object, ...], Execution]
) -> Execution:
    """As the desk does it (engine/deciding.py): followers who are alike are planned once."""
    kind = what_counts(_OPEN, follower)
    if kind not in models:
        models[kind] = _frozen_alone(signal, follower, plans, freezer)
        return models[kind]
    return like(models[kind], follower, lambda: freezer)


def _frozen_alone(signal: Signal, follower: Follower, plans: Plans, freezer: Freezer) -> Execution:
    copy = plans.plan(_OPEN, follower, None)
    if not isinstance(copy, Copy):
        raise CopydeskError(f"a follower of the benchmark is not copied: {copy.reason}")
    execution = new_execution(signal, follower, _OPEN, at=signal.created_at)
    return ready_to_send(planned(execution, copy), freezer)


def _signal(bot: Bot, at: datetime) -> Signal:
    return Signal(
        id=SignalId(new_id(at)),
        bot_id=bot.id,
        source=SourceKind.REST,
        ticker=SYMBOL,
        symbol=SYMBOL,
        action=Action.OPEN_LONG,
        price=None,
        size=None,
        steps=(_OPEN,),
        note=None,
        payload={},
        received_at=at,
        created_at=at,
    )
