"""One program of ours as a child that is kept alive: started when a person says so, started again when it dies, stopped in order."""

import asyncio
import os
import random
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import structlog

from copydesk.ports.beside import Condition, Line, Phase
from copydesk.ports.clock import Clock
from copydesk.terminal.backoff import back_off
from copydesk.wiring.children import end_with_parent

log = structlog.get_logger()

STOP_S = 10.0
"""So long a program may take to end in order, and so long again after it was told once more."""

PROVED_S = 60.0
"""A program that lived so long has come up: the next one is not made to wait for its predecessors' failures."""

READ_ON_S = 1.0
"""What a program said last is there at once after it died."""

LINES_KEPT = 200
LAST_WORDS = 12
OWNER_ONLY = 0o600
TAIL_BYTES = 128 * 1024
LINE_BYTES_MAX = 8 * 1024 * 1024

# Ctrl-C is for the parent, which then ends its children in order.
_OWN_GROUP: dict[str, Any] = {"start_new_session": True}
if sys.platform == "win32":
    _OWN_GROUP = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}


def own_command(*verb: str) -> Sequence[str]:
    """This program again; a frozen one (PyInstaller) has no `-m`."""
    return [sys.executable, *(() if getattr(sys, "frozen", False) else ("-m", "copydesk")), *verb]


class Supervisor:
    """Fills ports/beside's Program. `run` does the work: the methods that are not `run` only say what is wanted.

    A worker is one that `hear`s: it gets each line of the child's standard output, and answers why where the child says that it
    ends by its own decision. Such a child is given a greeting on its standard input, which then stays open: its end tells
    the child that we are gone. Any other program writes into `log`, which outlives both, and ends with us where the kernel sees
    to it (Linux).
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        clock: Clock,
        chance: random.Random,
        restarts: bool = True,
        hear: Callable[[bytes], str | None] | None = None,
        log: Path | None = None,
        stop_s: float = STOP_S,
    ) -> None:
        self._command = command
        self._clock = clock
        self._chance = chance
        self._restarts = restarts
        self._hear = hear
        self._log = log
        self._stop_s = stop_s
        self._greeting = b""
        self._wanted = asyncio.Event()
        self._unwanted = asyncio.Event()
        self._unwanted.set()
        self._lines: deque[Line] = deque(maxlen=LINES_KEPT)
        self._last_words: deque[str] = deque(maxlen=LAST_WORDS)
        self._own_reason: str | None = None
        self._condition = Condition(phase=Phase.STOPPED, since=clock.now())
        self.process: asyncio.subprocess.Process | None = None

    @property
    def condition(self) -> Condition:
        return self._condition

    @property
    def lines(self) -> Sequence[Line]:
        return list(self._lines)

    def start(self, greeting: bytes = b"") -> None:
        self._greeting = greeting
        self._unwanted.clear()
        self._wanted.set()

    def stop(self) -> None:
        self._wanted.clear()
        self._unwanted.set()

    def add_line(self, line: Line) -> None:
        self._lines.append(line)

    async def run(self) -> None:
        """Until cancelled; then the child is ended too."""
        while True:
            await self._wanted.wait()
            await self._keep_alive()

    async def _keep_alive(self) -> None:
        failures = restarts = 0
        while self._wanted.is_set():
            began = self._clock.elapsed()
            code = await self._live(restarts)
            if not self._wanted.is_set():
                self._become(Phase.STOPPED)
                return
            why = self._why()
            if self._own_reason is not None or code == 0 or not self._restarts:
                self.stop()
                phase = Phase.STOPPED if code == 0 and self._own_reason is None else Phase.ENDED
                self._become(phase, why=why if phase is Phase.ENDED else "", code=code, restarts=restarts)
                return
            failures = 1 if self._clock.elapsed() - began >= PROVED_S else failures + 1
            restarts += 1
            wait_s = back_off(failures, self._chance)
            log.warning("program died", command=self._command[-1], code=code, again_s=round(wait_s))
            self._become(Phase.WAITING, why=why, code=code, restarts=restarts, again_s=wait_s)
            with suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await self._unwanted.wait()
        self._become(Phase.STOPPED)

    async def _live(self, restarts: int) -> int:
        """One process from its start to its end."""
        before = self._condition
        self._own_reason = None
        self._last_words.clear()
        self._become(Phase.STARTING, why=before.why if restarts else "", restarts=restarts)
        with ExitStack() as files:
            program, *arguments = self._command
            process = await asyncio.create_subprocess_exec(program, *arguments, **self._streams(files), **_OWN_GROUP)
        self.process = process
        try:
            if process.stdin is not None:
                process.stdin.write(self._greeting)
            self._become(Phase.RUNNING, pid=process.pid, why=self._condition.why, restarts=restarts)
            async with asyncio.TaskGroup() as tasks:
                readers = [tasks.create_task(one) for one in (self._read_output(process), self._read_errors(process))]
                stopping = tasks.create_task(self._end_when_unwanted(process))
                code = await process.wait()
                # A grandchild that hangs may hold the pipes open.
                await asyncio.wait(readers, timeout=READ_ON_S)
                for one in (*readers, stopping):
                    one.cancel()
        finally:
            self.process = None
            if process.returncode is None:
                await self._end(process)
        return code

    def _streams(self, files: ExitStack) -> dict[str, Any]:
        inherited = {"env": dict(os.environ)}  # noqa: TID251  a child inherits what its parent was given
        if self._log is None:
            pipe = asyncio.subprocess.PIPE
            return {"stdin": pipe, "stdout": pipe, "stderr": pipe, "limit": LINE_BYTES_MAX, **inherited}
        self._log.parent.mkdir(parents=True, exist_ok=True)
        # For its owner alone: a program may tell there where its page is, and how to get in.
        self._log.unlink(missing_ok=True)
        output = files.enter_context(os.fdopen(os.open(self._log, os.O_WRONLY | os.O_CREAT, OWNER_ONLY), "wb"))
        ends = {"preexec_fn": end_with_parent} if sys.platform == "linux" else {}
        return {"stdin": asyncio.subprocess.DEVNULL, "stdout": output, "stderr": output, **ends, **inherited}

    async def _read_output(self, process: asyncio.subprocess.Process) -> None:
        if process.stdout is not None and self._hear is not None:
            async for raw in process.stdout:
                if (why := self._hear(raw)) is not None:
                    self._own_reason = why

    async def _read_errors(self, process: asyncio.subprocess.Process) -> None:
        if process.stderr is not None:
            async for raw in process.stderr:
                if text := raw.decode("utf-8", "replace").rstrip():
                    self._last_words.append(text)

    def _why(self) -> str:
        if self._own_reason is not None:
            return self._own_reason
        if self._log is not None:
            self._last_words.extend(log_tail(self._log, LAST_WORDS))
        return "\n".join(self._last_words)

    async def _end_when_unwanted(self, process: asyncio.subprocess.Process) -> None:
        await self._unwanted.wait()
        self._become(Phase.STOPPING, pid=process.pid)
        await self._end(process)

    async def _end(self, process: asyncio.subprocess.Process) -> None:
        """A worker is asked by the end of its standard input, any other by the system's word. What does not listen is killed."""
        asks = [lambda: _ask_to_stop(process), process.kill]
        if process.stdin is not None:
            asks.insert(0, process.stdin.close)
        for ask in asks:
            with suppress(ProcessLookupError):
                ask()
            with suppress(TimeoutError):
                async with asyncio.timeout(self._stop_s):
                    await process.wait()
                return

    def _become(
        self,
        phase: Phase,
        *,
        pid: int | None = None,
        why: str = "",
        code: int | None = None,
        restarts: int = 0,
        again_s: float | None = None,
    ) -> None:
        self._condition = Condition(
            phase=phase, since=self._clock.now(), pid=pid, why=why, code=code, restarts=restarts, again_s=again_s
        )


def log_tail(path: Path, most: int) -> Sequence[str]:
    """The newest lines, oldest first; none where there is no such file."""
    with suppress(OSError), path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - TAIL_BYTES))
        return file.read().decode("utf-8", "replace").splitlines()[-most:]
    return []


def _ask_to_stop(process: asyncio.subprocess.Process) -> None:
    process.send_signal(getattr(signal, "CTRL_BREAK_EVENT", signal.SIGTERM))
