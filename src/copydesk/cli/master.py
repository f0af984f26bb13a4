"""`copydesk master`: watch an MT5 account and send what it does to the hub."""

from pathlib import Path
from typing import Annotated

import typer
from msgspec.structs import replace
from pydantic import SecretStr

from copydesk.cli.beside_terminal import ask_password, begin, first_line, read_any_letter, tell
from copydesk.domain.errors import CopydeskError
from copydesk.settings import read_settings
from copydesk.terminal.config import FileRead, MasterConfig, Options, read_file, read_secret_file
from copydesk.wiring.beside_terminal import exit_code
from copydesk.wiring.loop import run
from copydesk.wiring.master import master_config, run_master


def master(
    *,
    config: Annotated[
        Path | None,
        typer.Option(dir_okay=False, help="TOML, or the JSON of older senders; one with a secret must be 0600."),
    ] = None,
    headless: Annotated[bool, typer.Option("--headless", help="Without a window, as a service.")] = False,
    url: Annotated[str | None, typer.Option(help="The hub's address (COPYDESK_MASTER__URL).")] = None,
    username: Annotated[str | None, typer.Option(help="A provider's name (COPYDESK_MASTER__USERNAME).")] = None,
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the password as one line from standard input.")
    ] = False,
    signing_secret_file: Annotated[
        Path | None, typer.Option(dir_okay=False, help="File (0600) with the bot's signing secret, whsec_…")
    ] = None,
    bot_id: Annotated[str | None, typer.Option(help="The bot, if you have several (COPYDESK_MASTER__BOT_ID).")] = None,
    verbose: Annotated[bool, typer.Option(help="Log details.")] = False,
) -> None:
    """Watch a MetaTrader 5 account and send its trades to the hub."""
    read_any_letter()
    secret = None if signing_secret_file is None else SecretStr(read_secret_file(signing_secret_file))
    password = first_line(wanted=password_stdin)
    flags = Options(url=url, username=username, password=password, signing_secret=secret, bot_id=bot_id)
    settings = read_settings()
    file = FileRead(options=Options()) if config is None else read_file(config)
    begin(file.warnings, headless=headless)
    found = _with_password(master_config(settings, flags, file.options))
    try:
        run(run_master(found, settings, tell=tell, verbose=verbose))
    except CopydeskError as error:
        tell(f"copydesk master ends: {error}", level="error")
        raise typer.Exit(exit_code(error)) from error


def _with_password(config: MasterConfig) -> MasterConfig:
    return config if config.password is not None else replace(config, password=ask_password(config.username))
