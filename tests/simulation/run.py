"""One seed from its story to its findings."""

import gc
import sys
import warnings
from collections import Counter
from dataclasses import dataclass, field

import structlog

from simulation.invariants import examine
from simulation.play import Play
from simulation.story import tell

EXPECTED = ("StoreUnavailable", "LeaseLost")


@dataclass(slots=True)
class Outcome:
    """What is told of one seed; two runs of one seed are equal in all of it."""

    seed: int
    digest: str
    executions: int
    orders: int
    kills: int
    virtual_s: float
    faults: Counter
    checked: Counter
    states: Counter
    broken: list
    trace: list = field(default_factory=list)


def play_seed(seed, *, keeps_trace=False, story=None, **options):
    """Options are the play's: another venue, a preparation. Deterministic where PYTHONHASHSEED is fixed."""
    play = Play(story or tell(seed), keeps_trace=keeps_trace, **options)
    listen(play.world)
    calm = play.run()
    found = examine(play, calm=calm)
    rows = play.rows.executions.values()
    return Outcome(
        seed=seed,
        digest=play.world.digest,
        executions=len(play.rows.executions),
        orders=len(play.exchange.orders),
        kills=play.kills,
        virtual_s=play.world.now_s,
        faults=play.world.faults,
        checked=Counter(found.checked),
        states=Counter(one.state.value for one in rows),
        broken=found.broken,
        trace=play.world.trace or [],
    )


def be_quiet():
    """For a process that does nothing else: what a killed desk leaves behind is not worth a word."""
    sys.unraisablehook = lambda _left: None
    warnings.simplefilter("ignore")
    gc.disable()


def listen(world):
    """The desk's log goes nowhere, except that it must never be surprised."""

    def take(_logger, method, event):
        error = event.get("exc_info") and sys.exc_info()[1]
        if method == "exception" or error:
            name = type(sys.exc_info()[1]).__name__
            if name not in EXPECTED:
                world.unexpected.append(f"{event['event']}: {sys.exc_info()[1]!r}")
        raise structlog.DropEvent

    structlog.configure(processors=[take], wrapper_class=structlog.make_filtering_bound_logger(40))
