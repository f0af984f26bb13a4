"""`make kill-matrix KILLS=50`: the whole matrix, its table, and what the independent checker says of it."""

import argparse
import asyncio
import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from kill_matrix.outcome import Outcome
from kill_matrix.plan import rounds
from kill_matrix.points import EVERYWHERE, NAMED
from kill_matrix.rounds import Rounds, drain
from kill_matrix.town import Town
from postgres_support import PostgresServer

DRAIN_WITHIN_S = 120.0


def main():
    parser = argparse.ArgumentParser(prog="kill_matrix", description=__doc__)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1, help="which points, followers, alerts, prices and faults")
    parser.add_argument("--database", choices=("sqlite", "postgres"), default="sqlite")
    parser.add_argument("--json", type=Path, help="write the results here as well")
    parser.add_argument("--point", action="append", choices=EVERYWHERE, help="there only; may be said several times")
    parser.add_argument("--serving-max", type=float, default=5.0, help="seconds a restart may take until it serves")
    parser.add_argument("--keep", action="store_true", help="leave logs and database also where all went well")
    given = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="copydesk-kills-"))
    server = PostgresServer(folder / "pg") if given.database == "postgres" else None
    code = 1
    try:
        code = asyncio.run(_play(given, folder, server))
        return code
    finally:
        if server is not None:
            server.stop()
        if given.keep or code:
            Console(stderr=True).print(f"kept: {folder}", soft_wrap=True)
        else:
            shutil.rmtree(folder, ignore_errors=True)


async def _play(given, folder, server):
    url = None if server is None else server.url(await server.new_database(migrated=False))
    began_s = time.monotonic()
    columns = (TextColumn("{task.description:24}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    async with Town(folder, given.seed, url) as town:
        with Progress(*columns, console=Console(stderr=True)) as progress:
            bar = progress.add_task("settling in", total=given.kills)
            await _settle_in(town)
            played = Rounds(
                town,
                given.seed,
                rounds(given.seed, given.kills, given.point),
                lambda done, total, what: progress.update(bar, completed=done, total=total, description=what),
            )
            await played.run()
            is_at_rest, calm_since = await drain(town, within_s=DRAIN_WITHIN_S)
        found = await asyncio.to_thread(_check, town, folder, url, calm_since)
    outcome = Outcome(
        town=town,
        rounds=played,
        invariants=found,
        is_at_rest=is_at_rest,
        serving_max_s=given.serving_max,
        is_whole=given.kills >= len(NAMED) and not given.point,
        told=f"seed {given.seed}, {given.database}, {time.monotonic() - began_s:.0f} s",
    )
    outcome.show(Console())
    if given.json is not None:
        given.json.write_text(
            json.dumps(outcome.as_json() | {"seed": given.seed, "database": given.database}, indent=1)
        )
    return 1 if outcome.problems else 0


async def _settle_in(town):
    hub = await town.start_hub()
    await town.must_serve(hub)
    await town.settle_in(hub)
    await hub.end()


def _check(town, folder, url, calm_since):
    """In a process of its own, which knows nothing of copydesk."""
    facts = folder / "facts.json"
    facts.write_text(json.dumps(town.facts(calm_since.isoformat())))
    database = url or f"sqlite:///{folder / 'data' / 'copydesk.db'}"
    script = Path(__file__).with_name("checker.py")
    told = ("--ledger", town.ledger_url, "--database", database, "--acknowledged", str(facts))
    told += ("--evidence", str(folder / "evidence.json"))
    checked = subprocess.run([sys.executable, "-I", str(script), *told], capture_output=True, text=True, check=False)
    if not checked.stdout:
        raise RuntimeError(f"the checker broke:\n{checked.stderr}")
    return json.loads(checked.stdout)


if __name__ == "__main__":
    sys.exit(main())
