"""Candles for tests: seeded walks, drawn ones, and the real ones where this machine has them."""

import json
import os
import random
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st

from copydesk.domain.candle import Candle
from copydesk.engine.backtest.run import play
from copydesk.engine.backtest.tape import tape_of
from copydesk.engine.backtest.terms import Terms
from copydesk.stores.candle_files import read_candle_file

MINUTE_MS = 60_000
START_MS = 1_640_995_200_000
ROOT = Path(__file__).resolve().parent.parent
REAL = "btc_perp_1m_2022-01.csv"
BACKTESTS = settings(deadline=None, max_examples=60)
"""A whole backtest an example."""

FREE = Terms(fee_pct=Decimal(0), slippage_pct=Decimal(0))


def candle(number, opened, high, low, close, *, step_ms=MINUTE_MS):
    prices = (Decimal(str(price)) for price in (opened, high, low, close))
    opened, high, low, close = prices
    return Candle(start_ms=START_MS + number * step_ms, open=opened, high=high, low=low, close=close)


def flat(number, price):
    return candle(number, price, price, price, price)


def seeded_candles(count, *, seed=1, price=40_000, swing=40):
    """A walk in hundredths, with a little noise between a close and the next open."""
    whim, close, found = random.Random(seed), price * 100, []
    for number in range(count):
        opened = max(10, close + whim.randint(-swing // 4, swing // 4))
        close = max(10, opened + whim.randint(-swing * 50, swing * 50))
        high, low = (
            max(opened, close) + whim.randint(0, swing * 20),
            max(1, min(opened, close) - whim.randint(0, swing * 20)),
        )
        found.append(candle(number, *(Decimal(one) / 100 for one in (opened, high, low, close))))
    return found


@st.composite
def drawn_candles(draw, count_min=40, count_max=90):
    """Small prices and large moves: stops, targets, gaps and ties are common."""
    price, found = draw(st.integers(80, 120)), []
    for number in range(draw(st.integers(count_min, count_max))):
        opened = max(1, price + draw(st.integers(-2, 2)))
        price = max(1, opened + draw(st.integers(-6, 6)))
        high, low = max(opened, price) + draw(st.integers(0, 3)), max(1, min(opened, price) - draw(st.integers(0, 3)))
        found.append(candle(number, opened, high, low, price))
    return found


def tape(candles, interval_ms=MINUTE_MS):
    return tape_of(candles, interval_ms)


def played(strategy, candles, terms=FREE):
    """Trades, and every decision with the candle it was made after."""
    noted = []
    found = play(strategy, tape(candles), terms, note=lambda at, decision: noted.append((at.start_ms, decision)))
    return found.trades, noted


def through_json(state):
    """As it comes back from wherever it was kept."""
    return json.loads(json.dumps(state))


def real_candles():
    """Skips, with the reason, where they are not."""
    folders = [Path(os.environ.get("COPYDESK_TEST_CANDLES", "")), ROOT.parent / "shared" / "data"]
    file = next((folder / REAL for folder in folders if (folder / REAL).is_file()), None)
    if file is None:
        pytest.skip(f"{REAL} is not here; COPYDESK_TEST_CANDLES names the folder that has it")
    return read_candle_file(file).candles


def write_candles(path, candles):
    rows = [f"{one.start_ms},{one.open},{one.high},{one.low},{one.close},{one.volume}" for one in candles]
    path.write_text("ts_ms,open,high,low,close,volume\n" + "\n".join(rows) + "\n")
    return path
