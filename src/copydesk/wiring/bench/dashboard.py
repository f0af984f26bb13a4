"""What open pages cost: the dashboard's CPU while a signal comes every second, and whether the hub's fan-out feels them."""

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx

from copydesk.domain.errors import CopydeskError
from copydesk.ports.clock import SystemClock
from copydesk.wiring.bench.machine import describe_machine
from copydesk.wiring.bench.tabs import Tab, open_tab, signed_in_browser
from copydesk.wiring.demo import Plan, Scene, stage

Tell = Callable[[str, int, int], None]

FOLLOWERS = 20
ALERTS_WAIT_S = 2.5
SETTLE_S = 5.0
WARM_UP_SIGNALS = 8
"""The first signals of a desk cost it more than those that follow."""

EVERY_S = 1.0
GOLDEN = 0.618034
"""A signal in each second, but not always at the same moment of it: pages look once a second, and would always or never meet it."""

_ACTIONS = (("BTCUSDT", "buy"), ("ETHUSDT", "buy"), ("BTCUSDT", "close"), ("ETHUSDT", "close"))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Processes:
    hub: int
    dashboard: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Watched:
    """One round: percent of a core, each fan-out, the hub's CPU a signal, messages that pages heard."""

    dashboard_pct: float
    fanouts_ms: Sequence[float]
    hub_ms: float
    heard: int = 0


async def run_dashboard(*, tabs: int, seconds: int, rounds: int, tell: Tell) -> dict[str, Any]:
    """Without pages and with them in turn, each first in every other round, so that a busy machine is busy for both."""
    if sys.platform != "linux":
        raise CopydeskError("what a process costs is read from /proc: this runs on Linux")
    with tempfile.TemporaryDirectory(prefix="copydesk-bench-") as place:
        plan = Plan(followers=FOLLOWERS, folder=Path(place), port=0, dashboard_port=0, simulator_port_base=0)
        async with stage(plan, tell) as scene:
            hub = next(one.process.pid for one in scene.children if one.name == "hub")
            processes = _Processes(hub=hub, dashboard=_child_of(hub, b"dashboard"))
            without, with_tabs = list[_Watched](), list[_Watched]()
            tell("Rounds", 0, rounds)
            await _watch(scene, processes, WARM_UP_SIGNALS)
            for number in range(rounds):
                for count in (0, tabs) if number % 2 == 0 else (tabs, 0):
                    (with_tabs if count else without).append(await _watch_tabs(scene, processes, seconds, count))
                tell("Rounds", number + 1, rounds)
    rows = [_row("no page", without), _row(f"{tabs} pages", with_tabs)]
    return {
        "benchmark": "dashboard",
        "machine": describe_machine(),
        "tabs": tabs,
        "rounds": rounds,
        "rows": rows,
        "ratios": {
            "dashboard_cpu_pct": rows[1]["pct_of_a_core"],
            "fanout_pages_over_none": round(rows[1]["ms_fanout"] / rows[0]["ms_fanout"], 2),
            "hub_cpu_pages_over_none": round(rows[1]["hub_ms_a_signal"] / rows[0]["hub_ms_a_signal"], 2),
        },
    }


def _row(name: str, rounds: Sequence[_Watched]) -> dict[str, Any]:
    """Medians; of the fan-outs over all signals, because those of a round are few."""
    return {
        "pages": name,
        "pct_of_a_core": round(statistics.median(one.dashboard_pct for one in rounds), 2),
        "ms_fanout": round(statistics.median(took for one in rounds for took in one.fanouts_ms), 1),
        "hub_ms_a_signal": round(statistics.median(one.hub_ms for one in rounds), 1),
        "messages": round(statistics.median(one.heard for one in rounds)),
    }


async def _watch_tabs(scene: Scene, processes: _Processes, seconds: int, count: int) -> _Watched:
    admin = scene.seed["users"]["admin"]
    async with (
        signed_in_browser(scene.dashboard, admin["username"], admin["password"]) as http,
        AsyncExitStack() as stack,
    ):
        pages = [await stack.enter_async_context(open_tab(http, "/")) for _ in range(count)]
        await SystemClock().sleep(SETTLE_S)  # pages of the round before are forgotten by then, too
        watched = await _watch(scene, processes, seconds)
        return replace(watched, heard=_heard(pages)) if pages else watched


def _heard(pages: Sequence[Tab]) -> int:
    """Raise CopydeskError where a page followed nothing: its figures would be of a page that is not open."""
    least = min(one.heard for one in pages)
    if least == 0:
        raise CopydeskError("a page heard nothing of the desk")
    return sum(one.heard for one in pages)


async def _watch(scene: Scene, processes: _Processes, seconds: int) -> _Watched:
    """A signal a second for so long."""
    told = scene.seed["bots"][0]
    url = f"{scene.api}/api/v1/bots/webhook/master/{told['webhook_url'].rsplit('/', 1)[1]}"
    took_ms: list[float] = []
    began_s, dashboard_s, hub_s = time.perf_counter(), _cpu_s(processes.dashboard), _cpu_s(processes.hub)
    async with httpx.AsyncClient(timeout=20) as http:
        for number in range(seconds):
            symbol, action = _ACTIONS[number % len(_ACTIONS)]
            message = {"secret": told["secret"], "ticker": f"BINANCE:{symbol}.P", "action": action}
            message["id"] = uuid4().hex  # the same words again would be the same signal
            answer = await http.post(url, json=message, params={"wait": ALERTS_WAIT_S})
            took_ms.append(answer.raise_for_status().json()["broadcast_stats"]["duration_ms"])
            due_s = (number + 1 + (number + 1) * GOLDEN % 1) * EVERY_S
            await SystemClock().sleep(max(0.0, due_s - (time.perf_counter() - began_s)))
    wall_s = time.perf_counter() - began_s
    return _Watched(
        dashboard_pct=100 * (_cpu_s(processes.dashboard) - dashboard_s) / wall_s,
        fanouts_ms=took_ms,
        hub_ms=1_000 * (_cpu_s(processes.hub) - hub_s) / seconds,
    )


def _cpu_s(pid: int) -> float:
    """Of all its threads, in user space and in the kernel (proc(5))."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _child_of(pid: int, verb: bytes) -> int:
    """The one among its children that runs the verb."""
    for one in map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="utf-8").split()):
        if verb in Path(f"/proc/{one}/cmdline").read_bytes().split(b"\0"):
            return one
    raise CopydeskError(f"no process runs {verb.decode()}")
