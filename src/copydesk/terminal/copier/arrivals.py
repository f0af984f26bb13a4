"""What became of orders that waited: filled, taken back, expired, refused. Believed when the account's history says so."""

import asyncio
from collections.abc import Mapping, Sequence

import structlog
from msgspec import Struct

from copydesk.ports.clock import Clock
from copydesk.terminal.codec import Entry, Look, OrderState
from copydesk.terminal.console import Tell
from copydesk.terminal.copier.figures import booked
from copydesk.terminal.copier.journal import CopierJournal
from copydesk.terminal.copier.orders import WHY
from copydesk.terminal.copier.outcomes import Outcome, Result
from copydesk.terminal.copier.records import NOTHING, Filled, Placed
from copydesk.terminal.frames import Failed
from copydesk.terminal.gateway import Gateway

log = structlog.get_logger()

ALARM_AFTER_S = 10.0
ASK_EVERY_S = 0.2

_ENDS: Mapping[int, str] = {
    OrderState.CANCELED: "removed in the terminal before its price came",
    OrderState.EXPIRED: "expired at the broker before its price came",
    OrderState.REJECTED: "its price came, and the broker could not fill it",
}


class Arrived(Struct, frozen=True, kw_only=True):
    """An order that waits no more: what it came to, and what of it copies its ticket now."""

    placed: Placed
    outcome: Outcome
    filled: Filled = NOTHING


class Arrivals:
    """Its position shows that an order is filled; one that shows nowhere is asked about once two looks agree."""

    def __init__(self, gateway: Gateway, journal: CopierJournal, *, clock: Clock, tell: Tell) -> None:
        self._gateway = gateway
        self._journal = journal
        self._clock = clock
        self._tell = tell
        self._missing: dict[int, float] = {}
        self._asked: dict[int, float] = {}
        self._alarmed: set[int] = set()

    async def check(self, look: Look) -> Sequence[Arrived]:
        """What has ended since the last look; it is written down once it was answered."""
        placed = await asyncio.to_thread(self._journal.orders)
        waiting, held = {one.ticket for one in look.orders}, {one.identifier for one in look.positions}
        now, before = self._clock.elapsed(), self._missing
        self._missing = {one.order: before.get(one.order, now) for one in placed if one.order not in waiting}
        found = []
        for one in placed:
            is_sure = one.order in held or one.order in before
            if one.order in self._missing and is_sure and (arrived := await self._read(one)) is not None:
                found.append(arrived)
        return found

    async def settle(self, arrived: Arrived) -> None:
        """After its answer: what comes for the ticket next finds a copy, or nothing."""
        placed = arrived.placed
        self._missing.pop(placed.order, None)
        self._asked.pop(placed.order, None)
        log.info("order ended", order=placed.order, ticket=placed.master_ticket, why=arrived.outcome.reason)
        await asyncio.to_thread(self._journal.end_order, placed, arrived.filled)

    async def _read(self, placed: Placed) -> Arrived | None:
        now = self._clock.elapsed()
        if now - self._asked.get(placed.order, float("-inf")) < ASK_EVERY_S:
            return None
        self._asked[placed.order] = now
        past = await self._gateway.past_order(placed.order)
        deals = await self._gateway.deals_of_position(placed.order)
        if isinstance(past, Failed) or isinstance(deals, Failed):
            self._doubt(placed, str(past if isinstance(past, Failed) else deals))
            return None
        whole = booked([one for one in deals if one.entry == Entry.IN and one.order == placed.order])
        if whole.volume:
            outcome = Outcome(
                leg="open",
                result=Result.DONE,
                reason="its price came, and it was filled",
                volume=whole.volume,
                wanted=placed.volume,
                price=whole.price,
                position=placed.order,
                booked=whole,
            )
            filled = Filled(volume=whole.volume, price=whole.price, position=placed.order)
            return Arrived(placed=placed, outcome=outcome, filled=filled)
        ended = next((_ENDS[one.state] for one in past if one.state in _ENDS), None)
        if ended is None:
            self._doubt(placed, "no history says what became of it")
            return None
        removals = await asyncio.to_thread(self._journal.removals_of, placed.order)
        reason = f"taken back: {removals[-1].plan.get(WHY, '')}" if removals else ended
        return Arrived(placed=placed, outcome=Outcome(leg="open", result=Result.SKIPPED, reason=reason))

    def _doubt(self, placed: Placed, why: str) -> None:
        """Nothing is concluded from an order that shows nowhere."""
        waited = self._clock.elapsed() - self._missing.get(placed.order, self._clock.elapsed())
        if waited < ALARM_AFTER_S or placed.order in self._alarmed:
            return
        self._alarmed.add(placed.order)
        log.error("an order is missing", order=placed.order, problem=why)
        self._tell(f"order {placed.order} does not wait any more, and {why}: look at the account", level="error")
