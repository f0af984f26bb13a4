"""The command line: one small module a verb."""

import sys

import typer
from rich.console import Console

from copydesk.cli import admin, bench, demo, doctor, explain, serve, simulate
from copydesk.domain.errors import CopydeskError

app = typer.Typer(
    name="copydesk",
    help="A self-hosted copy-trading desk: one signal in, every follower's own order out.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command("demo")(demo.demo)
app.command("serve")(serve.serve)
app.command("dashboard")(serve.dashboard)
app.command("doctor")(doctor.doctor)
app.command("explain")(explain.explain)
app.add_typer(simulate.app, name="simulate", help="Run one venue's simulator.")
app.add_typer(bench.app, name="bench", help="Measure copydesk, the peer and the floor in one run.")
app.add_typer(admin.app, name="admin", help="Users, keys and the audit log.")


def main() -> None:
    """What went wrong is one line on stderr, and exit code 1."""
    try:
        app()
    except CopydeskError as error:
        Console(stderr=True).print(f"[red]copydesk:[/red] {error}", highlight=False, soft_wrap=True)
        sys.exit(1)
