"""The Master Sender or Client Copier behind a window: the headless program as a child, and what it tells."""

import asyncio
import random
from collections.abc import Sequence
from pathlib import Path

import msgspec

from copydesk.domain.terminal import TerminalRole
from copydesk.ports.beside import Access, Condition, Insight, Line, Phase
from copydesk.ports.clock import Clock
from copydesk.wiring.beside_window import Word
from copydesk.wiring.supervisor import STOP_S, Supervisor, log_tail


class LocalWorker:
    """Fills ports/beside's Worker. `run` keeps it alive."""

    def __init__(
        self, role: TerminalRole, command: Sequence[str], *, clock: Clock, chance: random.Random, stop_s: float = STOP_S
    ) -> None:
        self.role = role
        self._clock = clock
        self._insight: Insight | None = None
        self._heard_at = clock.elapsed()
        self._log: Path | None = None
        self._supervisor = Supervisor(command, clock=clock, chance=chance, hear=self._hear, stop_s=stop_s)

    async def run(self) -> None:
        """Until cancelled; then it is ended."""
        await self._supervisor.run()

    @property
    def condition(self) -> Condition:
        return self._supervisor.condition

    @property
    def insight(self) -> Insight | None:
        return self._insight if self.condition.phase in {Phase.RUNNING, Phase.STOPPING} else None

    @property
    def heard_s(self) -> float:
        return self._clock.elapsed() - self._heard_at

    @property
    def lines(self) -> Sequence[Line]:
        return self._supervisor.lines

    def start(self, access: Access) -> None:
        self._insight = None
        self._supervisor.start(msgspec.json.encode(access) + b"\n")

    def stop(self) -> None:
        self._supervisor.stop()

    async def log_tail(self, most: int) -> Sequence[str]:
        return [] if self._log is None else await asyncio.to_thread(log_tail, self._log, most)

    def _hear(self, raw: bytes) -> str | None:
        """Something else that wrote to standard output is a line like any other."""
        try:
            word = msgspec.json.decode(raw, type=Word)
        except msgspec.DecodeError:
            word = Word(line=Line(at=self._clock.now(), text=raw.decode("utf-8", "replace").rstrip()))
        self._heard_at = self._clock.elapsed()
        if word.insight is not None:
            self._insight = word.insight
        if word.line is not None:
            self._supervisor.add_line(word.line)
        if word.log is not None:
            self._log = Path(word.log)
        return word.end
