"""`copydesk copier`: trade on a follower's MT5 account as the hub says."""

import sys
from datetime import datetime
from io import TextIOWrapper
from pathlib import Path
from typing import Annotated

import typer
from msgspec.structs import replace
from pydantic import SecretStr
from rich.console import Console

from copydesk.domain.errors import CopydeskError
from copydesk.settings import read_settings
from copydesk.terminal.copier.config import CopierConfig, CopierFile, CopierOptions, read_copier_file
from copydesk.wiring.beside_terminal import exit_code, timed
from copydesk.wiring.copier import copier_config, run_copier
from copydesk.wiring.loop import run

console = Console(stderr=True, highlight=False, soft_wrap=True, emoji=False)

_COLOURS = {"success": "green", "info": "default", "warning": "yellow", "error": "red"}


def copier(
    *,
    config: Annotated[
        Path | None,
        typer.Option(dir_okay=False, help="TOML, or the JSON of older clients; one with a password must be 0600."),
    ] = None,
    headless: Annotated[bool, typer.Option("--headless", help="Without a window, as a service.")] = False,
    url: Annotated[str | None, typer.Option(help="The hub's address (COPYDESK_COPIER__URL).")] = None,
    username: Annotated[str | None, typer.Option(help="A follower's name (COPYDESK_COPIER__USERNAME).")] = None,
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the password as one line from standard input.")
    ] = False,
    verbose: Annotated[bool, typer.Option(help="Log details.")] = False,
) -> None:
    """Copy masters to a MetaTrader 5 account, as the hub says."""
    if isinstance(sys.stderr, TextIOWrapper):
        # A redirected console of Windows knows few letters: a line must not end the program.
        sys.stderr.reconfigure(errors="replace")
    password = SecretStr(sys.stdin.readline().rstrip("\r\n")) if password_stdin else None
    flags = CopierOptions(url=url, username=username, password=password)
    settings = read_settings()
    file = CopierFile(options=CopierOptions()) if config is None else read_copier_file(config)
    for warning in file.warnings:
        _tell(warning, level="warning")
    found = _with_password(copier_config(settings, flags, file.options))
    if not headless:
        _tell("the window comes with the dashboard; this runs without one, as with --headless")
    try:
        run(run_copier(found, settings, tell=_tell, verbose=verbose))
    except CopydeskError as error:
        _tell(f"copydesk copier ends: {error}", level="error")
        raise typer.Exit(exit_code(error)) from error


def _with_password(config: CopierConfig) -> CopierConfig:
    if config.password is not None:
        return config
    return replace(config, password=typer.prompt(f"Password of {config.username}", hide_input=True, err=True))


def _show(at: datetime, line: str, level: str) -> None:
    console.print(f"{at:%H:%M:%S.%f}"[:-3], line, style=_COLOURS[level], markup=False)


_tell = timed(_show)
