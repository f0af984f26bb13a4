"""`copydesk copier`: trade on a follower's MT5 account as the hub says."""

from pathlib import Path
from typing import Annotated

import typer
from msgspec.structs import replace

from copydesk.cli.beside_terminal import ask_password, begin, first_line, read_any_letter, tell
from copydesk.domain.errors import CopydeskError
from copydesk.settings import read_settings
from copydesk.terminal.copier.config import CopierConfig, CopierFile, CopierOptions, read_copier_file
from copydesk.wiring.beside_terminal import exit_code
from copydesk.wiring.copier import copier_config, run_copier
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
) -> None:
    """Copy masters to a MetaTrader 5 account, as the hub says."""
    read_any_letter()
    password = first_line(wanted=password_stdin)
    flags = CopierOptions(url=url, username=username, password=password)
    settings = read_settings()
    file = CopierFile(options=CopierOptions()) if config is None else read_copier_file(config)
    begin(file.warnings, headless=headless)
    found = _with_password(copier_config(settings, flags, file.options))
    try:
        run(run_copier(found, settings, tell=tell, verbose=verbose))
    except CopydeskError as error:
        tell(f"copydesk copier ends: {error}", level="error")
        raise typer.Exit(exit_code(error)) from error


def _with_password(config: CopierConfig) -> CopierConfig:
    return config if config.password is not None else replace(config, password=ask_password(config.username))
