"""The life of an order: every state meets every event, and none of it may double an opening or forget one."""

from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from copydesk.domain.execution import ATTEMPTS_MAX, FINAL, State, check_move
from copydesk.domain.life import (
    ABSENT_NEEDED,
    LATE,
    LATE_LOOKS,
    LOOKS_UNTIL_LOST,
    NEVER_SENT,
    REVIEW_AFTER,
    Action,
    Compared,
    NeverSent,
    NotFound,
    NotTold,
    Refused,
    Rules,
    Shown,
    StatedNotPlaced,
    Unclear,
    step,
)
from copydesk.domain.order import OrderReport, OrderStatus, together
from store_support import NOW, PROPERTY, make_execution

FUTURES = Rules(repeatable=True)
SETTLES = NOW + timedelta(seconds=15.5)
SENT = {
    "id": "one",
    "requested_quantity": Decimal("0.010"),
    "client_order_id": "cd-one",
    "frozen_at": NOW,
    "settle_at": SETTLES,
    "expires_at": NOW + timedelta(minutes=15),
}


def sent(state, **changes):
    return make_execution(**SENT | {"state": state} | changes)


def report(status=OrderStatus.FILLED, executed="0.010", price="95200"):
    return OrderReport(
        status=status,
        exchange_order_id="7",
        client_order_id="cd-one",
        executed_quantity=Decimal(executed),
        average_price=Decimal(price) if Decimal(executed) else None,
        fee_usd=Decimal(executed) * Decimal(price) / 2000,
    )


def taken(execution, event, now=NOW, rules=FUTURES):
    """Where it stands afterwards, and what must be done; every move on the way legal."""
    found = step(execution, event, now, rules)
    before = execution
    for move in found.moves:
        if move.state is not before.state:
            check_move(before.state, move.state)
        assert (move.id, move.signal_id, move.leg) == (execution.id, execution.signal_id, execution.leg)
        before = move
    return before, found.actions


reports = st.builds(
    report,
    st.sampled_from(OrderStatus),
    st.sampled_from(["0", "0.004", "0.010"]),
)
texts = st.just("as it was told")
events = st.one_of(
    st.builds(Shown, report=reports),
    st.builds(Refused, reason=texts),
    st.builds(NeverSent, reason=texts),
    st.builds(Unclear, reason=texts),
    st.builds(NotFound, venue_time=st.sampled_from([None, NOW, SETTLES, SETTLES + timedelta(hours=1)])),
    st.builds(NotTold, reason=texts),
    st.builds(Compared, strangers=st.sampled_from([(), ("BUY 1 (order 8)",)])),
    st.builds(StatedNotPlaced, reason=texts),
)
executions = st.builds(
    sent,
    st.sampled_from(State),
    leg=st.sampled_from(["open", "close", "stop_loss", "take_profit:2"]),
    executed_quantity=st.sampled_from([Decimal(0), Decimal("0.004")]),
    attempt=st.integers(1, 3),
    absent_seen=st.integers(0, 25),
    cancel_wanted=st.booleans(),
    plan=st.sampled_from([{}, {NEVER_SENT: [1]}, {NEVER_SENT: [1, 2]}]),
)
moments = st.sampled_from([NOW, SETTLES + timedelta(seconds=1), NOW + REVIEW_AFTER + timedelta(seconds=1)])
rules = st.builds(Rules, repeatable=st.booleans(), askable=st.booleans())


@PROPERTY
@given(executions, events, moments, rules)
def test_every_state_meets_every_event_by_legal_moves_and_loses_no_fill(execution, event, now, rules):
    after, _ = taken(execution, event, now, rules)

    assert after.executed_quantity >= execution.executed_quantity
    if execution.state is State.FILLED:
        assert after == execution


@PROPERTY
@given(executions, events, moments, rules)
def test_an_opening_is_never_sent_again_whatever_happens(execution, event, now, rules):
    opening = replace(execution, leg="open")

    after, _ = taken(opening, event, now, rules)

    assert after.attempt == opening.attempt
    assert after.state is not State.QUEUED or opening.state is State.QUEUED


@PROPERTY
@given(executions, events, moments, rules)
def test_only_absence_that_was_proved_is_sent_again_and_only_where_that_does_no_harm(execution, event, now, rules):
    after, _ = taken(execution, event, now, rules)

    if after.attempt > execution.attempt:
        assert rules.repeatable
        assert now < execution.expires_at
        may_have_left = execution.attempt - len(execution.plan.get(NEVER_SENT, []))
        assert may_have_left < ATTEMPTS_MAX
        assert execution.state is State.ABSENT or event == Compared(strangers=())


@PROPERTY
@given(executions, events, moments, rules)
def test_what_is_not_final_is_always_looked_at_again_or_on_its_way(execution, event, now, rules):
    after, actions = taken(execution, event, now, rules)

    if after != execution and after.state in {State.UNKNOWN, State.WORKING, State.PARTIAL, State.REVIEW}:
        assert after.next_look_at is not None or Action.COMPARE_TRADES in actions


@pytest.mark.parametrize("event", [Unclear(reason="no answer"), Unclear(reason="The desk was restarted")])
def test_an_unclear_answer_makes_an_order_unknown_and_asked_about_at_once(event):
    after, _ = taken(sent(State.SENDING), event)

    assert (after.state, after.next_look_at) == (State.UNKNOWN, NOW)


@pytest.mark.parametrize("venue_time", [None, NOW, SETTLES - timedelta(milliseconds=1)])
def test_not_found_before_the_venue_has_settled_proves_nothing(venue_time):
    execution = sent(State.UNKNOWN, absent_seen=5)

    after, actions = taken(execution, NotFound(venue_time=venue_time), NOW + timedelta(days=1))

    assert (after.state, after.absent_seen, actions) == (State.UNKNOWN, 5, ())


def test_absence_takes_two_lookups_and_trades_that_agree():
    execution = sent(State.UNKNOWN)
    for seen in range(1, ABSENT_NEEDED):
        execution, actions = taken(execution, NotFound(venue_time=SETTLES))
        assert (execution.absent_seen, execution.state, actions) == (seen, State.UNKNOWN, ())

    execution, actions = taken(execution, NotFound(venue_time=SETTLES))
    assert (execution.state, actions) == (State.UNKNOWN, (Action.COMPARE_TRADES,))

    absent, _ = taken(execution, Compared(strangers=()))
    review, asked = taken(execution, Compared(strangers=("BUY 1 (order 8)",)))
    assert (absent.state, absent.next_look_at) == (State.NOT_PLACED, NOW + LATE_LOOKS[0])
    assert (review.state, asked) == (State.REVIEW, (Action.TELL_PERSON,))


def test_a_close_that_certainly_never_left_is_tried_as_long_as_it_is_fresh():
    execution = sent(State.SENDING, leg="close", attempt=7, plan={NEVER_SENT: [2, 3, 4, 5, 6]})

    unknown, _ = taken(execution, NeverSent(reason="throttled"))
    again, _ = taken(unknown, Compared(strangers=()))
    too_late, _ = taken(unknown, Compared(strangers=()), execution.expires_at)
    lost_again, _ = taken(replace(again, state=State.UNKNOWN), Compared(strangers=()))

    assert unknown.next_look_at > NOW
    assert (again.state, again.attempt) == (State.QUEUED, 8)
    assert too_late.state is State.REVIEW
    assert lost_again.state is State.NOT_PLACED


def test_an_unknown_that_cannot_be_cleared_up_becomes_a_person_s_after_a_quarter_of_an_hour():
    event = NotTold(reason="away")

    waits, _ = taken(sent(State.UNKNOWN), event, NOW + REVIEW_AFTER)
    review, asked = taken(sent(State.UNKNOWN), event, NOW + REVIEW_AFTER + timedelta(seconds=1))

    assert waits.state is State.UNKNOWN
    assert (review.state, asked) == (State.REVIEW, (Action.TELL_PERSON,))


def test_a_working_order_that_is_lost_sight_of_becomes_unknown():
    execution = sent(State.WORKING, leg="stop_loss", absent_seen=LOOKS_UNTIL_LOST - 1)

    after, _ = taken(execution, NotFound(venue_time=SETTLES))

    assert (after.state, after.absent_seen) == (State.UNKNOWN, 0)


@pytest.mark.parametrize("state", sorted(FINAL - {State.FILLED}))
def test_late_truth_is_adopted_and_a_person_is_told(state):
    after, asked = taken(sent(state), Shown(report=report()))

    assert (after.state, after.executed_quantity, asked) == (State.FILLED, Decimal("0.010"), (Action.TELL_PERSON,))
    assert after.reason.startswith(LATE)


def test_an_order_that_stands_there_after_the_end_is_taken_back():
    after, asked = taken(sent(State.NOT_PLACED, leg="stop_loss"), Shown(report=report(OrderStatus.WORKING, "0")))

    assert (after.state, after.cancel_wanted, asked) == (State.NOT_PLACED, True, (Action.TELL_PERSON,))
    assert after.next_look_at > NOW


def test_what_was_never_placed_is_looked_at_three_times_more_and_then_left_in_peace():
    execution, dues = sent(State.NOT_PLACED, next_look_at=NOW), []
    while True:
        execution, _ = taken(execution, NotFound(venue_time=SETTLES))
        if execution.next_look_at is None:
            break
        dues.append(execution.next_look_at - NOW)

    assert dues == list(LATE_LOOKS[1:])


def test_an_attempt_that_was_believed_absent_and_shows_up_stops_the_next_one():
    waiting = sent(State.QUEUED, leg="close", attempt=2)

    after, _ = taken(waiting, Shown(report=report()))

    assert after.state is State.FILLED


def test_what_is_to_be_taken_back_is_looked_at_soon_even_where_the_stream_tells():
    execution = sent(State.SENDING, leg="stop_loss", cancel_wanted=True)
    seldom = Rules(repeatable=True, poll_every=timedelta(minutes=1))

    after, _ = taken(execution, Shown(report=report(OrderStatus.WORKING, "0")), rules=seldom)

    assert after.next_look_at <= NOW + timedelta(seconds=1)


def test_older_news_changes_nothing_of_what_is_known():
    known, _ = taken(sent(State.WORKING), Shown(report=report(OrderStatus.PARTIAL, "0.008", "95100")))

    after, _ = taken(known, Shown(report=report(OrderStatus.PARTIAL, "0.004", "95000")))

    assert (after.executed_quantity, after.executed_price) == (Decimal("0.008"), Decimal(95100))
    assert after.fee_usd == known.fee_usd


def test_a_refusal_after_the_order_was_seen_is_not_believed():
    for state in (State.WORKING, State.PARTIAL, State.FILLED, State.REVIEW):
        execution = sent(state)
        assert taken(execution, Refused(reason="no")) == (execution, ())


def test_what_was_sent_twice_is_looked_at_for_a_while_after_its_end_and_counts_both():
    ended, _ = taken(sent(State.SENDING, leg="close", attempt=2), Shown(report=report(OrderStatus.CANCELLED, "0.001")))
    assert (ended.state, ended.next_look_at) == (State.CANCELLED, NOW + LATE_LOOKS[0])

    still, _ = taken(ended, Shown(report=report(OrderStatus.CANCELLED, "0.001")), NOW + LATE_LOOKS[0])
    assert still.next_look_at == NOW + LATE_LOOKS[0] + LATE_LOOKS[1]

    both = together(report(OrderStatus.CANCELLED, "0.001", "95000"), report(OrderStatus.CANCELLED, "0.003", "95400"))
    late, _ = taken(still, Shown(report=both), NOW + timedelta(minutes=6))

    assert (late.state, late.executed_quantity, late.executed_price) == (
        State.FILLED,
        Decimal("0.004"),
        Decimal(95_300),
    )
    assert late.reason.startswith(LATE)
