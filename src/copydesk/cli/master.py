"""`copydesk master`: watch an MT5 account and send what it does to the hub."""

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
from copydesk.terminal.config import FileRead, Options, read_file, read_secret_file
from copydesk.wiring.beside_terminal import timed
from copydesk.wiring.beside_window import open_voice, read_access
from copydesk.wiring.desktop import can_show, show_terminal, terminal_arguments
from copydesk.wiring.loop import run
from copydesk.wiring.master import known_master, master_config, run_master


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
    beside_window: BesideWindow = False,
) -> None:
    """Watch a MetaTrader 5 account and send its trades to the hub. A window shows it, unless it is headless."""
    read_any_letter()
    if beside_window:
        _work_beside_window(config, bot_id, verbose=verbose)
        return
    secret = None if signing_secret_file is None else SecretStr(read_secret_file(signing_secret_file))
    password = first_line(wanted=password_stdin)
    flags = Options(url=url, username=username, password=password, signing_secret=secret, bot_id=bot_id)
    settings = read_settings()
    file = _read(config)
    if not headless and can_show():
        more = terminal_arguments(config, verbose=verbose, bot_id=bot_id)
        show_terminal(TerminalRole.MASTER, known_master(settings, flags, file.options), settings, more, tell=tell)
        return
    begin(tell, file.warnings, wants_window=not headless)
    found = master_config(settings, flags, file.options)
    if found.password is None:
        found = replace(found, password=ask_password(found.username))
    with ending("master", tell):
        run(run_master(found, settings, tell=tell, verbose=verbose))


def _work_beside_window(config: Path | None, bot_id: str | None, *, verbose: bool) -> None:
    access, voice = read_access(), open_voice()
    say = timed(voice.line)
    with ending("master", say, voice):
        secret = None if access.signing_secret is None else SecretStr(access.signing_secret)
        flags = Options(
            url=access.url,
            username=access.username,
            password=SecretStr(access.password),
            signing_secret=secret,
            bot_id=bot_id,
        )
        settings, file = read_settings(), _read(config)
        begin(say, file.warnings, wants_window=False)
        found = master_config(settings, flags, file.options)
        run(run_master(found, settings, tell=say, verbose=verbose, voice=voice))


def _read(config: Path | None) -> FileRead:
    return FileRead(options=Options()) if config is None else read_file(config)
