"""From the journal to the hub: in order per symbol, each message once, however often it has to be sent.

A message is frozen in the journal before it first leaves. Without an answer the same one goes again, under its id, until
the hub says yes or no; only what would open something is given up once it is too old for followers.
"""

import asyncio
import random
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta

import structlog

from copydesk.domain.instrument import plain
from copydesk.ports.clock import Clock
from copydesk.terminal.backoff import LAST_S, back_off
from copydesk.terminal.console import Tell
from copydesk.terminal.events import Event, Kind
from copydesk.terminal.hub import Accepted, Later, Refused
from copydesk.terminal.journal import Entry, Journal, Message, Stage
from copydesk.terminal.messages import OPENING, Kept, Sender, compose

log = structlog.get_logger()

AGAIN_MAX = timedelta(hours=20)
"""The hub knows a message by its id for a day; what went out without an answer longer ago is not sent again."""

OPENING_LAST_S = 4.0
"""While an opening waits, which is good for seconds only, the hub is tried at least this often."""

Post = Callable[[Message], Awaitable[Accepted | Refused | Later]]


class Outbox:
    """`may_send` tells why nothing may be sent now, or None; `freshness` how old an opening may be when it leaves."""

    def __init__(
        self,
        journal: Journal,
        post: Post,
        sender: Sender,
        *,
        clock: Clock,
        chance: random.Random,
        tell: Tell,
        freshness: Callable[[Event], timedelta | None],
        may_send: Callable[[], str | None] = lambda: None,
    ) -> None:
        self._journal = journal
        self._post = post
        self._sender = sender
        self._clock = clock
        self._chance = chance
        self._tell = tell
        self._freshness = freshness
        self._may_send = may_send
        self._wake = asyncio.Event()
        self._wake.set()
        self._problem: str | None = None

    def wake(self) -> None:
        """There is something new in the journal."""
        self._wake.set()

    async def run(self) -> None:
        """Until cancelled. What an earlier run left is sent first."""
        failures = 0
        while True:
            await self._wake.wait()
            self._wake.clear()
            trouble = await self.send_all()
            self._note(trouble)
            failures = 0 if trouble is None else failures + 1
            if trouble is not None:
                longest = OPENING_LAST_S if await self._opening_waits() else LAST_S
                await self._clock.sleep(back_off(failures, self._chance, last_s=longest))
                self._wake.set()

    async def _opening_waits(self) -> bool:
        return any(one.event.kind in OPENING for one in await asyncio.to_thread(self._journal.unsent))

    async def send_all(self) -> Later | None:
        """One round over everything that waits; the first reason why something has to go later."""
        lanes: defaultdict[str, list[Entry]] = defaultdict(list)
        for entry in await asyncio.to_thread(self._journal.unsent):
            lanes[entry.event.symbol].append(entry)
        async with asyncio.TaskGroup() as tasks:
            running = [tasks.create_task(self._send_lane(entries)) for entries in lanes.values()]
        return next((trouble for one in running if (trouble := one.result()) is not None), None)

    async def _send_lane(self, entries: Sequence[Entry]) -> Later | None:
        """In order: what comes later on a symbol may mean something else without what came before it."""
        for entry in entries:
            if (reason := self._may_send()) is not None:
                return Later(reason=reason)
            if (trouble := await self._send(entry)) is not None:
                return trouble
        return None

    async def _send(self, entry: Entry) -> Later | None:
        problem = self._too_old(entry)
        told = await asyncio.to_thread(self._journal.told, entry.event.number)
        # What followers have as an order of their own is a position now, however late that is told.
        fills = entry.event.kind is Kind.OPEN and entry.message is None and told is not None and told.waits
        if problem is not None and not fills:
            await self._finish(entry, Stage.EXPIRED, reason=problem, hub_knows=entry.message is not None)
            return None
        if entry.message is None:
            composed = compose(entry.event, told, self._sender, entry.detected_at, is_late=problem is not None)
            if isinstance(composed, Kept):
                await self._finish(entry, Stage.KEPT, reason=composed.reason)
                return None
            entry = await asyncio.to_thread(self._journal.freeze, entry, composed)
            return await self._deliver(entry, composed)
        await asyncio.to_thread(self._journal.count_attempt, entry)
        return await self._deliver(entry, entry.message)

    async def _deliver(self, entry: Entry, message: Message) -> Later | None:
        outcome = await self._post(message)
        match outcome:
            case Later():
                return outcome
            case Refused(reason=reason):
                # "It is open already" and "another message had that id" both mean that the hub knows the ticket.
                knows = outcome.conflicts and entry.event.kind in {Kind.OPEN, Kind.PENDING}
                ends = entry.event.kind in {Kind.CLOSE, Kind.PENDING_REMOVE}
                over = ends and (outcome.conflicts or outcome.is_unknown)
                await self._finish(entry, Stage.REFUSED, reason=reason, hub_knows=knows or over)
            case Accepted(signal_id=signal_id):
                await self._finish(entry, Stage.SENT, signal_id=signal_id, hub_knows=True)
        return None

    def _too_old(self, entry: Entry) -> str | None:
        now = self._clock.now()
        if entry.message is not None and now - entry.detected_at > AGAIN_MAX:
            return f"no answer for {AGAIN_MAX.total_seconds() / 3600:.0f} hours: look at the hub whether it arrived"
        allowed = self._freshness(entry.event) if entry.event.kind in OPENING else None
        if allowed is None:
            return None
        if entry.happened_at is None:
            return "it was there before anybody watched, and how old it is is not known"
        age = now - entry.happened_at
        if age <= allowed:
            return None
        arrived = "; it was sent, and no answer came: it may have arrived" if entry.message is not None else ""
        return f"too late: {age.total_seconds():.0f} s old, the bot takes openings up to {allowed.total_seconds():.0f} s{arrived}"

    async def _finish(
        self, entry: Entry, stage: Stage, *, reason: str = "", signal_id: str = "", hub_knows: bool = False
    ) -> None:
        now = self._clock.now()
        accepted_at = now if stage is Stage.SENT else None
        await asyncio.to_thread(
            self._journal.finish,
            entry,
            stage,
            reason=reason,
            accepted_at=accepted_at,
            signal_id=signal_id,
            hub_knows=hub_knows,
        )
        self._report(entry, stage, reason, now, signal_id)

    def _report(self, entry: Entry, stage: Stage, reason: str, now: datetime, signal_id: str) -> None:
        event, took_ms = entry.event, round((now - entry.detected_at).total_seconds() * 1_000)
        log.info(
            "event settled",
            kind=event.kind,
            ticket=event.number,
            symbol=event.symbol,
            stage=stage,
            reason=reason,
            signal=signal_id,
            ms=took_ms,
        )
        if stage is Stage.SENT:
            self._tell(f"sent   {describe(event)} → hub, {took_ms} ms after it was seen", level="success")
        elif event.kind is Kind.ALARM:
            self._tell(f"ALARM  {event.symbol} #{event.number}: {reason}", level="error")
        else:
            word = {Stage.REFUSED: "refused by the hub", Stage.EXPIRED: "given up"}.get(stage, "kept")
            self._tell(f"{word}: {describe(event)}: {reason}", level="warning")

    def _note(self, trouble: Later | None) -> None:
        """Once when it begins and once when it is over."""
        reason = None if trouble is None else trouble.reason
        if reason is not None and self._problem is None:
            log.warning("sending waits", problem=reason)
            self._tell(
                f"the hub does not take signals now ({reason}); they are kept, and sent when it does", level="error"
            )
        if reason is None and self._problem is not None:
            log.info("sending again")
            self._tell("the hub takes signals again", level="success")
        self._problem = reason


def describe(event: Event) -> str:
    """For people: what happened to which position."""
    name = event.kind.value.replace("_", " ")
    volume = plain(event.volume)
    if event.kind in {Kind.PARTIAL_CLOSE, Kind.GROW}:
        volume = f"{plain(event.volume_before)} → {volume}"
    elif event.kind in {Kind.CLOSE, Kind.FLASH}:
        volume = plain(event.volume_before)
    levels = "".join(f" {word} {plain(level)}" for word, level in (("sl", event.sl), ("tp", event.tp)) if level)
    reason = f" ({event.reason})" if event.reason and event.kind is not Kind.ALARM else ""
    return f"{name} {event.symbol} {event.type} {volume}{levels} #{event.number}{reason}"
