"""`copydesk launcher`: one window that starts and stops Master Sender, Client Copier and Server."""

from typing import Annotated

import typer

from copydesk.cli.beside_terminal import read_any_letter, tell
from copydesk.settings import read_settings
from copydesk.wiring.launcher import show_launcher


def launcher(
    *, verbose: Annotated[bool, typer.Option(help="Log details, of the programs that it starts too.")] = False
) -> None:
    """One window with three cards, Master Sender, Client Copier, Server: start, stop, open, why one died."""
    read_any_letter()
    show_launcher(read_settings(), tell=tell, verbose=verbose)
