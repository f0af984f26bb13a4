"""What came of it: a row for each point, a line for each invariant, and all that is not as it should be."""

import os
import statistics
from collections import Counter
from dataclasses import dataclass
from functools import cached_property

from rich.box import SIMPLE_HEAD
from rich.table import Table

from kill_matrix.points import NAMED

DOUBLED, LOST = "I2", "I3"


@dataclass(kw_only=True)
class Outcome:
    """`is_whole`: every named point had to be hit. `told` says under which seed, on what and how long."""

    town: object
    rounds: object
    invariants: dict
    is_at_rest: bool
    serving_max_s: float
    is_whole: bool
    told: str

    @cached_property
    def problems(self):
        found = [f"{name}: {one['what']}" for name, each in self.invariants.items() for one in each["violations"]]
        found += self.rounds.problems
        if self.is_whole:
            found += [f"no hub died at {point}" for point in self.rounds.missing]
        found += [f"{one.message['id']} was refused: {one.refused}" for one in self.town.alerts if one.refused]
        found += [] if self.is_at_rest else ["not at rest two minutes after the last fault"]
        slow = [one for one in self.serving_s if one >= self.serving_max_s]
        if slow:
            load = os.getloadavg()[0] / (os.cpu_count() or 1)
            times = f"{len(slow)} of {len(self.serving_s)} restarts took {self.serving_max_s:.0f} s or more"
            found.append(f"{times}, the longest {max(slow):.1f} s (load {load:.1f} a core)")
        return found

    @cached_property
    def serving_s(self):
        return [one for each in self.rounds.found.values() for one in each.serving_s]

    @cached_property
    def points(self):
        """By point, in the order of an order's life. A signal counts for the round that its alert was first sent in."""
        point_of = {signal: alert.point for alert in self.town.alerts for signal in alert.signals}
        lost, doubled = (
            Counter(point_of.get(one["signal"]) for one in self.invariants[name]["violations"])
            for name in (LOST, DOUBLED)
        )
        order = {point: place for place, point in enumerate(NAMED)}
        return {
            point: {
                "kills": one.kills,
                "serving_s": one.serving_s,
                "sending": one.sending,
                "unknown": one.unknown,
                "lost": lost[point],
                "doubled": doubled[point],
            }
            for point, one in sorted(self.rounds.found.items(), key=lambda each: order.get(each[0], len(order)))
        }

    def as_json(self):
        return {
            "points": self.points,
            "invariants": self.invariants,
            "replaced_s": self.rounds.replaced_s,
            "acknowledged": len(self.town.facts("")["acknowledged"]),
            "problems": self.problems,
        }

    def show(self, console):
        console.print(self._table_of_points())
        console.print(self._table_of_invariants())
        lost, doubled = (len(self.invariants[name]["violations"]) for name in (LOST, DOUBLED))
        kills = sum(each["kills"] for each in self.points.values())
        acknowledged = len(self.town.facts("")["acknowledged"])
        console.print(
            f"{kills} kills, {acknowledged} signals acknowledged, {lost} lost, {doubled} doubled; {self.told}"
        )
        console.print(f"restart to serving: {_told_s(self.serving_s)}")
        if self.rounds.replaced_s:
            sent = sum(map(len, self.town.woken))
            console.print(f"stopped hubs replaced after {_told_s(self.rounds.replaced_s)}; woken, they sent {sent}")
        for text in self.problems:
            console.print(f"[red]violated[/] {text}", soft_wrap=True)

    def _table_of_points(self):
        title = "Where hubs were killed: seconds from restart to serving, and what they left unsettled"
        table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, collapse_padding=True, pad_edge=False)
        table.add_column("point", no_wrap=True)
        for name in ("kills", "median", "max", "SENDING", "UNKNOWN", "lost", "doubled"):
            table.add_column(name, justify="right", no_wrap=True)
        for point, one in self.points.items():
            times = one["serving_s"]
            shown = (f"{statistics.median(times):.1f}", f"{max(times):.1f}") if times else ("–", "–")
            counts = (str(one[name]) for name in ("sending", "unknown", "lost", "doubled"))
            table.add_row(point, str(one["kills"]), *shown, *counts)
        return table

    def _table_of_invariants(self):
        title = "What the independent checker found"
        table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
        table.add_column("invariant")
        for name in ("checked", "violated"):
            table.add_column(name, justify="right")
        for name, each in sorted(self.invariants.items(), key=lambda row: int(row[0].removeprefix("I"))):
            violated = len(each["violations"])
            table.add_row(name, f"{each['checked']:,}", f"[red]{violated}[/]" if violated else "[green]0[/]")
        return table


def _told_s(times):
    return f"median {statistics.median(times):.1f} s, longest {max(times):.1f} s" if times else "–"
