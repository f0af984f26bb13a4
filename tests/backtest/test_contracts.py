"""Contracts of a backtest: strict rise and fall, their duration, gaps, and a stake that the balance has not."""

from decimal import Decimal

import pytest

from backtest_support import candle, flat, tape
from copydesk.domain.errors import InvalidInput
from copydesk.domain.signal import Right
from copydesk.engine.backtest.run import play
from copydesk.engine.backtest.terms import Terms
from copydesk.ports.strategy import BuyContract, Decision, Hold, Outcome


class Bet:
    """One contract after the first candle."""

    name, history, settings = "bet", 1, {}

    def __init__(self, right=Right.CALL, *, stake=10, duration_s=60):
        self.wish = BuyContract(number="1", right=right, stake=Decimal(stake), duration_s=duration_s)
        self.told = []

    def begin(self, _candles):
        return {}

    def decide(self, view):
        wish = Hold() if view.state else self.wish
        self.balance = view.balance
        return Decision(intention=wish, reason="bet", state={"bet": True})

    def settle(self, view, settlement):
        self.told.append((settlement.outcome, settlement.profit))
        self.balance = view.balance
        return Decision(intention=Hold(), reason="told", state=view.state)


def outcome(bet, *candles, terms=None):
    trades = play(bet, tape([flat(0, 100), flat(1, 100), *candles]), terms or Terms(balance=Decimal(100))).trades
    return trades[0] if trades else None


@pytest.mark.parametrize(
    ("right", "close", "net"),
    [
        (Right.CALL, 101, "9.50"),
        (Right.CALL, 99, "-10"),
        (Right.PUT, 99, "9.50"),
        (Right.PUT, 101, "-10"),
        (Right.CALL, 100, "-10"),
        (Right.PUT, 100, "-10"),
    ],
)
def test_only_a_strict_rise_or_fall_wins_and_a_tie_loses(right, close, net):
    bet = Bet(right)

    trade = outcome(bet, candle(2, 100, 105, 95, close), flat(3, 50))

    assert trade.net == Decimal(net)
    assert trade.balance == 100 + Decimal(net)
    assert bet.told == [(Outcome.WON if trade.net > 0 else Outcome.LOST, trade.net)]


def test_entry_is_the_next_open_and_exit_the_close_at_expiry():
    trade = outcome(Bet(duration_s=120), candle(2, 103, 110, 90, 95), candle(3, 95, 120, 94, 104), flat(4, 1))

    assert (trade.entry_price, trade.exit_price) == (Decimal(103), Decimal(104))
    assert (trade.opened_index, trade.closed_index) == (2, 3)


def test_an_expiry_in_a_gap_is_settled_by_the_last_price_before_it():
    trade = outcome(Bet(duration_s=120), candle(2, 100, 101, 99, 101), flat(9, 50))

    assert (trade.exit_price, trade.closed_index) == (Decimal(101), 2)


def test_the_stake_is_gone_from_the_balance_while_the_contract_runs():
    bet = Bet(duration_s=120)

    outcome(bet, candle(2, 100, 101, 99, 101))

    assert bet.balance == 90


def test_a_stake_above_the_balance_is_not_placed_and_that_is_told():
    bet = Bet(stake=101)

    assert outcome(bet, flat(2, 100)) is None
    assert bet.told == [(Outcome.NOT_PLACED, 0)]


def test_payouts_are_rounded_to_cents_half_a_cent_up():
    trade = outcome(Bet(stake="1.50"), candle(2, 100, 105, 95, 101))

    assert trade.net == Decimal("1.43")


def test_a_duration_that_candles_cannot_settle_is_refused():
    with pytest.raises(InvalidInput, match="duration_s: 90 is no multiple of the candles' 60 s"):
        outcome(Bet(duration_s=90), flat(2, 100))
