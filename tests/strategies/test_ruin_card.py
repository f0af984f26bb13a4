"""The ruin card: the ladder's cost, what a win brings at each level, and how likely the end is."""

import random
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copydesk.domain.errors import InvalidInput
from copydesk.strategies.ruin import demand_funded, ruin_card
from copydesk.strategies.streak import StreakSettings
from store_support import PROPERTY

PAYOUT = Decimal("1.95")


def card(balance=2_000, payout=PAYOUT, stake_max=None, **settings):
    return ruin_card(StreakSettings(**settings), balance=Decimal(balance), payout=Decimal(payout), stake_max=stake_max)


def test_ten_levels_from_one_dollar_cost_1023():
    found = card(10_000)

    assert [one.stake for one in found.levels] == [Decimal(2) ** power for power in range(10)]
    assert found.levels[-1].lost_so_far == Decimal(1_023)
    assert found.levels[-1].balance_left == Decimal(8_977)


def test_from_level_six_on_a_win_still_loses_at_a_payout_of_195():
    found = card(10_000)

    assert [one.net_if_won for one in found.levels] == [
        Decimal(text)
        for text in ("0.95", "0.90", "0.80", "0.60", "0.20", "-0.60", "-2.20", "-5.40", "-11.80", "-24.60")
    ]
    assert found.first_losing_win == 6


def test_the_drawdown_stop_is_where_a_losing_ladder_really_ends():
    found = card(2_000)

    assert found.last_level == 9
    assert found.loss_at_the_end == Decimal(511)
    assert found.levels[8].limits == ("drawdown stop",)
    assert found.chance_of_the_end_pct == Decimal("0.195312")


def test_odds_of_the_end_are_those_of_a_fair_coin():
    found = card(10_000)

    assert found.chance_of_the_end_pct == Decimal("0.097656")
    assert found.ladders_to_even_odds == 709
    assert found.expected_result == Decimal("-0.2500")


def test_what_is_said_of_the_average_ladder_is_what_many_ladders_bring():
    found, whim, total, ladders = card(10_000, max_level=4), random.Random(1), Decimal(0), 40_000
    for _ in range(ladders):
        won = next((one for one in found.levels if whim.random() < 0.5), None)
        total += won.net_if_won if won else -found.levels[-1].lost_so_far

    assert float(total / ladders) == pytest.approx(float(found.expected_result), abs=0.06)


def test_a_ladder_that_the_balance_cannot_fund_is_refused_until_it_is_accepted_by_name():
    poor = card(1_000)

    with pytest.raises(InvalidInput, match=r"costs 1023\.00, the balance is 1000") as refused:
        demand_funded(poor, StreakSettings())

    assert "accept_unfunded_ladder=yes" in str(refused.value)
    demand_funded(poor, StreakSettings(accept_unfunded_ladder=True))
    demand_funded(card(1_023), StreakSettings())


def test_a_stake_above_the_venues_limit_ends_the_ladder_before_it():
    assert card(10_000, stake_max=Decimal(100)).last_level == 7


def test_a_balance_below_the_first_stake_plays_nothing():
    found = card("0.50")

    assert found.last_level == 0
    assert found.chance_of_the_end_pct == 0


@given(
    st.integers(1, 12),
    st.decimals("0.35", "20", places=2),
    st.decimals("1", "3", places=1),
    st.decimals("1.5", "2.5", places=2),
)
@PROPERTY
def test_each_line_of_the_card_adds_up(levels, stake, multiplier, payout):
    found = card(5_000, payout, max_level=levels, initial_stake=stake, multiplier=multiplier)

    lost = Decimal(0)
    for one in found.levels:
        assert one.net_if_won == (one.stake * payout).quantize(Decimal("0.01"), "ROUND_HALF_UP") - one.stake - lost
        lost += one.stake
        assert one.lost_so_far == lost
        assert one.balance_left == 5_000 - lost
    assert found.funded is (lost <= 5_000)
    assert 0 <= found.last_level <= levels
