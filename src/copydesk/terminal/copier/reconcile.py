"""Orders of which nothing is certain: looked for on the account by their own number until it is known what became of them."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal

import structlog
from msgspec import Struct

from copydesk.ports.clock import Clock
from copydesk.terminal.codec import Deal, Order, OrderRequest, OrderState, Position
from copydesk.terminal.copier.evidence import Found, look_for
from copydesk.terminal.copier.journal import CopierJournal
from copydesk.terminal.copier.records import NOTHING, Filled, Intent, Stage
from copydesk.terminal.copier.requests import MODIFY, REMOVE, SLTP, is_ours
from copydesk.terminal.frames import Failed
from copydesk.terminal.gateway import Gateway, seconds

log = structlog.get_logger()

SETTLE = timedelta(seconds=15)
"""A broker may show an order only after a while: before that, not finding it says nothing."""

APART = timedelta(milliseconds=500)
REVIEW_AFTER = timedelta(minutes=15)

AROUND = timedelta(days=2)
"""The server's clock is not ours: orders and deals of a day each way are read, and a day more for its zone."""


class _Account(Struct, frozen=True, kw_only=True):
    """Everything that an order could have become, read in one go; a part that cannot be read is no evidence."""

    positions: tuple[Position, ...]
    orders: tuple[Order, ...]
    past: tuple[Order, ...]
    deals: tuple[Deal, ...]


class Reconciler:
    """Nothing here sends: it reads, and moves what is unknown."""

    def __init__(self, gateway: Gateway, journal: CopierJournal, *, clock: Clock) -> None:
        self._gateway = gateway
        self._journal = journal
        self._clock = clock
        self._missed: dict[int, datetime] = {}

    async def begin(self) -> None:
        """At the start, before any command: what was not sent never was; what was, is unknown."""
        for intent in await asyncio.to_thread(self._journal.abandoned):
            await self._move(intent, Stage.ABSENT, "never sent: the program ended before")
        for intent in await asyncio.to_thread(self._journal.unsettled):
            if intent.stage is Stage.SENT:
                await self._move(intent, Stage.UNKNOWN, "the program ended before the answer came")

    async def has_read(self) -> bool:
        """Whether there is nothing to look for, or the account could be looked at."""
        return not await asyncio.to_thread(self._journal.unsettled) or await self._read() is not None

    async def settle(self) -> Sequence[Intent]:
        """One round over what is unknown; the orders that it settled."""
        unknown = await asyncio.to_thread(self._journal.unsettled)
        unknown = [one for one in unknown if one.stage is Stage.UNKNOWN]
        account = await self._read() if unknown else None
        settled = []
        for intent in unknown:
            moved = await self._settle(intent, account)
            if moved is not None:
                settled.append(moved)
        return settled

    async def adopt(self, positions: Sequence[Position], orders: Sequence[Order] = ()) -> Sequence[Intent]:
        """Late truth: an order that was given up, and is there after all. It copies its ticket from now on, or waits for it."""
        known = {one.identifier for one in await asyncio.to_thread(self._journal.copies)}
        known |= {one.order for one in await asyncio.to_thread(self._journal.orders)}
        shown = [(one.magic, one.identifier, one.volume, one.price) for one in positions]
        shown += [(one.magic, one.ticket, NOTHING.volume, one.price) for one in orders]
        found = []
        for magic, number, volume, price in shown:
            if number in known or not is_ours(magic):
                continue
            intent = await asyncio.to_thread(self._journal.by_magic, magic)
            is_there = intent is not None and (intent.places or (intent.opens and volume > 0))
            if intent is not None and is_there and intent.stage in {Stage.ABSENT, Stage.REVIEW}:
                filled = Filled(volume=volume, price=price, position=number, order=number)
                found.append(await self._move(intent, Stage.DONE, "there after all", filled))
        return found

    async def _settle(self, intent: Intent, account: _Account | None) -> Intent | None:
        now = self._clock.now()
        age = now - (intent.sent_at or now)
        if account is None:
            return await self._review(intent, age)
        found = _sought(intent, account)
        if found is not None:
            note = f"found on the account: {found.volume} at {found.price}"
            filled = Filled(volume=found.volume, price=found.price, position=found.position_id, order=found.order)
            if intent.places:
                # What came of it is read as of every order that waits.
                filled = Filled(price=found.price, position=found.order, order=found.order)
            return await self._move(intent, Stage.DONE, note, filled)
        first = self._missed.setdefault(intent.number, now) if age >= SETTLE else None
        if first is None or now - first < APART:
            return None
        return await self._move(intent, Stage.ABSENT, "looked for twice, and not there")

    async def _review(self, intent: Intent, age: timedelta) -> Intent | None:
        """Without anything to look at, a person is told in the end."""
        if age < REVIEW_AFTER:
            return None
        return await self._move(intent, Stage.REVIEW, f"not known after {age.total_seconds() / 60:.0f} minutes")

    async def _read(self) -> _Account | None:
        now = self._clock.now()
        since, until = seconds(now - AROUND), seconds(now + AROUND)
        positions, orders = await self._gateway.positions(), await self._gateway.orders()
        past, deals = await self._gateway.past_orders(since, until), await self._gateway.deals(since, until)
        if isinstance(positions, Failed) or isinstance(orders, Failed):
            return None
        if isinstance(past, Failed) or isinstance(deals, Failed):
            return None
        return _Account(positions=positions, orders=orders, past=past, deals=deals)

    async def _move(self, intent: Intent, stage: Stage, note: str, filled: Filled = NOTHING) -> Intent:
        self._missed.pop(intent.number, None)
        log.info("order settled", number=intent.number, leg=intent.leg, stage=stage, note=note)
        return await asyncio.to_thread(self._journal.move, intent, stage, note=note, filled=filled)


def _sought(intent: Intent, account: _Account) -> Found | None:
    """New levels leave no order and no deal: they are there, or they are not. An order that was removed is in the history so."""
    request = intent.request
    match request.action:
        case action if action == SLTP:
            held = (one for one in account.positions if one.ticket == request.position)
            same = (one for one in held if (one.sl, one.tp) == (request.sl, request.tp))
            return next((Found(volume=one.volume, price=one.price, position_id=one.identifier) for one in same), None)
        case action if action == MODIFY:
            waiting = (one for one in account.orders if one.ticket == request.order)
            return next((_untouched(one) for one in waiting if _terms(one) == _terms(request)), None)
        case action if action == REMOVE:
            ended = (one for one in account.past if one.ticket == request.order)
            return next((_untouched(one) for one in ended if one.state in _REMOVED), None)
    return look_for(
        intent.magic, positions=account.positions, orders=account.orders, past=account.past, deals=account.deals
    )


_REMOVED = frozenset({OrderState.CANCELED, OrderState.EXPIRED})


def _untouched(order: Order) -> Found:
    """Nothing was filled by moving or removing it."""
    return Found(volume=Decimal(0), price=order.price, position_id=0, order=order.ticket)


def _terms(one: Order | OrderRequest) -> tuple[object, ...]:
    return one.price, one.stoplimit, one.sl, one.tp, one.expiration
