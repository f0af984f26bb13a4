"""vectorbt makes the trades that our compiled form makes, one by one."""

import pytest

from copydesk.wiring.bench import backtest as bench
from peers.environments import NoRegistry, interpreter

pytestmark = pytest.mark.timeout(600)  # the first run installs it, and compiles what it is made of


def test_every_trade_of_a_small_benchmark_is_vectorbts_too(monkeypatch):
    try:
        python = interpreter("vectorbt")
    except NoRegistry as reason:
        pytest.skip(f"vectorbt cannot be installed here: {reason}")
    monkeypatch.setattr(bench, "interpreter_of", lambda _name: python)

    found = bench.run_backtest_bench(candles=20_000, rounds=1, seed=3, tell=lambda *_: None)

    assert found["trades_equal"] is True
    assert all(row["trades"] > 50 for row in found["rows"])
    assert set(found["ratios"]) == {"rows_us_over_vectorbt", "rows_once_us_over_vectorbt"}
