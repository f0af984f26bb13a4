"""The copier at its terminal: one command after another, per ticket in the order of the wire, each answered once it is certain."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

import structlog
from msgspec import Struct
from msgspec.structs import replace

from copydesk.domain.instrument import plain
from copydesk.terminal.attachment import Attachment, Trouble
from copydesk.terminal.codec import Look
from copydesk.terminal.console import Tell
from copydesk.terminal.copier.arrivals import Arrivals, Arrived
from copydesk.terminal.copier.booking import Booking
from copydesk.terminal.copier.commands import Command, Do, Skipped, Wishes
from copydesk.terminal.copier.ends import Ends
from copydesk.terminal.copier.guards import may_trade
from copydesk.terminal.copier.hands import Hands
from copydesk.terminal.copier.hub_time import HubTime
from copydesk.terminal.copier.inbox import OWN, Entry, Inbox, Standing
from copydesk.terminal.copier.journal import CopierJournal
from copydesk.terminal.copier.orders import BEING_READ
from copydesk.terminal.copier.outcomes import Outcome, Result, not_done
from copydesk.terminal.copier.reconcile import Reconciler
from copydesk.terminal.copier.requests import is_ours
from copydesk.terminal.copier.wire import Told, Withdrawn, closed, result

log = structlog.get_logger()

LOOK_EVERY_S = 0.1
SETTLE_EVERY_S = 0.5
SEEN_FOR_S = 10.0
"""A terminal that answers nothing for so long, an order perhaps, is shown as what it is."""

AGAIN_FIRST_S, AGAIN_LAST_S = 0.25, 30.0

Say = Callable[[Mapping[str, Any]], Awaitable[None]]


class Owner(Struct, frozen=True, kw_only=True):
    """What the owner decided beside the terminal, on top of what the hub holds."""

    reverse: bool = False
    symbols: Mapping[str, str] = {}

    def wishes(self, told: Wishes) -> Wishes:
        return replace(told, reverse=self.reverse, symbols=self.symbols)


async def _nobody_hears(_frame: Mapping[str, Any]) -> None:
    """Before there is a line."""


class _Waiting(Struct):
    """Why a command is not done yet, and when it may be tried again."""

    reason: str
    tries: int = 0
    not_before_s: float = float("-inf")


class Work:
    """`say` tells the hub where it can be told; what it misses is told again after its next snapshot."""

    def __init__(
        self,
        attachment: Attachment,
        inbox: Inbox,
        journal: CopierJournal,
        *,
        hands: Hands,
        reconciler: Reconciler,
        ends: Ends,
        arrivals: Arrivals,
        booking: Booking,
        owner: Owner,
        time: HubTime,
        tell: Tell,
    ) -> None:
        self._attachment = attachment
        self._inbox = inbox
        self._journal = journal
        self._hands = hands
        self._reconciler = reconciler
        self._ends = ends
        self._arrivals = arrivals
        self._booking = booking
        self._owner = owner
        self._time = time
        self._tell = tell
        self._wake = asyncio.Event()
        self._waiting: dict[str, _Waiting] = {}
        self._settled_at = float("-inf")
        self._blocked: str | None = None
        self._connections = 0
        self._seen: Look | None = None
        self._seen_at = float("-inf")
        self.is_reconciled = asyncio.Event()
        self.say: Say = _nobody_hears
        self._forbidden: str | None = None

    @property
    def seen(self) -> Look | None:
        """The newest look, None where there is nothing to see (any more): for heartbeats."""
        return self._seen if self._time.elapsed() - self._seen_at <= SEEN_FOR_S else None

    def wake(self) -> None:
        self._wake.set()

    def forbid(self, reason: str | None) -> None:
        """The hub lets nothing be traded, for this reason; None where it does."""
        self._forbidden = reason

    async def run(self) -> None:
        """Until cancelled. Raise StoreUnavailable: what cannot be written down must not be done."""
        await self._reconciler.begin()
        while True:
            self._wake.clear()
            await self.cycle()
            try:
                async with asyncio.timeout(LOOK_EVERY_S):
                    await self._wake.wait()
            except TimeoutError:
                continue

    async def cycle(self) -> None:
        look = await self._look()
        if look is not None and self._is_doubtful():
            return
        if look is None or not await self._reconciled(look):
            await self._expire(self._blocked or "the account cannot be read")
            return
        for gone in await self._ends.check(look):
            await self.say(closed(gone))
        for arrived in await self._arrivals.check(look):
            await self._arrive(arrived)
        if (reason := self._forbidden or may_trade(look)) is not None:
            self._block(reason)
            await self._expire(reason)
            return
        self._block(None)
        await self._do_all()

    async def _look(self) -> Look | None:
        found = await self._attachment.look()
        if isinstance(found, Trouble):
            self._seen, self._blocked = None, found.reason
            return None
        if self._attachment.wanted.server is None:
            await asyncio.to_thread(self._inbox.keep_fact, "server", found.account.server)
            self._attachment.wanted = replace(self._attachment.wanted, server=found.account.server)
        self._seen, self._seen_at = found, self._time.elapsed()
        return found

    def _is_doubtful(self) -> bool:
        """What the first look of a connection shows: a terminal that has just come up may show an empty account."""
        before, self._connections = self._connections, self._attachment.connections
        return before != self._connections

    async def _reconciled(self, look: Look) -> bool:
        """Before anything else: what an earlier run sent is looked for. Afterwards, what is unknown now and then."""
        if not self.is_reconciled.is_set() and not await self._reconciler.has_read():
            return False
        if self._time.elapsed() - self._settled_at >= SETTLE_EVERY_S:
            self._settled_at = self._time.elapsed()
            await self._reconciler.settle()
            for late in await self._reconciler.adopt(look.positions, look.orders):
                what = "waits" if late.places else "is open"
                late_text = f"{late.symbol} #{late.master_ticket} {what} after all (order {late.filled.position})"
                self._tell(f"{late_text}: it was given up, and is followed from now on", level="error")
        if not self.is_reconciled.is_set():
            self._say_what_is_held(look)
            self.is_reconciled.set()
        return True

    def _say_what_is_held(self, look: Look) -> None:
        copies, orders = {one.identifier for one in self._journal.copies()}, self._journal.orders()
        waiting = f", {len(orders)} orders of ours wait" if orders else ""
        self._tell(f"the account holds {len(copies)} copies, and {len(look.positions)} positions in all{waiting}")
        copies |= {one.order for one in orders}
        strange = [one.ticket for one in look.positions if is_ours(one.magic) and one.identifier not in copies]
        if strange:
            listed = ", ".join(map(str, strange))
            self._tell(f"not in this journal, though copydesk opened them: {listed}; close them by hand", level="error")

    def _block(self, reason: str | None) -> None:
        if reason == self._blocked:
            return
        if reason is not None:
            self._tell(f"nothing is sent: {reason}", level="warning")
        elif self._blocked is not None:
            self._tell("trading again", level="success")
        log.warning("trading stopped" if reason else "trading", problem=reason)
        self._blocked = reason

    async def _do_all(self) -> None:
        """A ticket whose command has to wait lets no later one pass; other tickets go on."""
        entries = await asyncio.to_thread(self._inbox.open)
        if withdrawn := [one.told for one in entries if isinstance(one.told, Withdrawn)]:
            for word in withdrawn:
                await self._withdraw(word, entries)
            entries = await asyncio.to_thread(self._inbox.open)
        stopped: set[tuple[str, int]] = set()
        for entry in entries:
            told = entry.told
            if isinstance(told, Withdrawn) or told.ticket in stopped or entry.standing is Standing.PLACED:
                continue
            if not await self._do(told, entry, entries):
                stopped.add(told.ticket)

    async def _do(self, told: Told, entry: Entry, entries: Sequence[Entry]) -> bool:
        """Whether what comes for its ticket next may be done: it has its answer, or an order for it waits."""
        command = told.command
        waiting = self._waiting.get(command.id)
        begun = bool(await asyncio.to_thread(self._journal.tried, command.id))
        if not begun and (why := self._over(command, entries)) is not None:
            reason = why if waiting is None else f"{why}; {waiting.reason}"
            await self._answer(command, [not_done("", Skipped(rule="age", reason=reason))])
            return True
        if waiting is not None and self._time.elapsed() < waiting.not_before_s:
            return False
        look = await self._attachment.look()
        if isinstance(look, Trouble) or self._is_doubtful() or may_trade(look) is not None:
            return False
        outcomes = await self._try(told, look)
        found = {one.result for one in outcomes}
        if Result.UNKNOWN in found:
            await self._ask(command, outcomes, entry)
            return False
        if Result.NOT_NOW in found and self._time.now() <= command.expires_at:
            self._wait(command, outcomes)
            return False
        if Result.PLACED in found:
            await self._keep_placed(command, outcomes)
            return True
        await self._answer(command, outcomes)
        return True

    async def _try(self, told: Told, look: Look) -> Sequence[Outcome]:
        command, wishes = told.command, self._owner.wishes(told.wishes)
        match command.do:
            case Do.OPEN:
                return [await self._hands.open(command, wishes, look)]
            case Do.MODIFY:
                return await self._hands.modify(command, wishes, look)
            case Do.CLOSE | Do.CANCEL:
                return [*await self._hands.close(command, look), *await self._booking.ended(command)]

    def _over(self, command: Command, entries: Sequence[Entry]) -> str | None:
        """Why a command that was not begun is not begun any more."""
        late = (self._time.now() - command.expires_at).total_seconds()
        if late > 0:
            return f"the command expired {late:.1f} s ago"
        behind = [
            one.told.command for one in entries if isinstance(one.told, Told) and one.told.ticket == _key(command)
        ]
        behind = behind[[one.id for one in behind].index(command.id) + 1 :]
        closes = any(one.ends and one.fraction >= 1 for one in behind)
        if not command.ends and closes:
            return "the master has closed it meanwhile"
        if command.do is Do.MODIFY and any(one.do is Do.MODIFY for one in behind):
            return "the master has moved its stops again"
        return None

    def _wait(self, command: Command, outcomes: Sequence[Outcome]) -> None:
        reason = "; ".join(one.reason for one in outcomes if one.result is Result.NOT_NOW)
        waiting = self._waiting.setdefault(command.id, _Waiting(reason))
        if (waiting.tries == 0 or waiting.reason != reason) and reason != BEING_READ:
            self._tell(f"waits  {describe(command)}: {reason}", level="warning")
        log.info("command waits", command=command.id, problem=reason, tries=waiting.tries)
        waiting.reason = reason
        pause_s = min(AGAIN_FIRST_S * 2.0 ** min(waiting.tries, 10), AGAIN_LAST_S)
        waiting.tries += 1
        waiting.not_before_s = self._time.elapsed() + pause_s

    async def _ask(self, command: Command, outcomes: Sequence[Outcome], entry: Entry) -> None:
        """Told once that it is not known; then again when it is."""
        self._waiting[command.id] = _Waiting("unknown", not_before_s=self._time.elapsed() + SETTLE_EVERY_S)
        if entry.standing is Standing.ASKING:
            return
        told = result(command, outcomes)
        await asyncio.to_thread(self._inbox.answer, command.id, told, Standing.ASKING)
        self._tell(f"unknown {describe(command)}: {told['reason']}; it is being looked for", level="warning")
        await self._tell_hub(told)

    async def _keep_placed(self, command: Command, outcomes: Sequence[Outcome]) -> None:
        """The hub hears that it waits; its end is told when it comes."""
        told = result(command, outcomes)
        await asyncio.to_thread(self._inbox.answer, command.id, told, Standing.PLACED)
        self._waiting.pop(command.id, None)
        log.info("order waits", command=command.id, order=told.get("ticket"))
        self._tell(f"waits  {describe(command)} (order {told.get('ticket')}): {told['reason']}")
        await self._tell_hub(told)

    async def _arrive(self, arrived: Arrived) -> None:
        """Answered first, and then written down: a program that dies in between comes here again."""
        entries = await asyncio.to_thread(self._inbox.open)
        told = next((one.told for one in entries if one.told.id == arrived.placed.command_id), None)
        if isinstance(told, Told):
            await self._answer(told.command, [arrived.outcome])
        elif arrived.filled.volume:
            late = f"order {arrived.placed.order} for #{arrived.placed.master_ticket}"
            self._tell(f"{late} was given up, and is filled after all: it is followed from now on", level="error")
        await self._arrivals.settle(arrived)

    async def _answer(self, command: Command, outcomes: Sequence[Outcome]) -> None:
        booked = [await self._booking.of(command, one) for one in outcomes]
        booked = booked or [await self._booking.nothing(command)]
        if command.id.startswith(OWN):
            await self._bury(command, booked)
        told = result(command, booked)
        # What the hub opens anew under a ticket, as alerts do, it no longer holds: what ended before is not of the new one.
        opens_anew = (
            command.do is Do.OPEN and command.fraction == 1 and any(one.result is Result.DONE for one in booked)
        )
        if opens_anew or any(one.gone for one in booked):
            await asyncio.to_thread(self._journal.answer_gone, command)
        await asyncio.to_thread(self._inbox.answer, command.id, told)
        self._waiting.pop(command.id, None)
        log.info("command answered", command=command.id, status=told["status"], reason=told["reason"])
        level = "info" if told["status"] == "filled" else "warning"
        lots = f" {told['volume']} lots at {told['price']}" if "volume" in told else ""
        self._tell(f"{told['status']:<7}{describe(command)}{lots}: {told['reason']}", level=level)
        await self._tell_hub(told)

    async def _bury(self, command: Command, outcomes: Sequence[Outcome]) -> None:
        """What was closed without a word of the hub's: it asks, and is answered by the deals."""
        for one in self._booking.ends(command, outcomes):
            await asyncio.to_thread(self._journal.bury, [one])
            await self.say(closed(one))

    async def _tell_hub(self, told: Mapping[str, Any]) -> None:
        if not told["id"].startswith(OWN):
            await self.say(told)

    async def _withdraw(self, told: Withdrawn, entries: Sequence[Entry]) -> None:
        """Taken back where nothing of it was sent yet, or an order of it waits; the word itself needs no answer."""
        entry = next((one for one in entries if one.told.id == told.command_id), None)
        if entry is not None and isinstance(entry.told, Told):
            wanted = entry.told.command
            if not await asyncio.to_thread(self._journal.tried, wanted.id):
                why = Skipped(rule="cancelled", reason="taken back before it was done")
                await self._answer(wanted, [not_done("", why)])
            elif wanted.waits is not None and not await self._take_back(told, entry, wanted):
                return
        await asyncio.to_thread(self._inbox.answer, told.id, {})
        self._waiting.pop(told.id, None)

    async def _take_back(self, told: Withdrawn, entry: Entry, wanted: Command) -> bool:
        """Whether nothing of it waits any more. What is not known yet may be waiting."""
        waiting = self._waiting.setdefault(told.id, _Waiting("taken back"))
        if entry.standing is not Standing.PLACED or self._time.elapsed() < waiting.not_before_s:
            return False
        look = await self._attachment.look()
        if isinstance(look, Trouble):
            return False
        waiting.not_before_s = self._time.elapsed() + SETTLE_EVERY_S
        word = replace(wanted, id=told.id, do=Do.MODIFY)
        return not await self._hands.take_back(word, look)

    async def _expire(self, reason: str) -> None:
        """Nothing can be sent: what is too late by now is answered, and says why it waited."""
        for entry in await asyncio.to_thread(self._inbox.open):
            told = entry.told
            if isinstance(told, Withdrawn) or entry.standing is Standing.PLACED:
                continue
            if self._time.now() <= told.command.expires_at:
                continue
            if not await asyncio.to_thread(self._journal.tried, told.id):
                late = f"{reason}: waited {_seconds(told.command.expires_at - told.command.created_at)} s, until it expired"
                await self._answer(told.command, [not_done("", Skipped(rule="terminal", reason=late))])


def describe(command: Command) -> str:
    """A command in a line."""
    volume = "" if command.volume is None else f" {plain(command.volume)}"
    return f"{command.do.lower()} {command.symbol} {command.type}{volume} #{command.master_ticket}"


def _key(command: Command) -> tuple[str, int]:
    return command.bot_id, command.master_ticket


def _seconds(period: timedelta) -> str:
    return f"{period.total_seconds():.0f}"
