"""python-binance, a client an account, all at once; run by an interpreter that has it, driven over its standard streams.

The first line in is JSON (`url`, `keys`); each later one is a signal, and answered by what it cost.
"""

import asyncio
import json
import sys
import time
from pathlib import Path
from typing import Any

from binance import AsyncClient  # type: ignore[import-not-found]  # of the peer's own environment

ORDER = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.002", "newOrderRespType": "RESULT"}


def _make(url: str, key: str, secret: str) -> Any:
    client = AsyncClient(key, secret)
    client.FUTURES_URL = f"{url}/fapi"
    return client


def _say(**what: object) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


def _resident_mb() -> float | None:
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 1_000_000
    except OSError:
        return None


async def main() -> None:
    """Until its standard input ends."""
    loop = asyncio.get_running_loop()
    before_mb = _resident_mb()
    given = json.loads(await loop.run_in_executor(None, sys.stdin.readline))
    clients = [_make(given["url"], key, secret) for key, secret in given["keys"]]
    while await loop.run_in_executor(None, sys.stdin.readline):
        wall, cpu = time.perf_counter(), time.process_time()
        placed = await asyncio.gather(*(one.futures_create_order(**ORDER) for one in clients))
        cost = {"wall_s": time.perf_counter() - wall, "cpu_s": time.process_time() - cpu}
        after_mb = _resident_mb()
        grown_mb = None if before_mb is None or after_mb is None else after_mb - before_mb
        _say(**cost, placed=sum(bool(order["orderId"]) for order in placed), grown_mb=grown_mb)
    for one in clients:
        await one.close_connection()


if __name__ == "__main__":
    asyncio.run(main())
