"""What people are told of, and when: a notice is one line for one person about one fact of the journal."""

from collections.abc import Mapping
from datetime import datetime, time
from decimal import Decimal
from enum import StrEnum
from zoneinfo import ZoneInfo

from msgspec import Struct

from copydesk.domain.execution import State
from copydesk.domain.following import spoken
from copydesk.domain.ids import UserId
from copydesk.domain.instrument import plain
from copydesk.domain.life import LATE
from copydesk.domain.signal import LegKind


class NoticeKind(StrEnum):
    """What somebody may want to be told of."""

    SIGNAL_RECEIVED = "signal_received"
    ORDER_FILLED = "order_filled"
    ORDER_FAILED = "order_failed"
    ORDER_SKIPPED = "order_skipped"
    ORDER_UNKNOWN = "order_unknown"
    NEEDS_A_PERSON = "needs_a_person"
    POSITION_UNPROTECTED = "position_unprotected"
    KEY_REFUSED = "key_refused"
    DAILY_LOSS_LIMIT = "daily_loss_limit"
    BREAKER = "breaker"
    LEDGER_MISMATCH = "ledger_mismatch"


DEFAULT_KINDS = frozenset(
    {
        NoticeKind.ORDER_FAILED,
        NoticeKind.NEEDS_A_PERSON,
        NoticeKind.POSITION_UNPROTECTED,
        NoticeKind.KEY_REFUSED,
        NoticeKind.DAILY_LOSS_LIMIT,
        NoticeKind.BREAKER,
        NoticeKind.LEDGER_MISMATCH,
    }
)
"""Trouble; what goes as it should is told to those who ask for it."""

URGENT_KINDS = frozenset({NoticeKind.NEEDS_A_PERSON, NoticeKind.POSITION_UNPROTECTED, NoticeKind.LEDGER_MISMATCH})
"""Money is at risk until somebody looks: these do not wait for the end of quiet hours."""


class Destination(Struct, frozen=True, kw_only=True):
    """What may be shown of an address."""

    scheme: str
    hint: str


class QuietHours(Struct, frozen=True, kw_only=True):
    """From `start` until just before `end`, by the clock of a time zone; past midnight where `end` is the earlier one."""

    start: time
    end: time
    time_zone: str

    def cover(self, at: datetime) -> bool:
        local = at.astimezone(ZoneInfo(self.time_zone)).time()
        if self.start <= self.end:
            return self.start <= local < self.end
        return local >= self.start or local < self.end


class Choices(Struct, frozen=True, kw_only=True):
    """What one person wants to be told of, and when not."""

    kinds: frozenset[NoticeKind]
    quiet_hours: QuietHours | None


class Fact(Struct, frozen=True, kw_only=True):
    """One line of the journal with what it takes to tell it: a signal (no `state`), a move of an execution, or a
    `mismatch` of ledgers.
    """

    at: datetime
    owner_id: UserId
    bot_name: str
    symbol: str
    action: str
    state: State | None = None
    account_name: str = ""
    reason: str | None = None
    rule: str | None = None
    quantity: Decimal = Decimal(0)
    price: Decimal | None = None
    key_is_refused: bool = False
    desk_says: Mapping[str, object] | None = None
    mismatch: str | None = None


class Notice(Struct, frozen=True, kw_only=True):
    """`line` is what is sent, without the time."""

    user_id: UserId
    kind: NoticeKind
    at: datetime
    line: str


_FAILED = frozenset({State.REJECTED, State.EXPIRED, State.NOT_PLACED})
_BY_RULE = {
    "max_daily_loss_usd": NoticeKind.DAILY_LOSS_LIMIT,
    "key_refused": NoticeKind.KEY_REFUSED,
    "breaker": NoticeKind.BREAKER,
    "late_truth": NoticeKind.NEEDS_A_PERSON,
}
_PLAIN = {
    State.FILLED: NoticeKind.ORDER_FILLED,
    State.UNKNOWN: NoticeKind.ORDER_UNKNOWN,
    State.REVIEW: NoticeKind.NEEDS_A_PERSON,
}


def read_fact(fact: Fact) -> Notice | None:
    """None for a fact that nobody needs to be told of."""
    if fact.mismatch is not None:
        line = f"{fact.account_name} {spoken(fact.symbol)}: {fact.mismatch}"
        return Notice(user_id=fact.owner_id, kind=NoticeKind.LEDGER_MISMATCH, at=fact.at, line=line)
    kind = NoticeKind.SIGNAL_RECEIVED if fact.state is None else _kind(fact, fact.state)
    if kind is None:
        return None
    return Notice(user_id=fact.owner_id, kind=kind, at=fact.at, line=_line(fact))


def _kind(fact: Fact, state: State) -> NoticeKind | None:
    if (fact.reason or "").startswith(LATE) and state is State.FILLED:
        return NoticeKind.NEEDS_A_PERSON
    if state in _PLAIN and fact.desk_says is None:
        return _PLAIN[state]
    if state is State.REVIEW:
        return NoticeKind.NEEDS_A_PERSON
    if fact.desk_says is not None:
        # What the desk decided is told when it is decided and when it ends; how it went between is the journal's.
        told = state in {State.SENDING, State.SKIPPED, State.FILLED, State.CANCELLED, *_FAILED}
        unprotected = "stop_execution_id" in fact.desk_says
        kind = _BY_RULE.get(str(fact.desk_says.get("rule")), NoticeKind.BREAKER)
        return (NoticeKind.POSITION_UNPROTECTED if unprotected else kind) if told else None
    if state is State.SKIPPED:
        return _BY_RULE.get(fact.rule or "", NoticeKind.ORDER_SKIPPED)
    if state in _FAILED or (state is State.CANCELLED and fact.action == LegKind.CLOSE and fact.quantity == 0):
        return NoticeKind.KEY_REFUSED if fact.key_is_refused else NoticeKind.ORDER_FAILED
    return None


def _line(fact: Fact) -> str:
    if fact.state is None:
        return f"{fact.bot_name}: {fact.action} {spoken(fact.symbol)}"
    kind = LegKind(fact.action.partition(":")[0]).value.replace("_", " ")
    line = f"{fact.account_name}: {kind} {spoken(fact.symbol)} ({fact.bot_name}) is {fact.state}"
    if fact.state is State.FILLED and fact.price is not None:
        line += f", {plain(fact.quantity)} at {plain(fact.price)}"
    why = (fact.desk_says or {}).get("why") or fact.reason
    late = (fact.reason or "").startswith(LATE)
    return f"{line}: {why}" if why and (late or fact.state is not State.FILLED) else line
