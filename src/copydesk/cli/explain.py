"""`copydesk explain SIGNAL`: why each follower was, or was not, copied."""

import asyncio
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from copydesk.settings import read_settings
from copydesk.wiring.explain import Explanation
from copydesk.wiring.explain import explain as explain_signal

console = Console(highlight=False)

_COLOURS = {"success": "green", "failed": "red", "skipped": "yellow", "pending": "cyan"}


def explain(signal: Annotated[str, typer.Argument(help="The signal's id.")]) -> None:
    """Show what a signal meant and what became of it, follower by follower."""
    found = asyncio.run(explain_signal(read_settings(), signal))
    if found is None:
        console.print(f"[red]There is no signal {signal}.[/red]")
        raise typer.Exit(1)
    _show(found)


def _show(found: Explanation) -> None:
    signal = found.signal
    steps = ", ".join(f"{step.leg} {step.direction}" for step in signal.steps) or signal.note
    console.print(
        f"[bold]{signal.action} {signal.symbol}[/bold] for {found.bot_name}, {signal.received_at:%Y-%m-%d %H:%M:%S} UTC"
    )
    console.print(f"It meant: {steps}\n")
    table = Table()
    for name in ("account", "leg", "state", "quantity", "price", "ms", "why"):
        table.add_column(name, overflow="fold")
    for line in found.lines:
        one = line.execution
        numbers = ", ".join(f"{name} {value}" for name, value in line.numbers.items())
        why = "; ".join(part for part in (one.reason, line.rule, numbers) if part)
        table.add_row(
            line.account_name,
            one.leg,
            f"[{_COLOURS[line.outcome]}]{one.state}[/]",
            str(one.executed_quantity or one.requested_quantity or ""),
            str(one.executed_price or one.trigger_price or ""),
            str(one.execution_time_ms or ""),
            why,
        )
    console.print(table)
