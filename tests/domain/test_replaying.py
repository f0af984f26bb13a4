"""Plans made again out of what they said they saw: the same today, or told what differs."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from copydesk.domain.bot import MarketType, PayloadSize
from copydesk.domain.execution import State
from copydesk.domain.following import TerminalPlans, follow
from copydesk.domain.guards import Exposure, Refusal
from copydesk.domain.planning import plan_copy
from copydesk.domain.replaying import replay
from copydesk.domain.signal import Direction, LegKind, Size, SizeUnit, Step, TicketChange
from copydesk.domain.subscription import KeyCheck, SubscriptionStatus
from copydesk.engine.making import planned, skipped
from store_support import (
    PROPERTY,
    make_account,
    make_bot,
    make_execution,
    make_follower,
    make_position,
    make_quote,
    make_signal,
    make_subscription,
)

OPEN = Step(leg=LegKind.OPEN, direction=Direction.LONG)
CLOSE = Step(leg=LegKind.CLOSE, direction=Direction.LONG)
HALF = replace(CLOSE, fraction=Decimal("0.5"))

FOLLOWERS = {
    "copied": make_follower(),
    "own settings": make_follower(subscription=make_subscription(custom_leverage=7, custom_margin_usd=Decimal(123))),
    "too small": make_follower(subscription=make_subscription(custom_margin_usd=Decimal(1))),
    "paused": make_follower(subscription=make_subscription(status=SubscriptionStatus.PAUSED)),
    "close only": make_follower(subscription=make_subscription(status=SubscriptionStatus.CLOSE_ONLY)),
    "switched off": make_follower(account=make_account(is_active=False)),
    "refused key": make_follower(account=make_account(key_check=KeyCheck.REFUSED, key_problem="unknown")),
    "slots": make_follower(subscription=make_subscription(max_concurrent_positions=2), exposure=Exposure(slots_used=2)),
    "daily loss": make_follower(
        subscription=make_subscription(max_daily_loss_usd=Decimal(50)), exposure=Exposure(loss_today_usd=Decimal(51))
    ),
    "taken symbol": make_follower(exposure=Exposure(symbol_taken_by="another")),
    "opposite": make_follower(position=make_position(direction=Direction.SHORT)),
    "spot": make_follower(bot=make_bot(market_type=MarketType.SPOT)),
}


def stored(step, follower, *, size=None, quote=None):
    """The execution as the desk would have stored it."""
    made = plan_copy(step, follower, quote or make_quote(), size)
    return written(step, made)


def written(step, made, **more):
    execution = make_execution(
        leg=step.leg.value, direction=step.direction, fraction=step.fraction, requested_quantity=None, plan={}, **more
    )
    return skipped(execution, made) if isinstance(made, Refusal) else planned(execution, made)


@pytest.mark.parametrize("name", FOLLOWERS)
@pytest.mark.parametrize("step", [OPEN, CLOSE, HALF], ids=["open", "close", "half"])
def test_a_plan_made_by_the_same_rules_is_the_same_again(name, step):
    follower = FOLLOWERS[name]
    if step.leg is LegKind.CLOSE:
        follower = replace(follower, position=follower.position or make_position())
    execution = stored(step, follower)

    again = replay(execution, make_signal(), stranger(follower), is_terminal=False)

    assert again.left_out is None
    assert again.differences == {}


@PROPERTY
@given(
    margin=st.decimals(min_value=0, max_value=100_000, places=2),
    leverage=st.integers(min_value=1, max_value=125),
    price=st.decimals(min_value="0.01", max_value=200_000, places=2),
)
def test_any_size_comes_out_the_same_again(margin, leverage, price):
    follower = make_follower(subscription=make_subscription(custom_margin_usd=margin, custom_leverage=leverage))
    execution = stored(OPEN, follower, quote=make_quote(str(price)))

    assert replay(execution, make_signal(), stranger(follower), is_terminal=False).differences == {}


@pytest.mark.parametrize(("unit", "amount"), [(SizeUnit.BASE, "0.006"), (SizeUnit.QUOTE, "500")])
def test_the_alert_s_own_amount_counts_again(unit, amount):
    follower = make_follower(bot=make_bot(payload_size=PayloadSize.USE))
    execution = stored(OPEN, follower, size=Size(unit=unit, amount=Decimal(amount)))

    assert replay(execution, make_signal(), stranger(follower), is_terminal=False).differences == {}


def test_a_plan_that_comes_out_otherwise_is_told_with_then_and_now():
    execution = stored(OPEN, FOLLOWERS["copied"])
    then = replace(execution, requested_quantity=Decimal("0.002"))

    again = replay(then, make_signal(), FOLLOWERS["copied"], is_terminal=False)

    assert again.differences == {"quantity": ("0.002", "0.001")}


def test_a_rule_with_another_sentence_is_a_difference_too():
    execution = replace(stored(OPEN, FOLLOWERS["slots"]), reason="Too many positions")

    again = replay(execution, make_signal(), FOLLOWERS["slots"], is_terminal=False)

    assert again.differences == {"reason": ("Too many positions", "Max concurrent positions reached")}


def test_a_ticket_at_a_terminal_is_planned_as_a_ticket_again():
    ticket = TicketChange(
        number=7,
        direction=Direction.LONG,
        volume=Decimal("0.2"),
        before=Decimal(0),
        stop_loss=Decimal(1),
        take_profit=Decimal(0),
    )
    signal = make_signal(symbol="EURUSD", steps=(), ticket=ticket)
    follower = make_follower(account=make_account(venue="mt5"))
    execution = written(OPEN, TerminalPlans(follow(signal)).plan(OPEN, follower), symbol="EURUSD@7")

    assert execution.requested_quantity == Decimal("0.2")
    assert replay(execution, signal, follower, is_terminal=True).differences == {}


@pytest.mark.parametrize(
    "changes",
    [
        {"leg": "stop_loss", "plan": {"rule": "stop"}},
        {"plan": {}},
        {"plan": {"rule": "breaker", "numbers": {}}, "reason": "The breaker is pulled", "requested_quantity": None},
    ],
)
def test_what_planning_did_not_decide_is_left_out_with_its_reason(changes):
    execution = make_execution(**{"state": State.SKIPPED, **changes})

    again = replay(execution, make_signal(), FOLLOWERS["copied"], is_terminal=False)

    assert again.left_out is not None
    assert again.differences == {}


def stranger(follower):
    """Who the follower is today: other settings than then must not count."""
    today = make_subscription(custom_leverage=2, custom_margin_usd=Decimal(9), max_concurrent_positions=0)
    return replace(follower, subscription=today, position=None, exposure=Exposure())
