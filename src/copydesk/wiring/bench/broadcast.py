"""One message to many agents: written at once to every socket, against a loop that awaits each.

Both are processes of their own; the agents are plain sockets of this one, cheap enough not to be what is measured.
"""

import asyncio
import os
import selectors
import socket
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from copydesk.domain.errors import CopydeskError
from copydesk.ports.clock import SystemClock
from copydesk.wiring.bench.machine import describe_machine
from copydesk.wiring.children import child, free_port, wait_until_ready

Tell = Callable[[str, int, int], None]

WITHIN_S = 30.0
SPARE_FILES = 200
REST_S = 0.5
READ_MAX = 4_096

_HANDSHAKE = (
    b"GET /ws HTTP/1.1\r\nHost: bench\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


class _Agents:
    """All connections to one server: plain sockets, each read once a message, so that hearing costs as little as it can."""

    def __init__(self) -> None:
        self.sockets: list[socket.socket] = []
        self._selector = selectors.DefaultSelector()

    def connect(self, port: int, count: int) -> None:
        """Each has been told what is open when this returns."""
        for _ in range(count):
            one = socket.create_connection(("127.0.0.1", port), WITHIN_S)
            self.sockets.append(one)
            one.sendall(_HANDSHAKE)
            told = b""
            while b"SNAPSHOT" not in told:
                told += one.recv(READ_MAX)
            one.setblocking(False)
            self._selector.register(one, selectors.EVENT_READ)

    def hear(self, began_s: float) -> Sequence[float]:
        """Milliseconds from then until each has the message, in the order in which they got it."""
        after_ms: list[float] = []
        while len(after_ms) < len(self.sockets):
            ready = self._selector.select(WITHIN_S)
            if not ready:
                raise CopydeskError(f"{len(after_ms)} of {len(self.sockets)} agents heard it within {WITHIN_S:g} s")
            for key, _ in ready:
                told: socket.socket = key.fileobj  # type: ignore[assignment]  # what was registered
                told.recv(READ_MAX)
                after_ms.append((time.perf_counter() - began_s) * 1_000)
        return after_ms

    def close(self) -> None:
        for one in self.sockets:
            one.close()
        self._selector.close()


@dataclass(slots=True)
class _Contender:
    """One server and its agents; figures of each round."""

    http: httpx.AsyncClient
    agents: _Agents
    rounds: list[tuple[float, float, float]] = field(default_factory=list)

    async def run(self, number: int) -> None:
        """Milliseconds to the median and the last receipt, and the server's CPU, seconds."""
        hearing = asyncio.to_thread(self.agents.hear, time.perf_counter())
        answer, after_ms = await asyncio.gather(self.http.post(f"/broadcast/cd-{number:026}"), hearing)
        answer.raise_for_status()
        self.rounds.append((statistics.median(after_ms), after_ms[-1], float(answer.json())))

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
            await asyncio.to_thread(contender.agents.connect, port, agents)
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
