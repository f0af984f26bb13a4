"""One signal to all its followers at once: each planned alone, written down together, then sent."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

import structlog
from msgspec import Struct

from copydesk.domain.bot import Bot, as_signalled
from copydesk.domain.contracts import ContractPlans
from copydesk.domain.errors import CopydeskError
from copydesk.domain.execution import Execution, State
from copydesk.domain.following import TerminalPlans, follow
from copydesk.domain.ids import AccountId, SubscriptionId
from copydesk.domain.planning import Follower, Plans
from copydesk.domain.signal import Direction, LegKind, Signal, Size, SourceKind, Step
from copydesk.domain.subscription import Account
from copydesk.engine.deciding import Deciding, Market, plans_for
from copydesk.engine.delivery import Dispatch
from copydesk.engine.readiness import Readiness, asks_balances
from copydesk.engine.rush import Rush
from copydesk.engine.sessions import Sessions
from copydesk.engine.wire import Wire
from copydesk.ports.clock import Clock
from copydesk.ports.store import Store, Transaction

log = structlog.get_logger()

T = TypeVar("T")

FIRST_AT_ONCE, WRITTEN_AT_ONCE = 30, 120
"""Followers of the first commit, and of one at most: the first ones' orders leave soon, and each commit serves twice as many as the
one before.
"""

_NOTHING_TO_DO = (Step(leg=LegKind.OPEN, direction=Direction.LONG),)
"""So that a signal without steps tells each follower why nothing was done."""


class _Group(Struct, frozen=True, kw_only=True):
    """Whoever follows the signal at one venue and on which account, one of these accounts, and what they are planned with."""

    signal: Signal
    bot: Bot
    account: Account
    places: Mapping[SubscriptionId, AccountId]
    market: Market
    plans: Plans | TerminalPlans | ContractPlans
    sizes: Mapping[AccountId, Size]


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
        rush: Rush,
        advance: Callable[[AccountId, str], None],
        waits: Callable[[AccountId, str], None],
    ) -> None:
        self._store = store
        self._sessions = sessions
        self._clock = clock
        self._send = send
        self._readiness = readiness
        self._wire = wire
        self._rush = rush
        self._advance = advance
        self._waits = waits

    async def fan_out(self, signal: Signal) -> None:
        """Every active subscription gets its executions; a second run adds what the first did not reach."""
        with self._rush.under_way():
            # A write: what another fan-out, or an earlier run of this one, only intended is filed then.
            bot, audience = await self._store.write(lambda tables: _audience(tables, signal))
            _raise_first(await _each(*(self._fan_out_at(signal, bot, account, places) for account, places in audience)))
        await self._store.write(lambda tables: tables.signals.mark_fanned_out(signal.id, self._clock.now()))

    async def _fan_out_at(
        self, signal: Signal, bot: Bot, account: Account, places: Mapping[SubscriptionId, AccountId]
    ) -> None:
        """Followers at one venue. Those whose account must be set up first are written down, and advance later."""
        ids = list(places)
        traits = self._sessions.venue(account).traits
        signal = follow(signal) if traits.is_terminal else signal
        market = await self._readiness.market(account, signal.symbol)
        await self._sessions.open(dict.fromkeys(places.values()))
        sizes = await self._sizes(signal, bot, ids)
        plans = plans_for(traits, signal, market.quote)
        group = _Group(signal=signal, bot=bot, account=account, places=places, market=market, plans=plans, sizes=sizes)
        queued: list[Execution] = []
        works = (self._record(group, some, queued) for some in batches(ids, traits.at_once))
        results = [result for work in works for result in await _each(work)]
        _raise_first(results)
        for execution in queued:
            self._advance(execution.account_id, execution.symbol)

    async def _sizes(self, signal: Signal, bot: Bot, ids: Sequence[SubscriptionId]) -> Mapping[AccountId, Size]:
        """What a percentage is for each account; whoever must be asked for it is read ahead."""
        if not asks_balances(signal):
            return {}
        at = self._clock.now()
        return await self._readiness.sizes(
            signal, await self._store.read(lambda tables: tables.followers.followers(bot, signal.symbol, ids, at))
        )

    async def _record(self, group: _Group, ids: Sequence[SubscriptionId], queued: list[Execution]) -> None:
        signal = group.signal

        def work(tables: Transaction) -> tuple[list[Execution], dict[AccountId, Account]]:
            at = self._clock.now()
            unsettled = tables.executions.unsettled({group.places[one] for one in ids}, signal.symbol)
            followers = tables.followers.followers(group.bot, signal.symbol, ids, at)
            deciding = Deciding(
                tables=tables,
                signal=signal,
                market=group.market,
                sessions=self._sessions,
                at=at,
                plans=group.plans,
                sizes=group.sizes,
            )
            made = deciding.executions(_in_order(followers, ids), signal.steps or _NOTHING_TO_DO, unsettled)
            tables.executions.add(made)
            return made, {follower.account.id: follower.account for follower in followers}

        venue, sending = group.account.venue, list[Execution]()
        await self._wire.reserve(venue, len(ids))
        try:
            made, accounts = await self._writes(group)(work)
            sending = [one for one in made if one.state is State.SENDING]
        finally:
            self._wire.give_back(venue, len(ids) - len(sending))
        self._send([Dispatch(one, accounts[one.account_id], signal.received_at) for one in sending])
        for one in made:
            if one.state in {State.BLOCKED, State.QUEUED}:
                self._waits(one.account_id, one.symbol)
        queued += [one for one in made if one.state is State.QUEUED]

    def _writes(self, group: _Group) -> Callable[[Callable[[Transaction], T]], Awaitable[T]]:
        """Intended only where no other intents, neither of this signal nor of another, can be about the same accounts. Terminals'
        programs are told of executions by their rows.
        """
        places = group.places.values()
        is_terminal = self._sessions.venue(group.account).traits.is_terminal
        is_by_itself = self._rush.is_alone and len(set(places)) == len(places)
        return self._store.write_ahead if is_by_itself and not is_terminal else self._store.write


def batches(followers: Sequence[T], at_once: int) -> Iterator[Sequence[T]]:
    """Those whose intents are written down together: never more than may wait for their turn at the venue."""
    start, most = 0, FIRST_AT_ONCE
    while start < len(followers):
        most = min(most, at_once, WRITTEN_AT_ONCE)
        yield followers[start : start + most]
        start, most = start + most, 2 * most


async def _each(*works: Coroutine[Any, Any, None]) -> list[BaseException | None]:
    """Each to its end: one that fails must not cancel another between its commit and its send."""
    return await asyncio.gather(*works, return_exceptions=True)


def _raise_first(results: Iterable[BaseException | None]) -> None:
    for result in results:
        if result is not None:
            raise result


def _audience(
    tables: Transaction, signal: Signal
) -> tuple[Bot, list[tuple[Account, Mapping[SubscriptionId, AccountId]]]]:
    """The bot, and who follows the signal at each venue on which account, with one of these accounts."""
    bot = tables.signals.lock_bot(signal.bot_id)
    if bot is None:
        raise CopydeskError(f"signal {signal.id} has lost its bot")
    only = signal.payload.get("subscription_id") if signal.source is SourceKind.DESK else None
    ids = [SubscriptionId(str(only))] if only else _rotated(signal, tables.followers.subscribers(signal.bot_id))
    places = tables.followers.places(ids)
    groups: dict[tuple[str, str], dict[SubscriptionId, AccountId]] = {}
    for one in ids:
        if one in places:
            group = groups.setdefault((places[one].venue, places[one].environment), {})
            group[one] = places[one].account_id
    accounts = (tables.followers.account(next(iter(group.values()))) for group in groups.values())
    return as_signalled(bot, signal), [
        (account, group) for account, group in zip(accounts, groups.values(), strict=True) if account
    ]


def _in_order(followers: Iterable[Follower], ids: Sequence[SubscriptionId]) -> list[Follower]:
    found = {follower.subscription.id: follower for follower in followers}
    return [found[one] for one in ids if one in found]


def _rotated(signal: Signal, ids: Sequence[SubscriptionId]) -> list[SubscriptionId]:
    """Another first follower each signal, so that nobody is always last; the same one when a signal is run again."""
    if not ids:
        return []
    start = int.from_bytes(hashlib.sha256(signal.id.encode()).digest()[:4], "big") % len(ids)
    return [*ids[start:], *ids[:start]]
