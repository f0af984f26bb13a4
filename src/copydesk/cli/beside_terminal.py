"""What `copydesk master` and `copydesk copier` have in common on the command line."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from io import TextIOWrapper
from typing import Annotated

import typer
from pydantic import SecretStr
from rich.console import Console

from copydesk.domain.errors import CopydeskError
from copydesk.terminal.console import Tell
from copydesk.wiring.beside_terminal import exit_code, timed
from copydesk.wiring.beside_window import Voice

console = Console(stderr=True, highlight=False, soft_wrap=True, emoji=False)

_COLOURS = {"success": "green", "info": "default", "warning": "yellow", "error": "red"}


def _show(at: datetime, line: str, level: str) -> None:
    console.print(f"{at:%H:%M:%S.%f}"[:-3], line, style=_COLOURS[level], markup=False)


tell: Tell = timed(_show)
"""A line for people, with its time."""


BesideWindow = Annotated[bool, typer.Option("--beside-window", hidden=True)]
"""For the window that starts this program: its access comes on standard input, and it speaks to its parent alone."""


def read_any_letter() -> None:
    """A redirected console of Windows knows few letters: a line must not end the program."""
    if isinstance(sys.stderr, TextIOWrapper):
        sys.stderr.reconfigure(errors="replace")


def first_line(*, wanted: bool) -> SecretStr | None:
    """A password from standard input: on the command line everybody on the machine could read it."""
    return SecretStr(sys.stdin.readline().rstrip("\r\n")) if wanted else None


def ask_password(username: str) -> str:
    password: str = typer.prompt(f"Password of {username}", hide_input=True, err=True)
    return password


def begin(tell: Tell, warnings: Sequence[str], *, wants_window: bool) -> None:
    for warning in warnings:
        tell(warning, level="warning")
    if wants_window:
        tell("this program was built without windows: it runs as with --headless", level="warning")


@contextmanager
def ending(name: str, tell: Tell, voice: Voice | None = None) -> Iterator[None]:
    """What ends the program is its last line, and its exit code."""
    try:
        yield
    except CopydeskError as error:
        tell(f"copydesk {name} ends: {error}", level="error")
        if voice is not None:
            voice.end(str(error))
        raise typer.Exit(exit_code(error)) from error
    finally:
        if voice is not None:
            voice.close()
