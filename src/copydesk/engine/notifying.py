"""Tell people: read the journal behind the engine's back, gather each person's notices, send them as one message.

The engine never waits for it and does not know it. What cannot be sent is logged and dropped: the journal still has it.
"""

import asyncio
from collections import Counter, deque
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Generic, TypeVar

import structlog

from copydesk.domain.errors import StoreUnavailable
from copydesk.domain.ids import UserId
from copydesk.domain.notice import URGENT_KINDS, Choices, Notice, read_fact
from copydesk.ports.clock import Clock
from copydesk.ports.notifier import Notifier
from copydesk.ports.store import Store

log = structlog.get_logger()

Cursor = TypeVar("Cursor", int, str)
Told = TypeVar("Told")

LOOK_EVERY_S = 1.0
READ_MAX = 2_000

GATHER = timedelta(seconds=3)
"""How long the first notice of a message waits for others: one signal makes several."""

APART = timedelta(seconds=30)
"""At least so long lies between two messages to one person."""

NOTICES_MAX = 100
"""What waits for one person; the oldest is dropped for a new one, and counted."""

LINES_MAX = 12

_OVERLAP = timedelta(seconds=5)
"""A transaction that began earlier may commit its numbers later: so far back is read again."""


@dataclass(slots=True)
class Tail(Generic[Cursor]):
    """How far a growing table has been read."""

    floor: Cursor
    seen: dict[Cursor, datetime] = field(default_factory=dict)

    def fresh(self, rows: Sequence[tuple[Cursor, Told]], now: datetime, most: int) -> list[Told]:
        """What was not seen before, of rows after the floor."""
        found = [told for cursor, told in rows if cursor not in self.seen]
        self.seen |= {cursor: now for cursor, _ in rows if cursor not in self.seen}
        full = len(rows) == most
        for cursor, at in self.seen.items():
            if cursor > self.floor and (full or now - at > _OVERLAP):
                self.floor = cursor
        self.seen = {cursor: at for cursor, at in self.seen.items() if cursor > self.floor}
        return found


@dataclass(slots=True)
class Mailbox:
    """What waits for one person."""

    choices: Choices
    notices: deque[Notice] = field(default_factory=lambda: deque(maxlen=NOTICES_MAX))
    dropped: int = 0
    last_sent_at: datetime | None = None
    is_sending: bool = False

    def put(self, notice: Notice) -> None:
        self.dropped += len(self.notices) == NOTICES_MAX
        self.notices.append(notice)

    def is_due(self, now: datetime) -> bool:
        if not self.notices or self.is_sending or now - self.notices[0].at < GATHER:
            return False
        if self.last_sent_at is not None and now - self.last_sent_at < APART:
            return False
        quiet = self.choices.quiet_hours
        urgent = any(notice.kind in URGENT_KINDS for notice in self.notices)
        return urgent or quiet is None or not quiet.cover(now)

    def take(self, now: datetime) -> tuple[str, str]:
        """Title and body; the mailbox is empty afterwards."""
        message = compose(self.notices, self.dropped)
        self.notices.clear()
        self.dropped, self.last_sent_at = 0, now
        return message


class Notifying:
    """`run` keeps it going; `settled` waits for what is being sent."""

    def __init__(self, store: Store, notifier: Notifier, clock: Clock) -> None:
        self._store = store
        self._notifier = notifier
        self._clock = clock
        self._mailboxes: dict[UserId, Mailbox] = {}

    async def run(self) -> None:
        """Until cancelled; what happened before the start is not told."""
        async with asyncio.TaskGroup() as tasks:
            moves, signals, checks = await self._start()
            while True:
                try:
                    await self._collect(moves, signals, checks)
                except Exception as error:  # noqa: BLE001  the boundary of one look: what is told must never stop what trades
                    log.warning("notifications could not look", error=type(error).__name__)
                self._send_due(tasks)
                await self._clock.sleep(LOOK_EVERY_S)

    async def _start(self) -> tuple[Tail[int], Tail[str], Tail[str]]:
        while True:
            try:
                number, signal_id, checked = await self._store.read(lambda tables: tables.notices.latest())
                return Tail(number), Tail(signal_id), Tail(checked)
            except StoreUnavailable:
                await self._clock.sleep(LOOK_EVERY_S)

    async def _collect(self, moves: Tail[int], signals: Tail[str], checks: Tail[str]) -> None:
        new_moves, new_signals, new_checks = await self._store.read(
            lambda tables: (
                tables.notices.moves_after(moves.floor, READ_MAX),
                tables.notices.signals_after(signals.floor, READ_MAX),
                tables.notices.checks_after(checks.floor, READ_MAX),
            )
        )
        now = self._clock.now()
        facts = [
            *signals.fresh(new_signals, now, READ_MAX),
            *moves.fresh(new_moves, now, READ_MAX),
            *checks.fresh(new_checks, now, READ_MAX),
        ]
        notices = [notice for fact in facts if (notice := read_fact(fact)) is not None]
        if notices:
            self._put(notices, await self._choices({notice.user_id for notice in notices}))

    async def _choices(self, users: Collection[UserId]) -> Mapping[UserId, Choices]:
        return await self._store.read(lambda tables: tables.notices.choices(users))

    def _put(self, notices: Iterable[Notice], choices: Mapping[UserId, Choices]) -> None:
        for notice in notices:
            wanted = choices.get(notice.user_id)
            if wanted is None or notice.kind not in wanted.kinds:
                continue
            mailbox = self._mailboxes.setdefault(notice.user_id, Mailbox(wanted))
            mailbox.choices = wanted
            mailbox.put(notice)

    def _send_due(self, tasks: asyncio.TaskGroup) -> None:
        now = self._clock.now()
        for user_id, mailbox in list(self._mailboxes.items()):
            if mailbox.is_due(now):
                mailbox.is_sending = True
                tasks.create_task(self._send(user_id, mailbox))
            elif not mailbox.notices and not mailbox.is_sending and _is_rested(mailbox, now):
                del self._mailboxes[user_id]

    async def _send(self, user_id: UserId, mailbox: Mailbox) -> None:
        try:
            addresses = await self._store.read(lambda tables: tables.notices.addresses(user_id))
            title, body = mailbox.take(self._clock.now())
            for number, address in enumerate(addresses, 1):
                problem = await self._notifier.send(address, title=title, body=body)
                if problem is not None:
                    log.warning("notification not sent", user_id=user_id, address=number, problem=problem)
        except Exception as error:  # noqa: BLE001  the boundary of one person: nobody else's message depends on it
            log.warning("notification broke", user_id=user_id, error=type(error).__name__)
        finally:
            mailbox.is_sending = False


def compose(notices: Sequence[Notice] | deque[Notice], dropped: int) -> tuple[str, str]:
    """Urgent lines first, then as they came; equal ones once, with their number."""
    counted = Counter(notice.line for notice in notices)
    first: dict[str, Notice] = {}
    for notice in notices:
        first.setdefault(notice.line, notice)
    ordered = sorted(first.values(), key=lambda notice: notice.kind not in URGENT_KINDS)
    lines = [_written(notice, counted[notice.line]) for notice in ordered]
    shown = lines[:LINES_MAX]
    left_out = len(lines) - len(shown) + dropped
    if left_out:
        shown.append(f"… and {left_out} more: see the dashboard")
    total = len(notices) + dropped
    return f"copydesk: {total} event{'s' if total > 1 else ''} (times in UTC)", "\n".join(shown)


def _written(notice: Notice, times: int) -> str:
    return f"{notice.at:%H:%M:%S} {notice.line}" + (f" (×{times})" if times > 1 else "")


def _is_rested(mailbox: Mailbox, now: datetime) -> bool:
    return mailbox.last_sent_at is None or now - mailbox.last_sent_at >= APART
