"""What a follower does with a step: sized from their own settings, or refused with the reason and its numbers."""

import re
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from msgspec.structs import replace

from copydesk.domain.bot import MarketType
from copydesk.domain.guards import Exposure, Refusal
from copydesk.domain.instrument import plain, round_down, round_to_tick
from copydesk.domain.planning import Copy, Quote, plan_copy, trigger_price
from copydesk.domain.signal import Direction, LegKind, Side, Step
from copydesk.domain.subscription import EffectiveSettings, KeyCheck, SubscriptionStatus, effective_settings
from store_support import (
    PROPERTY,
    make_account,
    make_bot,
    make_follower,
    make_instrument,
    make_position,
    make_quote,
    make_subscription,
)

OPEN_LONG = Step(leg=LegKind.OPEN, direction=Direction.LONG)
OPEN_SHORT = Step(leg=LegKind.OPEN, direction=Direction.SHORT)
CLOSE_ALL = Step(leg=LegKind.CLOSE, direction=Direction.FLAT)

NO_LIMITS = {"quantity_min": Decimal(0), "quantity_max": Decimal(10) ** 40, "notional_min": Decimal(0)}

margins = st.decimals(min_value=0, max_value=1_000_000, places=2)
leverages = st.integers(min_value=0, max_value=125)
prices = st.tuples(st.integers(min_value=1, max_value=10**8), st.integers(min_value=0, max_value=6)).map(
    lambda one: Decimal(one[0]).scaleb(-one[1])
)
steps = st.tuples(st.sampled_from([1, 2, 5, 25]), st.integers(min_value=-2, max_value=8)).map(
    lambda one: Decimal(one[0]).scaleb(-one[1])
)
percents = st.decimals(min_value=Decimal("0.01"), max_value=99, places=2)


def multiple_below(value, step):
    """The independent calculation: exact fractions, no decimal context anywhere."""
    step = Fraction(step)
    return (value / step).__floor__() * step


@PROPERTY
@given(margin=margins, leverage=leverages, price=prices, step=steps, direction=st.sampled_from(["long", "short"]))
def test_quantity_is_margin_times_leverage_over_price_rounded_down(margin, leverage, price, step, direction):
    subscription = make_subscription(custom_margin_usd=margin, custom_leverage=leverage)
    quote = Quote(
        instrument=make_instrument(quantity_step=step, **NO_LIMITS), last_price=price, markets=frozenset(MarketType)
    )

    plan = plan_copy(
        Step(leg=LegKind.OPEN, direction=Direction(direction)), make_follower(subscription=subscription), quote
    )

    expected = multiple_below(Fraction(margin) * leverage / Fraction(price), step)
    if expected == 0:
        assert isinstance(plan, Refusal)
        assert plan.rule == "quantity_min"
    else:
        assert isinstance(plan, Copy)
        assert Fraction(plan.quantity) == expected
        assert plan.side is (Side.BUY if direction == "long" else Side.SELL)


def test_twenty_usd_times_five_at_95200_is_one_thousandth():
    plan = plan_copy(OPEN_LONG, make_follower(), make_quote("95200"))

    assert isinstance(plan, Copy)
    assert plan.quantity == Decimal("0.001")
    assert (plan.side, plan.direction, plan.leg) == (Side.BUY, Direction.LONG, LegKind.OPEN)
    assert plan.numbers["exact_quantity"].startswith("0.00105042")
    assert (plan.numbers["quantity"], plan.numbers["notional"]) == ("0.001", "95.2")
    assert plan.inputs == {
        "margin_usd": "20",
        "leverage": "5",
        "last_price": "95200",
        "quantity_step": "0.001",
        "price_tick": "0.1",
        "notional_min": "50",
        "stop_loss_pct": "2",
        "take_profit_pct": "4",
    }


def test_a_share_of_an_opening_is_that_share_of_a_whole_size():
    whole = plan_copy(OPEN_LONG, make_follower(), make_quote("1000", quantity_step=Decimal("0.001")))
    share = replace(OPEN_LONG, fraction=Decimal("0.75"))

    plan = plan_copy(share, make_follower(), make_quote("1000", quantity_step=Decimal("0.001")))

    assert (whole.quantity, plan.quantity) == (Decimal("0.100"), Decimal("0.075"))
    assert (whole.inputs.get("fraction"), plan.inputs["fraction"]) == (None, "0.75")


def test_a_size_of_many_digits_gets_an_answer_and_no_error():
    subscription = make_subscription(custom_margin_usd=Decimal(1_000_000_000), custom_leverage=125)

    plan = plan_copy(OPEN_LONG, make_follower(subscription=subscription), make_quote("0.000000001"))

    assert isinstance(plan, Refusal)
    assert plan.rule == "quantity_max"


def test_defaults_count_where_nothing_was_chosen():
    bot = make_bot()

    assert effective_settings(bot, make_subscription()) == EffectiveSettings(
        leverage=5, margin_usd=Decimal(20), stop_loss_pct=Decimal(2), take_profit_pct=Decimal(4)
    )


@pytest.mark.parametrize("name", ["leverage", "margin_usd", "stop_loss_pct", "take_profit_pct"])
@pytest.mark.parametrize("value", [0, 7])
def test_an_own_choice_counts_and_zero_is_a_choice(name, value):
    bot, chosen = make_bot(), make_subscription(**{f"custom_{name}": value})

    settings = effective_settings(bot, chosen)

    assert getattr(settings, name) == value
    others = {"leverage", "margin_usd", "stop_loss_pct", "take_profit_pct"} - {name}
    assert all(getattr(settings, one) == getattr(bot, f"default_{one}") for one in others)


def test_a_chosen_margin_of_zero_opens_nothing():
    plan = plan_copy(
        OPEN_LONG, make_follower(subscription=make_subscription(custom_margin_usd=Decimal(0))), make_quote()
    )

    assert isinstance(plan, Refusal)
    assert (plan.rule, plan.numbers["margin_usd"]) == ("quantity_min", "0")


def refusal(step=OPEN_LONG, quote=None, **follower):
    plan = plan_copy(step, make_follower(**follower), quote or make_quote())
    assert isinstance(plan, Refusal)
    return plan


def test_the_daily_loss_limit_refuses_with_its_numbers():
    limited = make_subscription(max_daily_loss_usd=Decimal("15.50"))

    plan = refusal(subscription=limited, exposure=Exposure(loss_today_usd=Decimal("15.5")))

    assert plan == Refusal(
        reason="Daily loss limit reached",
        rule="max_daily_loss_usd",
        numbers={"loss_today_usd": "15.5", "max_daily_loss_usd": "15.5"},
    )


def test_a_full_set_of_positions_refuses_with_its_numbers():
    limited = make_subscription(max_concurrent_positions=2)

    plan = refusal(subscription=limited, exposure=Exposure(slots_used=2))

    assert plan == Refusal(
        reason="Max concurrent positions reached",
        rule="max_concurrent_positions",
        numbers={"current_positions": "2", "max_concurrent_positions": "2"},
    )


@pytest.mark.parametrize(
    ("limits", "exposure"),
    [
        ({"max_daily_loss_usd": Decimal(15)}, Exposure(loss_today_usd=Decimal("14.99"))),
        ({"max_concurrent_positions": 2}, Exposure(slots_used=1)),
        ({}, Exposure(slots_used=1000, loss_today_usd=Decimal(10**9))),
    ],
)
def test_below_a_limit_or_without_one_nothing_is_refused(limits, exposure):
    plan = plan_copy(
        OPEN_LONG, make_follower(subscription=make_subscription(**limits), exposure=exposure), make_quote()
    )

    assert isinstance(plan, Copy)


@pytest.mark.parametrize(
    ("limits", "rule"),
    [
        ({"max_daily_loss_usd": Decimal(0)}, "max_daily_loss_usd"),
        ({"max_concurrent_positions": 0}, "max_concurrent_positions"),
    ],
)
def test_a_limit_of_zero_is_a_limit(limits, rule):
    assert refusal(subscription=make_subscription(**limits)).rule == rule


def test_a_symbol_of_another_subscription_is_refused_with_its_name():
    plan = refusal(exposure=Exposure(symbol_taken_by="other"))

    assert plan.rule == "one_subscription_per_symbol"
    assert plan.reason == "Another subscription of this account already trades this symbol"
    assert plan.numbers == {"subscription_id": "other"}


def test_a_close_only_subscription_opens_nothing_and_closes():
    closing = make_subscription(status=SubscriptionStatus.CLOSE_ONLY)

    close = plan_copy(CLOSE_ALL, make_follower(subscription=closing, position=make_position()), make_quote())

    assert refusal(subscription=closing) == Refusal(reason="The subscription copies closes only", rule="close_only")
    assert isinstance(close, Copy)


@pytest.mark.parametrize("step", [OPEN_LONG, CLOSE_ALL])
@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (
            {"subscription": make_subscription(status=SubscriptionStatus.PAUSED)},
            Refusal(reason="The subscription is paused", rule="subscription_paused"),
        ),
        (
            {"account": make_account(is_active=False)},
            Refusal(reason="The account is switched off", rule="account_inactive"),
        ),
        (
            {"account": make_account(key_check=KeyCheck.REFUSED, key_problem="it may withdraw")},
            Refusal(reason="The account's key is refused: it may withdraw", rule="key_refused"),
        ),
        (
            {"account": make_account(key_check=KeyCheck.REFUSED)},
            Refusal(reason="The account's key is refused: the venue refused it", rule="key_refused"),
        ),
    ],
)
def test_nothing_at_all_is_sent_for_who_is_paused_off_or_refused(step, changes, expected):
    assert refusal(step, position=make_position(), **changes) == expected


@pytest.mark.parametrize("check", [KeyCheck.UNCHECKED, KeyCheck.ACCEPTED])
def test_an_unchecked_key_may_trade(check):
    plan = plan_copy(OPEN_LONG, make_follower(account=make_account(key_check=check)), make_quote())

    assert isinstance(plan, Copy)


@pytest.mark.parametrize(
    ("limits", "rule", "reason"),
    [
        ({"notional_min": Decimal("95.3")}, "notional_min", "Notional 95.2 is below the venue's minimum 95.3"),
        ({"quantity_min": Decimal("0.002")}, "quantity_min", r"Quantity .*\b0.001 is below the venue's minimum 0.002"),
        ({"quantity_max": Decimal("0.0005")}, "quantity_max", "Quantity 0.001 is above the venue's maximum 0.0005"),
        ({"quantity_step": Decimal("0.01")}, "quantity_min", r"Quantity .*\b0 is below the venue's minimum 0.001"),
    ],
)
def test_a_size_the_venue_refuses_is_refused_before_with_the_numbers(limits, rule, reason):
    plan = refusal(quote=make_quote("95200", **limits))

    assert plan.rule == rule
    assert re.fullmatch(reason, plan.reason)
    assert plan.numbers["exact_quantity"].startswith("0.00105042")
    assert {"quantity", "notional", "margin_usd", "leverage", "last_price", "quantity_step"} <= set(plan.numbers)


@pytest.mark.parametrize(
    "limits",
    [{"notional_min": Decimal("95.2")}, {"quantity_min": Decimal("0.001")}, {"quantity_max": Decimal("0.001")}],
)
def test_a_size_exactly_at_the_venues_limit_is_copied(limits):
    assert isinstance(plan_copy(OPEN_LONG, make_follower(), make_quote("95200", **limits)), Copy)


def test_an_opposite_position_must_be_closed_before_another_is_opened():
    plan = refusal(OPEN_SHORT, position=make_position(quantity=Decimal("0.0030")))

    assert plan == Refusal(
        reason="The account still holds a long position on this symbol",
        rule="opposite_position",
        numbers={"quantity": "0.003"},
    )


def test_a_position_in_the_same_direction_grows():
    plan = plan_copy(OPEN_LONG, make_follower(position=make_position()), make_quote())

    assert isinstance(plan, Copy)
    assert plan.quantity == Decimal("0.001")


def test_without_a_price_nothing_is_opened_and_all_can_be_closed():
    follower = make_follower(position=make_position())

    opened, closed = plan_copy(OPEN_LONG, follower, None), plan_copy(CLOSE_ALL, follower, None)

    assert isinstance(opened, Refusal)
    assert opened.rule == "no_market_data"
    assert isinstance(closed, Copy)
    assert closed.quantity == follower.position.quantity


def test_without_a_price_a_part_to_close_never_becomes_the_whole():
    half = Step(leg=LegKind.CLOSE, direction=Direction.LONG, fraction=Decimal("0.5"))

    plan = plan_copy(half, make_follower(position=make_position(quantity=Decimal("0.004"))), None)

    assert isinstance(plan, Refusal) or plan.quantity <= Decimal("0.002")


@pytest.mark.parametrize(
    ("held", "asked", "closes"),
    [
        ("long", "long", True),
        ("long", "flat", True),
        ("long", "short", False),
        ("short", "short", True),
        ("short", "flat", True),
        ("short", "long", False),
        (None, "long", False),
        (None, "flat", False),
    ],
)
def test_a_close_closes_the_direction_it_names(held, asked, closes):
    position = make_position(direction=Direction(held)) if held else None
    step = Step(leg=LegKind.CLOSE, direction=Direction(asked))

    plan = plan_copy(step, make_follower(position=position), make_quote())

    if closes:
        assert isinstance(plan, Copy)
        assert (plan.quantity, plan.direction) == (position.quantity, position.direction)
        assert plan.side is (Side.SELL if held == "long" else Side.BUY)
    else:
        assert isinstance(plan, Refusal)
        named = "" if asked == "flat" else f" {asked}"
        assert (plan.rule, plan.reason) == ("no_position", f"No{named} position to close")


@PROPERTY
@given(
    lots=st.integers(min_value=1, max_value=10**9),
    step=steps,
    fraction=st.decimals(min_value=Decimal("0.0001"), max_value=1, places=4),
    direction=st.sampled_from([Direction.LONG, Direction.SHORT]),
)
def test_a_fraction_closes_its_part_rounded_down_and_never_more_than_is_held(lots, step, fraction, direction):
    held = lots * step
    follower = make_follower(position=make_position(direction=direction, quantity=held))
    close = Step(leg=LegKind.CLOSE, direction=direction, fraction=fraction)

    plan = plan_copy(
        close,
        follower,
        Quote(
            instrument=make_instrument(quantity_step=step, **NO_LIMITS),
            last_price=Decimal(1),
            markets=frozenset(MarketType),
        ),
    )

    expected = multiple_below(Fraction(held) * Fraction(fraction), step)
    if isinstance(plan, Refusal):
        assert (plan.rule, expected) == ("quantity_step", 0)
    else:
        assert Fraction(plan.quantity) == expected
        assert plan.quantity <= held


def test_what_is_held_closes_whole_even_where_it_is_off_the_step():
    odd = make_position(quantity=Decimal("0.0005"))

    plan = plan_copy(CLOSE_ALL, make_follower(position=odd), make_quote())

    assert isinstance(plan, Copy)
    assert plan.quantity == Decimal("0.0005")


def test_a_part_below_the_venues_minimum_is_refused_with_its_numbers():
    third = Step(leg=LegKind.CLOSE, direction=Direction.LONG, fraction=Decimal("0.3"))

    plan = refusal(third, make_quote(quantity_min=Decimal("0.002")), position=make_position(quantity=Decimal("0.005")))

    assert plan == Refusal(
        reason="The part to close is smaller than one step",
        rule="quantity_step",
        numbers={"held": "0.005", "fraction": "0.3", "quantity": "0"},
    )


@pytest.mark.parametrize(
    ("kind", "direction", "expected"),
    [
        (LegKind.STOP_LOSS, Direction.LONG, "93296"),
        (LegKind.STOP_LOSS, Direction.SHORT, "97104"),
        (LegKind.TAKE_PROFIT, Direction.LONG, "97104"),
        (LegKind.TAKE_PROFIT, Direction.SHORT, "93296"),
    ],
)
def test_stops_and_targets_stand_on_their_side_of_the_entry(kind, direction, expected):
    price = trigger_price(kind, Decimal(95200), direction, Decimal(2), Decimal("0.1"))

    assert price == Decimal(expected)


@PROPERTY
@given(
    kind=st.sampled_from([LegKind.STOP_LOSS, LegKind.TAKE_PROFIT]),
    direction=st.sampled_from([Direction.LONG, Direction.SHORT]),
    entry=prices,
    percent=percents,
    tick=st.sampled_from(["0.1", "0.01", "0.5", "0.0001", "10"]).map(Decimal),
)
def test_a_trigger_is_the_nearest_tick_to_the_exact_price(kind, direction, entry, percent, tick):
    assume(entry >= tick)

    price = trigger_price(kind, entry, direction, percent, tick)

    gains = (kind is LegKind.TAKE_PROFIT) == (direction is Direction.LONG)
    change = Fraction(percent) / 100 * (1 if gains else -1)
    exact = Fraction(entry) * (1 + change)
    assert (Fraction(price) / Fraction(tick)).denominator == 1
    assert abs(Fraction(price) - exact) <= Fraction(tick) / 2


@PROPERTY
@given(value=prices, step=steps)
def test_rounding_lands_on_a_step_at_most_one_away(value, step):
    down, near = round_down(value, step), round_to_tick(value, step)

    assert Fraction(down) == multiple_below(Fraction(value), step)
    assert abs(Fraction(near) - Fraction(value)) <= Fraction(step) / 2


@pytest.mark.parametrize(
    ("value", "written"),
    [("1E+3", "1000"), ("100", "100"), ("0.0010", "0.001"), ("0.00", "0"), ("1E-9", "0.000000001"), ("-2.50", "-2.5")],
)
def test_numbers_are_written_without_exponent_or_empty_digits(value, written):
    assert plain(Decimal(value)) == written
