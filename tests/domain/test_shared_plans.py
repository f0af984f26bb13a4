"""Followers who are alike share one plan: it must be the one that each would have got alone."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from copydesk.domain.bot import PayloadSize
from copydesk.domain.guards import Exposure
from copydesk.domain.planning import Plans, plan_copy
from copydesk.domain.signal import Direction, LegKind, Size, SizeUnit, Step
from copydesk.domain.subscription import KeyCheck, SubscriptionStatus
from store_support import (
    PROPERTY,
    make_account,
    make_bot,
    make_follower,
    make_position,
    make_quote,
    make_subscription,
)

amounts = st.sampled_from([None, Decimal(0), Decimal(20), Decimal("19.99"), Decimal(5000)])
percents = st.sampled_from([None, Decimal(0), Decimal(2)])
positions = st.sampled_from([None, Decimal("0.004"), Decimal("0.0005")]).flatmap(
    lambda quantity: (
        st.just(None)
        if quantity is None
        else st.sampled_from([Direction.LONG, Direction.SHORT]).map(
            lambda direction: make_position(quantity=quantity, direction=direction)
        )
    )
)
exposures = st.builds(
    Exposure,
    slots_used=st.integers(0, 2),
    loss_today_usd=st.sampled_from([Decimal(0), Decimal(50)]),
    day_has_ended=st.booleans(),
    symbol_taken_by=st.sampled_from([None, "another", "a third"]),
)
subscriptions = st.fixed_dictionaries(
    {
        "status": st.sampled_from(SubscriptionStatus),
        "custom_leverage": st.sampled_from([None, 1, 10]),
        "custom_margin_usd": amounts,
        "custom_stop_loss_pct": percents,
        "custom_take_profit_pct": percents,
        "max_daily_loss_usd": st.sampled_from([None, Decimal(50)]),
        "max_concurrent_positions": st.sampled_from([None, 0, 1]),
    }
)
accounts = st.fixed_dictionaries(
    {
        "is_active": st.booleans(),
        "key_check": st.sampled_from(KeyCheck),
        "key_problem": st.sampled_from([None, "expired"]),
        "venue": st.sampled_from(["binance-futures", "paper"]),
    }
)
audiences = st.lists(st.tuples(subscriptions, accounts, positions, exposures), min_size=1, max_size=12)
moves = st.builds(
    Step,
    leg=st.sampled_from([LegKind.OPEN, LegKind.CLOSE]),
    direction=st.sampled_from([Direction.LONG, Direction.SHORT]),
    fraction=st.sampled_from([Decimal(1), Decimal("0.5")]),
)
sizes = st.none() | st.builds(
    Size, unit=st.sampled_from(SizeUnit), amount=st.sampled_from([Decimal("0.003"), Decimal(50)])
)


@PROPERTY
@given(audience=audiences, steps=st.lists(moves, min_size=1, max_size=2), size=sizes, is_quoted=st.booleans())
def test_everybody_gets_the_plan_that_they_would_have_got_alone(audience, steps, size, is_quoted):
    bot = make_bot(payload_size=PayloadSize.USE)
    quote = make_quote("95200") if is_quoted else None
    followers = [
        make_follower(
            bot=bot,
            subscription=make_subscription(**follows),
            account=make_account(**account),
            position=position,
            exposure=exposure,
        )
        for follows, account, position, exposure in audience
    ]
    plans = Plans(quote)

    for step in steps:
        shared = [plans.plan(step, one, size) for one in followers]
        assert shared == [plan_copy(step, one, quote, size) for one in followers]
