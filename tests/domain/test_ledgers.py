"""Two ledgers compared: what agrees is silent, and every kind of difference is named."""

from datetime import timedelta
from decimal import Decimal

import pytest

from copydesk.domain.execution import State
from copydesk.domain.ids import client_order_id
from copydesk.domain.ledgers import compare_orders, compare_position
from copydesk.domain.order import OrderReport, OrderStatus
from store_support import NOW, make_execution


def ours(state=State.FILLED, executed="0.010", **changes):
    made = make_execution(state=state, executed_quantity=Decimal(executed), frozen_at=NOW, **changes)
    return made, client_order_id(made.id, made.attempt)


def theirs(client_id, executed="0.010", status=OrderStatus.FILLED):
    return OrderReport(
        status=status, exchange_order_id="7", client_order_id=client_id, executed_quantity=Decimal(executed)
    )


def differences(executions, orders, until=NOW + timedelta(minutes=1)):
    return [one.what for one in compare_orders(executions, {"BTCUSDT": orders}, until=until)]


def test_ledgers_that_agree_say_nothing():
    filled, one = ours()
    standing, two = ours(State.WORKING, "0", leg="stop_loss")
    refused, _ = ours(State.REJECTED, "0")
    orders = [theirs(one), theirs(two, "0", OrderStatus.WORKING), theirs("a stranger's", "3")]

    assert differences([filled, standing, refused], orders) == []


@pytest.mark.parametrize(
    ("state", "executed", "venues", "what"),
    [
        (State.FILLED, "0.010", [], "missing"),
        (State.WORKING, "0", [], "missing"),
        (State.FILLED, "0.010", ["0.009"], "filled"),
        (State.NOT_PLACED, "0", ["0.010"], "filled"),
        (State.REJECTED, "0", ["0.010"], "filled"),
        (State.FILLED, "0.020", ["0.010", "0.010"], "doubled"),
    ],
)
def test_each_difference_has_its_name(state, executed, venues, what):
    execution, client_id = ours(state, executed)
    orders = [theirs(client_id if number == 0 else f"{client_id}-2", each) for number, each in enumerate(venues)]

    assert differences([execution], orders) == [what]


def test_an_order_of_ours_that_nobody_here_knows_is_told():
    assert differences([], [theirs("cd-01kjvktdm0000000000000000a")]) == ["unknown_order"]


@pytest.mark.parametrize("state", [State.SENDING, State.UNKNOWN, State.REVIEW])
def test_an_open_question_is_no_difference(state):
    execution, client_id = ours(state, "0")

    assert differences([execution], [theirs(client_id)]) == []


def test_what_was_sent_a_moment_ago_is_left_in_peace():
    execution, _ = ours()

    assert differences([execution], [], until=NOW - timedelta(seconds=1)) == []


def test_a_close_that_took_two_attempts_adds_up():
    execution, client_id = ours(executed="0.010", leg="close", attempt=2)

    assert differences([execution], [theirs(client_id.removesuffix("-2"), "0"), theirs(client_id)]) == []


def test_a_position_may_be_larger_than_ours_and_never_smaller():
    assert list(compare_position("BTCUSDT", Decimal("0.010"), Decimal("0.015"))) == []
    (found,) = compare_position("BTCUSDT", Decimal("0.010"), Decimal("0.004"))
    assert (found.what, found.ours, found.venues) == ("position", "0.01", "0.004")
