"""Fills add up: quantities exactly, money as an independent calculation with fractions has it."""

from datetime import timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from copydesk.domain.position import increase, reduce
from copydesk.domain.signal import Direction
from store_support import NOW, PROPERTY

CENT = Fraction(1, 10**12)
"""Averages are kept to 28 digits: far below this."""

quantities = st.integers(min_value=1, max_value=10**6).map(lambda one: Decimal(one).scaleb(-3))
prices = st.integers(min_value=1, max_value=10**8).map(lambda one: Decimal(one).scaleb(-2))
fees = st.integers(min_value=0, max_value=10**4).map(lambda one: Decimal(one).scaleb(-4))
fills = st.lists(st.tuples(quantities, prices, fees), min_size=1, max_size=8)
directions = st.sampled_from([Direction.LONG, Direction.SHORT])


def opened(direction, made):
    position = None
    for quantity, price, fee in made:
        position = increase(position, direction=direction, quantity=quantity, price=price, fee_usd=fee, at=NOW)
    return position


@PROPERTY
@given(direction=directions, made=fills)
def test_opening_fills_add_up_and_average_by_quantity(direction, made):
    position = opened(direction, made)

    total = sum(Fraction(quantity) for quantity, _, _ in made)
    average = sum(Fraction(quantity) * Fraction(price) for quantity, price, _ in made) / total
    assert Fraction(position.quantity) == Fraction(position.opened_quantity) == total
    assert abs(Fraction(position.entry_price) - average) < CENT
    assert position.fees_usd == sum(fee for _, _, fee in made)
    assert position.direction is direction
    assert (position.closed_quantity, position.gross_usd) == (0, 0)


@PROPERTY
@given(direction=directions, entries=fills, exits=fills, last_price=prices)
def test_a_round_trip_earns_what_came_in_minus_what_went_out(direction, entries, exits, last_price):
    position, results, taken, done = opened(direction, entries), [], [], None
    for quantity, price, fee in [*exits, (Decimal(10**9), last_price, Decimal(0))]:
        taken.append((min(quantity, position.quantity), price, fee))
        done = reduce(position, quantity=quantity, price=price, fee_usd=fee, at=NOW + timedelta(hours=1))
        results.append(done.gross_usd)
        if done.position is None:
            break
        assert Fraction(done.position.quantity) == Fraction(position.quantity) - Fraction(quantity)
        assert done.trade is None
        position = done.position

    sign = 1 if direction is Direction.LONG else -1
    spent = sum(Fraction(quantity) * Fraction(price) for quantity, price, _ in entries)
    got = sum(Fraction(quantity) * Fraction(price) for quantity, price, _ in taken)
    paid = sum(Fraction(fee) for _, _, fee in [*entries, *taken])
    size = sum(Fraction(quantity) for quantity, _, _ in entries)
    trade = done.trade
    assert done.position is None
    assert Fraction(trade.quantity) == size == sum(Fraction(quantity) for quantity, _, _ in taken)
    assert abs(Fraction(trade.gross_usd) - sign * (got - spent)) < CENT
    assert Fraction(trade.fees_usd) == paid
    assert abs(Fraction(trade.net_usd) - (sign * (got - spent) - paid)) < CENT
    assert abs(Fraction(trade.exit_price) - got / size) < CENT
    assert abs(Fraction(trade.entry_price) - spent / size) < CENT
    assert abs(Fraction(sum(results)) - Fraction(trade.gross_usd)) < CENT
    assert (trade.direction, trade.opened_at, trade.closed_at) == (direction, NOW, NOW + timedelta(hours=1))


@PROPERTY
@given(direction=directions, first=fills, second=fills, price=prices, part=quantities)
def test_a_position_that_grows_after_a_part_was_closed_still_adds_up(direction, first, second, price, part):
    position = opened(direction, first)
    reduction = reduce(position, quantity=min(part, position.quantity / 2), price=price, fee_usd=Decimal(0), at=NOW)
    grown = reduction.position
    for quantity, at_price, fee in second:
        grown = increase(grown, direction=direction, quantity=quantity, price=at_price, fee_usd=fee, at=NOW)
    end = reduce(grown, quantity=grown.quantity, price=price, fee_usd=Decimal(0), at=NOW)

    sign = 1 if direction is Direction.LONG else -1
    spent = sum(Fraction(quantity) * Fraction(one) for quantity, one, _ in [*first, *second])
    size = sum(Fraction(quantity) for quantity, _, _ in [*first, *second])
    assert grown.quantity == grown.opened_quantity - grown.closed_quantity
    assert abs(Fraction(end.trade.gross_usd) - sign * (size * Fraction(price) - spent)) < CENT
    assert Fraction(end.trade.quantity) == size


@pytest.mark.parametrize(("direction", "gross"), [(Direction.LONG, "2"), (Direction.SHORT, "-2")])
def test_one_long_and_one_short_trade_by_hand(direction, gross):
    position = opened(
        direction, [(Decimal(1), Decimal(100), Decimal("0.1")), (Decimal(1), Decimal(102), Decimal("0.1"))]
    )

    done = reduce(position, quantity=Decimal(2), price=Decimal(102), fee_usd=Decimal("0.2"), at=NOW)

    assert done.position is None
    assert done.gross_usd == Decimal(gross)
    assert (done.trade.entry_price, done.trade.exit_price) == (101, 102)
    assert done.trade.fees_usd == Decimal("0.4")
    assert done.trade.net_usd == Decimal(gross) - Decimal("0.4")


def test_closing_more_than_is_there_closes_what_is_there():
    position = opened(Direction.LONG, [(Decimal(1), Decimal(100), Decimal(0))])

    done = reduce(position, quantity=Decimal(5), price=Decimal(110), fee_usd=Decimal(0), at=NOW)

    assert done.position is None
    assert (done.trade.quantity, done.trade.gross_usd) == (1, 10)


def test_a_part_leaves_the_entry_price_and_the_opening_time():
    position = opened(Direction.SHORT, [(Decimal(4), Decimal(100), Decimal(1))])

    done = reduce(position, quantity=Decimal(1), price=Decimal(90), fee_usd=Decimal("0.5"), at=NOW + timedelta(hours=1))

    assert done.gross_usd == 10
    assert done.position == replace(
        position,
        quantity=Decimal(3),
        closed_quantity=Decimal(1),
        closed_value=Decimal(90),
        gross_usd=Decimal(10),
        fees_usd=Decimal("1.5"),
    )
