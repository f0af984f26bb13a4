"""Who this program is among all that ever ran: so that a killed one's work is taken over at once, and a stopped one's not."""

import hashlib
import os
import socket
from pathlib import Path

from copydesk.engine.lease import Owner

_PROC = Path("/proc")


def this_program() -> Owner:
    """Its name tells the machine as it was booted, and the process by its number and start; at most 60 characters of ASCII."""
    pid = os.getpid()
    return Owner(name=f"{_machine()} {pid} {_started(pid)}", is_gone=_is_gone)


def _is_gone(name: str) -> bool:
    """Only for a process that would be seen from here if it lived; of any other nothing is known."""
    try:
        machine, pid, started = name.rsplit(" ", 2)
    except ValueError:
        return False
    # Where no start is known (no Linux), an old number may be somebody else's by now: its lease is waited out.
    return machine == _machine() and started != "" and _started(int(pid)) != started


def _machine() -> str:
    """Host, boot and process namespace: two containers may share the first two, and see different processes."""
    host = socket.gethostname()
    try:
        boot = (_PROC / "sys/kernel/random/boot_id").read_text().strip()
        namespace = (_PROC / "self/ns/pid").readlink().name
    except OSError:
        boot = namespace = ""
    readable = "".join(one for one in host if one.isascii() and (one.isalnum() or one in "-."))[:16]
    return f"{readable}-{hashlib.sha256(f'{host} {boot} {namespace}'.encode()).hexdigest()[:12]}"


def _started(pid: int) -> str:
    """When a process started, in the kernel's ticks; empty for one that is dead (or where the kernel does not tell)."""
    try:
        state, *fields = (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except (OSError, ValueError):
        return ""
    return "" if state in {"Z", "X"} else fields[18]
