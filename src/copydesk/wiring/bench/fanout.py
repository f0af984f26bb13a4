"""One signal to many followers: how much CPU an order costs, and how long until the last one is settled.

The exchange is a quick one of the benchmark's own, in a process of its own (exchange.py); it tells its own CPU an order.
"""

import secrets
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import httpx

from copydesk.ports.clock import SystemClock
from copydesk.wiring.bench.contenders import TIMEOUT_S, PlainCcxt, SignedSockets, WholeDesk
from copydesk.wiring.bench.frozen import FromThePlan
from copydesk.wiring.bench.machine import Cost, describe_machine, measure, median, resident_mb
from copydesk.wiring.children import child, free_port, wait_until_ready

Tell = Callable[[str, int, int], None]


async def run_fanout(*, followers: int, rounds: int, tell: Tell) -> dict[str, Any]:
    """Rounds are interleaved, medians reported; contract.md names the ratios."""
    with tempfile.TemporaryDirectory(prefix="copydesk-bench-") as place:
        folder = Path(place)
        port = free_port(0)
        url = f"http://127.0.0.1:{port}"
        async with child("exchange", ["bench", "exchange", "--port", str(port)], {}, folder) as exchange:
            await wait_until_ready(exchange, f"{url}/_bench/cpu", SystemClock())
            keys = [(secrets.token_hex(32), secrets.token_hex(32)) for _ in range(followers)]
            contenders = {
                "ccxt, an instance an account": PlainCcxt(url, keys),
                "signed sockets (floor)": SignedSockets(url, keys),
                "copydesk, frozen plan to answer": FromThePlan(url, keys, folder, timeout_s=TIMEOUT_S),
                "copydesk, whole way": WholeDesk(url, keys, folder),
            }
            costs = await _race(contenders, rounds, tell)
            itself = await _cost_of_exchange(url)
    return _report(costs, followers, rounds) | {"exchange_us_cpu_an_order": itself}


async def _cost_of_exchange(url: str) -> float:
    """Its own CPU an order, µs: what is less than a client's is not what holds that client up."""
    async with httpx.AsyncClient(base_url=url, timeout=60) as http:
        told = (await http.get("/_bench/cpu")).json()
    return float(round(told["cpu_s"] / told["orders"] * 1_000_000, 1))


@dataclass
class _Result:
    """One contender's: the first signal after a cold start, what it took of memory, and each round."""

    first: Cost
    grown_mb: float | None
    rounds: list[Cost]


async def _race(contenders: dict[str, Any], rounds: int, tell: Tell) -> dict[str, _Result]:
    results: dict[str, _Result] = {}
    try:
        for number, (name, one) in enumerate(contenders.items()):
            tell(f"Cold start: {name}", number, len(contenders))
            await one.open()
            before_mb = resident_mb()
            first = await measure(partial(_first_signal, one))
            after_mb = resident_mb()
            grown_mb = None if before_mb is None or after_mb is None else after_mb - before_mb
            results[name] = _Result(first, grown_mb, [])
        for number in range(rounds):
            tell("Rounds", number, rounds)
            for name, one in contenders.items():
                await one.prepare()
                results[name].rounds.append(await measure(one.fire))
        tell("Rounds", rounds, rounds)
    finally:
        for one in contenders.values():
            await one.close()
    return results


async def _first_signal(one: Any) -> None:
    await one.warm_up()
    await one.prepare()
    await one.fire()


def _report(results: dict[str, _Result], followers: int, rounds: int) -> dict[str, Any]:
    medians = {name: median(found.rounds) for name, found in results.items()}
    ccxt, floor, us, whole = medians.values()
    cold_ccxt, _, _, cold_whole = (one.first for one in results.values())
    grown_mb = list(results.values())[-1].grown_mb
    return {
        "benchmark": "fanout",
        "machine": describe_machine(),
        "followers": followers,
        "rounds": rounds,
        "rows": [_row(name, medians[name], found, followers) for name, found in results.items()],
        "ratios": {
            "cpu_ccxt_over_us": round(ccxt.cpu_s / us.cpu_s, 2),
            "cpu_us_over_floor": round(us.cpu_s / floor.cpu_s, 2),
            "wire_us_over_floor": round(whole.wall_s / floor.wall_s, 2),
            "cold_ccxt_over_us": round(cold_ccxt.wall_s / cold_whole.wall_s, 2),
            "rss_mb_1000": None if grown_mb is None else round(grown_mb / followers * 1_000, 1),
        },
    }


def _row(name: str, cost: Cost, found: _Result, followers: int) -> dict[str, Any]:
    return {
        "client": name,
        "ms_total": round(cost.wall_s * 1000, 1),
        "us_cpu_an_order": round(cost.cpu_s / followers * 1_000_000, 1),
        "ms_first_signal": round(found.first.wall_s * 1000, 1),
        "mb_grown": None if found.grown_mb is None else round(found.grown_mb, 1),
    }
