"""What a follower buys at a venue of contracts: by their own stake, or refused with the reason and its numbers."""

from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copydesk.domain.bot import MarketType, PayloadSize
from copydesk.domain.contracts import ContractPlans, ends_at
from copydesk.domain.execution import State
from copydesk.domain.guards import Exposure, Refusal
from copydesk.domain.planning import Copy
from copydesk.domain.signal import ContractTerms, Direction, LegKind, Side, Size, SizeUnit, Step
from copydesk.domain.subscription import SubscriptionStatus
from store_support import (
    NOW,
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

QUOTE = make_quote("1500", quantity_step=Decimal("0.01"), quantity_min=Decimal("0.35"), quantity_max=Decimal(1_000_000))
CALL = Step(leg=LegKind.OPEN, direction=Direction.LONG)
PUT = Step(leg=LegKind.OPEN, direction=Direction.SHORT)
CLOSE = Step(leg=LegKind.CLOSE, direction=Direction.FLAT)
TERMS = ContractTerms(duration_s=90, stake=Decimal(8), level=4, number="1/4")


def follower(*, bot=None, account=None, position=None, exposure=None, **subscription):
    options = make_bot(market_type=MarketType.OPTIONS, **(bot or {}))
    follows = make_subscription(**{"custom_margin_usd": Decimal(5), **subscription})
    return make_follower(bot=options, subscription=follows, account=account, position=position, exposure=exposure)


def plan(step, whose, *, size=None, quote=QUOTE, contract=None):
    return ContractPlans(make_signal(contract=contract), quote).plan(step, whose, size)


@PROPERTY
@given(margin=st.decimals(min_value=Decimal("0.35"), max_value=1_000_000, places=4), step=st.sampled_from([CALL, PUT]))
def test_a_stake_is_the_margin_in_whole_cents_and_never_more_than_it(margin, step):
    copy = plan(step, follower(custom_margin_usd=margin))

    assert 0 <= margin - copy.quantity < Decimal("0.01")
    assert copy.quantity * 100 == int(copy.quantity * 100)
    assert copy.side is (Side.BUY if step is CALL else Side.SELL)
    assert copy.inputs["right"] == ("CALL" if step is CALL else "PUT")


def test_the_bot_says_how_long_a_contract_lasts_unless_the_signal_does():
    whose = follower(bot={"contract_duration_s": 300})

    assert plan(CALL, whose).inputs["duration_s"] == "300"
    assert plan(CALL, whose, contract=TERMS).inputs["duration_s"] == "90"


def test_only_the_own_book_of_the_bot_stakes_what_the_signal_says():
    book = make_account()
    bot = {"exchange_account_id": book.id}

    assert plan(CALL, follower(bot=bot, account=book), contract=TERMS).quantity == 8
    assert plan(CALL, follower(bot=bot), contract=TERMS).quantity == 5


def test_an_alert_s_own_dollars_count_where_the_bot_says_so():
    bot = {"payload_size": PayloadSize.USE}
    size = Size(unit=SizeUnit.QUOTE, amount=Decimal(12))

    assert plan(CALL, follower(bot=bot, custom_margin_usd=None), size=size).quantity == 12
    assert plan(CALL, follower(bot=bot), size=size).quantity == 5


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"status": SubscriptionStatus.PAUSED}, "subscription_paused"),
        ({"status": SubscriptionStatus.CLOSE_ONLY}, "close_only"),
        ({"account": make_account(is_active=False)}, "account_inactive"),
        ({"position": make_position()}, "contract_open"),
        ({"bot": {"market_type": MarketType.FUTURES}}, "market_type"),
        ({"custom_margin_usd": Decimal("0.3499")}, "stake_min"),
        ({"custom_margin_usd": Decimal(0)}, "stake_min"),
        ({"custom_margin_usd": Decimal(1_000_001)}, "stake_max"),
        ({"max_concurrent_positions": 1, "exposure": Exposure(slots_used=1)}, "max_concurrent_positions"),
        (
            {"max_daily_loss_usd": Decimal(9), "exposure": Exposure(loss_today_usd=Decimal(9))},
            "max_daily_loss_usd",
        ),
    ],
)
def test_what_may_not_be_bought_is_refused_by_its_rule(changes, rule):
    bot = changes.pop("bot", {})
    whose = make_follower(
        bot=make_bot(**{"market_type": MarketType.OPTIONS, **bot}),
        account=changes.pop("account", None),
        position=changes.pop("position", None),
        exposure=changes.pop("exposure", None),
        subscription=make_subscription(**{"custom_margin_usd": Decimal(5), **changes}),
    )

    refused = plan(CALL, whose)

    assert isinstance(refused, Refusal)
    assert refused.rule == rule


def test_without_a_price_nothing_is_bought_and_a_close_needs_none():
    held = make_position(quantity=Decimal(5))

    assert plan(CALL, follower(), quote=None).rule == "no_market_data"
    assert plan(CLOSE, follower(position=held), quote=None).quantity == 5


def test_a_close_is_of_the_whole_contract_of_its_own_direction_or_refused():
    held = make_position(direction=Direction.SHORT, quantity=Decimal(5))

    whole = plan(CLOSE, follower(position=held))
    part = plan(Step(leg=LegKind.CLOSE, direction=Direction.FLAT, fraction=Decimal("0.5")), follower(position=held))
    other = plan(Step(leg=LegKind.CLOSE, direction=Direction.LONG), follower(position=held))

    assert isinstance(whole, Copy)
    assert (whole.quantity, whole.side, whole.direction) == (5, Side.BUY, Direction.SHORT)
    assert (part.rule, other.rule, plan(CLOSE, follower()).rule) == ("contract_part", "no_position", "no_position")


def test_a_contract_ends_when_its_venue_says_or_else_when_it_was_asked_to():
    asked = make_execution(state=State.FILLED, request={"duration_s": "60"}, frozen_at=NOW)
    told = make_execution(plan={"at_venue": {"ends_at": (NOW + timedelta(seconds=61)).isoformat()}})

    assert ends_at(asked) == NOW + timedelta(seconds=60)
    assert ends_at(told) == NOW + timedelta(seconds=61)
    assert ends_at(make_execution()) is None
