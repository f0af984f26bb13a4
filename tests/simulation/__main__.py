"""`make simulation SEEDS=N`, `make negative-controls`, and one seed replayed bit for bit (`SEED=n`)."""

import argparse
import gc
import json
import os
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from simulation.controls import CONTROLS, applied
from simulation.exchange import KINDS
from simulation.run import be_quiet, play_seed

CHUNK = 100
FAILURES_SHOWN = 20
CONTROL_SEEDS_MAX = 2_000
_ALL = "the same seed again"


def main():
    given = _read_arguments()
    if os.environ.get("PYTHONHASHSEED") != "0":
        # Sets of text must have one order in every process, or a seed would not tell one story.
        os.execve(
            sys.executable, [sys.executable, "-m", "simulation", *sys.argv[1:]], os.environ | {"PYTHONHASHSEED": "0"}
        )
    be_quiet()
    console = Console(stderr=True)
    if given.seed is not None:
        return _replay(given.seed)
    return _controls(given, console) if given.controls else _simulate(given, console)


def _read_arguments():
    parser = argparse.ArgumentParser(prog="simulation", description=__doc__)
    parser.add_argument("--seeds", type=int, default=2_000, help="how many stories are played")
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--seed", type=int, help="play this one alone, and print its trace")
    parser.add_argument("--controls", action="store_true", help="run the known-bad desks: each must be caught")
    parser.add_argument("--json", type=Path, help="write the totals here as well")
    return parser.parse_args()


def _play_chunk(first, count):
    """Totals of some seeds; every fiftieth is played twice, and must tell the same."""
    be_quiet()
    totals = {"faults": Counter(), "checked": Counter(), "states": Counter(), "executions": 0, "orders": 0, "kills": 0}
    totals |= {"seeds": count, "virtual_s": 0.0, "broken": []}
    for seed in range(first, first + count):
        outcome = play_seed(seed)
        for name in ("faults", "checked", "states"):
            totals[name].update(getattr(outcome, name))
        for name in ("executions", "orders", "kills", "virtual_s"):
            totals[name] += getattr(outcome, name)
        broken = outcome.broken
        if seed % 50 == 0:
            totals["checked"][_ALL] += 1
            if play_seed(seed).digest != outcome.digest:
                broken = [*broken, f"{_ALL}: another trace"]
        totals["broken"] += [(seed, each) for each in broken]
    gc.collect()
    return totals


def _simulate(given, console):
    starts = range(given.first, given.first + given.seeds, CHUNK)
    chunks = [(start, min(CHUNK, given.first + given.seeds - start)) for start in starts]
    began, totals = time.perf_counter(), None
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as progress, ProcessPoolExecutor(given.processes) as pool:
        bar = progress.add_task("stories", total=given.seeds)
        for found in pool.map(_play_chunk, *zip(*chunks, strict=True)):
            totals = found if totals is None else _added(totals, found)
            progress.update(bar, advance=found["seeds"], description=f"stories, {len(totals['broken'])} findings")
    seconds = time.perf_counter() - began
    _show(totals, seconds, Console())
    if given.json is not None:
        given.json.write_text(json.dumps(totals | {"seconds": round(seconds, 1)}, indent=1, default=dict))
    return 1 if totals["broken"] else 0


def _added(totals, found):
    return {name: totals[name] + found[name] if name != "broken" else [*totals[name], *found[name]] for name in totals}


def _show(totals, seconds, console):
    pairs = {name: number for name, number in totals["faults"].items() if name.startswith("pair ")}
    faults = {name: number for name, number in totals["faults"].items() if name not in pairs}
    table = Table(title="What was met", title_justify="left")
    for name in ("fault", "times"):
        table.add_column(name, justify="left" if name == "fault" else "right")
    for name, number in sorted(faults.items()):
        table.add_row(name, f"{number:,}")
    possible = len(KINDS) * (len(KINDS) - 1) // 2
    table.add_row(
        f"two at once: {len(pairs)} different pairs (of {possible} kinds of pairs, {len(KINDS)} kinds)",
        f"{sum(pairs.values()):,}",
    )
    console.print(table)
    table = Table(title="What must hold", title_justify="left")
    table.add_column("invariant")
    table.add_column("checked", justify="right")
    table.add_column("broken", justify="right")
    broken = Counter(text.partition(":")[0] for _, text in totals["broken"])
    for name, number in sorted(totals["checked"].items()):
        table.add_row(name, f"{number:,}", f"[red]{broken[name]}[/]" if broken[name] else "[green]0[/]")
    console.print(table)
    states = ", ".join(f"{number:,} {name}" for name, number in sorted(totals["states"].items()))
    console.print(
        f"{totals['seeds']:,} stories, {totals['executions']:,} executions ({states}), {totals['orders']:,} orders at the venue, "
        f"{totals['kills']:,} kills, {totals['virtual_s'] / 3600:,.0f} hours of virtual time in {seconds:,.0f} s"
    )
    for seed, text in totals["broken"][:FAILURES_SHOWN]:
        console.print(f"[red]broken[/] in seed {seed}: {text}", markup=True)
    for seed in list(dict.fromkeys(seed for seed, _ in totals["broken"]))[:FAILURES_SHOWN]:
        console.print(f"replay bit for bit: make simulation SEED={seed}")


def _replay(seed):
    outcome = play_seed(seed, keeps_trace=True)
    sys.stdout.write("\n".join(outcome.trace) + f"\n{outcome.digest}\n")
    for each in outcome.broken:
        sys.stdout.write(f"broken: {each}\n")
    return 1 if outcome.broken else 0


def _hunt(number, first, most):
    """The first seed that catches a control, and lets the desk as it should be pass."""
    be_quiet()
    control = CONTROLS[number]
    for seed in range(first, first + most):
        with applied(control):
            outcome = play_seed(seed, venue=control.venue, prepare=control.prepare)
        if outcome.broken and not play_seed(seed).broken:
            return seed, outcome.broken[0]
    return None


def _controls(given, console):
    table = Table(title="Negative controls: desks that are wrong on purpose", title_justify="left")
    for name in ("known-bad desk", "what it believes", "caught by seed", "because"):
        table.add_column(name)
    missed, report = 0, []
    with ProcessPoolExecutor(given.processes) as pool, Progress(console=console) as progress:
        bar = progress.add_task("controls", total=len(CONTROLS))
        hunts = [pool.submit(_hunt, number, given.first, CONTROL_SEEDS_MAX) for number in range(len(CONTROLS))]
        for control, hunt in zip(CONTROLS, hunts, strict=True):
            caught = hunt.result()
            missed += caught is None
            seed, why = caught or (None, f"not in {CONTROL_SEEDS_MAX} seeds")
            table.add_row(control.name, control.wrong, "[red]none[/]" if seed is None else str(seed), why[:110])
            report.append({"control": control.name, "seed": seed, "because": why})
            progress.advance(bar)
    Console().print(table)
    if given.json is not None:
        given.json.write_text(json.dumps(report, indent=1))
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
