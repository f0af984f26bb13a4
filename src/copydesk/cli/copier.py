"""`copydesk copier`: trade on a follower's MT5 account as the hub says."""

from pathlib import Path
from typing import Annotated

import typer
from msgspec.structs import replace
from pydantic import SecretStr

from copydesk.cli.beside_terminal import (
    BesideWindow,
    ask_password,
    begin,
    ending,
    first_line,
    read_any_letter,
    tell,
)
from copydesk.domain.terminal import TerminalRole
from copydesk.settings import read_settings
from copydesk.terminal.copier.config import CopierFile, CopierOptions, read_copier_file
from copydesk.wiring.beside_terminal import timed
from copydesk.wiring.beside_window import open_voice, read_access
from copydesk.wiring.copier import copier_config, known_copier, run_copier
from copydesk.wiring.desktop import can_show, show_terminal, terminal_arguments
from copydesk.wiring.loop import run


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
    beside_window: BesideWindow = False,
) -> None:
    """Copy masters to a MetaTrader 5 account, as the hub says. A window shows it, unless it is headless."""
    read_any_letter()
    if beside_window:
        _work_beside_window(config, verbose=verbose)
        return
    password = first_line(wanted=password_stdin)
    flags = CopierOptions(url=url, username=username, password=password)
    settings = read_settings()
    file = _read(config)
    if not headless and can_show():
        more = terminal_arguments(config, verbose=verbose)
        show_terminal(TerminalRole.COPIER, known_copier(settings, flags, file.options), settings, more, tell=tell)
        return
    begin(tell, file.warnings, wants_window=not headless)
    found = copier_config(settings, flags, file.options)
    if found.password is None:
        found = replace(found, password=ask_password(found.username))
    with ending("copier", tell):
        run(run_copier(found, settings, tell=tell, verbose=verbose))


def _work_beside_window(config: Path | None, *, verbose: bool) -> None:
    access, voice = read_access(), open_voice()
    say = timed(voice.line)
    with ending("copier", say, voice):
        flags = CopierOptions(url=access.url, username=access.username, password=SecretStr(access.password))
        settings, file = read_settings(), _read(config)
        begin(say, file.warnings, wants_window=False)
        found = copier_config(settings, flags, file.options)
        run(run_copier(found, settings, tell=say, verbose=verbose, voice=voice))


def _read(config: Path | None) -> CopierFile:
    return CopierFile(options=CopierOptions()) if config is None else read_copier_file(config)
