"""Programs of ours as child processes: started with their own settings, watched, ended with their parent."""

import asyncio
import ctypes
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from copydesk.domain.errors import CopydeskError
from copydesk.ports.clock import Clock
from copydesk.settings import PREFIX

START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 8.0
LOOK_EVERY_S = 0.1
TAIL_LINES = 15

_PR_SET_PDEATHSIG = 1


class ChildDied(CopydeskError):
    """A child ended by itself; the end of its log is in the message."""


@dataclass(frozen=True, slots=True)
class Child:
    """A running program of ours and where it writes its log."""

    name: str
    process: asyncio.subprocess.Process
    log: Path

    def check(self) -> None:
        """Raise ChildDied where it is not running any more."""
        if self.process.returncode is not None:
            lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-TAIL_LINES:]
            raise ChildDied(f"{self.name} ended with code {self.process.returncode}:\n" + "\n".join(lines))


def free_port(wanted: int) -> int:
    """The port itself, or a free one for 0."""
    if wanted:
        return wanted
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@asynccontextmanager
async def child(name: str, verb: Sequence[str], settings: Mapping[str, str], folder: Path) -> AsyncIterator[Child]:
    """`copydesk VERB…` with these settings and no others; terminated, and killed if need be, at the end."""
    inherited = {
        key: value
        for key, value in os.environ.items()  # noqa: TID251  a child inherits all but our settings
        if not key.startswith(PREFIX)
    }
    log = folder / f"{name}.log"
    with log.open("ab") as output:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "copydesk",
            *verb,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=inherited | dict(settings),
            cwd=folder,
            # Ctrl-C is for the parent, which then ends its children in order.
            start_new_session=True,
            preexec_fn=end_with_parent if sys.platform == "linux" else None,
        )
    try:
        yield Child(name, process, log)
    finally:
        await _stop(process)


def leave_on_sigterm() -> None:
    """SIGTERM ends this program as an exception does, so that its children are ended first."""
    signal.signal(signal.SIGTERM, lambda number, _frame: sys.exit(128 + number))


def end_with_parent() -> None:
    """In the child, before it becomes our program: the kernel ends it when its parent is killed (prctl(2))."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


async def wait_until_ready(one: Child, url: str, clock: Clock) -> None:
    """Until `url` answers 200. Raise ChildDied, also when it takes too long."""
    try:
        async with asyncio.timeout(START_TIMEOUT_S), httpx.AsyncClient(timeout=5, follow_redirects=True) as http:
            while True:
                one.check()
                try:
                    if (await http.get(url)).is_success:
                        return
                except httpx.TransportError:
                    pass
                await clock.sleep(LOOK_EVERY_S)
    except TimeoutError as error:
        raise ChildDied(f"{one.name} did not answer within {START_TIMEOUT_S:.0f} s; its log: {one.log}") from error


async def _stop(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    process.terminate()
    try:
        async with asyncio.timeout(STOP_TIMEOUT_S):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
