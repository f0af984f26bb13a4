"""The table of moves is the one of the safety design, written out here a second time; and nothing else is allowed."""

import pytest

from copydesk.domain.errors import IllegalMove
from copydesk.domain.execution import FINAL, MOVES, Outcome, State, check_move, outcome, states_to_show
from copydesk.domain.order import OrderStatus
from store_support import make_execution

# The design's table of states. Where the module goes further, docs/architecture.md ("How an order lives") says so:
# QUEUED → SKIPPED: a close that waited for an opening which opened nothing, an opening refused when its turn came;
# BLOCKED → CANCELLED: a close takes back an opening that still waits;
# REVIEW → NOT_PLACED: what a person states;
# WORKING → PARTIAL and back only forwards: a venue that shows WORKING after PARTIAL changes nothing.
DESIGN = """
PLANNED    SKIPPED QUEUED
QUEUED     BLOCKED SKIPPED EXPIRED CANCELLED SENDING REVIEW
BLOCKED    QUEUED EXPIRED CANCELLED
SENDING    WORKING PARTIAL FILLED REJECTED UNKNOWN
WORKING    PARTIAL FILLED CANCELLED UNKNOWN
PARTIAL    PARTIAL FILLED CANCELLED UNKNOWN
UNKNOWN    WORKING PARTIAL FILLED CANCELLED REJECTED ABSENT REVIEW
ABSENT     NOT_PLACED QUEUED
REVIEW     WORKING PARTIAL FILLED CANCELLED REJECTED NOT_PLACED
SKIPPED    FILLED
EXPIRED    FILLED
CANCELLED  FILLED
REJECTED   FILLED
NOT_PLACED FILLED
FILLED
"""
TABLE = {line.split()[0]: set(line.split()[1:]) for line in DESIGN.strip().splitlines()}
AT_THE_VENUE = (State.SENDING, State.WORKING, State.PARTIAL, State.UNKNOWN, State.REVIEW)


def test_the_moves_are_those_of_the_design():
    assert {before.value: {after.value for after in moves} for before, moves in MOVES.items()} == TABLE


@pytest.mark.parametrize("before", list(State))
def test_every_move_is_allowed_or_refused_as_the_table_says(before):
    for after in State:
        if after.value in TABLE[before.value]:
            check_move(before, after)
        else:
            with pytest.raises(IllegalMove, match=f"^{before} may not become {after}$"):
                check_move(before, after)


def test_a_final_state_becomes_filled_or_nothing():
    assert {
        *(State.SKIPPED, State.EXPIRED, State.CANCELLED, State.REJECTED, State.FILLED, State.NOT_PLACED),
    } == FINAL
    for state in FINAL:
        assert MOVES[state] == (frozenset() if state is State.FILLED else {State.FILLED})


def test_every_state_is_reached_from_the_first_and_reaches_the_end():
    reached, ends = {State.PLANNED}, {State.FILLED}
    for _ in State:
        reached |= {after for before in reached for after in MOVES[before]}
        ends |= {before for before in State if MOVES[before] & ends}

    assert reached == set(State)
    assert ends == set(State)


def test_nothing_that_was_sent_goes_back_to_the_queue_unless_proved_absent():
    assert {before for before, moves in MOVES.items() if State.QUEUED in moves} == {
        *(State.PLANNED, State.BLOCKED, State.ABSENT),
    }
    assert {before for before, moves in MOVES.items() if State.SENDING in moves} == {State.QUEUED}


@pytest.mark.parametrize(
    ("before", "status"),
    [(before, status) for before in AT_THE_VENUE for status in OrderStatus]
    + [(final, OrderStatus.FILLED) for final in sorted(FINAL)],
)
def test_what_a_venue_shows_is_reached_by_legal_moves_only(before, status):
    path = states_to_show(before, status)

    at = before
    for state in path:
        check_move(at, state)
        at = state
    expected = {
        (State.PARTIAL, OrderStatus.WORKING): State.PARTIAL,
        (State.WORKING, OrderStatus.REJECTED): State.CANCELLED,
        (State.PARTIAL, OrderStatus.REJECTED): State.CANCELLED,
    }.get((before, status), State(status.value.upper()))
    assert at is expected


@pytest.mark.parametrize("status", list(OrderStatus))
def test_showing_the_same_again_moves_nothing(status):
    assert states_to_show(State(status.value.upper()), status) == ()


@pytest.mark.parametrize(
    ("state", "leg", "executed", "expected"),
    [
        ("FILLED", "open", 1, Outcome.SUCCESS),
        ("WORKING", "stop_loss", 0, Outcome.SUCCESS),
        ("WORKING", "take_profit:2", 0, Outcome.SUCCESS),
        ("WORKING", "open", 0, Outcome.PENDING),
        ("CANCELLED", "open", 1, Outcome.SUCCESS),
        ("CANCELLED", "open", 0, Outcome.FAILED),
        ("CANCELLED", "stop_loss", 0, Outcome.FAILED),
        ("SKIPPED", "open", 0, Outcome.SKIPPED),
        ("EXPIRED", "open", 0, Outcome.FAILED),
        ("REJECTED", "close", 0, Outcome.FAILED),
        ("NOT_PLACED", "open", 0, Outcome.FAILED),
        ("UNKNOWN", "open", 0, Outcome.PENDING),
        ("REVIEW", "close", 0, Outcome.PENDING),
        ("PARTIAL", "open", 1, Outcome.PENDING),
    ],
)
def test_a_state_in_one_word_for_people(state, leg, executed, expected):
    assert outcome(make_execution(state=State(state), leg=leg, executed_quantity=executed)) is expected


def test_only_a_row_that_was_frozen_has_a_request_to_send():
    with pytest.raises(IllegalMove, match="no frozen request"):
        make_execution().frozen()


def test_a_stop_that_was_taken_back_on_purpose_has_succeeded():
    stop = make_execution(state=State.CANCELLED, leg="stop_loss", cancel_wanted=True)

    assert outcome(stop) is Outcome.SUCCESS
