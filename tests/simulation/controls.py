"""Negative controls: desks that are wrong in a known way. A simulation that lets one of them pass is worth nothing.

Each is a patch of the engine or of what surrounds it, for the time of one play; none of it exists outside of the tests.
"""

import contextlib
from dataclasses import dataclass
from decimal import Decimal

from msgspec.structs import replace

from copydesk.domain import life, planning
from copydesk.domain.errors import CopydeskError
from copydesk.domain.execution import State
from copydesk.domain.life import Step, Unclear
from copydesk.engine.delivery import Delivery
from copydesk.engine.lease import RENEW_EVERY_S, TTL_S, Lease
from simulation import memory
from simulation.venue import SimulatedVenue


@dataclass(frozen=True, slots=True)
class Control:
    """`wrong` is what a tired programmer would say for it."""

    name: str
    wrong: str
    patches: tuple = ()
    venue: type = SimulatedVenue
    prepare: object = None


@contextlib.contextmanager
def applied(control):
    """The control's patches, taken back afterwards."""
    before = [(owner, name, getattr(owner, name)) for owner, name, _ in control.patches]
    try:
        for owner, name, wrong in control.patches:
            setattr(owner, name, wrong)
        yield
    finally:
        for owner, name, right in before:
            setattr(owner, name, right)


_place = Delivery._place


async def _place_again_on_timeout(self, dispatch):
    event = await _place(self, dispatch)
    return await _place(self, dispatch) if isinstance(event, Unclear) else event


def _resend_at_first_not_found(execution, event, now):
    reason = "asked once, sent again"
    absent = replace(execution, state=State.ABSENT, next_look_at=None)
    again = replace(absent, state=State.QUEUED, attempt=execution.attempt + 1, reason=reason)
    return Step(moves=(absent, again))


def _float_down(value, step):
    return Decimal(float(value) // float(step) * float(step))


def _add_without_unique_key(self, executions, *, note=None):
    for one in executions:
        self.rows.put(self.rows.unique, (one.signal_id, one.subscription_id, f"{one.leg} {one.id}"), one.id)
        self._store(one)
        self._journal(one, note)


class _ResendingVenue(SimulatedVenue):
    resends = True


def _answer_before_writing(play):
    play.database.forgets_for_s = 1.0


async def _keep_for_ever(self):
    """Whatever another one has taken over meanwhile."""
    while True:
        with contextlib.suppress(CopydeskError):
            await self._renew(TTL_S)
        await self._clock.sleep(RENEW_EVERY_S)


CONTROLS = (
    Control(
        "retry on timeout",
        "no answer means that nothing happened",
        patches=((Delivery, "_place", _place_again_on_timeout),),
    ),
    Control(
        "query once, then resend",
        "the venue said that it does not know the order",
        patches=((life, "_not_found_unknown", _resend_at_first_not_found),),
    ),
    Control(
        "no unique key",
        "the fan-out runs only once anyway",
        patches=(
            (memory.ExecutionRows, "add", _add_without_unique_key),
            (memory.ExecutionRows, "of_signal", lambda self, signal_id: []),
        ),
    ),
    Control(
        "float quantities",
        "a float has fifteen digits",
        patches=((planning, "round_down", _float_down),),
    ),
    Control(
        "HTTP retries on",
        "the library knows when it may try again",
        venue=_ResendingVenue,
    ),
    Control(
        "record after send",
        "the order first, the paperwork later",
        prepare=_answer_before_writing,
    ),
    Control(
        "no settle wait",
        "two lookups are two lookups",
        patches=((life, "_has_settled", lambda execution, venue_time: True),),
    ),
    Control(
        "no lease check",
        "only one desk runs at a time",
        patches=((memory.LeaseRows, "_check", lambda self, duty, epoch: None), (Lease, "keep", _keep_for_ever)),
    ),
)
