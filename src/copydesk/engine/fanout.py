"""One signal to all its followers at once: each planned alone, written down together, then sent."""

import asyncio
import hashlib
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

import structlog

from copydesk.domain.bot import Bot
from copydesk.domain.errors import CopydeskError, CredentialsRefused, StaleWrite, VenueError
from copydesk.domain.execution import FINAL, Execution, State
from copydesk.domain.guards import Refusal
from copydesk.domain.ids import AccountId, SignalId, SubscriptionId
from copydesk.domain.planning import Copy, Follower, amount_of, counts_for, plan_copy
from copydesk.domain.signal import Direction, LegKind, Signal, Size, SizeUnit, SourceKind, Step
from copydesk.domain.subscription import Account, Environment, KeyCheck
from copydesk.engine import protection
from copydesk.engine.deciding import Deciding, Market, is_prepared
from copydesk.engine.delivery import Dispatch
from copydesk.engine.preflight import refuse_permissions
from copydesk.engine.sessions import Sessions
from copydesk.ports.clock import Clock
from copydesk.ports.store import Preparation, Store, Transaction
from copydesk.ports.venue import Session

log = structlog.get_logger()

BATCH = 200
"""Executions that share one commit just ahead of the wire."""

QUOTE_TIMEOUT_S = 3.0
"""A venue that does not tell its price by then opens nothing: the next signal is waiting."""


@dataclass(frozen=True, slots=True)
class Readiness:
    """What was found out for the signal that is next to leave; another signal's executions wait for their own turn."""

    market: Market
    signal_id: SignalId
    sizes: Mapping[AccountId, Size]
    problem: str | None


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
        advance: Callable[[AccountId, str], None],
        waits: Callable[[AccountId, str], None],
    ) -> None:
        self._store = store
        self._sessions = sessions
        self._clock = clock
        self._send = send
        self._advance = advance
        self._waits = waits

    async def fan_out(self, signal: Signal) -> None:
        """Every active subscription gets its executions; a second run adds what the first did not reach."""
        bot, followers = await self._store.read(lambda tables: _audience(tables, signal, self._clock.now()))
        groups: dict[tuple[str, str], list[Follower]] = {}
        for follower in _rotated(signal, followers):
            groups.setdefault((follower.account.venue, follower.account.environment), []).append(follower)
        await _all(self._fan_out_group(signal, bot, group) for group in groups.values())
        await self._store.write(lambda tables: tables.signals.mark_fanned_out(signal.id, self._clock.now()))

    async def _fan_out_group(self, signal: Signal, bot: Bot, group: Sequence[Follower]) -> None:
        """Followers at one venue. Those whose account must be set up first are written down, and advance later."""
        steps = signal.steps or (Step(leg=LegKind.OPEN, direction=Direction.LONG),)
        market = await self._market(group[0].account, signal.symbol)
        sizes = await self._sizes(signal, group)
        unready = await self._unready(group, signal, market, sizes)
        ids = [follower.subscription.id for follower in group]
        batches = (ids[start : start + BATCH] for start in range(0, len(ids), BATCH))
        await _all(self._record(signal, bot, batch, steps, market, unready, sizes) for batch in batches)
        for account_id in unready:
            self._advance(account_id, signal.symbol)

    async def _market(self, account: Account, symbol: str) -> Market:
        try:
            async with asyncio.timeout(QUOTE_TIMEOUT_S):
                await self._sessions.sync_clock(account)
                quote = await self._sessions.quote(account, symbol)
        except VenueError as error:
            return Market(quote=None, problem=error.text)
        except TimeoutError:
            return Market(quote=None, problem="the venue did not answer in time")
        except Exception as error:  # the boundary of one venue: its followers get a reason, the others their orders
            log.exception("market data broke", venue=account.venue)
            return Market(quote=None, problem=f"its data could not be read: {type(error).__name__}")
        return Market(quote=quote, problem=None if quote else f"{symbol} is not traded at the account's venue")

    async def _sizes(self, signal: Signal, group: Sequence[Follower]) -> Mapping[AccountId, Size]:
        """What a percentage of the balance is for each account that it counts for; one that does not tell has none."""
        size = signal.size
        if (
            size is None
            or size.unit is not SizeUnit.PERCENT
            or all(step.leg is not LegKind.OPEN for step in signal.steps)
        ):
            return {}
        asked = [one.account for one in group if counts_for(one)]
        balances = await asyncio.gather(*(self._available(account) for account in asked))
        return {
            account.id: amount_of(size, available)
            for account, available in zip(asked, balances, strict=True)
            if available is not None
        }

    async def _available(self, account: Account) -> Decimal | None:
        try:
            async with asyncio.timeout(QUOTE_TIMEOUT_S):
                return (await (await self._sessions.of(account)).balance()).available_usd
        except (VenueError, TimeoutError) as error:
            log.warning("balance not read", account_id=account.id, problem=str(error))
            return None

    async def _unready(
        self, group: Sequence[Follower], signal: Signal, market: Market, sizes: Mapping[AccountId, Size]
    ) -> frozenset[AccountId]:
        """Accounts that would open something and are not set up for the symbol yet."""
        openings = [step for step in signal.steps if step.leg is LegKind.OPEN]
        if not openings or market.quote is None:
            return frozenset()
        made = await self._store.read(
            lambda tables: {
                one.account.id: tables.followers.preparation(one.account.id, signal.symbol) for one in group
            },
        )
        return frozenset(
            follower.account.id
            for follower in group
            if not is_prepared(made[follower.account.id], follower)
            and any(
                isinstance(_if_flat(step, follower, market, sizes.get(follower.account.id, signal.size)), Copy)
                for step in openings
            )
        )

    async def _record(
        self,
        signal: Signal,
        bot: Bot,
        batch: Sequence[SubscriptionId],
        steps: Sequence[Step],
        market: Market,
        unready: frozenset[AccountId],
        sizes: Mapping[AccountId, Size],
    ) -> None:
        def work(tables: Transaction) -> tuple[list[Execution], dict[AccountId, Account]]:
            at = self._clock.now()
            followers = tables.followers.followers(bot, signal.symbol, batch, at)
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

        made, accounts = await self._store.write(work)
        for one in made:
            if one.state in {State.BLOCKED, State.QUEUED}:
                self._waits(one.account_id, one.symbol)
        sending = [one for one in made if one.state is State.SENDING]
        self._send([Dispatch(one, accounts[one.account_id], signal.received_at) for one in sending])

    async def release(self, account_id: AccountId, symbol: str) -> None:
        """Go on with what waits on an account and symbol, as far as nothing unsettled stands before it."""
        head = await self._store.read(lambda tables: _head(tables, account_id, symbol, self._clock.now()))
        if head is None:
            return
        follower, signal, made, opens = head
        problem = None
        if opens and not is_prepared(made, follower):
            problem = await self._set_up(follower, symbol)
        market = await self._market(follower.account, symbol)
        sizes = await self._sizes(signal, [follower])
        try:
            to_send = await self._store.write(
                lambda tables: self._release(tables, account_id, symbol, Readiness(market, signal.id, sizes, problem)),
            )
        except StaleWrite:
            return
        self._send(to_send)

    async def prepare(self, follower: Follower, symbols: Sequence[str]) -> None:
        """Set an account up ahead of the first signal, for the symbols its bot has traded."""
        for symbol in symbols:
            problem = await self._set_up(follower, symbol)
            if problem is not None:
                log.warning("account not set up", account_id=follower.account.id, symbol=symbol, problem=problem)

    async def refuse_key(self, account_id: AccountId, error: CredentialsRefused) -> None:
        """The key does not work: nothing more is sent with it until its owner changes it."""
        log.warning("key refused", account_id=account_id, problem=error.text)
        now = self._clock.now()
        await self._store.write(lambda tables: tables.followers.refuse_key(account_id, error.text, now))

    async def _set_up(self, follower: Follower, symbol: str) -> str | None:
        """Leverage, margin mode and position mode, set and verified at the venue; what went wrong, or None."""
        leverage, margin_mode = follower.settings.leverage, follower.subscription.copy.margin_mode
        try:
            session = await self._sessions.of(follower.account)
            await self._check_key(follower.account, session)
            mode = await session.prepare(symbol, leverage=leverage, margin_mode=margin_mode)
        except CredentialsRefused as error:
            await self.refuse_key(follower.account.id, error)
            return error.text
        except VenueError as error:
            return error.text
        except Exception as error:  # the boundary of one follower: whatever breaks, breaks for them alone
            log.exception("account set-up broke", account_id=follower.account.id)
            return type(error).__name__
        made = Preparation(leverage=leverage, margin_mode=margin_mode, position_mode=mode)
        now = self._clock.now()
        await self._store.write(
            lambda tables: tables.followers.save_preparation(follower.account.id, symbol, made, now),
        )
        return None

    async def _check_key(self, account: Account, session: Session) -> None:
        """A key that could not be asked about when it was added is asked about before its first order."""
        if account.key_check is not KeyCheck.UNCHECKED or account.environment is Environment.DEMO:
            return
        refuse_permissions(await session.permissions())

    def _release(self, tables: Transaction, account_id: AccountId, symbol: str, ready: "Readiness") -> list[Dispatch]:
        at = self._clock.now()
        to_send: list[Dispatch] = []
        fresh, given_up = _still_fresh(tables, tables.executions.unsettled([account_id], symbol), at)
        for ended in given_up:
            to_send += self._protect_again(tables, ended, at)
        for execution in fresh:
            if execution.state not in {State.BLOCKED, State.QUEUED} or execution.signal_id != ready.signal_id:
                break
            released = self._release_one(tables, execution, ready, at)
            if released.state is State.SENDING:
                to_send.append(_dispatch(tables, released))
            if released.state not in FINAL:
                break
            to_send += self._protect_again(tables, released, at)
        return to_send

    def _protect_again(self, tables: Transaction, ended: Execution, at: datetime) -> list[Dispatch]:
        """A close that ends unsent gives back the stops that were taken away for it."""
        if not protection.freed_by(ended):
            return []
        account = tables.followers.account(ended.account_id)
        if account is None:
            raise CopydeskError(f"execution {ended.id} has lost its account")
        freezer = self._sessions.freezer(tables, account, ended.symbol)
        return [
            _dispatch(tables, one) for one in protection.protect_again(tables, ended, at=at, freezer=lambda: freezer)
        ]

    def _release_one(self, tables: Transaction, execution: Execution, ready: "Readiness", at: datetime) -> Execution:
        follower = _follower(tables, execution, at)
        signal = tables.signals.get(execution.signal_id)
        if signal is None:
            raise CopydeskError(f"execution {execution.id} has lost its signal")
        if execution.state is State.BLOCKED:
            queued = replace(execution, state=State.QUEUED, reason=None)
            execution = tables.executions.move(execution, queued, at=at)
        made = tables.followers.preparation(execution.account_id, execution.symbol)
        if execution.kind is LegKind.OPEN and ready.problem is None and not is_prepared(made, follower):
            return execution
        deciding = Deciding(
            tables=tables,
            signal=signal,
            market=ready.market,
            sessions=self._sessions,
            at=at,
            sizes=ready.sizes,
            set_up_problem=ready.problem,
        )
        after = deciding.decide(execution, follower)
        return execution if after == execution else tables.executions.move(execution, after, at=at)


async def _all(works: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Each to its end: one that fails must not cancel another between its commit and its send. Then raise the first."""
    for result in await asyncio.gather(*works, return_exceptions=True):
        if isinstance(result, BaseException):
            raise result


def _if_flat(step: Step, follower: Follower, market: Market, size: Size | None) -> Copy | Refusal:
    return plan_copy(step, replace(follower, position=None), market.quote, size)


def _dispatch(tables: Transaction, execution: Execution) -> Dispatch:
    account, signal = tables.followers.account(execution.account_id), tables.signals.get(execution.signal_id)
    if account is None or signal is None:
        raise CopydeskError(f"execution {execution.id} has lost its account or signal")
    return Dispatch(execution, account, signal.received_at)


def _still_fresh(
    tables: Transaction, unsettled: Sequence[Execution], at: datetime
) -> tuple[list[Execution], list[Execution]]:
    """What may still be sent; and what has waited too long and is given up, whatever it waits behind."""
    late = [one for one in unsettled if one.state in {State.BLOCKED, State.QUEUED} and at > one.expires_at]
    given_up = [_give_up(tables, one, at) for one in late]
    return [one for one in unsettled if one not in late], given_up


def _give_up(tables: Transaction, execution: Execution, at: datetime) -> Execution:
    """Too late: an opening expires; a close is handed to a person."""
    if execution.kind is LegKind.OPEN:
        reason = f"Not sent within its freshness budget: {execution.reason or 'it had to wait'}"
        return tables.executions.move(execution, replace(execution, state=State.EXPIRED, reason=reason), at=at)
    if execution.state is State.BLOCKED:
        execution = tables.executions.move(execution, replace(execution, state=State.QUEUED), at=at)
    reason = "The close could not be sent in time: please look at this position"
    return tables.executions.move(execution, replace(execution, state=State.REVIEW, reason=reason), at=at)


def _audience(tables: Transaction, signal: Signal, at: datetime) -> tuple[Bot, Sequence[Follower]]:
    bot = tables.signals.lock_bot(signal.bot_id)
    if bot is None:
        raise CopydeskError(f"signal {signal.id} has lost its bot")
    only = signal.payload.get("subscription_id") if signal.source is SourceKind.DESK else None
    ids = [SubscriptionId(str(only))] if only else tables.followers.subscribers(signal.bot_id)
    return bot, [
        follower
        for start in range(0, len(ids), BATCH)
        for follower in tables.followers.followers(bot, signal.symbol, ids[start : start + BATCH], at)
    ]


def _follower(tables: Transaction, execution: Execution, at: datetime) -> Follower:
    bot = tables.signals.lock_bot(execution.bot_id)
    if bot is None:
        raise CopydeskError(f"execution {execution.id} has lost its bot")
    return tables.followers.followers(bot, execution.symbol, [execution.subscription_id], at)[0]


def _head(
    tables: Transaction, account_id: AccountId, symbol: str, at: datetime
) -> tuple[Follower, Signal, Preparation | None, bool] | None:
    """The follower and signal whose execution is next to leave, how the account is set up, and whether it opens."""
    waiting = tables.executions.unsettled([account_id], symbol)
    held_up = [one for one in waiting if one.state in {State.BLOCKED, State.QUEUED}]
    if not held_up or (held_up[0] is not waiting[0] and all(at <= one.expires_at for one in held_up)):
        return None
    follower = _follower(tables, waiting[0], at)
    opens = held_up[0] is waiting[0] and waiting[0].kind is LegKind.OPEN
    signal = tables.signals.get(held_up[0].signal_id)
    if signal is None:
        raise CopydeskError(f"execution {held_up[0].id} has lost its signal")
    return follower, signal, tables.followers.preparation(account_id, symbol), opens


def _rotated(signal: Signal, followers: Sequence[Follower]) -> list[Follower]:
    """Another first follower each signal, so that nobody is always last; the same one when a signal is run again."""
    if not followers:
        return []
    start = int.from_bytes(hashlib.sha256(signal.id.encode()).digest()[:4], "big") % len(followers)
    return [*followers[start:], *followers[:start]]
