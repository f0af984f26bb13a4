"""What one leg of a command came to, and whether another order may be tried for it. Pure."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from enum import StrEnum

from msgspec import Struct

from copydesk.terminal.copier.commands import Command, Do, Skipped
from copydesk.terminal.copier.evidence import AGAIN, CLOSING_AGAIN
from copydesk.terminal.copier.figures import Booked
from copydesk.terminal.copier.records import Intent, Stage
from copydesk.terminal.frames import INVALID_PARAMS, REQUEST_REFUSED, Failed

NEVER_TAKEN = frozenset({INVALID_PARAMS, REQUEST_REFUSED})
"""What the package does not take now, it does not take a second later."""


class Result(StrEnum):
    """NOT_NOW: nothing is open or closed by it, and trying again is safe while the command is fresh. PLACED: it waits for its price
    at the broker's.
    """

    DONE = "done"
    PLACED = "placed"
    SKIPPED = "skipped"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    NOT_PLACED = "not_placed"
    NOT_NOW = "not_now"


class Outcome(Struct, frozen=True, kw_only=True):
    """`wanted` is what the lots should have been; `position` the follower's own; `gone` one that ended without a command."""

    leg: str
    result: Result
    reason: str = ""
    volume: Decimal = Decimal(0)
    wanted: Decimal = Decimal(0)
    price: Decimal = Decimal(0)
    position: int = 0
    retcode: int = 0
    plan: Mapping[str, str] = {}
    booked: Booked | None = None
    gone: bool = False


RESULTS = {
    Stage.INTENT: Result.NOT_NOW,
    Stage.SENT: Result.UNKNOWN,
    Stage.UNKNOWN: Result.UNKNOWN,
    Stage.REVIEW: Result.UNKNOWN,
    Stage.DONE: Result.DONE,
    Stage.REFUSED: Result.REFUSED,
    Stage.ABSENT: Result.NOT_PLACED,
}


def outcome_of(leg: str, tried: Sequence[Intent]) -> Outcome:
    """Of all orders for one leg together; at least one."""
    last, done = tried[-1], [one for one in tried if one.stage is Stage.DONE]
    volume = sum((one.filled.volume for one in done), Decimal(0))
    paid = sum((one.filled.volume * one.filled.price for one in done), Decimal(0))
    certain = RESULTS[last.stage] is not Result.UNKNOWN
    achieved = Result.PLACED if last.places else Result.DONE
    return Outcome(
        leg=leg,
        result=achieved if done and certain else RESULTS[last.stage],
        reason=last.note,
        volume=volume,
        wanted=tried[0].request.volume,
        price=paid / volume if volume else Decimal(0),
        position=last.filled.position,
        retcode=last.filled.retcode,
        plan=tried[0].plan,
    )


def may_try_again(command: Command, tried: Sequence[Intent]) -> bool:
    """An opening only where it is certain that no order exists; a closing also where the rest is still there."""
    if not tried:
        return True
    last, closes = tried[-1], command.ends
    match last.stage:
        case Stage.REFUSED:
            code = last.filled.retcode
            passes = last.removes or code in (CLOSING_AGAIN if closes else AGAIN)
            return (passes or code < 0) and code not in NEVER_TAKEN
        case Stage.ABSENT:
            # One that never left is as good as none. What was looked for and is not there is asked for again
            # only where a second one could do no harm.
            harmless = last.removes or command.do is Do.MODIFY or (closes and command.fraction >= 1)
            return last.sent_at is None or harmless
        case Stage.DONE:
            return closes and sum((one.filled.volume for one in tried), Decimal(0)) < tried[0].request.volume
        case _:
            return False


def not_done(leg: str, why: Skipped | Failed, plan: Mapping[str, str] | None = None) -> Outcome:
    """A rule of the owner's skips for good; what could not be read may be tried again."""
    if isinstance(why, Skipped):
        told = {**(plan or {}), "rule": why.rule}
        return Outcome(leg=leg, result=Result.SKIPPED, reason=f"{why.rule}: {why.reason}", plan=told)
    return Outcome(leg=leg, result=Result.NOT_NOW, reason=str(why), plan=plan or {})
