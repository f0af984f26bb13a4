"""One message to many agents: written at once to every socket, against a loop that awaits each.

Both are processes of their own; the agents are connections of this one, cheap enough (picows) not to be what is measured.
"""

import asyncio
import os
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from picows import WSFrame, WSListener, WSMsgType, WSTransport, ws_connect

from copydesk.domain.errors import CopydeskError
from copydesk.ports.clock import SystemClock
from copydesk.wiring.bench.machine import describe_machine
from copydesk.wiring.children import child, free_port, wait_until_ready

Tell = Callable[[str, int, int], None]

CONNECT_AT_ONCE = 100
WITHIN_S = 30.0
SPARE_FILES = 200
REST_S = 0.5


@dataclass(slots=True)
class _Round:
    """When a message was heard, by this machine's own clock."""

    wanted: int
    heard_s: list[float] = field(default_factory=list)
    is_complete: asyncio.Event = field(default_factory=asyncio.Event)


class _Agents:
    """All connections to one server."""

    def __init__(self) -> None:
        self.round = _Round(0)
        self.transports: list[WSTransport] = []

    async def connect(self, port: int, count: int) -> None:
        """Each has been told what is open when this returns."""
        self.round = _Round(count)
        for start in range(0, count, CONNECT_AT_ONCE):
            some = range(min(CONNECT_AT_ONCE, count - start))
            made = await asyncio.gather(*(ws_connect(self._listener, f"ws://127.0.0.1:{port}/ws") for _ in some))
            self.transports += [transport for transport, _ in made]
        await self._complete()

    async def hear(self, send: Callable[[], Any]) -> tuple[float, float, float]:
        """Milliseconds to the median and the last receipt, and the server's CPU, seconds."""
        self.round = _Round(len(self.transports))
        began_s = time.perf_counter()
        cpu_s = await send()
        await self._complete()
        after_ms = sorted((one - began_s) * 1_000 for one in self.round.heard_s)
        return statistics.median(after_ms), after_ms[-1], cpu_s

    async def _complete(self) -> None:
        try:
            async with asyncio.timeout(WITHIN_S):
                await self.round.is_complete.wait()
        except TimeoutError as error:
            heard, wanted = len(self.round.heard_s), self.round.wanted
            raise CopydeskError(f"{heard} of {wanted} agents heard it within {WITHIN_S:g} s") from error

    def _listener(self) -> WSListener:
        agents = self

        class Listener(WSListener):
            def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
                del transport
                if frame.msg_type == WSMsgType.TEXT:
                    found = agents.round
                    found.heard_s.append(time.perf_counter())
                    if len(found.heard_s) == found.wanted:
                        found.is_complete.set()

        return Listener()

    def close(self) -> None:
        for one in self.transports:
            one.disconnect(graceful=False)


@dataclass(slots=True)
class _Contender:
    """One server and its agents; figures of each round."""

    http: httpx.AsyncClient
    agents: _Agents
    rounds: list[tuple[float, float, float]] = field(default_factory=list)

    async def run(self, number: int) -> None:
        self.rounds.append(await self.agents.hear(lambda: self._send(number)))

    async def _send(self, number: int) -> float:
        answer = await self.http.post(f"/broadcast/cd-{number:026}")
        answer.raise_for_status()
        return float(answer.json())

    def row(self, name: str, agents: int) -> dict[str, Any]:
        middle, last, cpu_s = (statistics.median(figures) for figures in zip(*self.rounds, strict=True))
        return {
            "server": name,
            "ms_median_receipt": round(middle, 1),
            "ms_last_receipt": round(last, 1),
            "us_cpu_an_agent": round(cpu_s / agents * 1_000_000, 2),
        }


async def run_broadcast(*, agents: int, rounds: int, tell: Tell) -> dict[str, Any]:
    """Rounds are interleaved, medians reported; contract.md names the ratio."""
    _allow_files(2 * agents + SPARE_FILES)
    with tempfile.TemporaryDirectory(prefix="copydesk-bench-") as place:
        folder = Path(place)
        tell("Starting both", 0, rounds)
        async with _server(folder, "naive", agents) as naive, _server(folder, "ours", agents) as us:
            contenders = {"FastAPI, send_json loop": naive, "copydesk": us}
            for number in range(rounds):
                tell("Rounds", number, rounds)
                for one in contenders.values():
                    await one.run(number)
                    await SystemClock().sleep(REST_S)
            tell("Rounds", rounds, rounds)
    rows = [one.row(name, agents) for name, one in contenders.items()]
    return {
        "benchmark": "broadcast",
        "machine": describe_machine(),
        "agents": agents,
        "rounds": rounds,
        "rows": rows,
        "ratios": {"last_naive_over_us": round(rows[0]["ms_last_receipt"] / rows[1]["ms_last_receipt"], 2)},
    }


@asynccontextmanager
async def _server(folder: Path, name: str, agents: int) -> AsyncIterator[_Contender]:
    port = free_port(0)
    verb = ["bench", "agents", "--port", str(port), *(["--naive"] if name == "naive" else [])]
    async with child(name, verb, {}, folder) as server:
        await wait_until_ready(server, f"http://127.0.0.1:{port}/openapi.json", SystemClock())
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=WITHIN_S) as http:
            contender = _Contender(http, _Agents())
            await contender.agents.connect(port, agents)
            try:
                yield contender
            finally:
                contender.agents.close()


def _allow_files(wanted: int) -> None:
    """Each connection is a file here, and one at its server. Raise CopydeskError where the system allows fewer."""
    if os.name == "nt":
        return
    import resource  # noqa: PLC0415  Windows has none, and needs none

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < wanted:
        raise CopydeskError(f"{wanted} open files are needed, the system allows {hard}: take fewer agents")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
