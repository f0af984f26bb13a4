"""What an instruction means while the bot holds something: every action, every position, every habit."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copydesk.domain.bot import Course, MarketType, Meaningless, OnOpposite, steer
from copydesk.domain.planning import Copy, plan_copy
from copydesk.domain.signal import Action, Direction, Instruction, LegKind, Size, SizeUnit, Step, Target
from store_support import NOW, PROPERTY, make_bot, make_follower, make_position, make_quote

STEERED = [action for action in Action if action not in {Action.MODIFY, Action.PENDING, Action.CANCEL}]
FLAT, LONG, SHORT = Direction.FLAT, Direction.LONG, Direction.SHORT

OPEN = {LONG: Step(leg=LegKind.OPEN, direction=LONG), SHORT: Step(leg=LegKind.OPEN, direction=SHORT)}
CLOSE = {way: Step(leg=LegKind.CLOSE, direction=way) for way in Direction}

# (action, held) → steps and the position afterwards, where a bare sell closes a long.
CLOSING = {
    (Action.BUY, FLAT): ([OPEN[LONG]], LONG),
    (Action.BUY, LONG): ([OPEN[LONG]], LONG),
    (Action.BUY, SHORT): ([CLOSE[SHORT]], FLAT),
    (Action.SELL, FLAT): ([OPEN[SHORT]], SHORT),
    (Action.SELL, LONG): ([CLOSE[LONG]], FLAT),
    (Action.SELL, SHORT): ([OPEN[SHORT]], SHORT),
    (Action.OPEN_LONG, FLAT): ([OPEN[LONG]], LONG),
    (Action.OPEN_LONG, LONG): ([OPEN[LONG]], LONG),
    (Action.OPEN_LONG, SHORT): ([CLOSE[SHORT], OPEN[LONG]], LONG),
    (Action.OPEN_SHORT, FLAT): ([OPEN[SHORT]], SHORT),
    (Action.OPEN_SHORT, LONG): ([CLOSE[LONG], OPEN[SHORT]], SHORT),
    (Action.OPEN_SHORT, SHORT): ([OPEN[SHORT]], SHORT),
    (Action.CLOSE_LONG, FLAT): ([CLOSE[LONG]], FLAT),
    (Action.CLOSE_LONG, LONG): ([CLOSE[LONG]], FLAT),
    (Action.CLOSE_LONG, SHORT): ([CLOSE[LONG]], SHORT),
    (Action.CLOSE_SHORT, FLAT): ([CLOSE[SHORT]], FLAT),
    (Action.CLOSE_SHORT, LONG): ([CLOSE[SHORT]], LONG),
    (Action.CLOSE_SHORT, SHORT): ([CLOSE[SHORT]], FLAT),
    (Action.CLOSE, FLAT): ([CLOSE[FLAT]], FLAT),
    (Action.CLOSE, LONG): ([CLOSE[FLAT]], FLAT),
    (Action.CLOSE, SHORT): ([CLOSE[FLAT]], FLAT),
}

# Where it reverses instead, only these two differ.
REVERSING = CLOSING | {
    (Action.BUY, SHORT): ([CLOSE[SHORT], OPEN[LONG]], LONG),
    (Action.SELL, LONG): ([CLOSE[LONG], OPEN[SHORT]], SHORT),
}


ENTERS = {LONG: Action.BUY, SHORT: Action.SELL}
OPENS = {LONG: Action.OPEN_LONG, SHORT: Action.OPEN_SHORT}


def instruction(action=Action.BUY, target=None, size=None):
    words = {"ticker": "BTCUSDT", "symbol": "BTCUSDT", "key": "k", "key_ttl_s": 60, "payload": {}}
    return Instruction(action=action, target=target, size=size, **words)


def towards(direction, size=None, previous_size=None):
    sizes = {"size": size, "previous_size": previous_size}
    return Target(direction=direction, **{name: None if one is None else Decimal(one) for name, one in sizes.items()})


def test_the_tables_here_know_every_action_and_every_position():
    assert set(CLOSING) == set(REVERSING) == {(action, held) for action in STEERED for held in Direction}


@pytest.mark.parametrize("market_type", [MarketType.FUTURES, MarketType.MT5])
@pytest.mark.parametrize(("on_opposite", "table"), [(OnOpposite.CLOSE, CLOSING), (OnOpposite.REVERSE, REVERSING)])
@pytest.mark.parametrize(("action", "held"), list(CLOSING))
def test_every_action_means_one_thing_in_every_position(market_type, on_opposite, table, action, held):
    bot = make_bot(market_type=market_type, on_opposite=on_opposite)

    course = steer(bot, held, instruction(action))

    steps, direction = table[action, held]
    assert course == Course(steps=tuple(steps), direction=direction)


@pytest.mark.parametrize("on_opposite", list(OnOpposite))
@pytest.mark.parametrize("held", [FLAT, LONG])
@pytest.mark.parametrize("action", STEERED)
def test_a_spot_bot_never_opens_a_short(on_opposite, held, action):
    course = steer(make_bot(market_type=MarketType.SPOT, on_opposite=on_opposite), held, instruction(action))

    table = CLOSING if on_opposite is OnOpposite.CLOSE else REVERSING
    steps, direction = table[action, held]
    possible = tuple(step for step in steps if step != OPEN[SHORT])
    if not possible:
        assert isinstance(course, Meaningless)
        assert "spot" in course.problem
    else:
        assert course == Course(steps=possible, direction=FLAT if OPEN[SHORT] in steps else direction)


def test_a_spot_bot_that_is_long_sells_on_a_bare_sell_whatever_its_habit():
    bot = make_bot(market_type=MarketType.SPOT, on_opposite=OnOpposite.REVERSE)

    course = steer(bot, LONG, instruction(Action.SELL))

    assert course == Course(steps=(CLOSE[LONG],), direction=FLAT)


@pytest.mark.parametrize("held", list(Direction))
@pytest.mark.parametrize("action", [Action.BUY, Action.SELL])
def test_a_strategy_that_is_flat_closes_whatever_the_action_says(held, action):
    course = steer(make_bot(on_opposite=OnOpposite.REVERSE), held, instruction(action, towards(FLAT, 0)))

    assert course == Course(steps=(CLOSE[FLAT],), direction=FLAT)


@pytest.mark.parametrize("way", [LONG, SHORT])
def test_a_strategy_that_turned_closes_one_side_and_opens_the_other(way):
    course = steer(make_bot(), way.opposite, instruction(ENTERS[way], towards(way, 2, None)))

    assert course == Course(steps=(CLOSE[way.opposite], OPEN[way]), direction=way)


@pytest.mark.parametrize("way", [LONG, SHORT])
@pytest.mark.parametrize("sizes", [(None, None), (1, None), (1, 0), (None, 1), (3, 2)])
def test_a_strategy_that_enters_or_adds_opens(way, sizes):
    entered = steer(make_bot(), FLAT, instruction(ENTERS[way], towards(way, *sizes)))
    added = steer(make_bot(), way, instruction(ENTERS[way], towards(way, *sizes)))

    assert entered == added == Course(steps=(OPEN[way],), direction=way)


@pytest.mark.parametrize("way", [LONG, SHORT])
def test_a_strategy_that_takes_a_part_off_closes_that_part(way):
    course = steer(make_bot(), way, instruction(ENTERS[way.opposite], towards(way, 1, 4)))

    part = Step(leg=LegKind.CLOSE, direction=way, fraction=Decimal("0.75"))
    assert course == Course(steps=(part,), direction=way)


@pytest.mark.parametrize("way", [LONG, SHORT])
def test_a_strategy_that_changes_nothing_says_so_and_does_nothing(way):
    course = steer(make_bot(), way, instruction(ENTERS[way], towards(way, "2.0", 2)))

    assert isinstance(course, Course)
    assert (course.steps, course.direction) == ((), way)
    assert "nothing changes" in course.note


def test_a_spot_strategy_that_goes_short_is_meaningless():
    course = steer(make_bot(market_type=MarketType.SPOT), FLAT, instruction(Action.SELL, towards(SHORT, 1)))

    assert isinstance(course, Meaningless)


@PROPERTY
@given(before=st.integers(min_value=2, max_value=1000), taken=st.integers(min_value=1, max_value=999))
def test_the_part_a_strategy_takes_off_is_exact_to_the_last_kept_digit(before, taken):
    after = max(before - taken, 1)

    course = steer(make_bot(), LONG, instruction(Action.SELL, towards(LONG, after, before)))

    (step,) = course.steps
    assert step.leg is LegKind.CLOSE
    assert 0 < step.fraction < 1
    assert abs(Fraction(step.fraction) - Fraction(before - after, before)) < Fraction(1, 10**26)


@pytest.mark.parametrize(("before", "after", "held", "closes"), [(3, 2, "0.003", "0.001"), (9, 8, "0.009", "0.001")])
def test_one_contract_of_several_closes_one_step_of_as_many(before, after, held, closes):
    (step,) = steer(make_bot(), LONG, instruction(Action.SELL, towards(LONG, after, before))).steps
    position = make_position(quantity=Decimal(held), opened_at=NOW)

    plan = plan_copy(step, make_follower(position=position), make_quote())

    assert isinstance(plan, Copy)
    assert plan.quantity == Decimal(closes)


@pytest.mark.parametrize("held", list(Direction))
@pytest.mark.parametrize("way", [LONG, SHORT])
def test_an_action_that_moves_away_from_the_target_is_a_contradiction(way, held):
    """A sell cannot have made a strategy long, or longer."""
    against = ENTERS[way.opposite]

    for sizes in ((None, None), (1, None), (1, 0), (3, 2)):
        course = steer(make_bot(), held, instruction(against, towards(way, *sizes)))

        assert isinstance(course, Meaningless), sizes
        assert "contradicts" in course.problem


@pytest.mark.parametrize("way", [LONG, SHORT])
def test_an_entry_that_makes_the_position_smaller_is_a_contradiction(way):
    course = steer(make_bot(), way, instruction(ENTERS[way], towards(way, 1, 2)))

    assert isinstance(course, Meaningless)
    assert "2 before, 1 now" in course.problem


@pytest.mark.parametrize("way", [LONG, SHORT])
def test_a_part_taken_off_is_never_an_opening_for_a_bot_that_holds_none(way):
    course = steer(make_bot(), FLAT, instruction(ENTERS[way.opposite], towards(way, 1, 4)))

    part = Step(leg=LegKind.CLOSE, direction=way, fraction=Decimal("0.75"))
    assert course == Course(steps=(part,), direction=FLAT)


@pytest.mark.parametrize("way", [LONG, SHORT])
def test_a_part_taken_off_by_a_strategy_on_the_other_side_closes_what_is_wrong(way):
    course = steer(make_bot(), way.opposite, instruction(ENTERS[way.opposite], towards(way, 1, 4)))

    assert course == Course(steps=(CLOSE[way.opposite],), direction=FLAT)


@pytest.mark.parametrize("action", [Action.OPEN_LONG, Action.OPEN_SHORT])
def test_an_opening_by_a_strategy_that_is_flat_is_a_contradiction(action):
    assert isinstance(steer(make_bot(), FLAT, instruction(action, towards(FLAT))), Meaningless)


@pytest.mark.parametrize("held", list(Direction))
@pytest.mark.parametrize("way", [LONG, SHORT])
def test_a_bare_position_leads_there_and_changes_nothing_once_it_is_there(way, held):
    course = steer(make_bot(), held, instruction(OPENS[way], towards(way)))

    steps = {way: (), way.opposite: (CLOSE[way.opposite], OPEN[way]), FLAT: (OPEN[way],)}
    assert (course.steps, course.direction) == (steps[held], way)
    assert (course.note is not None) is (held is way)


@pytest.mark.parametrize("held", list(Direction))
def test_the_same_size_changes_nothing_whatever_the_bot_holds(held):
    course = steer(make_bot(), held, instruction(Action.BUY, towards(LONG, 1, 1)))

    assert (course.steps, course.direction) == ((), held)


def percent(amount):
    return Size(unit=SizeUnit.PERCENT, amount=Decimal(amount))


@pytest.mark.parametrize("held", list(Direction))
@pytest.mark.parametrize(
    ("action", "closes"), [(Action.CLOSE, FLAT), (Action.CLOSE_LONG, LONG), (Action.CLOSE_SHORT, SHORT)]
)
def test_a_percentage_beside_a_close_closes_that_part_and_the_bot_stays(action, closes, held):
    course = steer(make_bot(), held, instruction(action, size=percent("12.5")))

    part = Step(leg=LegKind.CLOSE, direction=closes, fraction=Decimal("0.125"))
    assert course == Course(steps=(part,), direction=held)


@pytest.mark.parametrize("size", [percent(100), Size(unit=SizeUnit.BASE, amount=Decimal(1)), None])
def test_a_close_of_all_or_of_the_senders_own_coins_closes_all(size):
    course = steer(make_bot(), LONG, instruction(Action.CLOSE, size=size))

    assert course == Course(steps=(CLOSE[FLAT],), direction=FLAT)


@pytest.mark.parametrize("amount", ["0", "-1", "100.1", "1e9"])
def test_a_close_of_no_part_or_of_more_than_all_is_meaningless(amount):
    assert isinstance(steer(make_bot(), LONG, instruction(Action.CLOSE, size=percent(amount))), Meaningless)


def test_a_size_beside_an_opening_or_a_bare_sell_changes_no_step():
    assert steer(make_bot(), FLAT, instruction(Action.BUY, size=percent(50))).steps == (OPEN[LONG],)
    assert steer(make_bot(), LONG, instruction(Action.SELL, size=percent(50))).steps == (CLOSE[LONG],)


sizes = st.none() | st.integers(min_value=0, max_value=4).map(Decimal)
targets = st.builds(Target, direction=st.sampled_from(Direction), size=sizes, previous_size=sizes)
OPENS_NEVER = {
    Action.BUY: {SHORT},
    Action.OPEN_LONG: {SHORT},
    Action.SELL: {LONG},
    Action.OPEN_SHORT: {LONG},
    Action.CLOSE: {LONG, SHORT},
    Action.CLOSE_LONG: {LONG, SHORT},
    Action.CLOSE_SHORT: {LONG, SHORT},
    Action.MODIFY: {LONG, SHORT},
}


@PROPERTY
@given(
    action=st.sampled_from(Action),
    held=st.sampled_from(Direction),
    target=st.none() | targets,
    size=st.none() | st.integers(min_value=1, max_value=120).map(percent),
    on_opposite=st.sampled_from(OnOpposite),
    market_type=st.sampled_from(MarketType),
)
def test_nothing_ever_opens_what_its_action_cannot_mean(action, held, target, size, on_opposite, market_type):
    """A sell opens no long and a close opens nothing, whatever an alert says of where the strategy stands."""
    bot = make_bot(on_opposite=on_opposite, market_type=market_type)

    course = steer(bot, held, instruction(action, target, size))

    if isinstance(course, Course):
        opened = {step.direction for step in course.steps if step.leg is LegKind.OPEN}
        assert not opened & OPENS_NEVER[action]
        assert all(0 < step.fraction <= 1 for step in course.steps)
        assert course.steps or course.note
    else:
        assert course.problem


@pytest.mark.parametrize("held", list(Direction))
def test_a_change_of_stops_means_nothing_without_a_ticket(held):
    assert isinstance(steer(make_bot(), held, instruction(Action.MODIFY)), Meaningless)
