"""`python -m kill_matrix.hub --point NAME --countdown K -- serve …`: the real `copydesk`, with seams around its store from outside.

The K-th time the point is passed, the process kills (or stops) itself, there and then: inside of the transaction for
"before commit", as soon as the commit has been told for "after commit". The product has no such hooks.
"""

import argparse
import os
import signal
import sys

from copydesk.cli import main
from copydesk.domain.execution import State
from copydesk.domain.signal import LegKind
from copydesk.stores.executions import Executions
from copydesk.stores.signals import Signals
from copydesk.stores.store import SqlStore

_SHOWN = {State.WORKING, State.PARTIAL, State.FILLED, State.CANCELLED, State.REJECTED}
_TAKEN_OVER = "The desk was restarted"


class Seam:
    """Counts how often a point is passed; `ending` is the signal that this process then sends to itself."""

    def __init__(self, point, countdown, ending=signal.SIGKILL):
        self._point = point
        self._left = countdown
        self._ending = ending

    def passed(self, events, when):
        if self._left > 0 and any(f"{event}_{when}" == self._point for event in events):
            self._left -= 1
            if self._left == 0:
                os.kill(os.getpid(), self._ending)


def install(seam):
    """Each unit of work notes what it does to signals and executions."""
    write, add_signal = SqlStore._write, Signals.add

    async def watched_write(self, work, **how):
        events = set()

        def watched(tables):
            tables.executions.noted = tables.signals.noted = events
            result = work(tables)
            seam.passed(events, "before_commit")
            return result

        result = await write(self, watched, **how)
        seam.passed(events, "after_commit")
        return result

    def watched_add_signal(self, made, *, fanned_out_at=None):
        add_signal(self, made, fanned_out_at=fanned_out_at)
        _note(self, "signal")

    SqlStore._write, Signals.add = watched_write, watched_add_signal
    _watch_executions()


def _watch_executions():
    add, move, file = Executions.add, Executions.move, Executions.file_intents

    def watched_add(self, executions, *, note=None):
        made = list(executions)
        add(self, made, note=note)
        for one in made:
            if one.state is State.SENDING:
                _note(self, "stop_intent" if one.is_protection else "intent")

    def watched_move(self, before, after, *, at, evidence=None):
        moved = move(self, before, after, at=at, evidence=evidence)
        _note(self, _event(before, moved))
        return moved

    def watched_file(self):
        file(self)
        _note(self, "filing" if self._added else None)

    Executions.add, Executions.move, Executions.file_intents = watched_add, watched_move, watched_file


def _event(before, after):
    if after.state is before.state:
        return None
    if after.state is State.SENDING:
        return "intent" if after.kind in {LegKind.OPEN, LegKind.CLOSE} else "stop_intent"
    if after.state is State.UNKNOWN:
        return "take_over" if after.reason == _TAKEN_OVER else "unknown"
    if before.state is State.UNKNOWN:
        return "settled"
    return "result" if before.state is State.SENDING and after.state in _SHOWN else None


def _note(table, event):
    noted = getattr(table, "noted", None)
    if noted is not None and event is not None:
        noted.add(event)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="kill_matrix.hub")
    parser.add_argument("--point", default="none")
    parser.add_argument("--countdown", type=int, default=1)
    parser.add_argument("--signal", choices=("KILL", "STOP"), default="KILL")
    parser.add_argument("verb", nargs="+")
    given = parser.parse_args()
    install(Seam(given.point, given.countdown, signal.Signals[f"SIG{given.signal}"]))
    sys.argv = ["copydesk", *given.verb]
    main()
