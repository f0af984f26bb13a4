"""What each frame of the hub's means here, and what is said back. A command is on the disk before its word is given."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
import structlog
from msgspec import Struct

from copydesk.terminal.console import Tell
from copydesk.terminal.copier.hub_time import HubTime
from copydesk.terminal.copier.inbox import Inbox, Standing
from copydesk.terminal.copier.journal import CopierJournal
from copydesk.terminal.copier.records import Copy, Placed
from copydesk.terminal.copier.snapshot import Snapshot, closing_of, may_open, opening_of, orphans, read_snapshot
from copydesk.terminal.copier.wire import Told, closed, read_frame, received

log = structlog.get_logger()

Frame = Mapping[str, Any]

AGREE_S = 1.0
"""Two snapshots must say so, this long apart, before anything is closed by them."""

TOLD_FOR = timedelta(days=1)


class Choices(Struct, frozen=True, kw_only=True):
    """What a snapshot may do here."""

    closes_orphans: bool = True
    opens_missing: bool = False


class OutOfStep(Exception):
    """Numbers are missing between the last command and this one: connect again, and be told."""


class Reception:
    """One program's, over all its connections. Raise StoreUnavailable."""

    def __init__(
        self,
        inbox: Inbox,
        journal: CopierJournal,
        *,
        time: HubTime,
        choices: Choices,
        wake: Callable[[], None],
        tell: Tell,
    ) -> None:
        self._inbox = inbox
        self._journal = journal
        self._time = time
        self._choices = choices
        self._wake = wake
        self._tell = tell
        self._suspects: dict[tuple[str, int], float] = {}
        self._ended_is_told = False
        self._followed: tuple[str, ...] | None = None

    async def welcome(self, frame: Frame, asked_at_s: float) -> None:
        """`asked_at_s` is when this connection was begun."""
        offset_s = self._time.take(datetime.fromisoformat(frame["ts"]), asked_at_s)
        await asyncio.to_thread(self._inbox.keep_fact, "offset_s", offset_s)
        self._ended_is_told = False
        last = await asyncio.to_thread(lambda: self._inbox.last_seq)
        if last is not None and frame["seq"] < last:
            await self._distrust(last, frame["seq"])

    async def take(self, frame: Frame) -> Sequence[Frame]:
        """A command, or what stands in its place. Raise OutOfStep."""
        last = await asyncio.to_thread(lambda: self._inbox.last_seq)
        if frame["event"] == "GAPFILL":
            log.info("commands left out", until=frame["seq"], why=frame["data"].get("why"))
            await asyncio.to_thread(self._inbox.skip_to, frame["seq"])
            return ()
        if last is not None and frame["seq"] > last + 1:
            raise OutOfStep(f"command {frame['seq']} came after {last}")
        read = read_frame(frame)
        seq = max(last or 0, frame["seq"])
        is_new = await asyncio.to_thread(self._inbox.take, frame, read, self._time.now(), seq)
        if isinstance(read, str):
            log.error("command not understood", command=frame["id"], problem=read)
            self._tell(f"a command was not understood, and is not done: {read}", level="error")
        log.info("command received", command=frame["id"], seq=frame["seq"], what=frame["event"], is_new=is_new)
        if is_new:
            self._wake()
        return [received([frame["id"]]), *(await self._answers([frame["id"]]))]

    async def compare(self, frame: Frame) -> Sequence[Frame]:
        """A snapshot: results that the hub does not have are told again, and what ended by itself. Raise OutOfStep."""
        try:
            snapshot = read_snapshot(frame["data"])
        except msgspec.ValidationError as error:
            log.warning("snapshot not understood", problem=str(error))
            return ()
        is_current = await self._count_from(snapshot)
        self._say_who_is_followed(snapshot)
        known = await asyncio.to_thread(self._inbox.answers, snapshot.unanswered)
        said: list[Frame] = [received(known)] if known else []
        said += [one for one in known.values() if one]
        said += await self._ended()
        if is_current:
            await self._close_orphans(snapshot)
            await self._open_missing(snapshot)
        return said

    @property
    def doubts(self) -> bool:
        """Whether another snapshot should be asked for soon."""
        return bool(self._suspects)

    def _say_who_is_followed(self, snapshot: Snapshot) -> None:
        names = tuple(one.bot or one.bot_id for one in snapshot.bots)
        if names == self._followed:
            return
        self._followed = names
        if names:
            self._tell(f"follows {', '.join(names)}")
        else:
            self._tell(
                "no bot is followed: subscribe an account of venue mt5 there, with this login and this server's name",
                level="warning",
            )

    async def _count_from(self, snapshot: Snapshot) -> bool:
        """Whether it says more than the commands that came before it. Raise OutOfStep where some are missing.

        The hub may write a command while it reads what is open: then the snapshot is older than that command.
        """
        last = await asyncio.to_thread(lambda: self._inbox.last_seq)
        if last is None:
            await asyncio.to_thread(self._inbox.skip_to, snapshot.as_of)
        elif snapshot.as_of > last:
            raise OutOfStep(f"the snapshot is of {snapshot.as_of}, and the last command was {last}")
        return last is None or snapshot.as_of == last

    async def _distrust(self, last: int, seq: int) -> None:
        """The hub's book is older than ours (a restored backup): of what is open now it may know nothing."""
        copies = await self._held()
        tickets = sorted({(one.bot_id, one.master_ticket) for one in copies} | await self._distrusted())
        await asyncio.to_thread(self._inbox.keep_fact, "distrusted", tickets)
        await asyncio.to_thread(self._inbox.skip_to, seq)
        log.error("hub went back", last_seq=last, seq=seq, copies=len(tickets))
        self._tell("the hub knows less than it did: what is open stays open, unless it says close", level="error")

    async def _distrusted(self) -> frozenset[tuple[str, int]]:
        """Tickets of which a hub's silence means nothing."""
        return frozenset(await asyncio.to_thread(self._inbox.fact, "distrusted", list[tuple[str, int]]) or ())

    async def _answers(self, ids: Sequence[str]) -> Sequence[Frame]:
        known = await asyncio.to_thread(self._inbox.answers, ids)
        return [one for one in known.values() if one]

    async def _ended(self) -> Sequence[Frame]:
        """Once a connection: it is told as it happens, and a cut may have swallowed that."""
        if self._ended_is_told:
            return ()
        self._ended_is_told = True
        gone = await asyncio.to_thread(self._journal.gone, self._time.now() - TOLD_FOR)
        return [closed(one) for one in gone]

    async def _close_orphans(self, snapshot: Snapshot) -> None:
        copies = await self._held()
        under_way = await self._tickets_under_way()
        now, before = self._time.elapsed(), self._suspects
        found = orphans(snapshot, copies) - under_way - await self._distrusted()
        self._suspects = {one: before.get(one, now) for one in found}
        for ticket, since in list(self._suspects.items()):
            own = [one for one in copies if (one.bot_id, one.master_ticket) == ticket]
            if now - since < AGREE_S:
                continue
            del self._suspects[ticket]
            if not self._choices.closes_orphans:
                self._tell(f"the master holds #{ticket[1]} no longer; its copy stays, as you chose", level="warning")
                continue
            self._tell(
                f"the master holds {own[0].symbol} #{ticket[1]} no longer: its copy is closed, or taken back",
                level="warning",
            )
            await self._give(closing_of(own, snapshot.as_of, self._time.now()))

    async def _held(self) -> Sequence[Copy | Placed]:
        """What copies tickets, and what waits for them."""
        copies = await asyncio.to_thread(self._journal.copies)
        return [*copies, *await asyncio.to_thread(self._journal.orders)]

    async def _open_missing(self, snapshot: Snapshot) -> None:
        if not self._choices.opens_missing:
            return
        for held in snapshot.positions:
            known = await asyncio.to_thread(self._inbox.knows_ticket, held.bot_id, held.master_ticket)
            if not known and may_open(held, snapshot):
                self._tell(f"the master holds {held.symbol} #{held.master_ticket}, and you chose to open it")
                await self._give(opening_of(held, snapshot, self._time.now()))

    async def _give(self, frame: Frame) -> None:
        await asyncio.to_thread(self._inbox.take, frame, read_frame(frame), self._time.now(), None)
        self._wake()

    async def _tickets_under_way(self) -> frozenset[tuple[str, int]]:
        entries = await asyncio.to_thread(self._inbox.open)
        unsettled = await asyncio.to_thread(self._journal.unsettled)
        begun = [one for one in entries if one.standing is not Standing.PLACED]
        return frozenset(one.told.ticket for one in begun if isinstance(one.told, Told)) | frozenset(
            (one.bot_id, one.master_ticket) for one in unsettled
        )
