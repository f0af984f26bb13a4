"""One window program of a kind in a data folder: a second start shows the first one's window instead."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import msgspec
from filelock import FileLock, Timeout
from msgspec import Struct

from copydesk.domain.errors import CopydeskError

ASK_S = 75.0
"""The running one may have to load its window first."""

OWNER_ONLY = 0o600


class RunsAlready(CopydeskError):
    """And does not answer: only its owner can end it."""


class Instance(Struct, frozen=True, kw_only=True):
    """Where the running one listens, and the key that lets programs of its owner in. It stands in a file of mode 0600."""

    url: str
    key: str
    pid: int


@contextmanager
def claimed(folder: Path, name: str) -> Iterator[Path | None]:
    """The file to announce oneself in, or None where another one runs."""
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / f"{name}.lock")
    file = folder / f"{name}.json"
    try:
        lock.acquire(blocking=False)
    except Timeout:
        yield None
        return
    try:
        yield file
    finally:
        file.unlink(missing_ok=True)
        lock.release()


def announce(file: Path, instance: Instance) -> None:
    """Nobody else ever could read it: it is made with its mode."""
    file.unlink(missing_ok=True)
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWNER_ONLY), "wb") as opened:
        opened.write(msgspec.json.encode(instance))


def ask_running(folder: Path, name: str, wish: str) -> str:
    """The running one's answer. Raise RunsAlready."""
    try:
        found = msgspec.json.decode((folder / f"{name}.json").read_bytes(), type=Instance)
        answer = httpx.post(f"{found.url}/instance/{wish}", headers={"x-copydesk-key": found.key}, timeout=ASK_S)
        answer.raise_for_status()
    except (OSError, msgspec.DecodeError, httpx.HTTPError) as error:
        problem = str(error) or type(error).__name__
        raise RunsAlready(f"copydesk {name} runs here already, and does not show itself: {problem}") from error
    return answer.text
