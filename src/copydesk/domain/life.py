"""An order's life: what each thing that happens makes of an execution. Pure: the desk runs it, and so does its simulation.

`step(execution, event, now, rules)` knows every state and every event. It never answers with a second send of an opening:
what may have happened is asked about, and only the venue's own showing, or its absence proved, ends the question.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import Enum, auto

from msgspec import Struct, field
from msgspec.structs import replace

from copydesk.domain.execution import ATTEMPTS_MAX, FINAL, Execution, State, states_to_show
from copydesk.domain.order import OrderReport, OrderStatus
from copydesk.domain.signal import LegKind

LOOK_AGAIN = timedelta(seconds=1)
"""Between looks at an UNKNOWN before its settle time, and after a look that failed."""

LOOKS_APART = timedelta(milliseconds=500)
"""Between the lookups whose "not found" counts as evidence."""

ABSENT_NEEDED = 2

REVIEW_AFTER = timedelta(minutes=15)
"""An UNKNOWN that the venue cannot clear up for so long needs a person."""

LOOK_AT_REVIEW = timedelta(seconds=30)
"""What waits for a person is still asked about: the venue may show it after all."""

POLL_EVERY = timedelta(seconds=2)
"""The soonest that a working order is looked at again; with many of them each waits for its turn."""

LOOKS_UNTIL_LOST = 20
"""Looks a second apart after which a working order that the venue does not find counts as unknown."""

TRY_AGAIN = timedelta(seconds=2)
TRY_AGAIN_MAX = timedelta(seconds=30)
"""Between attempts of a close of which it is certain that they never left: longer each time."""

LATE_LOOKS = (timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=30))
"""Apart from one another: NOT_PLACED is proved by the venue's own limits, and those who trust limits check."""

LATE = "Late truth"
"""Begins the reason of what the venue showed after we had closed the book on it: somebody should look."""

AT_VENUE = "at_venue"
"""In the plan: how the venue worked out the size, where it does."""

NEVER_SENT = "never_sent"
"""In the plan: the attempts of which it is certain that nothing left, so that even a sale may be tried once more."""


class Shown(Struct, frozen=True, kw_only=True):
    """The venue showed the order: as the answer to its send, when asked, or in its stream."""

    report: OrderReport
    reason: str | None = None
    execution_time_ms: int | None = None


class Refused(Struct, frozen=True, kw_only=True):
    """The send was answered with a definite refusal."""

    reason: str
    code: int | str | None = None
    execution_time_ms: int | None = None


class NeverSent(Struct, frozen=True, kw_only=True):
    """Nothing left, or it was turned away unread: the order certainly does not exist."""

    reason: str
    code: int | str | None = None
    execution_time_ms: int | None = None


class Unclear(Struct, frozen=True, kw_only=True):
    """The send may have been executed; or whoever sent it is gone."""

    reason: str
    code: int | str | None = None
    execution_time_ms: int | None = None


class NotFound(Struct, frozen=True, kw_only=True):
    """Asked by its own id, the venue does not know the order; `venue_time` is the venue's own, None where it is not known."""

    venue_time: datetime | None


class NotTold(Struct, frozen=True, kw_only=True):
    """Asking failed: that is no evidence of anything."""

    reason: str
    wait: timedelta = LOOK_AGAIN


class Compared(Struct, frozen=True, kw_only=True):
    """The account's trades since the send, on its side, that no order of ours explains."""

    strangers: tuple[str, ...]


class StatedNotPlaced(Struct, frozen=True, kw_only=True):
    """A person looked at the venue's own pages: the order in REVIEW was never placed."""

    reason: str


Event = Shown | Refused | NeverSent | Unclear | NotFound | NotTold | Compared | StatedNotPlaced


class Rules(Struct, frozen=True, kw_only=True):
    """What the account's venue allows. `repeatable`: sent twice, this order does no harm. `askable`: it can be found again.

    `patient`: what certainly never left is tried as long as it is fresh; on spot the stop is away meanwhile, and twice is enough.
    `poll_every`: how often a working order is asked about; rarely where the venue's stream tells of it.
    """

    repeatable: bool
    askable: bool = True
    patient: bool = True
    poll_every: timedelta = POLL_EVERY


class Action(Enum):
    """What must be done besides storing the moves; when to look again stands in the execution itself."""

    COMPARE_TRADES = auto()
    TELL_PERSON = auto()


class Step(Struct, frozen=True, kw_only=True):
    """The execution after each move, the last as it stands now; none where the event changes nothing."""

    moves: tuple[Execution, ...] = ()
    actions: tuple[Action, ...] = ()
    evidence: Mapping[str, object] = field(default_factory=dict)


NOTHING = Step()

_BEFORE = frozenset({State.PLANNED, State.BLOCKED})
_ASKED = frozenset({State.SENDING, State.UNKNOWN})


def step(execution: Execution, event: Event, now: datetime, rules: Rules) -> Step:
    """What `event`, which is about the execution's latest attempt, makes of it."""
    return NOTHING if execution.state is State.FILLED else _take(execution, event, now, rules)


def _take(execution: Execution, event: Event, now: datetime, rules: Rules) -> Step:
    match event:
        case Shown():
            return _shown(execution, event, now, rules)
        case Refused() | NeverSent() | Unclear():
            return _answered(execution, event, now, rules)
        case NotFound():
            return _not_found(execution, event, now, rules)
        case NotTold():
            return _not_told(execution, event, now)
        case Compared():
            return _compared(execution, event, now, rules)
        case StatedNotPlaced():
            return _stated(execution, event)


def _shown(execution: Execution, event: Shown, now: datetime, rules: Rules) -> Step:
    report, state = event.report, execution.state
    if state in _BEFORE or state is State.ABSENT or (state is State.QUEUED and execution.attempt == 1):
        return NOTHING
    if execution.is_final:
        return _shown_after_the_end(execution, report, now)
    if report.needs_person:
        return _stands_for_a_person(execution, report, now)
    shown = replace(
        _with_fills(execution, report),
        execution_time_ms=execution.execution_time_ms or event.execution_time_ms,
        reason=event.reason or report.reason,
        absent_seen=0,
    )
    before, on_the_way = state, tuple[Execution, ...]()
    if state is State.QUEUED:
        # The attempt that was proved absent is there after all: nothing more may be sent.
        before, on_the_way = State.REVIEW, (replace(execution, state=State.REVIEW, reason=f"{LATE}: it is there"),)
    states = states_to_show(before, report.status) or (before,)
    wait = LOOK_AGAIN if execution.cancel_wanted else rules.poll_every
    # Of an order that was sent twice, the first may have been executed too, and be shown later.
    after = None if execution.attempt == 1 else now + LATE_LOOKS[0]
    looks = [after if one in FINAL - {State.FILLED} else None if one in FINAL else now + wait for one in states]
    moves = [replace(shown, state=one, next_look_at=look) for one, look in zip(states, looks, strict=True)]
    return Step(moves=(*on_the_way, *moves), evidence=report.evidence)


def _stands_for_a_person(execution: Execution, report: OrderReport, now: datetime) -> Step:
    if execution.state is State.REVIEW:
        return _look_at(execution, now + LOOK_AT_REVIEW)
    reason = report.reason or "Nobody answers for this order any more"
    review = _to_review(execution, reason, now)
    if execution.state is State.UNKNOWN:
        return review
    unknown = replace(execution, state=State.UNKNOWN, reason=reason)
    return replace(review, moves=(unknown, *review.moves))


def _shown_after_the_end(execution: Execution, report: OrderReport, now: datetime) -> Step:
    """The book was closed on it; where the venue shows more than we knew, the venue is right."""
    if report.executed_quantity > execution.executed_quantity:
        reason = f"{LATE}: it was {execution.state}, and the venue shows it {report.status}"
        filled = replace(_with_fills(execution, report), state=State.FILLED, reason=reason, next_look_at=None)
        return Step(moves=(filled,), actions=(Action.TELL_PERSON,), evidence=report.evidence)
    if report.status in {OrderStatus.WORKING, OrderStatus.PARTIAL}:
        # It stands there though we are through with it: it is taken back, and what that brings is looked at.
        wanted = replace(execution, cancel_wanted=True, next_look_at=now + LOOK_AGAIN)
        return Step(moves=(wanted,), actions=() if execution.cancel_wanted else (Action.TELL_PERSON,))
    return _look_at(execution, None) if execution.attempt == 1 else _late_look(execution, now)


def _answered(execution: Execution, event: Refused | NeverSent | Unclear, now: datetime, rules: Rules) -> Step:
    """The answer to the send. Whoever took the execution over meanwhile only knows that it may have been sent."""
    if execution.state not in _ASKED:
        return NOTHING
    answered = replace(
        execution,
        reason=event.reason,
        execution_time_ms=event.execution_time_ms or execution.execution_time_ms,
        next_look_at=None,
    )
    evidence: dict[str, object] = {"reason": event.reason} | ({} if event.code is None else {"code": event.code})
    ends = isinstance(event, Refused)
    if isinstance(event, NeverSent):
        # An opening ends here. A close goes on until the venue can be asked, and is then sent once more.
        ends = execution.kind is LegKind.OPEN or not rules.askable
    if ends:
        # "Nothing to reduce" may be said because an attempt that was believed absent has closed it.
        due = now if execution.attempt > 1 else None
        return Step(
            moves=(replace(answered, state=State.REJECTED, absent_seen=0, next_look_at=due),), evidence=evidence
        )
    unknown = replace(answered, state=State.UNKNOWN, next_look_at=now)
    if isinstance(event, NeverSent):
        plan = {**execution.plan, NEVER_SENT: [*attempts_never_sent(execution), execution.attempt]}
        wait = min(TRY_AGAIN * (execution.attempt - 1), TRY_AGAIN_MAX)
        unknown = replace(unknown, plan=plan, next_look_at=now + wait)
    elif execution.state is State.UNKNOWN:
        return NOTHING
    return Step(moves=(unknown,), evidence=evidence)


def _not_found(execution: Execution, event: NotFound, now: datetime, rules: Rules) -> Step:
    match execution.state:
        case State.UNKNOWN:
            return _not_found_unknown(execution, event, now)
        case State.ABSENT:
            return Step(moves=_concluded(execution, now, rules))
        case State.WORKING | State.PARTIAL:
            return _lost_sight(execution, now)
        case State.REVIEW:
            return _look_at(execution, now + LOOK_AT_REVIEW)
        case _ if execution.is_final and execution.next_look_at is not None:
            return _late_look(execution, now)
        case _:
            return NOTHING


def _not_found_unknown(execution: Execution, event: NotFound, now: datetime) -> Step:
    """Only from the settle time on, by the venue's clock, does "not found" count; and only twice, and if trades agree."""
    if not _has_settled(execution, event.venue_time):
        left = LOOK_AGAIN
        if event.venue_time is not None and execution.settle_at is not None:
            left = min(LOOK_AGAIN, execution.settle_at - event.venue_time)
        return _look_at(execution, now + left)
    seen = execution.absent_seen + 1
    if seen < ABSENT_NEEDED:
        return Step(moves=(replace(execution, absent_seen=seen, next_look_at=now + LOOKS_APART),))
    return Step(actions=(Action.COMPARE_TRADES,))


def _has_settled(execution: Execution, venue_time: datetime | None) -> bool:
    """Whether a request of this timestamp can no longer become an order. What never left cannot anyway."""
    if never_left(execution) or execution.settle_at is None:
        return True
    return venue_time is not None and venue_time >= execution.settle_at


def _lost_sight(execution: Execution, now: datetime) -> Step:
    """It stood there before. For a while that may be the venue's lag; then nobody knows what protects the position."""
    seen = execution.absent_seen + 1
    if seen < LOOKS_UNTIL_LOST:
        return Step(moves=(replace(execution, absent_seen=seen, next_look_at=now + LOOK_AGAIN),))
    reason = "The venue does not find this order any more"
    return Step(moves=(replace(execution, state=State.UNKNOWN, absent_seen=0, reason=reason, next_look_at=now),))


def _not_told(execution: Execution, event: NotTold, now: datetime) -> Step:
    if execution.state is State.UNKNOWN and now - (execution.frozen_at or execution.created_at) > REVIEW_AFTER:
        return _to_review(execution, f"The venue could not tell for 15 minutes: {event.reason}", now)
    if not execution.is_final:
        return _look_at(execution, now + event.wait)
    return NOTHING if execution.next_look_at is None else _look_at(execution, now + max(event.wait, LATE_LOOKS[0]))


def _compared(execution: Execution, event: Compared, now: datetime, rules: Rules) -> Step:
    if execution.state is not State.UNKNOWN:
        return NOTHING
    if event.strangers:
        traded = ", ".join(event.strangers)
        return _to_review(execution, f"The order is not found, but the account traded meanwhile: {traded}", now)
    absent = replace(execution, state=State.ABSENT, absent_seen=0, next_look_at=None)
    evidence = {"lookups": ABSENT_NEEDED, "trades": "none that are not ours"}
    return Step(moves=(absent, *_concluded(absent, now, rules)), evidence=evidence)


def _concluded(absent: Execution, now: datetime, rules: Rules) -> tuple[Execution, ...]:
    """It was never placed. What can only make a position smaller may be sent once more while it is fresh; and as often as
    it takes where it is certain that nothing left: the venue turned it away unread.
    """
    counted = absent.attempt - (len(attempts_never_sent(absent)) if rules.patient else 0)
    if rules.repeatable and absent.kind is not LegKind.OPEN and counted < ATTEMPTS_MAX:
        reason = "Proved absent: sent once more"
        queued = replace(absent, state=State.QUEUED, attempt=absent.attempt + 1, reason=reason, next_look_at=None)
        if now < absent.expires_at:
            return (queued,)
        if absent.kind is LegKind.CLOSE:
            late = "The close could not be sent in time: please look at this position"
            stays = replace(absent, state=State.QUEUED, reason=late)
            return stays, replace(stays, state=State.REVIEW, next_look_at=now + LOOK_AT_REVIEW)
    reason = f"Not placed: {absent.reason or 'the venue does not know it'}"
    return (replace(absent, state=State.NOT_PLACED, reason=reason, next_look_at=now + LATE_LOOKS[0]),)


def attempts_never_sent(execution: Execution) -> Sequence[int]:
    """Those of which it is certain."""
    told = execution.plan.get(NEVER_SENT)
    return told if isinstance(told, list) else []


def never_left(execution: Execution) -> bool:
    """Whether that is certain of the latest attempt."""
    return execution.attempt in attempts_never_sent(execution)


def _late_look(execution: Execution, now: datetime) -> Step:
    """One of the looks after the end found nothing, as it should be."""
    seen = execution.absent_seen + 1
    due = None if execution.cancel_wanted or seen >= len(LATE_LOOKS) else now + LATE_LOOKS[seen]
    return Step(moves=(replace(execution, absent_seen=seen, next_look_at=due),))


def _stated(execution: Execution, event: StatedNotPlaced) -> Step:
    if execution.state is not State.REVIEW:
        return NOTHING
    return Step(moves=(replace(execution, state=State.NOT_PLACED, reason=event.reason, next_look_at=None),))


def _to_review(execution: Execution, reason: str, now: datetime) -> Step:
    review = replace(execution, state=State.REVIEW, reason=reason, next_look_at=now + LOOK_AT_REVIEW)
    return Step(moves=(review,), actions=(Action.TELL_PERSON,), evidence={"reason": reason})


def _look_at(execution: Execution, due: datetime | None) -> Step:
    return Step(moves=(replace(execution, next_look_at=due),))


def _with_fills(execution: Execution, report: OrderReport) -> Execution:
    """Executed quantities are totals; of a report that is older than what we know, nothing counts."""
    shown = replace(execution, exchange_order_id=report.exchange_order_id)
    if report.plan:
        shown = replace(shown, plan={**shown.plan, AT_VENUE: dict(report.plan)})
    if report.executed_quantity < execution.executed_quantity:
        return shown
    return replace(
        shown,
        executed_quantity=report.executed_quantity,
        executed_price=report.average_price or execution.executed_price,
        fee_usd=report.fee_usd if report.fee_usd is not None else execution.fee_usd,
        base_fee=max(report.base_fee, execution.base_fee),
    )
