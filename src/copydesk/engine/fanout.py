"""One signal to all its followers at once: each planned alone, written down together, then sent."""

import asyncio
import hashlib
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import structlog

from copydesk.domain.bot import Bot
from copydesk.domain.errors import CopydeskError
from copydesk.domain.execution import Execution, State
from copydesk.domain.ids import AccountId, SubscriptionId
from copydesk.domain.planning import Follower
from copydesk.domain.signal import Direction, LegKind, Signal, Size, SourceKind, Step
from copydesk.domain.subscription import Account
from copydesk.engine.deciding import Deciding, Market
from copydesk.engine.delivery import Dispatch
from copydesk.engine.readiness import Readiness
from copydesk.engine.sessions import Sessions
from copydesk.engine.wire import Wire
from copydesk.ports.clock import Clock
from copydesk.ports.store import Store, Transaction

log = structlog.get_logger()

READ_AT_ONCE = 500
"""Followers a query: their ids are its parameters, and databases allow only so many."""


class Fanout:
    """Plans and records.

    `send` gets what is committed as SENDING; `waits` is told of accounts where something must wait, `advance` of those
    where it can go on.
    """

    def __init__(
        self,
        store: Store,
        sessions: Sessions,
        clock: Clock,
        *,
        send: Callable[[Sequence[Dispatch]], None],
        readiness: Readiness,
        wire: Wire,
        advance: Callable[[AccountId, str], None],
        waits: Callable[[AccountId, str], None],
    ) -> None:
        self._store = store
        self._sessions = sessions
        self._clock = clock
        self._send = send
        self._readiness = readiness
        self._wire = wire
        self._advance = advance
        self._waits = waits

    async def fan_out(self, signal: Signal) -> None:
        """Every active subscription gets its executions; a second run adds what the first did not reach."""
        bot, followers = await self._store.read(lambda tables: _audience(tables, signal, self._clock.now()))
        groups: dict[tuple[str, str], list[Follower]] = {}
        for follower in _rotated(signal, followers):
            groups.setdefault((follower.account.venue, follower.account.environment), []).append(follower)
        _raise_first(await _each(*(self._fan_out_group(signal, bot, group) for group in groups.values())))
        await self._store.write(lambda tables: tables.signals.mark_fanned_out(signal.id, self._clock.now()))

    async def _fan_out_group(self, signal: Signal, bot: Bot, group: Sequence[Follower]) -> None:
        """Followers at one venue. Those whose account must be set up first are written down, and advance later."""
        results: list[BaseException | None] = []
        steps = signal.steps or (Step(leg=LegKind.OPEN, direction=Direction.LONG),)
        market = await self._readiness.market(group[0].account, signal.symbol)
        sizes = await self._readiness.sizes(signal, group)
        unready = await self._readiness.unready(group, signal, market, sizes)
        # Half of the wire is on its way while the other half is written down.
        at_once = max(1, self._sessions.venue(group[0].account).traits.at_once // 2)
        for start in range(0, len(group), at_once):
            batch = group[start : start + at_once]
            results += await _each(self._record(signal, bot, batch, steps, market, unready, sizes))
        _raise_first(results)
        for account_id in unready:
            self._advance(account_id, signal.symbol)

    async def _record(
        self,
        signal: Signal,
        bot: Bot,
        batch: Sequence[Follower],
        steps: Sequence[Step],
        market: Market,
        unready: frozenset[AccountId],
        sizes: Mapping[AccountId, Size],
    ) -> None:
        def work(tables: Transaction) -> tuple[list[Execution], dict[AccountId, Account]]:
            at = self._clock.now()
            ids = [follower.subscription.id for follower in batch]
            followers = tables.followers.followers(bot, signal.symbol, ids, at)
            deciding = Deciding(
                tables=tables,
                signal=signal,
                market=market,
                sessions=self._sessions,
                at=at,
                sizes=sizes,
                unready=unready,
            )
            made = deciding.executions(followers, steps)
            tables.executions.add(made)
            return made, {follower.account.id: follower.account for follower in followers}

        venue, sending = batch[0].account.venue, []
        await self._wire.reserve(venue, len(batch))
        try:
            made, accounts = await self._store.write(work)
            sending = [one for one in made if one.state is State.SENDING]
        finally:
            self._wire.give_back(venue, len(batch) - len(sending))
        for one in made:
            if one.state in {State.BLOCKED, State.QUEUED}:
                self._waits(one.account_id, one.symbol)
        self._send([Dispatch(one, accounts[one.account_id], signal.received_at) for one in sending])


async def _each(*works: Coroutine[Any, Any, None]) -> list[BaseException | None]:
    """Each to its end: one that fails must not cancel another between its commit and its send."""
    return await asyncio.gather(*works, return_exceptions=True)


def _raise_first(results: Iterable[BaseException | None]) -> None:
    for result in results:
        if result is not None:
            raise result


def _audience(tables: Transaction, signal: Signal, at: datetime) -> tuple[Bot, Sequence[Follower]]:
    bot = tables.signals.lock_bot(signal.bot_id)
    if bot is None:
        raise CopydeskError(f"signal {signal.id} has lost its bot")
    only = signal.payload.get("subscription_id") if signal.source is SourceKind.DESK else None
    ids = [SubscriptionId(str(only))] if only else tables.followers.subscribers(signal.bot_id)
    return bot, [
        follower
        for start in range(0, len(ids), READ_AT_ONCE)
        for follower in tables.followers.followers(bot, signal.symbol, ids[start : start + READ_AT_ONCE], at)
    ]


def _rotated(signal: Signal, followers: Sequence[Follower]) -> list[Follower]:
    """Another first follower each signal, so that nobody is always last; the same one when a signal is run again."""
    if not followers:
        return []
    start = int.from_bytes(hashlib.sha256(signal.id.encode()).digest()[:4], "big") % len(followers)
    return [*followers[start:], *followers[:start]]
