"""What a figure was measured on, and the CPU it cost."""

import os
import platform
import statistics
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

_USER_TICKS, _SYSTEM_TICKS = 11, 12
"""Places in /proc/PID/stat after the program's name (proc(5))."""


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds of wall time and of CPU (all threads) that a piece of work took."""

    wall_s: float
    cpu_s: float


async def measure(work: Callable[[], Awaitable[Cost | None]]) -> Cost:
    """What it costs this process, or what the work itself says."""
    wall, cpu = time.perf_counter(), time.process_time()
    return await work() or Cost(time.perf_counter() - wall, time.process_time() - cpu)


class StepWatch:
    """CPU (all threads) from one step's end to the next one's, by name, seconds."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._since_s = time.process_time()

    def note(self, step: str) -> None:
        now_s = time.process_time()
        self.seconds[step] = now_s - self._since_s
        self._since_s = now_s


def resident_mb() -> float | None:
    """Memory of this process, MB; None where the system does not tell it as Linux does."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return None
    return pages * os.sysconf("SC_PAGE_SIZE") / 1_000_000


def cpu_s_of(pid: int) -> float | None:
    """CPU that another process has had, all threads; None where the system does not tell it as Linux does."""
    try:
        told = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return (int(told[_USER_TICKS]) + int(told[_SYSTEM_TICKS])) / os.sysconf("SC_CLK_TCK")


def median(costs: Sequence[Cost]) -> Cost:
    return Cost(statistics.median(one.wall_s for one in costs), statistics.median(one.cpu_s for one in costs))


def describe_machine() -> dict[str, object]:
    return {
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()}",
        "processor": platform.machine(),
    }
