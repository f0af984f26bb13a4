"""`make kill-matrix KILLS=50`: the whole matrix, its table, and what the independent checker says of it."""

import argparse
import asyncio
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from random import Random

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from kill_matrix.points import NAMED
from kill_matrix.rounds import Rounds, drain
from kill_matrix.town import Town
from postgres_support import PostgresServer

SERVING_MAX_S = 5.0
DRAIN_WITHIN_S = 120.0


def main():
    parser = argparse.ArgumentParser(prog="kill_matrix", description=__doc__)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1, help="which points, followers, alerts and faults")
    parser.add_argument("--database", choices=("sqlite", "postgres"), default="sqlite")
    parser.add_argument("--json", type=Path, help="write the results here as well")
    parser.add_argument("--keep", action="store_true", help="leave logs and database where they are, and say where")
    given = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="copydesk-kills-"))
    server = PostgresServer(folder / "pg") if given.database == "postgres" else None
    try:
        return asyncio.run(_play(given, folder, server))
    finally:
        if server is not None:
            server.stop()
        if given.keep:
            Console(stderr=True).print(f"kept: {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)


async def _play(given, folder, server):
    url = None if server is None else server.url(await server.new_database(migrated=False))
    began = time.monotonic()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    async with Town(folder, Random(given.seed), url) as town:
        with Progress(*columns, console=Console(stderr=True)) as progress:
            bar = progress.add_task("settling in", total=given.kills)
            await _settle_in(town)
            rounds = Rounds(
                town, given.kills, lambda number, point: progress.update(bar, completed=number, description=point)
            )
            await rounds.run()
            progress.update(bar, description="draining")
            drained, calm_since = await drain(town, within_s=DRAIN_WITHIN_S)
        found = _check(town, folder, url, calm_since)
    seconds = time.monotonic() - began
    return _tell(given, rounds, town, found, drained=drained, seconds=seconds)


async def _settle_in(town):
    hub = await town.start_hub()
    if not await town.serve(hub):
        raise RuntimeError(f"the first hub died: see {hub.log}")
    await town.settle_in(hub)
    hub.kill()
    await hub.process.wait()


def _check(town, folder, url, calm_since):
    """In a process of its own, which knows nothing of copydesk."""
    facts = folder / "facts.json"
    facts.write_text(json.dumps(town.facts(calm_since.isoformat())))
    database = url or f"sqlite:///{folder / 'data' / 'copydesk.db'}"
    script = Path(__file__).with_name("checker.py")
    command = [
        sys.executable,
        "-I",
        str(script),
        "--ledger",
        town.ledger_url,
        "--database",
        database,
        "--facts",
        str(facts),
    ]
    checked = subprocess.run(command, capture_output=True, text=True, check=False)
    if not checked.stdout:
        raise RuntimeError(f"the checker broke:\n{checked.stderr}")
    return json.loads(checked.stdout)


def _tell(given, rounds, town, found, *, drained, seconds):
    console = Console()
    console.print(_points(rounds))
    console.print(_invariants(found))
    problems = [text for each in found.values() for text in each["violations"]]
    serving = [one for each in rounds.found.values() for one in each.serving_s]
    kills = sum(each.kills for each in rounds.found.values())
    missing = [point for point in NAMED if point not in rounds.found] if given.kills >= len(NAMED) else []
    facts = town.facts("")
    problems += [f"no hub died at {point}" for point in missing]
    problems += [f"alert {one} became two signals" for one in facts["answered_with_two_signals"]]
    problems += [] if drained else [f"not at rest {DRAIN_WITHIN_S:.0f} s after the last fault"]
    problems += [f"a restart took {max(serving):.1f} s"] if max(serving) >= SERVING_MAX_S else []
    lost, doubled = (len(found[name]["violations"]) if name in found else 0 for name in ("I3", "I2"))
    console.print(
        f"{kills} kills, {len(facts['acknowledged'])} signals acknowledged, {lost} lost, {doubled} doubled; restart to serving "
        f"median {statistics.median(serving):.1f} s, longest {max(serving):.1f} s; seed {given.seed}, {given.database}, {seconds:.0f} s"
    )
    for text in problems:
        console.print(f"[red]violated[/] {text}")
    if given.json is not None:
        points = {point: {"kills": one.kills, "serving_s": one.serving_s} for point, one in rounds.found.items()}
        given.json.write_text(json.dumps({"points": points, "invariants": found, "problems": problems}, indent=1))
    return 1 if problems else 0


def _points(rounds):
    table = Table(title="Where hubs were killed", title_justify="left")
    table.add_column("point")
    for name in ("kills", "restart to serving, median s", "longest s", "found SENDING", "found UNKNOWN"):
        table.add_column(name, justify="right")
    for point, one in sorted(rounds.found.items()):
        times = one.serving_s
        shown = (f"{statistics.median(times):.1f}", f"{max(times):.1f}") if times else ("–", "–")
        table.add_row(point, str(one.kills), *shown, str(one.sending), str(one.unknown))
    return table


def _invariants(found):
    table = Table(title="What the independent checker found", title_justify="left")
    table.add_column("invariant")
    for name in ("checked", "violated"):
        table.add_column(name, justify="right")
    for name, each in sorted(found.items(), key=lambda row: int(row[0].removeprefix("I"))):
        violated = len(each["violations"])
        table.add_row(name, f"{each['checked']:,}", f"[red]{violated}[/]" if violated else "[green]0[/]")
    return table


if __name__ == "__main__":
    sys.exit(main())
