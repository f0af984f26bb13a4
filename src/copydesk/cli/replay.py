"""`copydesk replay`: would today's code plan yesterday's signals the same way?"""

import asyncio
import json
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from copydesk.settings import read_settings
from copydesk.wiring.replay import Replay, replay_signals

console = Console(stderr=True, highlight=False)


def replay(
    *,
    bot: Annotated[str | None, typer.Option(help="One bot's id; default: every bot.")] = None,
    signals: Annotated[int, typer.Option(min=1, max=10_000, help="How many of each bot's last signals.")] = 200,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> None:
    """Plan stored signals again out of what their plans saw, and tell the differences; nothing is sent. Exit 1 where there are any."""
    settings = read_settings()
    with Progress(console=console, transient=True) as bar:
        task = bar.add_task("bots", total=None)
        found = asyncio.run(
            replay_signals(settings, bot, signals, lambda done, total: bar.update(task, completed=done, total=total))
        )
    if as_json:
        typer.echo(json.dumps(_document(found)))
    else:
        _show(found)
    if found.different:
        raise typer.Exit(1)


def _show(found: Replay) -> None:
    total = found.same + len(found.different)
    console.print(
        f"{found.signals} signals, {total} plans made again: {found.same} the same, {len(found.different)} different."
    )
    for reason, count in sorted(found.left_out.items()):
        console.print(f"  {count} left out: {reason}")
    if not found.different:
        return
    table = Table("execution", "leg", "what", "then", "now")
    for one in found.different:
        for name, (then, now) in one.differences.items():
            table.add_row(one.execution.id, one.execution.leg, name, then, now)
    Console().print(table)


def _document(found: Replay) -> dict[str, object]:
    return {
        "signals": found.signals,
        "same": found.same,
        "left_out": dict(found.left_out),
        "different": [
            {
                "execution_id": one.execution.id,
                "signal_id": one.execution.signal_id,
                "leg": one.execution.leg,
                "differences": {name: {"then": then, "now": now} for name, (then, now) in one.differences.items()},
            }
            for one in found.different
        ],
    }
