"""The compiled form makes the trades of the plain form, each with the same candles, prices, exit and money."""

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from backtest_support import BACKTESTS, drawn_candles, played, real_candles, seeded_candles, tape
from copydesk.engine.backtest.accounts import book_all
from copydesk.engine.backtest.run import play
from copydesk.engine.backtest.sweep import sweep
from copydesk.engine.backtest.tape import columns_of
from copydesk.engine.backtest.terms import Exit, Terms
from copydesk.engine.backtest.vector import add_up, scan, trips_of
from copydesk.ports.strategy import Columns, Signals
from copydesk.strategies.rsi import RsiStrategy
from copydesk.wiring.strategies import StrategyMaker

COSTLY = Terms(fee_pct=Decimal("0.05"), slippage_pct=Decimal("0.02"), funding_pct=Decimal("0.01"))


def compiled(strategy, candles, terms):
    columns = columns_of(tape(candles))
    trips = scan(columns, strategy.signals(columns), terms, history=strategy.history)
    return book_all(trips_of(trips), tape(candles), terms), add_up(trips, columns, terms)


def without_words(trades):
    """A compiled trade knows no reason for its opening."""
    return [replace(one, reason="") for one in trades]


class Told:
    """Wishes as they are drawn, candle by candle; plain and compiled."""

    name, history, settings = "told", 1, {}

    def __init__(self, wishes, *, stop, target, longs, shorts):
        self.wishes, self.stop, self.target, self.longs, self.shorts = wishes, stop, target, longs, shorts

    def begin(self, candles):
        return {"seen": len(candles)}

    def decide(self, view):
        wish = self.wishes[view.state["seen"]]
        view = view.remembering({"seen": view.state["seen"] + 1})
        stops = {"stop_loss_pct": self.stop, "take_profit_pct": self.target}
        if view.position is not None:
            way = 1 if view.position.direction == "long" else -1
            return view.close("opposite") if wish == -way else view.hold("as it is")
        if wish > 0 and self.longs:
            return view.open_long("up", **stops)
        if wish < 0 and self.shorts:
            return view.open_short("down", **stops)
        return view.hold("nothing")

    def signals(self, columns: Columns) -> Signals:
        wishes = np.array(self.wishes[: len(columns.open)], dtype=np.int8)
        return Signals(
            wishes=wishes, stop_loss_pct=self.stop, take_profit_pct=self.target, longs=self.longs, shorts=self.shorts
        )


PERCENT = st.none() | st.integers(1, 80).map(lambda tenths: Decimal(tenths) / 10)


@given(
    drawn_candles(),
    st.lists(st.sampled_from([-1, 0, 0, 1]), min_size=90, max_size=90),
    st.tuples(PERCENT, PERCENT, st.booleans(), st.booleans()),
    st.tuples(st.integers(0, 50), st.integers(0, 100), st.none() | st.integers(10, 10_000)),
)
@BACKTESTS
def test_any_wishes_on_any_candles_make_the_same_trades_in_both_forms(candles, wishes, limits, costs):
    stop, target, longs, shorts = limits
    strategy = Told(wishes, stop=stop, target=target, longs=longs, shorts=shorts)
    terms = Terms(
        slippage_pct=Decimal(costs[0]) / 100,
        fee_pct=Decimal(costs[1]) / 100,
        size_usd=None if costs[2] is None else Decimal(costs[2]),
    )

    trades, sums = compiled(strategy, candles, terms)

    assert trades == without_words(played(strategy, candles, terms)[0])
    assert sums.trades == len(trades)
    assert sums.balance == pytest.approx(float(trades[-1].balance if trades else terms.balance), rel=1e-9)


@given(drawn_candles(60, 120), st.integers(2, 20), st.integers(5, 48), st.integers(52, 95))
@BACKTESTS
def test_rsi_makes_the_same_trades_in_both_forms(candles, period, buy, sell):
    strategy = RsiStrategy.configured({"rsi_period": period, "rsi_buy": buy, "rsi_sell": sell})

    assert compiled(strategy, candles, COSTLY)[0] == without_words(played(strategy, candles, COSTLY)[0])


def test_rsi_on_real_candles_makes_the_same_trades_in_both_forms():
    candles, strategy = real_candles(), RsiStrategy.configured({})

    trades, sums = compiled(strategy, candles, COSTLY)

    assert trades == without_words(played(strategy, candles, COSTLY)[0])
    assert len(trades) > 400
    assert sums.fees == pytest.approx(float(sum(one.fees for one in trades)))


def test_rsi_on_a_seeded_walk_makes_the_same_trades_in_both_forms():
    candles, strategy = seeded_candles(6_000, price=4_000, swing=70), RsiStrategy.configured({})

    trades, _ = compiled(strategy, candles, COSTLY)

    assert trades == without_words(played(strategy, candles, COSTLY)[0])
    assert {one.exit for one in trades} >= {Exit.SIGNAL, Exit.STOP_LOSS, Exit.TAKE_PROFIT}


def test_each_cell_of_a_sweep_is_what_its_settings_alone_come_to():
    candles = seeded_candles(1_500)
    make = StrategyMaker("rsi")

    cells = sweep(make, {"rsi_buy": ["35", "40", "62"], "rsi_sell": ["60", "65"]}, tape(candles), COSTLY)

    assert [cell.refused is None for cell in cells] == [True, True, True, True, False, True]
    for cell in cells:
        if cell.refused is None:
            trades = play(make(cell.values), tape(candles), COSTLY).trades
            net = float(sum(one.net for one in trades))
            assert cell.trades == len(trades)
            assert cell.return_pct == pytest.approx(net / 100, abs=1e-3)


def test_a_strategy_without_a_compiled_form_is_swept_candle_by_candle():
    candles = seeded_candles(1_500)

    cells = sweep(StrategyMaker("streak"), {"delay_threshold": ["3", "5"]}, tape(candles), Terms())

    assert [cell.trades for cell in cells] == [
        len(played(StrategyMaker("streak")(cell.values), candles, Terms())[0]) for cell in cells
    ]
    assert cells[0].trades > cells[1].trades > 0
