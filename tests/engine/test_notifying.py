"""Who is told what, in which words, and how many events become one message."""

from datetime import UTC, datetime, time, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copydesk.domain.execution import State
from copydesk.domain.notice import (
    DEFAULT_KINDS,
    URGENT_KINDS,
    Choices,
    Fact,
    Notice,
    NoticeKind,
    QuietHours,
    read_fact,
)
from copydesk.engine.notifying import APART, GATHER, LINES_MAX, NOTICES_MAX, Mailbox, Tail, compose
from store_support import NOW, PROPERTY


def move(state, **changes):
    known = {"owner_id": "user", "bot_name": "Trend", "symbol": "BTCUSDT", "action": "open", "account_name": "Savings"}
    return Fact(at=NOW, state=state, **{**known, **changes})


TOLD = {
    "a fill": (
        move(State.FILLED, quantity=Decimal("0.0100"), price=Decimal(95200), reason="old"),
        NoticeKind.ORDER_FILLED,
        "Savings: open BTCUSDT (Trend) is FILLED, 0.01 at 95200",
    ),
    "a stop that filled": (
        move(State.FILLED, action="stop_loss:2"),
        NoticeKind.ORDER_FILLED,
        "Savings: stop loss BTCUSDT (Trend) is FILLED",
    ),
    "a rejection": (
        move(State.REJECTED, reason="Margin is insufficient"),
        NoticeKind.ORDER_FAILED,
        "Savings: open BTCUSDT (Trend) is REJECTED: Margin is insufficient",
    ),
    "a rejection that switched the key off": (
        move(State.REJECTED, key_is_refused=True),
        NoticeKind.KEY_REFUSED,
        "Savings: open BTCUSDT (Trend) is REJECTED",
    ),
    "an opening too late": (move(State.EXPIRED), NoticeKind.ORDER_FAILED, "Savings: open BTCUSDT (Trend) is EXPIRED"),
    "an order that never was": (
        move(State.NOT_PLACED),
        NoticeKind.ORDER_FAILED,
        "Savings: open BTCUSDT (Trend) is NOT_PLACED",
    ),
    "no answer": (move(State.UNKNOWN), NoticeKind.ORDER_UNKNOWN, "Savings: open BTCUSDT (Trend) is UNKNOWN"),
    "a review": (move(State.REVIEW), NoticeKind.NEEDS_A_PERSON, "Savings: open BTCUSDT (Trend) is REVIEW"),
    "a limit": (
        move(State.SKIPPED, rule="max_daily_loss_usd", reason="Daily loss limit reached"),
        NoticeKind.DAILY_LOSS_LIMIT,
        "Savings: open BTCUSDT (Trend) is SKIPPED: Daily loss limit reached",
    ),
    "a breaker": (
        move(State.SKIPPED, rule="breaker"),
        NoticeKind.BREAKER,
        "Savings: open BTCUSDT (Trend) is SKIPPED",
    ),
    "a rule": (
        move(State.SKIPPED, rule="quantity_min"),
        NoticeKind.ORDER_SKIPPED,
        "Savings: open BTCUSDT (Trend) is SKIPPED",
    ),
    "a position without its stop": (
        move(State.SENDING, action="close", desk_says={"stop_execution_id": "x", "why": "stop loss REJECTED"}),
        NoticeKind.POSITION_UNPROTECTED,
        "Savings: close BTCUSDT (Trend) is SENDING: stop loss REJECTED",
    ),
    "what the breaker closes": (
        move(State.FILLED, action="close", desk_says={"why": "breaker: flatten all"}),
        NoticeKind.BREAKER,
        "Savings: close BTCUSDT (Trend) is FILLED",
    ),
    "a desk's close that needs a person": (
        move(State.REVIEW, action="close", desk_says={"why": "breaker: flatten all"}),
        NoticeKind.NEEDS_A_PERSON,
        "Savings: close BTCUSDT (Trend) is REVIEW: breaker: flatten all",
    ),
    "a day that ended with its loss": (
        move(
            State.SENDING, action="close", desk_says={"rule": "max_daily_loss_usd", "why": "Daily loss limit reached"}
        ),
        NoticeKind.DAILY_LOSS_LIMIT,
        "Savings: close BTCUSDT (Trend) is SENDING: Daily loss limit reached",
    ),
    "late truth": (
        move(State.FILLED, reason="Late truth: it was NOT_PLACED", quantity=Decimal(1), price=Decimal(2)),
        NoticeKind.NEEDS_A_PERSON,
        "Savings: open BTCUSDT (Trend) is FILLED, 1 at 2: Late truth: it was NOT_PLACED",
    ),
    "ledgers that differ": (
        Fact(
            at=NOW,
            owner_id="user",
            bot_name="",
            symbol="BTCUSDT",
            action="",
            account_name="Savings",
            mismatch="2 differences",
        ),
        NoticeKind.LEDGER_MISMATCH,
        "Savings BTCUSDT: 2 differences",
    ),
    "a signal": (
        Fact(at=NOW, owner_id="user", bot_name="Trend", symbol="BTCUSDT", action="open_long"),
        NoticeKind.SIGNAL_RECEIVED,
        "Trend: open_long BTCUSDT",
    ),
}


@pytest.mark.parametrize(("fact", "kind", "line"), TOLD.values(), ids=TOLD)
def test_a_fact_is_told_in_a_line_of_its_kind(fact, kind, line):
    assert read_fact(fact) == Notice(user_id="user", kind=kind, at=NOW, line=line)


@pytest.mark.parametrize("state", [State.PLANNED, State.QUEUED, State.BLOCKED, State.SENDING, State.WORKING])
def test_what_is_under_way_is_nobody_s_news(state):
    assert read_fact(move(state)) is None


def test_every_kind_there_is_can_be_told():
    assert {read_fact(fact).kind for fact, _, _ in TOLD.values()} == set(NoticeKind)
    assert URGENT_KINDS < DEFAULT_KINDS < set(NoticeKind)


QUIET = QuietHours(start=time(22), end=time(7), time_zone="Europe/Lisbon")


@pytest.mark.parametrize(
    ("at", "quiet"),
    [
        ("2026-01-10T21:59:59Z", False),
        ("2026-01-10T22:00:00Z", True),
        ("2026-01-11T06:59:59Z", True),
        ("2026-01-11T07:00:00Z", False),
        ("2026-07-10T20:59:59Z", False),  # summer time: an hour earlier by UTC
        ("2026-07-10T21:00:00Z", True),
        ("2026-07-11T06:00:00Z", False),
    ],
)
def test_quiet_hours_go_by_the_clock_on_the_wall_and_past_midnight(at, quiet):
    assert QUIET.cover(datetime.fromisoformat(at)) is quiet


def test_quiet_hours_within_a_day_and_of_no_length():
    assert QuietHours(start=time(1), end=time(3), time_zone="UTC").cover(datetime(2026, 1, 1, 2, tzinfo=UTC))
    assert not QuietHours(start=time(1), end=time(3), time_zone="UTC").cover(datetime(2026, 1, 1, 3, tzinfo=UTC))
    assert not QuietHours(start=time(1), end=time(1), time_zone="UTC").cover(datetime(2026, 1, 1, 1, tzinfo=UTC))


def notice(line="line", kind=NoticeKind.ORDER_FILLED, at=NOW):
    return Notice(user_id="user", kind=kind, at=at, line=line)


def mailbox(quiet_hours=None):
    return Mailbox(Choices(kinds=frozenset(NoticeKind), quiet_hours=quiet_hours))


def test_a_message_waits_for_its_fellows_and_for_the_one_before():
    box = mailbox()
    box.put(notice())

    assert not box.is_due(NOW + GATHER / 2)
    assert box.is_due(NOW + GATHER)
    box.take(NOW + GATHER)
    box.put(notice(at=NOW + 2 * GATHER))
    assert not box.is_due(NOW + APART)
    assert box.is_due(NOW + GATHER + APART)
    box.is_sending = True
    assert not box.is_due(NOW + GATHER + APART)


def test_what_puts_money_at_risk_does_not_wait_for_the_morning():
    night = datetime(2026, 1, 10, 23, tzinfo=UTC)
    box = mailbox(QUIET)
    box.put(notice(at=night))

    assert not box.is_due(night + timedelta(minutes=1))
    box.put(notice(at=night, kind=NoticeKind.NEEDS_A_PERSON))
    assert box.is_due(night + timedelta(minutes=1))


def test_urgent_lines_come_first_and_equal_ones_once():
    lines = [notice("b"), notice("a"), notice("b"), notice("look here", kind=NoticeKind.POSITION_UNPROTECTED)]

    title, body = compose(lines, 0)

    assert title == "copydesk: 4 events (times in UTC)"
    assert body.splitlines() == ["05:06:07 look here", "05:06:07 b (×2)", "05:06:07 a"]


def test_five_hundred_events_are_one_short_message_that_says_so():
    box = mailbox()
    for number in range(500):
        box.put(notice(f"line {number}"))

    title, body = box.take(NOW)

    lines = body.splitlines()
    assert title == "copydesk: 500 events (times in UTC)"
    assert len(lines) == LINES_MAX + 1
    assert lines[0].endswith(f"line {500 - NOTICES_MAX}")
    assert lines[-1] == f"… and {500 - LINES_MAX} more: see the dashboard"
    assert not box.is_due(NOW + timedelta(days=1))


@PROPERTY
@given(order=st.permutations(range(1, 13)), batch=st.integers(1, 4))
def test_every_row_is_seen_once_whatever_order_they_are_committed_in(order, batch):
    tail, table, found, now = Tail(0), [], [], NOW

    for start in range(0, len(order), batch):
        table = sorted([*table, *order[start : start + batch]])
        rows = [(number, number) for number in table if number > tail.floor]
        found += tail.fresh(rows, now, 1_000)
        now += timedelta(milliseconds=100)

    assert sorted(found) == list(range(1, 13))


def test_a_full_read_goes_on_where_it_ended():
    tail = Tail(0)

    assert tail.fresh([(1, "a"), (2, "b")], NOW, 2) == ["a", "b"]
    assert tail.floor == 2
    assert tail.fresh([(3, "c")], NOW, 2) == ["c"]
    assert tail.floor == 2
    assert tail.fresh([(3, "c")], NOW + timedelta(seconds=6), 2) == []
    assert (tail.floor, tail.seen) == (3, {})
