"""A peer in a process of its own; one that is no dependency of ours in an environment of its own, too."""

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path

from copydesk.domain.errors import CopydeskError
from copydesk.wiring.bench.machine import Cost
from copydesk.wiring.bench.seed import Key

SCRIPTS = Path(__file__).parent / "peers"

PLACE = Path(".peers")
"""Where `python tests/peers/environments.py` makes their environments, from hashed requirements."""


def interpreter_of(name: str) -> Path | None:
    """The Python that has this peer; None where its environment was not made."""
    python = (PLACE / name / "bin" / "python").absolute()
    return python if python.exists() else None


class Peer:
    """Runs a script of `peers/`; what a signal cost is told by its own process."""

    def __init__(self, python: Path, script: str, url: str, keys: Sequence[Key]) -> None:
        self.keys = keys
        self.grown_mb: float | None = None
        self._command = (str(python), str(SCRIPTS / script))
        self._url = url
        self._process: asyncio.subprocess.Process | None = None

    async def open(self) -> None:
        self._process = await asyncio.create_subprocess_exec(
            *self._command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        if not await self._out.readline():
            raise CopydeskError(f"{self._command[1]} did not start")

    async def warm_up(self) -> None:
        await self._say(json.dumps({"url": self._url, "keys": list(self.keys)}))

    async def prepare(self) -> None:
        """Nothing that is not measured."""

    async def fire(self) -> Cost:
        await self._say("fire")
        told = json.loads(await self._out.readline() or "{}")
        if told.get("placed") != len(self.keys):
            raise CopydeskError(f"{self._command[1]} placed {told.get('placed')} of {len(self.keys)} orders")
        self.grown_mb = told["grown_mb"]
        return Cost(told["wall_s"], told["cpu_s"])

    async def close(self) -> None:
        if self._process is not None:
            self._in.close()
            await self._process.wait()

    @property
    def _in(self) -> asyncio.StreamWriter:
        if self._process is None or self._process.stdin is None:
            raise CopydeskError("a peer without its standard input")
        return self._process.stdin

    @property
    def _out(self) -> asyncio.StreamReader:
        if self._process is None or self._process.stdout is None:
            raise CopydeskError("a peer without its standard output")
        return self._process.stdout

    async def _say(self, line: str) -> None:
        self._in.write(line.encode() + b"\n")
        await self._in.drain()
