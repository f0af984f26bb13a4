"""Copies that end without a command: a stop, a margin call, a person. Believed only when the account's deals say so."""

import asyncio
from collections.abc import Sequence
from decimal import Decimal

import structlog

from copydesk.ports.clock import Clock
from copydesk.terminal.codec import Deal, Look
from copydesk.terminal.console import Tell
from copydesk.terminal.copier.figures import booked, closings, is_closed, share_of
from copydesk.terminal.copier.inbox import OWN
from copydesk.terminal.copier.journal import CopierJournal
from copydesk.terminal.copier.records import Copy, Gone
from copydesk.terminal.frames import Failed
from copydesk.terminal.gateway import Gateway

log = structlog.get_logger()

ALARM_AFTER_S = 10.0
ASK_EVERY_S = 0.5


class Ends:
    """Two looks must agree that a position is not there, and its deals must have closed it."""

    def __init__(self, gateway: Gateway, journal: CopierJournal, *, clock: Clock, tell: Tell) -> None:
        self._gateway = gateway
        self._journal = journal
        self._clock = clock
        self._tell = tell
        self._missing: dict[int, float] = {}
        self._asked: dict[int, float] = {}
        self._alarmed: set[int] = set()

    async def check(self, look: Look) -> Sequence[Gone]:
        """What has ended since the last look, written down; `look` is of this account."""
        copies = await asyncio.to_thread(self._journal.copies)
        shown = {one.identifier for one in look.positions}
        now, before = self._clock.elapsed(), self._missing
        self._missing = {
            one.identifier: before.get(one.identifier, now) for one in copies if one.identifier not in shown
        }
        unsettled = await asyncio.to_thread(self._journal.unsettled) if self._missing else ()
        doubtful = {(one.bot_id, one.master_ticket) for one in unsettled}
        found: list[Gone] = []
        for identifier in self._missing.keys() & before.keys():
            own = [one for one in copies if one.identifier == identifier]
            if not any((one.bot_id, one.master_ticket) in doubtful for one in own):
                found += await self._read(identifier, own)
        return found

    async def _read(self, identifier: int, copies: Sequence[Copy]) -> Sequence[Gone]:
        now = self._clock.elapsed()
        if now - self._asked.get(identifier, float("-inf")) < ASK_EVERY_S:
            return ()
        self._asked[identifier] = now
        deals = await self._gateway.deals_of_position(identifier)
        if isinstance(deals, Failed) or not is_closed(deals):
            self._alarm(identifier, deals)
            return ()
        ends = await asyncio.to_thread(self._ends, deals, copies)
        await asyncio.to_thread(self._journal.bury, ends, copies)
        self._asked.pop(identifier, None)
        for one in ends:
            log.info("copy ended", position=identifier, ticket=one.master_ticket, why=one.booked.reason)
            self._tell(f"ended  {one.symbol} #{one.master_ticket} (position {identifier}): {one.booked.reason}")
        return ends

    def _ends(self, deals: Sequence[Deal], copies: Sequence[Copy]) -> Sequence[Gone]:
        """What a command of the hub's closed is in that command's result, and not told again."""
        untold = [one for one in closings(deals) if not self._is_told(one)]
        if not untold:
            return ()
        whole, held = booked(untold), sum((one.volume for one in copies), Decimal(0))
        return [
            Gone(
                identifier=one.identifier,
                bot_id=one.bot_id,
                master_ticket=one.master_ticket,
                symbol=one.symbol,
                booked=share_of(whole, one.volume / held),
                ended_at=self._clock.now(),
            )
            for one in copies
        ]

    def _is_told(self, deal: Deal) -> bool:
        """A stop that triggers carries the number of the order that opened its position: only closing orders count."""
        order = self._journal.by_magic(deal.magic)
        return order is not None and order.closes and not order.command_id.startswith(OWN)

    def _alarm(self, identifier: int, deals: Sequence[Deal] | Failed) -> None:
        """Nothing is concluded from a position that is not there and has no deals."""
        waited = self._clock.elapsed() - self._missing[identifier]
        if waited < ALARM_AFTER_S or identifier in self._alarmed:
            return
        self._alarmed.add(identifier)
        why = str(deals) if isinstance(deals, Failed) else "no deal says that it was closed"
        log.error("a copy is missing", position=identifier, problem=why)
        self._tell(f"position {identifier} is not shown any more, and {why}: look at the account", level="error")
