"""``python -m copydesk.simulators.binance``: one simulated venue until it is stopped."""

import argparse
import asyncio
import contextlib
import signal
import sys
from pathlib import Path

from copydesk.simulators.binance import serve
from copydesk.simulators.binance.exchange.state import StateFileError
from copydesk.simulators.market import CandleFileError


def main() -> int:
    parser = argparse.ArgumentParser(prog="copydesk.simulators.binance", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8101, help="0 picks a free one")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--prices", type=Path, help="CSV of candles (ts_ms,open,high,low,close,volume) for BTCUSDT")
    parser.add_argument("--state", type=Path, help="JSON file that keeps accounts and orders")
    wish = parser.parse_args()

    def announce(port: int) -> None:
        sys.stdout.write(f"ready on {wish.host}:{port}\n")
        sys.stdout.flush()

    async def run() -> None:
        this = asyncio.current_task()
        if this is not None and sys.platform != "win32":  # Windows has no signal handlers on its loop
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, this.cancel)
        await serve(
            host=wish.host, port=wish.port, seed=wish.seed, prices=wish.prices, state=wish.state, on_ready=announce
        )

    try:
        with contextlib.suppress(KeyboardInterrupt, asyncio.CancelledError):
            asyncio.run(run())
    except (CandleFileError, StateFileError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
