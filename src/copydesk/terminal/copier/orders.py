"""Orders of ours that wait for their price: moved with the master's, and taken back."""

import asyncio
from collections.abc import Sequence

from msgspec.structs import replace

from copydesk.ports.clock import Clock
from copydesk.terminal.codec import ORDER_TYPES, Look, Order
from copydesk.terminal.copier.commands import Command, Do, Skipped, Wishes
from copydesk.terminal.copier.journal import CopierJournal
from copydesk.terminal.copier.markets import Markets
from copydesk.terminal.copier.order_requests import moving, own_kind, removing
from copydesk.terminal.copier.outcomes import Outcome, Result, may_try_again, not_done, outcome_of
from copydesk.terminal.copier.records import Placed
from copydesk.terminal.copier.sending import Sending
from copydesk.terminal.frames import Failed

BEING_READ = "what became of it is being read"

WHY = "why"
"""In the plan of an order's removal: for whoever is told how it ended."""

_REASONS = {Do.CLOSE: "the master has closed it", Do.CANCEL: "the master took it back"}


class Orders:
    """One account's. An order that is not among those that wait is not touched: its history says what became of it."""

    def __init__(self, journal: CopierJournal, sending: Sending, markets: Markets, *, clock: Clock) -> None:
        self._journal = journal
        self._sending = sending
        self._markets = markets
        self._clock = clock

    async def take_back(self, command: Command, look: Look) -> Sequence[Outcome]:
        """All that wait for the ticket; none of them is done before its history was read."""
        why = _REASONS.get(command.do, "the desk took it back")
        removed = [await self._remove(command, one, look, why) for one in await self._of(command)]
        return [
            replace(one, result=Result.NOT_NOW, reason=BEING_READ) if one.result is Result.DONE else one
            for one in removed
        ]

    async def taken_back(self, command: Command) -> Sequence[Outcome]:
        """What a command took back, once nothing waits any more."""
        legs = dict.fromkeys(one for one in await self._sending.legs(command) if one.startswith("remove:"))
        found = [outcome_of(leg, await self._sending.tried(command, leg)) for leg in legs]
        return [one for one in found if one.result is Result.DONE]

    async def move(self, command: Command, wishes: Wishes, look: Look) -> Sequence[Outcome]:
        """One that cannot follow is taken back: at its old price the master wants nothing."""
        return [await self._move(command, wishes, one, look) for one in await self._of(command)]

    async def _move(self, command: Command, wishes: Wishes, placed: Placed, look: Look) -> Outcome:
        leg = f"move:{placed.order}"
        order = _shown(placed, look)
        if order is None:
            return not_done(leg, Failed(0, f"order {placed.order} does not wait any more: {BEING_READ}"))
        tried = await self._sending.tried(command, leg)
        if may_try_again(command, tried):
            outcome = await self._move_now(command, wishes, order, look)
        else:
            outcome = outcome_of(leg, tried)
        if outcome.result is not Result.REFUSED:
            return outcome
        why = "it could not follow the master's change"
        removed = await self._remove(command, placed, look, why)
        result = Result.REFUSED if removed.result is Result.DONE else removed.result
        return replace(outcome, result=result, reason=f"{outcome.reason}; taken back: {why}")

    async def _move_now(self, command: Command, wishes: Wishes, order: Order, look: Look) -> Outcome:
        leg = f"move:{order.ticket}"
        market = await self._markets.of(order.symbol)
        if isinstance(market, Failed):
            return not_done(leg, market)
        wanted = None if command.waits is None else own_kind(command.waits, reverse=wishes.reverse)
        if wanted is not None and (isinstance(wanted, Skipped) or wanted.value != ORDER_TYPES[order.type]):
            # The stop of a stop-limit order has come at one of the two brokers: at the other it comes by itself.
            reason = f"it waits as {ORDER_TYPES[order.type]} here, and stays"
            return Outcome(leg=leg, result=Result.DONE, reason=reason)
        request = moving(command, wishes, order, market, self._clock.now())
        plan = {"price": str(request.price), "sl": str(request.sl), "tp": str(request.tp)}
        return await self._sending.send(command, leg, request, (), look, plan)

    async def _remove(self, command: Command, placed: Placed, look: Look, why: str) -> Outcome:
        leg = f"remove:{placed.order}"
        order = _shown(placed, look)
        if order is None:
            return not_done(leg, Failed(0, f"order {placed.order} does not wait any more: {BEING_READ}"))
        tried = await self._sending.tried(command, leg)
        if not may_try_again(command, tried):
            return outcome_of(leg, tried)
        return await self._sending.send(command, leg, removing(order.symbol, order.ticket), (), look, {WHY: why})

    async def _of(self, command: Command) -> Sequence[Placed]:
        return await asyncio.to_thread(self._journal.orders_of, command.bot_id, command.master_ticket)


def _shown(placed: Placed, look: Look) -> Order | None:
    return next((one for one in look.orders if one.ticket == placed.order), None)
