"""Where orders fill: at the next open, stops first, gaps at their open; each rule by a candle that shows it."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backtest_support import FREE, candle, flat, played
from copydesk.engine.backtest.fills import entering, leaving, stop_price, target_price
from copydesk.engine.backtest.terms import Exit, Terms
from store_support import PROPERTY


class Once:
    """Opens one position after the first candle, and closes it after the candle that it is told."""

    name, history, settings = "once", 1, {}

    def __init__(self, way, *, close_after=None, **stops):
        self.way, self.close_after, self.stops = way, close_after, {"stop_loss_pct": None, **stops}

    def begin(self, _candles):
        return {}

    def decide(self, view):
        after = view.state.get("after", 0) + 1
        view = view.remembering({"after": after})
        if after == 1:
            opens = view.open_long if self.way > 0 else view.open_short
            return opens("once", **self.stops)
        return view.close("enough") if after == self.close_after else view.hold("waiting")


def only_trade(strategy, candles, terms=FREE):
    trades, _ = played(strategy, candles, terms)
    assert len(trades) == 1
    return trades[0]


def after_an_entry_at_100(*candles):
    return [flat(0, 90), flat(1, 95), candle(2, 100, 101, 99, 100), *candles]


def test_a_decision_is_filled_at_the_open_of_the_next_candle():
    trade = only_trade(Once(1, close_after=2), after_an_entry_at_100(candle(3, 105, 106, 104, 105), flat(4, 107)))

    assert (trade.opened_index, trade.entry_price) == (2, Decimal(100))
    assert (trade.closed_index, trade.exit_price, trade.exit) == (3, Decimal(105), Exit.SIGNAL)


def test_a_candle_that_touches_both_is_taken_to_have_stopped_first():
    trade = only_trade(Once(1, stop_loss_pct=3, take_profit_pct=2), after_an_entry_at_100(candle(3, 100, 110, 90, 100)))

    assert (trade.exit, trade.exit_price) == (Exit.STOP_LOSS, Decimal(97))


def test_the_candle_of_the_entry_can_stop_it_already():
    trade = only_trade(Once(1, stop_loss_pct=1), after_an_entry_at_100(flat(3, 100)))

    assert (trade.opened_index, trade.closed_index, trade.exit_price) == (2, 2, Decimal(99))


@pytest.mark.parametrize(
    ("way", "opened", "exit_", "why"),
    [
        (1, 80, 80, Exit.STOP_LOSS),
        (1, 120, 120, Exit.TAKE_PROFIT),
        (-1, 120, 120, Exit.STOP_LOSS),
        (-1, 80, 80, Exit.TAKE_PROFIT),
    ],
)
def test_a_gap_beyond_a_stop_or_a_target_fills_at_the_open(way, opened, exit_, why):
    trade = only_trade(Once(way, stop_loss_pct=3, take_profit_pct=2), after_an_entry_at_100(flat(3, opened)))

    assert (trade.exit_price, trade.exit) == (Decimal(exit_), why)


def test_a_stop_that_is_only_just_touched_counts():
    assert only_trade(Once(1, stop_loss_pct=3), after_an_entry_at_100(candle(3, 99, 99, 97, 99))).exit is Exit.STOP_LOSS
    assert only_trade(Once(1, stop_loss_pct=3), after_an_entry_at_100(candle(3, 99, 99, 98, 99))).exit is Exit.END


def test_what_is_open_at_the_end_is_closed_at_the_last_close():
    trade = only_trade(Once(-1), after_an_entry_at_100(candle(3, 100, 104, 98, 103)))

    assert (trade.exit, trade.exit_price, trade.gross) == (Exit.END, Decimal(103), Decimal(-300))


def test_fees_slippage_and_funding_are_taken_as_they_are_told():
    terms = Terms(balance=Decimal(1_000), fee_pct=Decimal("0.1"), slippage_pct=Decimal(1), funding_pct=Decimal("0.5"))
    candles = [candle(number, 100, 100, 100, 100, step_ms=8 * 3_600_000) for number in range(5)]

    trades, _ = played_every_eight_hours(Once(1, close_after=3), candles, terms)

    assert (trades[0].entry_price, trades[0].exit_price) == (Decimal(101), Decimal(99))
    assert trades[0].gross == Decimal(-2) * 1_000 / 101
    assert trades[0].fees == (1_000 + Decimal(99) * 1_000 / 101) / 1_000
    assert trades[0].funding == Decimal(5) * 2
    assert trades[0].net == trades[0].gross - trades[0].fees - trades[0].funding
    assert trades[0].balance == 1_000 + trades[0].net


def played_every_eight_hours(strategy, candles, terms):
    from backtest_support import tape
    from copydesk.engine.backtest.run import play

    found = play(strategy, tape(candles, 8 * 3_600_000), terms)
    return found.trades, found.decided


def test_shorts_are_paid_the_funding_that_longs_pay():
    terms = Terms(fee_pct=Decimal(0), slippage_pct=Decimal(0), funding_pct=Decimal("0.5"))
    candles = [candle(number, 100, 100, 100, 100, step_ms=8 * 3_600_000) for number in range(5)]

    trades, _ = played_every_eight_hours(Once(-1, close_after=3), candles, terms)

    assert trades[0].funding == Decimal(-100)
    assert trades[0].net == Decimal(100)


def test_a_size_that_the_balance_no_longer_has_opens_nothing_more():
    terms = Terms(balance=Decimal(1_000), size_usd=Decimal(1_000), fee_pct=Decimal(1), slippage_pct=Decimal(0))

    class Always(Once):
        def decide(self, view):
            return view.close("out") if view.position else view.open_long("in", stop_loss_pct=None)

    trades, _ = played(Always(1), [flat(number, 100) for number in range(10)], terms)

    assert len(trades) == 1


@given(st.sampled_from([1, -1]), st.integers(1, 10**9), st.integers(0, 100_000), st.integers(1, 990_000))
@PROPERTY
def test_fills_are_never_better_than_they_should_be(way, price, slippage, share):
    entry, exit_ = entering(way, price, slippage), leaving(way, price, slippage)
    stop, target = stop_price(way, price, share), target_price(way, price, share)

    assert way * entry >= way * price >= way * exit_
    assert way * stop * 1_000_000 <= way * price * (1_000_000 - way * share)
    assert way * target * 1_000_000 >= way * price * (1_000_000 + way * share)
    assert exit_ >= 1
