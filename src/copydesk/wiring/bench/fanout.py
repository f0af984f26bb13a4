"""One signal to many followers: what an order costs, and how long until the last one is on the wire.

The exchange is a quick one of the benchmark's own, in a process of its own (exchange.py); it tells its own CPU an order.
"""

import secrets
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import httpx

from copydesk.ports.clock import SystemClock
from copydesk.wiring.bench.floor import TIMEOUT_S, SignedSockets
from copydesk.wiring.bench.frozen import FromThePlan
from copydesk.wiring.bench.machine import Cost, describe_machine, measure, median, resident_mb
from copydesk.wiring.bench.peer import Peer, interpreter_of
from copydesk.wiring.bench.seed import Key
from copydesk.wiring.bench.whole import WholeDesk
from copydesk.wiring.children import child, free_port, wait_until_ready

Tell = Callable[[str, int, int], None]

CCXT, FLOOR = "ccxt, an instance an account", "signed sockets (floor)"
FROZEN, WHOLE = "copydesk, frozen plan to answer", "copydesk, whole way"

GROWN = 10
"""Times the followers, for the last ratio."""

GROWN_ROUNDS = 3

REST_S = 1.0
"""After each: what a desk still logs is not to be paid by whoever comes next."""

_GROWN = f"{WHOLE}, {GROWN} × the followers"


@dataclass(frozen=True, slots=True)
class Round:
    """One signal to everybody; `wire_s` is from its start until the last order had reached the exchange."""

    cost: Cost
    wire_s: float


@dataclass(slots=True)
class Result:
    """One contender's: orders a signal, the first signal after a cold start, what it took of memory, and each round."""

    orders: int
    first: Round
    grown_mb: float | None
    rounds: list[Round]

    @property
    def cost(self) -> Cost:
        return median([one.cost for one in self.rounds])

    @property
    def wire_s(self) -> float:
        return statistics.median(one.wire_s for one in self.rounds)


class _Exchange:
    """The other end, and what it tells of itself."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._http = httpx.AsyncClient(base_url=url, timeout=60)

    async def watch(self, work: Callable[[], Awaitable[Cost | None]]) -> Round:
        began_s = time.monotonic()
        cost = await measure(work)
        return Round(cost, (await self._told())["last_order_s"] - began_s)

    async def us_cpu_an_order(self) -> float:
        """What is less than a client's is not what holds that client up."""
        told = await self._told()
        return float(round(told["cpu_s"] / told["orders"] * 1_000_000, 1))

    async def _told(self) -> Any:
        return (await self._http.get("/_bench/cpu")).json()

    async def close(self) -> None:
        await self._http.aclose()


async def run_fanout(*, followers: int, rounds: int, growth: bool, tell: Tell) -> dict[str, Any]:
    """Rounds are interleaved, medians reported; contract.md names the ratios. `growth` asks for ten times the followers too."""
    with tempfile.TemporaryDirectory(prefix="copydesk-bench-") as place:
        folder = Path(place)
        port = free_port(0)
        exchange = _Exchange(f"http://127.0.0.1:{port}")
        async with child("exchange", ["bench", "exchange", "--port", str(port)], {}, folder) as other:
            await wait_until_ready(other, f"{exchange.url}/_bench/cpu", SystemClock())
            keys = _keys(followers)
            frozen = FromThePlan(exchange.url, keys, folder, timeout_s=TIMEOUT_S)
            contenders = {
                CCXT: Peer(Path(sys.executable), "plain_ccxt.py", exchange.url, keys),
                **_peers(exchange.url, keys),
                FLOOR: SignedSockets(exchange.url, keys),
                FROZEN: frozen,
                WHOLE: WholeDesk(exchange.url, keys, folder),
            }
            steps: list[dict[str, float]] = []
            results = await _race(contenders, exchange, rounds, tell, after=lambda: _walk(frozen, steps))
            itself = await exchange.us_cpu_an_order()
            if growth:
                many = WholeDesk(exchange.url, _keys(GROWN * followers), folder / "grown")
                results |= await _race({_GROWN: many}, exchange, min(rounds, GROWN_ROUNDS), tell, after=_nothing)
            await exchange.close()
    return {
        "benchmark": "fanout",
        "machine": describe_machine(),
        "followers": followers,
        "rounds": rounds,
        "rows": _rows(results),
        "steps": _medians(steps, followers),
        "ratios": _ratios(results, followers),
        "exchange_us_cpu_an_order": itself,
    }


async def _walk(frozen: FromThePlan, steps: list[dict[str, float]]) -> None:
    steps.append(await frozen.steps())


async def _nothing() -> None:
    """After a round of the desk alone."""


def _medians(steps: Sequence[Mapping[str, float]], followers: int) -> list[dict[str, Any]]:
    """One follower's way, µs of CPU by step."""
    return [
        {
            "step": name,
            "us_cpu_an_order": round(statistics.median(one[name] for one in steps) / followers * 1_000_000, 1),
        }
        for name in steps[0]
    ]


def _keys(count: int) -> list[Key]:
    return [(secrets.token_hex(32), secrets.token_hex(32)) for _ in range(count)]


async def _race(
    contenders: dict[str, Any], exchange: _Exchange, rounds: int, tell: Tell, *, after: Callable[[], Awaitable[None]]
) -> dict[str, Result]:
    """`after` is what each round ends with; it is not measured."""
    results: dict[str, Result] = {}
    try:
        for number, (name, one) in enumerate(contenders.items()):
            tell(f"Cold start: {name}", number, len(contenders))
            await one.open()
            before_mb = resident_mb()
            first = await exchange.watch(partial(_first_signal, one))
            after_mb = resident_mb()
            grown_mb = None if before_mb is None or after_mb is None else after_mb - before_mb
            grown_mb = one.grown_mb if isinstance(one, Peer) else grown_mb
            results[name] = Result(len(one.keys), first, grown_mb, [])
        for number in range(rounds):
            tell("Rounds", number, rounds)
            for name, one in contenders.items():
                await one.prepare()
                results[name].rounds.append(await exchange.watch(one.fire))
                await SystemClock().sleep(REST_S)
            await after()
        tell("Rounds", rounds, rounds)
    finally:
        for one in contenders.values():
            await one.close()
    return results


async def _first_signal(one: Any) -> Cost | None:
    await one.warm_up()
    await one.prepare()
    cost: Cost | None = await one.fire()
    return cost


def _peers(url: str, keys: Sequence[Key]) -> dict[str, Any]:
    """Those whose environments are there."""
    python = interpreter_of("python-binance")
    return (
        {} if python is None else {"python-binance, a client an account": Peer(python, "python_binance.py", url, keys)}
    )


def _ratios(results: Mapping[str, Result], followers: int) -> dict[str, float | None]:
    ccxt, floor, us, whole = (results[name] for name in (CCXT, FLOOR, FROZEN, WHOLE))
    mb = whole.grown_mb
    ratios: dict[str, float | None] = {
        "cpu_ccxt_over_us": round(ccxt.cost.cpu_s / us.cost.cpu_s, 2),
        "cpu_us_over_floor": round(us.cost.cpu_s / floor.cost.cpu_s, 2),
        "wire_us_over_floor": round(whole.wire_s / floor.wire_s, 2),
        "cold_ccxt_over_us": round(ccxt.first.wire_s / whole.first.wire_s, 2),
        "rss_mb_1000": None if mb is None else round(mb / followers * 1_000, 1),
    }
    if _GROWN in results:
        ratios[f"time_{GROWN * followers}_over_{followers}"] = round(results[_GROWN].wire_s / whole.wire_s, 2)
    return ratios


def _rows(results: dict[str, Result]) -> list[dict[str, Any]]:
    rows = []
    for name, found in results.items():
        orders = found.orders
        rows.append(
            {
                "client": name,
                "ms_total": round(found.cost.wall_s * 1_000, 1),
                "ms_on_the_wire": round(found.wire_s * 1_000, 1),
                "us_cpu_an_order": round(found.cost.cpu_s / orders * 1_000_000, 1),
                "ms_first_signal": round(found.first.wire_s * 1_000, 1),
                "mb_grown": None if found.grown_mb is None else round(found.grown_mb, 1),
            }
        )
    return rows
