"""Who is connected, and what goes to whom: each command is in the book before a byte of it leaves.

An agent with a name is counted in the book, and resumes after a cut. One without a name is told from now on, in a count that
ends with its connection.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncGenerator, Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog

from copydesk.domain.errors import StoreUnavailable, VenueUnavailable
from copydesk.domain.frames import Closing, Command, Event, Result, ResultStatus, frame, gaps, rest_of
from copydesk.domain.ids import AccountId, UserId
from copydesk.domain.order import OrderReport
from copydesk.ports.agents import CommandBook, Kept, Line, Numbered, agent_id_of
from copydesk.ports.clock import Clock
from copydesk.ports.venue import OrderNews
from copydesk.venues.metatrader5.codec import cancel_of, expired, report_of_result, withdrawn

log = structlog.get_logger()

RESUME_MAX = 1_000
RESUME_WITHIN = timedelta(minutes=10)
"""A longer gap, or an older one, is not told command by command: the open positions are."""

LOOK_EVERY_S = 1.0
SEEN_EVERY_S = 60.0
GRACE = timedelta(seconds=5)
"""For the word that a command was received: it may be on its way while the command expires."""

NEWS_MAX = 10_000


NO_ACCOUNT = AccountId("")
"""Of an agent whose login is allowed, and no account here: no command is its own."""


@dataclass(frozen=True, slots=True)
class _Held:
    """A command's frame, and what everybody else's agents are told in its place."""

    account_id: AccountId
    frame: bytes
    instead: bytes


@dataclass(slots=True, eq=False)
class Connected:
    """One open connection: its agent where it has a name, the account it is bound to where it said so, the number it was told
    last. Until it has been told what is open, and while a number is missing, frames are held back.
    """

    user_id: UserId
    line: Line
    agent_id: str | None = None
    account_id: AccountId | None = None
    last_seq: int = 0
    counted: int = 0
    is_ready: bool = False
    held: dict[int, _Held] = field(default_factory=dict)

    def takes(self, account_id: AccountId) -> bool:
        """Whether commands of this account are its own: of an agent that has not said its login, all are."""
        return self.account_id in {None, account_id}

    def tell(self, seq: int, told: _Held) -> None:
        """Whose it is, is decided when it leaves: an agent may say its login meanwhile."""
        self.held[seq] = told
        if self.is_ready:
            self.flush()

    def flush(self) -> None:
        for seq in [one for one in self.held if one <= self.last_seq]:
            del self.held[seq]
        while (told := self.held.pop(self.last_seq + 1, None)) is not None:
            self.last_seq += 1
            self.write(told.frame if self.takes(told.account_id) else told.instead)

    def write(self, told: bytes) -> None:
        if not self.line.write(told):
            self.line.end(Closing.TOO_SLOW)


@dataclass(slots=True)
class Switchboard:
    """`run` looks after what nobody asks for: commands that expire, and who was seen."""

    book: CommandBook
    clock: Clock
    _by_user: dict[UserId, list[Connected]] = field(default_factory=lambda: defaultdict(list))
    _by_agent: dict[str, Connected] = field(default_factory=dict)
    _ears: dict[AccountId, asyncio.Queue[OrderNews | None]] = field(default_factory=dict)

    async def run(self) -> None:
        """Until cancelled. What the database does not take now is done in the next round."""
        seen_s = self.clock.elapsed()
        while True:
            try:
                await self._expire()
                if self.clock.elapsed() - seen_s >= SEEN_EVERY_S:
                    seen_s = self.clock.elapsed()
                    now = self.clock.now()
                    await self.book.seen(list(self._by_agent), now)
                    await self.book.forget(now - 2 * RESUME_WITHIN)
            except StoreUnavailable as error:
                log.warning("agents' book", problem=str(error))
            await self.clock.sleep(LOOK_EVERY_S)

    def connected(self, user_id: UserId) -> Sequence[Connected]:
        return self._by_user.get(user_id, ())

    def count(self) -> int:
        return sum(map(len, self._by_user.values()))

    async def connect(self, user_id: UserId, role: str, name: str | None, line: Line) -> Connected:
        """One with the name of another replaces it. Nothing is told before `begin` or `resume`, and nothing is missed from here on."""
        agent_id = None if name is None else agent_id_of(user_id, role, name)
        one = Connected(user_id, line, agent_id)
        self._by_user[user_id].append(one)
        if agent_id is None or name is None:
            return one
        replaced, self._by_agent[agent_id] = self._by_agent.get(agent_id), one
        if replaced is not None:
            self._drop(replaced)
            replaced.line.end(Closing.REPLACED)
        agent = await self.book.connect(user_id, role, name, self.clock.now())
        one.last_seq = agent.last_seq
        return one

    async def disconnect(self, one: Connected) -> None:
        self._drop(one)
        if one.agent_id is not None and self._by_agent.get(one.agent_id) is one:
            del self._by_agent[one.agent_id]
            await self.book.seen([one.agent_id], self.clock.now())

    async def begin(self, one: Connected) -> None:
        """From now on; what is open is told first."""
        await self.snapshot(one)
        one.is_ready = True
        one.flush()

    async def resume(self, one: Connected, last_seq: int) -> None:
        """What came after `last_seq`, in order and as far as it still counts; then what is open."""
        if one.agent_id is not None and last_seq < one.last_seq:
            missed = await self.book.after(one.agent_id, last_seq, RESUME_MAX + 1)
            if len(missed) > RESUME_MAX:
                missed = []
            first = missed[0][0] if missed else one.last_seq + 1
            if first > last_seq + 1:
                self._skip(one, last_seq + 1, first - 1)
            self._tell_again(one, missed)
        await self.begin(one)

    async def snapshot(self, one: Connected) -> None:
        """What the masters have open. A command that comes meanwhile may be in it already: it is told again, and known by its id."""
        seq, now = one.last_seq, self.clock.now()
        told = await self.book.snapshot(one.user_id, one.account_id)
        one.write(frame(Event.SNAPSHOT, seq, None, rest_of({"as_of": seq, **told}, at=now, expires_at=None)))

    def _tell_again(self, one: Connected, missed: Sequence[tuple[int, Kept]]) -> None:
        now = self.clock.now()
        aged = {seq for seq, kept in missed if self._has_aged(kept, now)}
        runs = dict(gaps(sorted(aged)))
        for seq, kept in missed:
            if seq in runs:
                self._skip(one, seq, runs[seq])
            if seq not in aged:
                is_theirs = one.takes(kept.command.account_id)
                one.write(_frame(kept.command, seq) if is_theirs else self._not_yours(seq))
        if missed:
            one.last_seq = max(one.last_seq, missed[-1][0])

    def _has_aged(self, kept: Kept, now: datetime) -> bool:
        command = kept.command
        return kept.ended_at is not None or now > command.expires_at or now - command.created_at > RESUME_WITHIN

    def _skip(self, one: Connected, first: int, last: int) -> None:
        data = {"from_seq": first, "to_seq": last, "why": "too old to be done now: what is open is in the snapshot"}
        one.write(frame(Event.GAPFILL, last, None, rest_of(data, at=self.clock.now(), expires_at=None)))

    def _drop(self, one: Connected) -> None:
        others = self._by_user.get(one.user_id, [])
        if one in others:
            others.remove(one)
        if not others:
            self._by_user.pop(one.user_id, None)

    async def send(self, command: Command) -> None:
        """Durable when this returns, and on the wire of everybody of its owner's who is there."""
        command, numbered = await self.book.add(command, seen_since=self.clock.now() - RESUME_WITHIN)
        self.tell(command, numbered)

    def tell(self, command: Command, numbered: Sequence[Numbered]) -> None:
        """Encoded once; nobody is waited for."""
        seqs = {one.agent_id: one.seq for one in numbered}
        rest = rest_of(command.data, at=command.created_at, expires_at=command.expires_at)
        for one in list(self._by_user.get(command.owner_id, ())):
            if one.agent_id is None:
                one.counted += 1
                seq: int | None = one.counted
            else:
                seq = seqs.get(one.agent_id)
            if seq is not None:
                told = frame(command.event, seq, command.id, rest)
                one.tell(seq, _Held(command.account_id, told, self._not_yours(seq)))

    def _not_yours(self, seq: int) -> bytes:
        data = {"from_seq": seq, "to_seq": seq, "why": "for another account of yours"}
        return frame(Event.GAPFILL, seq, None, rest_of(data, at=self.clock.now(), expires_at=None))

    async def receive(self, ids: Sequence[str], owner_id: UserId) -> None:
        await self.book.receive(ids, owner_id, self.clock.now())

    async def finish(self, result: Result, owner_id: UserId) -> None:
        """Stored first; then whoever listens for the account hears of it. One that comes again changes nothing."""
        command = await self.book.finish(result, owner_id, self.clock.now())
        if command is not None and result.status is not ResultStatus.UNKNOWN:
            self._ring(command, report_of_result(command, result))

    async def withdraw(self, command_id: str) -> None:
        """Take a command back: what nobody has received is never done, and whoever has it is told."""
        kept = await self.book.find(command_id)
        if kept is None or kept.ended_at is not None:
            return
        if await self.book.withdraw(command_id, self.clock.now()):
            self._ring(kept.command, withdrawn(kept.command))
        await self.send(cancel_of(kept.command, self.clock.now()))

    async def _expire(self) -> None:
        for command in await self.book.expire(self.clock.now() - GRACE):
            log.info("command expired", command_id=command.id, account_id=command.account_id)
            self._ring(command, expired(command))

    def _ring(self, command: Command, report: OrderReport) -> None:
        ears = self._ears.get(command.account_id)
        if ears is None:
            return
        try:
            ears.put_nowait(OrderNews(account_id=command.account_id, client_order_id=command.id, report=report))
        except asyncio.QueueFull:
            while not ears.empty():
                ears.get_nowait()
            ears.put_nowait(None)

    async def listen(self, accounts: Collection[AccountId]) -> AsyncGenerator[OrderNews, None]:
        """Results of these accounts' commands, as they come. Raise VenueUnavailable where too many came at once to be told."""
        ears: asyncio.Queue[OrderNews | None] = asyncio.Queue(NEWS_MAX)
        self._ears |= dict.fromkeys(accounts, ears)
        try:
            while (news := await ears.get()) is not None:
                yield news
            raise VenueUnavailable("more results came at once than could be taken")
        finally:
            self._ears = {key: one for key, one in self._ears.items() if one is not ears}


def _frame(command: Command, seq: int) -> bytes:
    rest = rest_of(command.data, at=command.created_at, expires_at=command.expires_at)
    return frame(command.event, seq, command.id, rest)
