"""What `copydesk master` and `copydesk copier` have in common on the command line."""

import sys
from collections.abc import Sequence
from datetime import datetime
from io import TextIOWrapper

import typer
from pydantic import SecretStr
from rich.console import Console

from copydesk.terminal.console import Tell
from copydesk.wiring.beside_terminal import timed

console = Console(stderr=True, highlight=False, soft_wrap=True, emoji=False)

_COLOURS = {"success": "green", "info": "default", "warning": "yellow", "error": "red"}


def _show(at: datetime, line: str, level: str) -> None:
    console.print(f"{at:%H:%M:%S.%f}"[:-3], line, style=_COLOURS[level], markup=False)


tell: Tell = timed(_show)
"""A line for people, with its time."""


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


def begin(warnings: Sequence[str], *, headless: bool) -> None:
    for warning in warnings:
        tell(warning, level="warning")
    if not headless:
        tell("the window comes with the dashboard; this runs without one, as with --headless")
