"""vectorbt, the RSI strategy over one market; run by an interpreter that has it, driven over its standard streams.

A line of JSON is a job (`candles`, a file of numpy columns; `trades`, the file to write them to; the strategy's settings); any
other line is a round of the last one, and answered by what it cost.
"""

import json
import sys
import time
from typing import Any

import numpy as np
import pandas as pd  # type: ignore[import-untyped, import-not-found, unused-ignore]  # of the peer's own environment
import talib
import vectorbt as vbt  # type: ignore[import-not-found]  # of the peer's own environment


def _say(**what: object) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


def _run(candles: dict[str, Any], given: dict[str, Any], thresholds: Any) -> Any:
    """Decided at the close, filled at the next open; an opposite signal closes; stops from the fill on.

    A column for each pair of thresholds; the indicator is worked out once for all of them.
    """
    rsi = talib.RSI(candles["close"].to_numpy(), given["rsi_period"])
    rsi[: given["history"]] = np.nan
    shape = (len(rsi), len(thresholds))
    buys, sells = np.zeros(shape, bool), np.zeros(shape, bool)
    buys[1:] = rsi[:-1, None] < thresholds[:, 0]
    sells[1:] = rsi[:-1, None] > thresholds[:, 1]
    book = vbt.Portfolio.from_signals(
        **candles,
        entries=buys,
        short_entries=sells,
        price=candles["open"],
        upon_opposite_entry="close",
        sl_stop=given["stop_loss"],
        tp_stop=given["take_profit"],
        stop_entry_price="fillprice",
        stop_exit_price="stopmarket",
        size=given["size"],
        size_type="value",
        fees=given["fee"],
        init_cash=given["balance"],
        freq="1min",
    )
    return book.trades.records


class _Job:
    """Its candles and settings; worked through once, so that everything is compiled, and its trades written down."""

    def __init__(self, given: dict[str, Any]) -> None:
        stored = np.load(given["candles"])
        index = pd.to_datetime(stored["start_ms"], unit="ms")
        self._given = given
        self._candles = {name: pd.Series(stored[name], index=index) for name in ("open", "high", "low", "close")}
        self._thresholds = np.array(given["thresholds"], float)
        names = ["col", "direction", "entry_idx", "exit_idx", "entry_price", "exit_price", "pnl"]
        np.save(given["trades"], self.run()[names].to_numpy(dtype=np.float64))

    def run(self) -> Any:
        return _run(self._candles, self._given, self._thresholds)


def main() -> None:
    """Until its standard input ends."""
    job = None
    for line in sys.stdin:
        if job is None or line.startswith("{"):
            job = _Job(json.loads(line))
            _say(version=vbt.__version__)
            continue
        wall, cpu = time.perf_counter(), time.process_time()
        trades = job.run()
        _say(wall_s=time.perf_counter() - wall, cpu_s=time.process_time() - cpu, trades=len(trades))


if __name__ == "__main__":
    main()
