"""`copydesk backup` and `copydesk restore`: the database in one file, and back."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from copydesk.settings import read_settings
from copydesk.wiring.backup import check_backup, make_backup, restore_backup

console = Console(stderr=True, highlight=False, soft_wrap=True)

File = Annotated[Path | None, typer.Argument(help="Where to; default: backups in the data folder, named by the time.")]


def backup(file: File = None) -> None:
    """Back the database up, beside a running desk: one file, verified, readable by its owner alone."""
    settings = read_settings()
    with _progress() as tell:
        made = asyncio.run(make_backup(settings, file, tell))
    size = made.path.stat().st_size / 1024
    console.print(f"[green]{made.manifest.rows:,} rows, {size:,.0f} KiB: verified.[/green]")
    console.print(f"The master key is not in it; keep it apart: {settings.master_key_file}")
    typer.echo(made.path)


def restore(
    file: Annotated[Path, typer.Argument(help="A file that `copydesk backup` made.")],
    *,
    replace: Annotated[
        bool, typer.Option("--replace", help="Put it in the place of a database that is not empty.")
    ] = False,
    check: Annotated[bool, typer.Option("--check", help="Verify the backup only; change nothing.")] = False,
) -> None:
    """Verify a backup and make the database out of it; openings then wait until an admin releases the breaker."""
    settings = read_settings()
    if check:
        manifest = asyncio.run(check_backup(file))
        console.print(
            f"[green]{file} is whole: {manifest.rows:,} rows of {manifest.made_at:%Y-%m-%d %H:%M:%S} UTC.[/green]"
        )
        return
    with _progress() as tell:
        restored = asyncio.run(restore_backup(settings, file, tell, replace=replace))
    manifest = restored.manifest
    console.print(
        f"[green]{manifest.rows:,} rows of {manifest.made_at:%Y-%m-%d %H:%M:%S} UTC are back, counted and with a whole audit log.[/green]"
    )
    if restored.kept is not None:
        console.print(f"What was there before is kept: {restored.kept}")
    if restored.sealed:
        console.print(
            f"[red]The master key in {settings.master_key_file} does not open the secrets of {restored.sealed} of "
            f"{restored.accounts} accounts: put the right one there, or add these keys again.[/red]"
        )
    console.print(
        "The breaker is pulled for everybody: nothing is opened until an admin has looked at the venues and releases it."
    )


@contextmanager
def _progress() -> Iterator[Callable[[str, int, int], None]]:
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("", total=None)
        yield lambda what, done, total: bar.update(task, description=what, completed=done, total=total)
