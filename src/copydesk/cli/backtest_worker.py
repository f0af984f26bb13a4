"""`copydesk backtest-worker`: plays one backtest for the hub that starts it; people have `copydesk backtest`."""

import sys

from copydesk.wiring.backtest.worker import work


def backtest_worker() -> None:
    """Play the backtest that standard input names."""
    work(sys.stdin.buffer)
