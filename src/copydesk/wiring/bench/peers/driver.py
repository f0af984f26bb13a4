"""What the scripts beside this one have in common: each is driven over its standard streams, in a process of its own.

It says that it is ready once everything is imported. The first line in is JSON (`url`, `keys`); each later one is a signal, and
answered by what it cost.
"""

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

Open = Callable[[str, Sequence[tuple[str, str]]], Awaitable[Sequence[Any]]]
Each = Callable[[Any], Awaitable[Any]]


def _say(**what: object) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


def _resident_mb() -> float | None:
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 1_000_000
    except OSError:
        return None


async def drive(open_all: Open, place: Each, close: Each) -> None:
    """Until its standard input ends; `place` tells the order's id."""
    loop = asyncio.get_running_loop()
    before_mb = _resident_mb()
    _say(ready=True)
    given = json.loads(await loop.run_in_executor(None, sys.stdin.readline))
    clients = await open_all(given["url"], given["keys"])
    while await loop.run_in_executor(None, sys.stdin.readline):
        wall, cpu = time.perf_counter(), time.process_time()
        placed = await asyncio.gather(*map(place, clients))
        cost = {"wall_s": time.perf_counter() - wall, "cpu_s": time.process_time() - cpu}
        after_mb = _resident_mb()
        grown_mb = None if before_mb is None or after_mb is None else after_mb - before_mb
        _say(**cost, placed=sum(map(bool, placed)), grown_mb=grown_mb)
    for one in clients:
        await close(one)
