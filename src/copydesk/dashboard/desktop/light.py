"""Whether the terminal is well, as its card shows it: green, or red and why."""

from dataclasses import dataclass, replace
from datetime import datetime

from copydesk.ports.beside import Phase, Worker

SILENT_S = 3.5
"""A terminal is read many times a second. After so long without it the card is red: within five seconds of its death, with the time
that a word and a look take."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Light:
    """`reason` is a key of the catalogue, `words` what the program itself said, `seconds` how long nothing was heard."""

    is_green: bool
    reason: str = ""
    words: str = ""
    seconds: int = 0
    since: datetime


def light_of(worker: Worker, now: datetime) -> Light:
    """What is seen now, since now."""

    def red(reason: str, *, words: str = "", seconds: float = 0) -> Light:
        return Light(is_green=False, reason=f"desktop.{reason}", words=words, seconds=int(seconds), since=now)

    if worker.condition.phase is not Phase.RUNNING:
        return red("not_running")
    insight = worker.insight
    if insight is None:
        return red("waits_for_word")
    if worker.heard_s > SILENT_S:
        return red("worker_silent", seconds=worker.heard_s)
    if insight.trouble is not None:
        return red("trouble", words=insight.trouble)
    if insight.looked_s is None:
        return red("not_read_yet")
    if insight.looked_s + worker.heard_s > SILENT_S:
        return red("terminal_silent", seconds=insight.looked_s + worker.heard_s)
    return Light(is_green=True, since=now)


def carry_on(before: Light | None, seen: Light) -> Light:
    """The same colour goes on since it began."""
    if before is not None and before.is_green == seen.is_green:
        return replace(seen, since=before.since)
    return seen
