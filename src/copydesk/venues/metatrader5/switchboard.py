"""Who is connected, and what goes to whom: each command is in the book before a byte of it leaves.

An agent with a name is counted in the book, and resumes after a cut. One without a name is told from now on, in a count that
ends with its connection.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncGenerator, Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
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
from copydesk.venues.metatrader5.codec import cancel_of, expired, report_of, report_of_result, withdrawn
from copydesk.venues.metatrader5.connected import OTHERS, TOO_OLD, Connected, Told, skip

log = structlog.get_logger()

RESUME_MAX = 1_000
"""Of more missed commands only the latest are told one by one."""

KNOWN_FOR = timedelta(days=30)
"""So long a name is counted for, and what it was told can be looked up."""

LOOK_EVERY_S = 1.0
CATCH_UP_EVERY_S = 5.0
SEEN_EVERY_S = 60.0
GRACE = timedelta(seconds=5)
"""For the word that a command was received: it may be on its way while the command expires."""

NEWS_MAX = 10_000


@dataclass(slots=True)
class Switchboard:
    """`run` looks after what nobody asks for: commands that expire, numbers that are missing, and who was seen."""

    book: CommandBook
    clock: Clock
    _by_user: dict[UserId, list[Connected]] = field(default_factory=lambda: defaultdict(list))
    _by_agent: dict[str, Connected] = field(default_factory=dict)
    _ears: dict[AccountId, asyncio.Queue[OrderNews | None]] = field(default_factory=dict)
    _cut_off: dict[str, float] = field(default_factory=dict)

    async def run(self, is_on: Callable[[], bool]) -> None:
        """Until cancelled. Where the desk's work is another's, everybody is sent there. What the database does not take now is
        done in the next round.
        """
        caught_up_s = seen_s = self.clock.elapsed()
        while True:
            now_s = self.clock.elapsed()
            try:
                if not is_on():
                    self.end_all(Closing.ELSEWHERE)
                else:
                    await self._expire()
                    await self._ring_cut_off()
                    if now_s - caught_up_s >= CATCH_UP_EVERY_S:
                        caught_up_s = now_s
                        await self._catch_up()
                    if now_s - seen_s >= SEEN_EVERY_S:
                        seen_s, now = now_s, self.clock.now()
                        await self.book.seen(list(self._by_agent), now)
                        await self.book.forget(now - KNOWN_FOR)
            except StoreUnavailable as error:
                log.warning("agents' book", problem=str(error))
            await self.clock.sleep(LOOK_EVERY_S)

    def connected(self, user_id: UserId) -> Sequence[Connected]:
        return self._by_user.get(user_id, ())

    def end_all(self, why: Closing, user_id: UserId | None = None) -> None:
        """Everybody's connections, or those of one user."""
        for owner, connections in list(self._by_user.items()):
            for one in connections if user_id in {None, owner} else ():
                one.line.end(why)

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
        is_known = False
        try:
            one.last_seq = (await self.book.connect(user_id, role, name, self.clock.now())).last_seq
            is_known = True
        finally:
            if not is_known:
                self._forget(one)
        return one

    def bind(self, one: Connected, account_id: AccountId) -> None:
        """From now on for this account alone; another program that was bound to it stops: an account has one hand."""
        one.account_id = account_id
        for other in list(self._by_user.get(one.user_id, ())):
            if other is not one and account_id == other.account_id and other.agent_id is not None:
                other.line.end(Closing.REPLACED)

    async def disconnect(self, one: Connected) -> None:
        if self._forget(one) and one.agent_id is not None:
            await self.book.seen([one.agent_id], self.clock.now())

    async def begin(self, one: Connected) -> None:
        """What is open; then what nobody has received yet and may still be done; then what is new."""
        if one.agent_id is not None:
            before = one.last_seq
            await self.book.number_unheard(one.agent_id, one.user_id, self.clock.now())
            await self._tell_again(one, before)
            await self._be_ready(one)
            return
        unheard = await self.book.unheard(one.user_id, self.clock.now())
        await self._be_ready(one)
        unwanted = await self._take_back_unwanted(unheard)
        for command in unheard:
            if command.id not in unwanted:
                seq = one.count_on()
                one.tell(seq, Told(command.account_id, _frame(command, seq), self.clock.now()))

    async def resume(self, one: Connected, last_seq: int) -> None:
        """What came after `last_seq`, in order and as far as it still counts; then what is open, and what is new."""
        if one.agent_id is None:
            await self.begin(one)
            return
        one.is_ready = False
        await self._tell_again(one, last_seq)
        await self._be_ready(one)

    async def _be_ready(self, one: Connected) -> None:
        await self.snapshot(one)
        one.is_ready = True
        one.flush()

    async def snapshot(self, one: Connected) -> None:
        """What the masters have open. A command that comes meanwhile may be in it already: it is told again, and known by its id."""
        seq, now = one.last_seq, self.clock.now()
        told = await self.book.snapshot(one.user_id, one.account_id)
        one.write(frame(Event.SNAPSHOT, seq, None, rest_of({"as_of": seq, **told}, at=now, expires_at=None)))

    async def _tell_again(self, one: Connected, last_seq: int) -> None:
        """From the book, which has every number there is."""
        if one.agent_id is None:
            return
        missed, newest = await self.book.after(one.agent_id, last_seq, RESUME_MAX)
        now = self.clock.now()
        unwanted = await self._take_back_unwanted([kept.command for _, kept in missed if not _is_over(kept, now)])
        aged = {seq for seq, kept in missed if _is_over(kept, now) or kept.command.id in unwanted}
        first = missed[0][0] if missed else newest + 1
        if first > last_seq + 1:
            one.write(skip(last_seq + 1, first - 1, TOO_OLD, now))
        runs = dict(gaps(sorted(aged)))
        for seq, kept in missed:
            if seq in runs:
                one.write(skip(seq, runs[seq], TOO_OLD, now))
            if seq not in aged:
                is_theirs = one.takes(kept.command.account_id)
                one.write(_frame(kept.command, seq) if is_theirs else skip(seq, seq, OTHERS, now))
        one.last_seq = newest

    async def _take_back_unwanted(self, commands: Sequence[Command]) -> frozenset[str]:
        """Openings that waited, and that nobody wants any more: paused, switched off, stopped by the breaker, closed by the master."""
        openings = [one.id for one in commands if one.event is Event.OPEN]
        unwanted = await self.book.unwanted(openings) if openings else frozenset()
        for command_id in unwanted:
            await self.withdraw(command_id)
        return unwanted

    def _drop(self, one: Connected) -> None:
        others = self._by_user.get(one.user_id, [])
        if one in others:
            others.remove(one)
        if not others:
            self._by_user.pop(one.user_id, None)

    def _forget(self, one: Connected) -> bool:
        """Whether it was still the one of its name."""
        self._drop(one)
        if one.agent_id is None or self._by_agent.get(one.agent_id) is not one:
            return False
        del self._by_agent[one.agent_id]
        return True

    async def send(self, command: Command) -> None:
        """Durable when this returns, and on the wire of everybody of its owner's who is there. Whoever gives up between the two
        leaves a number missing, which `run` finds.
        """
        command, numbered = await self.book.add(command, seen_since=self.clock.now() - KNOWN_FOR)
        self.tell(command, numbered)

    def tell(self, command: Command, numbered: Sequence[Numbered]) -> None:
        """Encoded once; nobody is waited for."""
        seqs = {one.agent_id: one.seq for one in numbered}
        rest = rest_of(command.data, at=command.created_at, expires_at=command.expires_at)
        told, told_seq = Told(command.account_id, b"", command.created_at), 0
        for one in list(self._by_user.get(command.owner_id, ())):
            seq = one.count_on() if one.agent_id is None else seqs.get(one.agent_id, 0)
            if seq == 0:
                continue  # its name was not known yet: it is told when it begins
            if seq != told_seq:
                told_seq = seq
                told = Told(command.account_id, frame(command.event, seq, command.id, rest), command.created_at)
            one.tell(seq, told)

    async def receive(self, ids: Sequence[str], owner_id: UserId) -> None:
        await self.book.receive(ids, owner_id, self.clock.now())

    async def finish(self, result: Result, owner_id: UserId) -> None:
        """Stored first; then whoever listens for the account hears of it. One that comes again changes nothing. Raise ValueError
        for one that does not say what was opened.
        """
        kept = await self.book.find(result.id) if result.status is ResultStatus.FILLED and result.volume == 0 else None
        if kept is not None and kept.command.event is Event.OPEN:
            raise ValueError("volume: a filled opening has one, above 0, and a price")
        with self._heard_all_the_same(result.id):
            command = await self.book.finish(result, owner_id, self.clock.now())
        if command is not None and result.status is not ResultStatus.UNKNOWN:
            self._ring(command, report_of_result(command, result))

    async def withdraw(self, command_id: str) -> None:
        """Take a command back: what nobody has received is never done, and whoever has it is told, once."""
        kept = await self.book.find(command_id)
        if kept is None or kept.ended_at is not None:
            return
        with self._heard_all_the_same(command_id):
            is_withdrawn = await self.book.withdraw(command_id, self.clock.now())
        if is_withdrawn:
            self._ring(kept.command, withdrawn(kept.command))
        cancel = cancel_of(kept.command, self.clock.now())
        if await self.book.find(cancel.id) is None:
            await self.send(cancel)

    async def _expire(self) -> None:
        for command in await self.book.expire(self.clock.now() - GRACE):
            log.info("command expired", command_id=command.id, account_id=command.account_id)
            self._ring(command, expired(command))

    @contextmanager
    def _heard_all_the_same(self, command_id: str) -> Iterator[None]:
        """Whoever is cut off while this is being stored does not keep what was stored from being heard of."""
        try:
            yield
        except asyncio.CancelledError:
            self._cut_off[command_id] = self.clock.elapsed()
            raise

    async def _ring_cut_off(self) -> None:
        for command_id, since_s in list(self._cut_off.items()):
            kept = await self.book.find(command_id)
            if kept is not None and (kept.result is not None or kept.ended_at is not None):
                self._ring(kept.command, report_of(kept, self.clock.now()))
            elif self.clock.elapsed() - since_s < GRACE.total_seconds():
                continue
            del self._cut_off[command_id]

    async def _catch_up(self) -> None:
        """A command whose sender died between its commit and its telling is in the book: its number is missing here."""
        waiting = {one.agent_id: one for one in self._by_agent.values() if one.is_ready and one.agent_id is not None}
        before = {agent_id: one.last_seq for agent_id, one in waiting.items()}
        newest = await self.book.counts(list(waiting)) if waiting else {}
        for agent_id, one in waiting.items():
            # Whoever was told something meanwhile is looked at in the next round.
            if newest.get(agent_id, 0) > before[agent_id] == one.last_seq:
                one.is_ready = False
                await self._tell_again(one, one.last_seq)
                one.is_ready = True
                one.flush()

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

    def listen(self, accounts: Collection[AccountId]) -> AsyncGenerator[OrderNews, None]:
        """Results of these accounts' commands from now on, as they come. Raise VenueUnavailable where too many came at once."""
        ears: asyncio.Queue[OrderNews | None] = asyncio.Queue(NEWS_MAX)
        self._ears |= dict.fromkeys(accounts, ears)
        return self._hear(ears)

    async def _hear(self, ears: asyncio.Queue[OrderNews | None]) -> AsyncGenerator[OrderNews, None]:
        try:
            while (news := await ears.get()) is not None:
                yield news
            raise VenueUnavailable("more results came at once than could be taken")
        finally:
            self._ears = {key: one for key, one in self._ears.items() if one is not ears}


def _is_over(kept: Kept, now: datetime) -> bool:
    return kept.ended_at is not None or now > kept.command.expires_at


def _frame(command: Command, seq: int) -> bytes:
    rest = rest_of(command.data, at=command.created_at, expires_at=command.expires_at)
    return frame(command.event, seq, command.id, rest)
