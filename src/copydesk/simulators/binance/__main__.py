"""``python -m copydesk.simulators.binance``: one simulated venue until it is stopped."""

import argparse
import asyncio
import contextlib
import signal
import sys
from pathlib import Path

from copydesk.simulators.binance import serve, tls_context
from copydesk.simulators.binance.exchange.state import StateFileError
from copydesk.simulators.market import CandleFileError


def main() -> int:
    parser = argparse.ArgumentParser(prog="copydesk.simulators.binance", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8101, help="0 picks a free one")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--prices",
        action="append",
        default=[],
        metavar="[SYMBOL=]FILE",
        help="CSV of candles (ts_ms,open,high,low,close,volume) to replay; may be given several times",
    )
    parser.add_argument("--state", type=Path, help="JSON file that keeps accounts and orders")
    parser.add_argument("--virtual-time", action="store_true", help="time moves only by POST /_sim/time")
    parser.add_argument("--tls-cert", type=Path, help="PEM certificate: serve HTTPS")
    parser.add_argument("--tls-key", type=Path, help="PEM key of the certificate")
    wish = parser.parse_args()

    def announce(port: int) -> None:
        sys.stdout.write(f"ready on {wish.host}:{port}\n")
        sys.stdout.flush()

    async def run() -> None:
        this = asyncio.current_task()
        if this is not None and sys.platform != "win32":  # Windows has no signal handlers on its loop
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, this.cancel)
        await serve(
            host=wish.host,
            port=wish.port,
            seed=wish.seed,
            prices=wish.prices,
            state=wish.state,
            virtual_time=wish.virtual_time,
            tls=tls_context(wish.tls_cert, wish.tls_key),
            on_ready=announce,
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
