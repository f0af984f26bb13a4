"""The decisions of one transaction: which state each follower's execution starts in, or goes on to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

from msgspec.structs import replace

from copydesk.domain import contracts
from copydesk.domain.breaker import Breaker
from copydesk.domain.contracts import ContractPlans
from copydesk.domain.execution import Execution, State
from copydesk.domain.following import TerminalPlans
from copydesk.domain.guards import Refusal, refuse_account, refuse_breaker
from copydesk.domain.ids import AccountId
from copydesk.domain.instrument import plain
from copydesk.domain.planning import Copy, Follower, Plans, Quote, what_counts
from copydesk.domain.position import unfilled
from copydesk.domain.signal import Direction, LegKind, Signal, Size, SourceKind, Step
from copydesk.domain.subscription import Account, Environment, PositionMode, SubscriptionStatus
from copydesk.domain.venue import PAPER, VenueName
from copydesk.engine import making, protection
from copydesk.engine.contracts import opening_of
from copydesk.engine.making import Freezer
from copydesk.engine.sessions import Sessions
from copydesk.ports.store import Preparation, Transaction
from copydesk.ports.venue import Traits


@dataclass(frozen=True, slots=True, kw_only=True)
class Market:
    """What followers at one venue and environment are planned with; `problem` says why there is no quote."""

    quote: Quote | None
    problem: str | None = None


def is_prepared(made: Preparation | None, follower: Follower) -> bool:
    """Whether the account has been set up for what this follower wants."""
    wanted = follower.settings.leverage, follower.subscription.copy.margin_mode
    return made is not None and (made.leverage, made.margin_mode) == wanted


def plans_for(traits: Traits, signal: Signal, quote: Quote | None) -> Plans | TerminalPlans | ContractPlans:
    """How followers at such a venue are planned."""
    if traits.is_terminal:
        return TerminalPlans(signal)
    return ContractPlans(signal, quote) if traits.is_contracts else Plans(quote)


_TOLD = frozenset({State.WORKING, State.REVIEW})
"""Of a terminal's executions: the program beside it has them, or had."""


def in_line(unsettled: Sequence[Execution], traits: Traits) -> Sequence[Execution]:
    """Who waits for whom on an account and symbol. What waits for a person holds up openings, and sales of coins; a
    futures close can only make the position smaller, and passes. A terminal's program does what it is told in that order:
    nothing waits here for what it has been told.
    """
    if traits.is_terminal:
        unsettled = [one for one in unsettled if one.state not in _TOLD]
    waiting = (one for one in unsettled if one.state in {State.PLANNED, State.BLOCKED, State.QUEUED})
    head = next(waiting, None)
    if head is None or head.kind is not LegKind.CLOSE or traits.is_spot:
        return unsettled
    return [one for one in unsettled if one.state is not State.REVIEW]


@dataclass(frozen=True, kw_only=True)
class Deciding:
    """One signal, one market and its plans, one moment; `sizes` are the accounts' own amounts of a percentage."""

    tables: Transaction
    signal: Signal
    market: Market
    sessions: Sessions
    at: datetime
    plans: Plans | TerminalPlans | ContractPlans
    sizes: Mapping[AccountId, Size] = field(default_factory=dict)
    set_up_problem: str | None = None
    _times: dict[tuple[VenueName, Environment], datetime | None] = field(default_factory=dict, init=False)
    _models: dict[tuple[object, ...], Execution] = field(default_factory=dict, init=False)

    def executions(
        self, followers: Sequence[Follower], steps: Sequence[Step], unsettled: Sequence[Execution]
    ) -> list[Execution]:
        """`unsettled` is what stands before them, read before the followers were: what is booked between the two readings is then
        seen once at least, as under way or as held.
        """
        existing = self.tables.executions.legs(self.signal.id, {follower.subscription.id for follower in followers})
        accounts = {follower.account.id for follower in followers}
        self.tables.followers.preparations(accounts, self.signal.symbol)  # read ahead, in one statement
        waiting: dict[AccountId, list[Execution]] = {}
        for execution in unsettled:
            waiting.setdefault(execution.account_id, []).append(execution)
        made: list[Execution] = []
        for follower in followers:
            before = waiting.setdefault(follower.account.id, [])
            for step in steps:
                if (follower.subscription.id, step.leg.value) in existing:
                    continue
                execution = self._start(follower, step, before)
                made.append(execution)
                if not execution.is_final:
                    before.append(execution)
        return made

    @cached_property
    def breakers(self) -> Sequence[Breaker]:
        """Read in the transaction that moves to SENDING: in force as soon as they are pulled."""
        return self.tables.breakers.pulled()

    def _start(self, follower: Follower, step: Step, before: list[Execution]) -> Execution:
        """Of those who are alike, and have nothing under way that it must wait for, the first one's is the others' model."""
        if before or not self._may_be_alike(follower, step):
            return self._start_alone(follower, step, before)
        made = self.tables.followers.preparation(follower.account.id, self.signal.symbol)
        kind = step, self.sizes.get(follower.account.id), made, *what_counts(step, follower)
        model = self._models.get(kind)
        if model is None:
            model = self._models[kind] = self._start_alone(follower, step, before)
            return model
        return making.like(model, follower, lambda: self._freezer(follower.account, made, model.frozen_at or self.at))

    def _may_be_alike(self, follower: Follower, step: Step) -> bool:
        """Not where who they are may count: by a breaker that reaches one of them, by what else the account does."""
        if not isinstance(self.plans, Plans) or self.signal.source is SourceKind.STRATEGY:
            return False
        if step.leg is LegKind.OPEN:
            return not self.breakers
        return not self.sessions.venue(follower.account).traits.is_spot

    def _start_alone(self, follower: Follower, step: Step, before: list[Execution]) -> Execution:
        execution = making.new_execution(self.signal, follower, step, at=self.at)
        if not self.signal.steps:
            return making.skipped(execution, Refusal(reason=self.signal.note or "Nothing to do", rule="no_change"))
        if self.at > execution.expires_at:
            return self._too_late(execution)
        if step.leg is LegKind.CLOSE:
            self._cancel_waiting_openings(follower, step, before)
        refusal = self._refuse_at_once(follower)
        if refusal is not None:
            return making.skipped(execution, refusal)
        line = in_line([*before, execution], self.sessions.venue(follower.account).traits)
        if line[0] is not execution:
            return making.blocked(execution, line[-2])
        return self.decide(execution, follower)

    def decide(self, execution: Execution, follower: Follower) -> Execution:
        """SKIPPED, SENDING, or (a close at a venue whose clock is not known) as it was."""
        step = Step(leg=execution.kind, direction=execution.direction, fraction=execution.fraction)
        traits = self.sessions.venue(follower.account).traits
        in_steps = traits.is_spot or (step.fraction != 1 and not traits.is_terminal)
        if step.leg is LegKind.CLOSE and in_steps and self.market.quote is None:
            return replace(execution, state=State.QUEUED, reason="Waits for the venue: a part needs its steps")
        if traits.is_terminal and step.leg is not LegKind.OPEN:
            follower = self._with_what_opens(execution, follower)
        if self.signal.source is SourceKind.DESK:
            # What the desk closes for a follower's safety does not ask whether they paused.
            follower = replace(
                follower, subscription=replace(follower.subscription, status=SubscriptionStatus.CLOSE_ONLY)
            )
        size = self.sizes.get(follower.account.id, self.signal.size)
        copy = self._refuse_for_now(execution, follower) or self.plans.plan(step, follower, size)
        if traits.is_contracts and isinstance(copy, Copy) and step.leg is LegKind.CLOSE:
            copy = self._of_its_contract(copy, follower)
        if isinstance(copy, Refusal):
            return making.skipped(execution, self._explained(copy))
        return self._to_send(execution, follower, copy)

    def _of_its_contract(self, copy: Copy, follower: Follower) -> Copy | Refusal:
        """By the contract that our own opening bought, and no other; what has come to its end is not sold any more."""
        subscription, symbol, held = follower.subscription, self.signal.symbol, follower.position
        opening = None
        if held is not None:
            opening = opening_of(self.tables, follower.account.id, subscription.id, symbol, held)
        if opening is None or opening.exchange_order_id is None:
            return Refusal(reason="The contract that was bought is not known", rule="contract_unknown")
        inputs = {**copy.inputs, contracts.CONTRACT_ID: opening.exchange_order_id}
        if self.signal.source is SourceKind.DESK and self.signal.payload.get("rule") == contracts.ENDED:
            inputs[contracts.ONLY_WAIT] = "yes"
        return replace(copy, quantity=opening.executed_quantity, inputs=inputs)

    def _with_what_opens(self, execution: Execution, follower: Follower) -> Follower:
        """An opening that the terminal's program was told counts as held, of a size that is not known yet; one that a person
        should look at, too: it may be there, and closing nothing does no harm.
        """
        if follower.position is not None:
            return follower
        standing = self.tables.executions.unsettled([follower.account.id], execution.symbol)
        told = (one for one in standing if one.state in _TOLD and one.kind is LegKind.OPEN)
        opening = next((one for one in told if one.subscription_id == execution.subscription_id), None)
        return follower if opening is None else replace(follower, position=unfilled(opening.direction, self.at))

    def _to_send(self, execution: Execution, follower: Follower, copy: Copy) -> Execution:
        venue = self.sessions.venue(follower.account)
        venue_time = self._venue_time(follower.account)
        if venue_time is None:
            if execution.kind is LegKind.OPEN:
                problem = self.market.problem or "its clock could not be read well enough"
                return making.skipped(execution, Refusal(reason=f"The venue is away: {problem}", rule="venue_clock"))
            return replace(execution, state=State.QUEUED, reason="Waits for the venue")
        if execution.kind is LegKind.CLOSE and venue.traits.is_spot:
            waits = protection.free_coins(self.tables, execution, self.at)
            if waits is not None:
                return waits
        made = self.tables.followers.preparation(follower.account.id, execution.symbol)
        needs_set_up = execution.kind is LegKind.OPEN and not venue.traits.is_terminal
        if needs_set_up and not is_prepared(made, follower):
            return replace(execution, state=State.QUEUED, reason="The account is being set up at its venue")
        return making.ready_to_send(making.planned(execution, copy), self._freezer(follower.account, made, venue_time))

    def _freezer(self, account: Account, made: Preparation | None, venue_time: datetime) -> Freezer:
        mode = made.position_mode if made is not None else PositionMode.ONE_WAY
        return Freezer(venue=self.sessions.venue(account), mode=mode, at=venue_time)

    def _venue_time(self, account: Account) -> datetime | None:
        """One moment for all that are decided together."""
        place = account.venue, account.environment
        if place not in self._times:
            self._times[place] = self.sessions.venue_time(account)
        return self._times[place]

    def _too_late(self, execution: Execution) -> Execution:
        if execution.kind in {LegKind.OPEN, LegKind.MODIFY}:
            reason = "Not sent within its freshness budget: the desk was away when the signal came"
            return replace(execution, state=State.EXPIRED, reason=reason)
        reason = "The close could not be sent in time: please look at this position"
        return replace(execution, state=State.REVIEW, reason=reason)

    def _cancel_waiting_openings(self, follower: Follower, close: Step, before: list[Execution]) -> None:
        """A close ends openings that have not left yet, on its own side; one of a part waits for them instead."""
        if close.fraction != 1:
            return
        for one in list(before):
            waits = one.state in {State.BLOCKED, State.QUEUED} and one.kind is LegKind.OPEN
            waits = waits and close.direction in {one.direction, Direction.FLAT}
            if waits and one.subscription_id == follower.subscription.id:
                gone = replace(one, state=State.CANCELLED, reason="A close came before it was sent")
                self.tables.executions.move(one, gone, at=self.at)
                before.remove(one)

    def _refuse_at_once(self, follower: Follower) -> Refusal | None:
        if follower.subscription.status is SubscriptionStatus.PAUSED and self.signal.source is not SourceKind.DESK:
            return Refusal(reason="The subscription is paused", rule="subscription_paused")
        if self.signal.source is SourceKind.TEST and follower.account.venue != PAPER:
            return Refusal(reason="A test signal goes to paper accounts only", rule="test_signal")
        return refuse_account(follower.account)

    def _refuse_for_now(self, execution: Execution, follower: Follower) -> Refusal | None:
        if execution.kind is not LegKind.OPEN:
            return None
        if self.signal.source is SourceKind.STRATEGY and follower.position is not None:
            # Its own book may be flat again by a stop, while this follower's stop still stands.
            return Refusal(
                reason=f"The account holds a {follower.position.direction} position of this strategy already",
                rule="holds_already",
                numbers={"quantity": plain(follower.position.quantity)},
            )
        refusal = refuse_breaker(self.breakers, follower.account, follower.bot.id)
        if refusal is None and self.set_up_problem is not None:
            return Refusal(reason=f"The account could not be set up: {self.set_up_problem}", rule="account_set_up")
        return refusal

    def _explained(self, refusal: Refusal) -> Refusal:
        if refusal.rule != "no_market_data" or self.market.problem is None:
            return refusal
        numbers: Mapping[str, str] = {**refusal.numbers, "problem": self.market.problem}
        return replace(refusal, reason=f"No price: {self.market.problem}", numbers=numbers)
