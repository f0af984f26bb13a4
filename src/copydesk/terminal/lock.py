"""One program per account and role on a machine: the operating system holds the lock, so a killed program leaves none."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from copydesk.domain.errors import CopydeskError


class AlreadyRunning(CopydeskError):
    """Another program does this account's work; its process number is in the text where it could be read."""


@contextmanager
def only_one(folder: Path, role: str, login: int) -> Iterator[None]:
    """Raise AlreadyRunning. The holder's number stands in a file of its own: a locked one cannot be read on Windows."""
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / f"{role}-{login}.lock")
    holder = folder / f"{role}-{login}.pid"
    try:
        lock.acquire(blocking=False)
    except Timeout:
        told = _read(holder)
        raise AlreadyRunning(f"a {role} for MT5 login {login} runs already here{told}: stop that one first") from None
    try:
        holder.write_text(f"{os.getpid()}\n", encoding="utf-8")
        yield
    finally:
        holder.unlink(missing_ok=True)
        lock.release()


def _read(holder: Path) -> str:
    try:
        return f" (process {int(holder.read_text(encoding='utf-8'))})"
    except (OSError, ValueError):
        return ""
