"""`copydesk demo`: the whole product on one machine, and a story a person can watch."""

import asyncio
import json
import sys
import tempfile
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from copydesk.wiring.children import leave_on_sigterm
from copydesk.wiring.demo import Plan, Scene, stage
from copydesk.wiring.story import STORY, Beat, Ending, play, play_on, watch_over

console = Console(stderr=True, highlight=False)

_COLOURS = {"FILLED": "green", "WORKING": "cyan", "SKIPPED": "yellow", "CANCELLED": "dim"}


def demo(
    *,
    once: Annotated[bool, typer.Option("--once", help="Play one story, compare the ledgers, exit.")] = False,
    no_story: Annotated[bool, typer.Option("--no-story", help="Start everything, play nothing.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON line on stdout when ready, with --once one at the end.")
    ] = False,
    followers: Annotated[int, typer.Option(min=1, max=2000, help="How many followers are seeded.")] = 7,
    data_dir: Annotated[
        Path | None, typer.Option(help="Keep everything here; default: a folder that is removed.")
    ] = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port of the API; 0 picks a free one.")] = 8000,
    dashboard_port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port of the dashboard; 0 picks a free one.")
    ] = 8050,
    simulator_port_base: Annotated[
        int, typer.Option(min=0, max=65530, help="Binance's port, MetaTrader 5's is two above; 0 picks free ones.")
    ] = 8101,
) -> None:
    """Start a simulated exchange and a broker with terminals, the hub and the dashboard, seed users and followers, let alerts fire."""
    leave_on_sigterm()
    with ExitStack() as stack:
        folder = data_dir or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="copydesk-demo-")))
        plan = Plan(
            followers=followers,
            folder=folder,
            port=port,
            dashboard_port=dashboard_port,
            simulator_port_base=simulator_port_base,
        )
        matched = True
        try:
            matched = asyncio.run(_run(plan, once=once, no_story=no_story, as_json=as_json))
        except KeyboardInterrupt:
            console.print("\nThe demo is over.")
    if not matched:
        raise typer.Exit(1)


async def _run(plan: Plan, *, once: bool, no_story: bool, as_json: bool) -> bool:
    with _progress() as progress:
        bar = progress.add_task("Starting", total=None)

        def tell(what: str, done: int, total: int) -> None:
            progress.update(bar, description=what, completed=done, total=total)

        async with stage(plan, tell) as scene:
            progress.stop()
            _show_scene(scene)
            if as_json:
                _print_line(scene.line())
            if once:
                return await _play_once(scene, as_json=as_json)
            await (_stay(scene) if no_story else _watch(scene))
    return True


async def _play_once(scene: Scene, *, as_json: bool) -> bool:
    with _progress() as progress:
        bar = progress.add_task("The story", total=len(STORY))

        def tell(number: int, beat: Beat) -> None:
            progress.update(bar, description=f"{beat.text} ({beat.symbol} at {beat.price})", completed=number)

        ending = await play(scene, tell)
        progress.update(bar, completed=len(STORY), description="The story is told")
    _show_ending(ending)
    if as_json:
        _print_line(ending.line())
    return not ending.differences


async def _watch(scene: Scene) -> None:
    console.print("Alerts fire every 15 seconds. Ctrl-C ends the demo.\n")
    async for line in play_on(scene):
        console.print(f"  {line}")


async def _stay(scene: Scene) -> None:
    console.print("Nothing is played. Ctrl-C ends the demo.")
    await watch_over(scene)


def _show_scene(scene: Scene) -> None:
    table = Table(title="copydesk is up", title_justify="left", show_header=False, box=None, padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    users = scene.seed["users"]
    table.add_row("API", f"[link]{scene.api}/docs[/link]")
    table.add_row("Dashboard", f"[link]{scene.dashboard}[/link]")
    table.add_row("Binance simulator", f"{scene.binance}/_sim/ledger")
    table.add_row("Deriv simulator", f"{scene.deriv}/_sim/ledger")
    table.add_row("MetaTrader 5 simulator", f"{scene.terminals.url}/_sim/ledger")
    for role, one in [("Admin", users["admin"]), ("Provider", users["provider"]), ("Follower", users["followers"][0])]:
        table.add_row(role, f"{one['username']}   password {one['password']}")
    table.add_row("Bot", f"{scene.seed['bots'][0]['name']}   {scene.seed['bots'][0]['webhook_url']}")
    console.print(table)
    console.print()


def _show_ending(ending: Ending) -> None:
    names = {signal.id: f"{signal.action} {signal.symbol}" for signal in ending.signals}
    table = Table(title="What became of each signal", title_justify="left")
    for column in ("signal", "filled", "stops and targets", "skipped", "other", "slowest ms", "a reason"):
        table.add_column(column, justify="left" if column in {"signal", "a reason"} else "right")
    for signal in reversed(ending.signals):
        found = [one for one in ending.executions if one.signal_id == signal.id]
        own = [one for one in found if one.leg in {"open", "close"}]
        states = Counter(one.state for one in own)
        other = len(own) - states["FILLED"] - states["SKIPPED"]
        table.add_row(
            names[signal.id],
            f"[green]{states['FILLED']}[/green]",
            f"[cyan]{len(found) - len(own)}[/cyan]",
            f"[yellow]{states['SKIPPED']}[/yellow]",
            f"[red]{other}[/red]" if other else "0",
            str(max((one.execution_time_ms or 0 for one in own), default=0)),
            next((one.reason for one in own if one.reason), ""),
        )
    console.print(table)
    states = Counter(one.state for one in ending.executions)
    counted = ", ".join(f"[{_COLOURS.get(state, 'red')}]{count} {state}[/]" for state, count in sorted(states.items()))
    console.print(
        f"{len(ending.signals)} signals, {ending.followers} followers, {len(ending.executions)} executions: {counted}"
    )
    for difference in ending.differences:
        console.print(f"[red]{difference}[/red]")
    if not ending.differences:
        console.print("[green]The venues' ledgers and ours agree[/green].")


def _print_line(line: object) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def _progress() -> Progress:
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
    )
