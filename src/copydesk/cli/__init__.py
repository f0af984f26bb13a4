"""The command line: one small module a verb, imported when its verb is called."""

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any, cast

import typer
from rich.console import Console
from typer.core import TyperCommand, TyperGroup

from copydesk.domain.errors import CopydeskError

VERBS = {
    "demo": "demo.demo",
    "serve": "serve.serve",
    "dashboard": "serve.dashboard",
    "master": "master.master",
    "copier": "copier.copier",
    "launcher": "launcher.launcher",
    "doctor": "doctor.doctor",
    "explain": "explain.explain",
    "simulate": "simulate.app",
    "backtest": "backtest.backtest",
    "backtest-worker": "backtest_worker.backtest_worker",
    "bench": "bench.app",
    "replay": "replay.replay",
    "backup": "backup.backup",
    "restore": "backup.restore",
    "admin": "admin.app",
    "gateway": "gateway.gateway",
    "window": "window.window",
}
HIDDEN = {"backtest-worker", "gateway", "window"}
"""For programs of ours, not for people."""


class Verbs(TyperGroup):
    """A hub that starts again has no time to load what only the benchmarks use."""

    def list_commands(self, _ctx: Any) -> list[str]:
        """In the order in which a newcomer meets them."""
        return [name for name in VERBS if name not in HIDDEN]

    def get_command(self, _ctx: Any, cmd_name: str) -> TyperCommand | TyperGroup | None:
        """None for a verb that there is not."""
        if cmd_name not in VERBS:
            return None
        module, _, name = VERBS[cmd_name].partition(".")
        with _nothing_collected():
            verb: Any = getattr(import_module(f"copydesk.cli.{module}"), name)
        if not isinstance(verb, typer.Typer):
            alone = typer.Typer(add_completion=False, rich_markup_mode=None)
            alone.command(cmd_name)(verb)
            verb = alone
        command: TyperCommand | TyperGroup = cast("Any", typer.main.get_command(verb))
        command.name = cmd_name
        return command


app = typer.Typer(
    name="copydesk",
    cls=Verbs,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


@app.callback()
def copydesk() -> None:
    """A self-hosted copy-trading desk: one signal in, every follower's own order out."""


def main() -> None:
    """What went wrong is one line on stderr, and exit code 1."""
    try:
        app()
    except CopydeskError as error:
        Console(stderr=True).print(f"[red]copydesk:[/red] {error}", highlight=False, soft_wrap=True)
        sys.exit(1)


@contextmanager
def _nothing_collected() -> Iterator[None]:
    """What modules hold stays as long as the program: looking for garbage in it would cost a fifth of the start."""
    gc.disable()
    try:
        yield
        gc.freeze()
    finally:
        gc.enable()
