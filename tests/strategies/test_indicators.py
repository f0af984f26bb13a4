"""RSI and MACD candle by candle, against TA-Lib's series and against formulas written down independently."""

import itertools
import math
import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backtest_support import real_candles
from copydesk.strategies.indicators import MACD_HISTORY, Macd, Rsi, macd_series, rsi_series
from store_support import PROPERTY

PRICES = st.lists(st.integers(1, 200).map(lambda price: price / 4), min_size=2, max_size=120)


def stepwise(closes, period=14):
    rsi, found = Rsi(period=period), []
    for close in closes:
        rsi = rsi.after(close)
        found.append(rsi.value)
    return found


def wilder(closes, period):
    """From his definition: RS is the smoothed rise over the smoothed fall."""
    rises = [max(after - before, 0) for before, after in itertools.pairwise(closes)]
    falls = [max(before - after, 0) for before, after in itertools.pairwise(closes)]
    found = [None] * min(period, len(closes))
    rise, fall = math.fsum(rises[:period]) / period, math.fsum(falls[:period]) / period
    for number in range(period, len(closes)):
        if number > period:
            rise = rise + (rises[number - 1] - rise) / period
            fall = fall + (falls[number - 1] - fall) / period
        found.append(100 - 100 / (1 + rise / fall) if fall else 100.0 if rise else 0.0)
    return found


def test_rsi_on_real_candles_is_talibs_to_the_last_bit():
    closes = [float(one.close) for one in real_candles()]

    series = rsi_series(np.array(closes), 14).tolist()

    assert [value for value in stepwise(closes) if value is not None] == series[14:]
    assert all(math.isnan(value) for value in series[:14])


def test_rsi_on_a_seeded_walk_is_talibs_to_the_last_bit():
    whim = random.Random(3)
    closes = np.cumsum([whim.randint(-50, 50) / 100 for _ in range(20_160)]) + 5_000

    assert stepwise(closes.tolist())[14:] == rsi_series(closes, 14).tolist()[14:]


@given(PRICES, st.integers(2, 30))
@PROPERTY
def test_rsi_is_what_wilder_defined(closes, period):
    for ours, his in zip(stepwise(closes, period), wilder(closes, period), strict=True):
        assert ours == pytest.approx(his, abs=1e-9) if his is not None else ours is None


@given(PRICES)
@PROPERTY
def test_rsi_stays_between_its_ends_and_says_nothing_too_early(closes):
    found = stepwise(closes)

    assert all(value is None for value in found[:14])
    assert all(0 <= value <= 100 for value in found[14:])


def test_macd_candle_by_candle_is_talibs_series():
    whim = random.Random(5)
    closes = np.cumsum([whim.randint(-50, 50) / 100 for _ in range(400)]) + 500
    macd, found = Macd(), []

    for close in closes.tolist():
        macd = macd.after(close)
        found.append((macd.line, macd.signal, macd.histogram))

    series = np.column_stack(macd_series(closes))[MACD_HISTORY - 1 :]
    np.testing.assert_allclose(np.array(found[MACD_HISTORY - 1 :], float), series, rtol=0, atol=1e-9)
    assert found[MACD_HISTORY - 2][1] is None
