"""The streak strategy: when it bets, how its ladder climbs and ends, and that no restart in between changes anything."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from backtest_support import BACKTESTS, candle, drawn_candles, flat, played, through_json
from copydesk.domain.candle import Colour, without_the_open_one
from copydesk.domain.errors import InvalidInput
from copydesk.domain.signal import Right
from copydesk.engine.backtest.terms import Terms
from copydesk.ports.strategy import BuyContract, Hold, Mode, Outcome, Settlement, View
from copydesk.strategies.streak import StreakStrategy, alerts


def green(number):
    return candle(number, 100, 102, 99, 101)


def red(number):
    return candle(number, 101, 102, 99, 100)


def one_after_another(*colours):
    made = {"g": green, "r": red, "d": lambda number: flat(number, 100)}
    return [made[colour](number) for number, colour in enumerate("".join(colours))]


class Story:
    """One bot: candles and results in, decisions out; its state goes through JSON each time, as over a restart."""

    def __init__(self, balance=2_000, **settings):
        self.strategy = StreakStrategy.configured({"delay_threshold": 3, **settings})
        self.state = self.strategy.begin([])
        self.balance = Decimal(balance)
        self.mode = Mode.RUNNING
        self.number = 0

    def sees(self, colours):
        for colour in colours:
            one = one_after_another(colour)[0]
            one = replace(one, start_ms=one.start_ms + self.number * 60_000)
            self.number += 1
            decision = self._took(self.strategy.decide(self._view(one)))
        return decision

    def is_told(self, outcome, *, number=None, profit=None):
        wish = self.last.intention if number is None else None
        stake = self.last_stake
        gained = profit if profit is not None else {"won": stake * Decimal("0.95"), "lost": -stake}.get(outcome, 0)
        self.balance += Decimal(gained)
        told = Settlement(number=number or wish.number, outcome=Outcome(outcome), profit=Decimal(gained))
        return self._took(self.strategy.settle(self._view(flat(self.number, 100)), told))

    def becomes(self, **settings):
        """Settings change while it runs."""
        self.strategy = StreakStrategy.configured({**self.strategy.settings, **settings})

    def _view(self, one):
        return View(candles=[one], state=through_json(self.state), balance=self.balance, mode=self.mode)

    def _took(self, decision):
        self.state, self.last = decision.state, decision
        if isinstance(decision.intention, BuyContract):
            self.last_stake = decision.intention.stake
        return decision


def test_a_streak_that_is_long_enough_is_bet_against():
    assert Story().sees("ggg").intention.right is Right.PUT
    assert Story().sees("rrr").intention.right is Right.CALL


def test_the_default_waits_for_eight_candles():
    story = Story(delay_threshold=8)

    assert story.sees("ggggggg").intention == Hold()
    assert story.sees("g").intention == BuyContract(
        number="1-1", right=Right.PUT, stake=Decimal("1.00"), duration_s=60, level=1
    )


def test_a_doji_ends_a_streak_and_begins_none():
    story = Story()

    assert story.sees("ggdgg").intention == Hold()
    assert story.sees("dddd").numbers["streak_count"] == 0


def test_a_missing_candle_ends_a_streak_too():
    story = Story()
    story.sees("gg")
    story.number += 1

    assert story.sees("g").numbers["streak_count"] == 1


def test_the_candle_that_is_still_open_does_not_count():
    history = one_after_another("ggg")
    strategy = StreakStrategy.configured({"delay_threshold": 3})

    assert strategy.begin(without_the_open_one(history))["count"] == 2


def test_a_candle_that_is_shown_twice_counts_once():
    story = Story()
    story.sees("gg")
    story.number -= 1

    assert story.sees("g").numbers["streak_count"] == 2


def test_a_lost_level_doubles_at_once_and_a_won_one_ends_the_ladder():
    story = Story()
    story.sees("ggg")

    second = story.is_told("lost")
    third = story.is_told("lost")
    end = story.is_told("won")

    assert [one.intention.stake for one in (second, third)] == [Decimal("2.00"), Decimal("4.00")]
    assert [one.intention.number for one in (second, third)] == ["1-2", "1-3"]
    assert end.intention == Hold()
    assert end.numbers["ladder_result"] == "0.8000"
    assert end.numbers["ladder_ended"] is True


def test_the_next_candles_colour_settles_nothing():
    story = Story()
    story.sees("ggg")

    assert story.sees("r").intention == Hold()
    assert story.last.reason == "contract 1-1 is not settled"
    assert story.state["ladder"]["level"] == 1


def test_a_result_that_comes_again_after_a_restart_changes_nothing():
    story = Story()
    story.sees("ggg")
    story.is_told("lost")
    before = story.state

    again = story.is_told("lost", number="1-1", profit=0)

    assert again.intention == Hold()
    assert again.reason == "contract 1-1 is not waited for"
    assert story.state == before


def test_the_last_level_is_the_last():
    story = Story(max_level=2)
    story.sees("ggg")
    story.is_told("lost")

    end = story.is_told("lost")

    assert end.intention == Hold()
    assert end.reason == "level 2 lost, the last one"
    assert story.sees("g").intention.number == "2-1"


def test_a_contract_that_was_never_placed_ends_the_ladder():
    story = Story()
    story.sees("ggg")

    assert story.is_told("not_placed").reason == "level 1 was not placed"


def test_the_drawdown_stop_takes_no_further_level_and_no_further_trigger():
    story = Story(balance=100, max_drawdown=5, accept_unfunded_ladder="yes")
    story.sees("ggg")
    story.is_told("lost")
    story.is_told("lost")

    stop = story.is_told("lost")

    assert stop.reason == "level 3 lost, stopped: drawdown reached 5 %"
    assert "stopped" in story.sees("g").reason
    story.state = story.strategy.restarted(story.state)
    assert isinstance(story.sees("g").intention, BuyContract)


def test_from_four_fifths_of_the_drawdown_on_there_is_an_alert():
    terms = StreakStrategy.configured({}).terms

    assert not alerts(Decimal("19.99"), terms)
    assert alerts(Decimal(20), terms)


def test_paused_bets_are_on_paper_and_a_real_ladder_climbs_no_further():
    story = Story()
    story.sees("ggg")
    story.mode = Mode.PAUSED

    assert "paused or resumed" in story.is_told("lost").reason
    paper = story.sees("g").intention
    assert paper.paper is True
    assert story.is_told("lost", profit=0).intention.paper is True
    story.mode = Mode.RUNNING
    assert "paused or resumed" in story.is_told("lost", profit=0).reason


def test_without_auto_trading_triggers_are_told_and_nothing_is_opened():
    found = Story(auto_trading="no").sees("ggg")

    assert found.intention == Hold()
    assert found.reason == "trigger: 3 GREEN candles, but auto_trading is off"


def test_settings_changed_in_mid_ladder_leave_its_stakes_and_hold_its_limits():
    story = Story()
    story.sees("ggg")

    story.becomes(multiplier=3, initial_stake=5)
    assert story.is_told("lost").intention.stake == Decimal("2.00")
    story.becomes(max_level=2)
    assert story.is_told("lost").reason == "level 2 lost, the last one"


def test_a_balance_that_cannot_pay_the_next_level_ends_the_ladder():
    story = Story(balance=4, max_drawdown=100)
    story.sees("ggg")
    story.is_told("lost")

    assert story.is_told("lost").reason == "level 2 lost, the balance cannot fund the next"


def test_v100_is_the_symbol_r_100():
    assert StreakStrategy.configured({"symbol": "V100"}).settings["symbol"] == "R_100"


@pytest.mark.parametrize(
    ("given_settings", "field"),
    [
        ({"initial_stake": "0.001"}, "initial_stake"),
        ({"initial_stake": "0.2"}, "initial_stake"),
        ({"multiplier": "0.5"}, "multiplier"),
        ({"max_level": 0}, "max_level"),
        ({"max_level": 2.5}, "max_level"),
        ({"delay_threshold": -1}, "delay_threshold"),
        ({"max_drawdown": 0}, "max_drawdown"),
        ({"duration_s": 5}, "duration_s"),
        ({"symbol": " "}, "symbol"),
        ({"auto_trading": "perhaps"}, "auto_trading"),
    ],
)
def test_absurd_settings_are_refused_by_their_name(given_settings, field):
    with pytest.raises(InvalidInput) as refused:
        StreakStrategy.configured(given_settings)

    assert refused.value.fields[0].field == field


@given(drawn_candles(), st.integers(2, 4))
@BACKTESTS
def test_a_bot_that_is_restarted_between_all_events_trades_as_one_that_is_not(candles, threshold):
    settings = {"delay_threshold": threshold, "max_level": 4, "max_drawdown": 90}
    terms = Terms(balance=Decimal(200))

    class Restarted(StreakStrategy):
        """A new object and a state from JSON at each event, as after a kill −9 that came right then."""

        def decide(self, view):
            return StreakStrategy.configured(settings).decide(view.remembering(through_json(view.state)))

        def settle(self, view, settlement):
            once = StreakStrategy.configured(settings).settle(view.remembering(through_json(view.state)), settlement)
            twice = StreakStrategy.configured(settings).settle(view.remembering(through_json(once.state)), settlement)
            assert twice.intention == Hold()
            assert twice.state == once.state
            return once

    assert played(Restarted.configured(settings), candles, terms) == played(
        StreakStrategy.configured(settings), candles, terms
    )


@given(drawn_candles(), st.integers(2, 4), st.integers(1, 5))
@BACKTESTS
def test_contracts_of_a_backtest_keep_the_rules_of_the_ladder(candles, threshold, levels):
    settings = {"delay_threshold": threshold, "max_level": levels, "max_drawdown": 90}
    trades, noted = played(StreakStrategy.configured(settings), candles, Terms(balance=Decimal(200)))

    balance = Decimal(200)
    for before, one in zip([None, *trades], trades, strict=False):
        opened, ended = candles[one.opened_index].open, candles[one.closed_index].close
        won = ended > opened if one.side is Right.CALL else ended < opened
        stake = Decimal(2) ** (one.level - 1)
        balance += stake * Decimal("0.95") if won else -stake
        assert one.quantity == stake
        assert one.balance == balance.quantize(Decimal("0.01"))
        assert one.level <= levels
        if one.level > 1:
            assert before.net < 0
            assert before.level == one.level - 1
            assert before.side == one.side
        else:
            streak = [candle.colour for candle in candles[one.opened_index - threshold : one.opened_index]]
            assert streak == [Colour.GREEN if one.side is Right.PUT else Colour.RED] * threshold
    numbers = [decision.intention.number for _, decision in noted if isinstance(decision.intention, BuyContract)]
    assert len(numbers) == len(set(numbers))
