"""One signal to many followers: how much CPU an order costs, and how long until the last one is settled.

The exchange is our simulator in a process of its own. It bounds the wall time of all three alike, so CPU of the client
process is the figure to read; the floor's wall time shows what the simulator can take.
"""

import secrets
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

from copydesk.ports.clock import SystemClock
from copydesk.wiring.bench.contenders import TIMEOUT_S, PlainCcxt, SignedSockets, WholeDesk
from copydesk.wiring.bench.frozen import FromThePlan
from copydesk.wiring.bench.machine import Cost, describe_machine, measure, median
from copydesk.wiring.bench.seed import Key
from copydesk.wiring.children import child, free_port, wait_until_ready

PLENTY = 10_000_000

Tell = Callable[[str, int, int], None]


async def run_fanout(*, followers: int, rounds: int, tell: Tell) -> dict[str, Any]:
    """Rounds are interleaved, medians reported; contract.md names the ratios."""
    with tempfile.TemporaryDirectory(prefix="copydesk-bench-") as place:
        folder = Path(place)
        port = free_port(0)
        url = f"http://127.0.0.1:{port}"
        async with child("simulator", ["simulate", "binance", "--port", str(port)], {}, folder) as simulator:
            await wait_until_ready(simulator, f"{url}/_sim/health", SystemClock())
            keys = await _open_accounts(url, followers)
            contenders = {
                "ccxt, an instance an account": PlainCcxt(url, keys),
                "signed sockets (floor)": SignedSockets(url, keys),
                "copydesk, frozen plan to answer": FromThePlan(url, keys, folder, timeout_s=TIMEOUT_S),
                "copydesk, whole way": WholeDesk(url, keys, folder),
            }
            costs = await _race(contenders, rounds, tell)
    return _report(costs, followers, rounds)


async def _open_accounts(url: str, followers: int) -> list[Key]:
    keys = [(secrets.token_hex(32), secrets.token_hex(32)) for _ in range(followers)]
    async with httpx.AsyncClient(base_url=url, timeout=60) as http:
        limits = {"weight_per_minute": PLENTY, "orders_per_10s": PLENTY, "orders_per_minute": PLENTY}
        (await http.post("/_sim/limits", json=limits)).raise_for_status()
        (await http.post("/_sim/price", json={"symbol": "BTCUSDT", "price": "95200", "hold": True})).raise_for_status()
        accounts = [{"api_key": key, "api_secret": secret, "balance": "100000000"} for key, secret in keys]
        (await http.post("/_sim/accounts", json=accounts)).raise_for_status()
    return keys


async def _race(contenders: dict[str, Any], rounds: int, tell: Tell) -> dict[str, list[Cost]]:
    costs: dict[str, list[Cost]] = {name: [] for name in contenders}
    try:
        for number, (name, one) in enumerate(contenders.items()):
            tell(f"Warming up: {name}", number, len(contenders))
            await one.warm_up()
        for number in range(rounds):
            tell("Rounds", number, rounds)
            for name, one in contenders.items():
                await one.prepare()
                costs[name].append(await measure(one.fire))
        tell("Rounds", rounds, rounds)
    finally:
        for one in contenders.values():
            await one.close()
    return costs


def _report(costs: dict[str, list[Cost]], followers: int, rounds: int) -> dict[str, Any]:
    medians = {name: median(found) for name, found in costs.items()}
    ccxt, floor, us, whole = medians.values()
    return {
        "benchmark": "fanout",
        "machine": describe_machine(),
        "followers": followers,
        "rounds": rounds,
        "rows": [_row(name, cost, followers) for name, cost in medians.items()],
        "ratios": {
            "cpu_ccxt_over_us": round(ccxt.cpu_s / us.cpu_s, 2),
            "cpu_us_over_floor": round(us.cpu_s / floor.cpu_s, 2),
            "wire_us_over_floor": round(whole.wall_s / floor.wall_s, 2),
        },
    }


def _row(name: str, cost: Cost, followers: int) -> dict[str, Any]:
    return {
        "client": name,
        "ms_total": round(cost.wall_s * 1000, 1),
        "us_cpu_an_order": round(cost.cpu_s / followers * 1_000_000, 1),
    }
