"""Outcomes with their money: what the account's deals say of each order, and of copies that ended without one."""

import asyncio
from collections.abc import Sequence

from msgspec.structs import replace

from copydesk.ports.clock import Clock
from copydesk.terminal.copier.commands import Command, Do
from copydesk.terminal.copier.figures import Booked, booked, closings
from copydesk.terminal.copier.journal import CopierJournal
from copydesk.terminal.copier.outcomes import Outcome, Result
from copydesk.terminal.copier.records import Gone, Stage
from copydesk.terminal.frames import Failed
from copydesk.terminal.gateway import Gateway

TRIES, PAUSE_S = 4, 0.25
"""A deal may show a moment after the answer to its order. Without it the answer counts, and its profit stays untold."""


ORPHANED = "the master holds it no longer"


class Booking:
    def __init__(self, gateway: Gateway, journal: CopierJournal, *, clock: Clock) -> None:
        self._gateway = gateway
        self._journal = journal
        self._clock = clock

    async def of(self, command: Command, outcome: Outcome) -> Outcome:
        """With the deals of its orders."""
        is_told = outcome.gone or outcome.booked is not None or not outcome.position
        if is_told or command.do is Do.MODIFY or outcome.result is not Result.DONE:
            return outcome
        tried = await asyncio.to_thread(self._journal.tried, command.id)
        magics = {one.magic for one in tried if one.stage is Stage.DONE and one.filled.position == outcome.position}
        for turn in range(TRIES):
            if turn:
                await self._clock.sleep(PAUSE_S)
            found = await self._read(outcome.position, magics, closes=command.ends)
            if found is not None and found.volume >= outcome.volume:
                return replace(outcome, booked=found, volume=found.volume, price=found.price)
        return outcome

    async def ended(self, command: Command) -> Sequence[Outcome]:
        """What had ended by itself before the hub said close."""
        return [
            Outcome(
                leg=f"gone:{one.identifier}",
                result=Result.DONE,
                reason=one.booked.reason,
                volume=one.booked.volume,
                price=one.booked.price,
                position=one.identifier,
                booked=one.booked,
                gone=True,
            )
            for one in await asyncio.to_thread(self._journal.gone_of, command)
        ]

    def ends(self, command: Command, outcomes: Sequence[Outcome]) -> Sequence[Gone]:
        """Of a close that this program gave itself. Without deals what was answered counts, and no profit is known."""
        closes = [one for one in outcomes if one.result is Result.DONE and one.volume and not one.gone]
        return [
            Gone(
                identifier=one.position,
                bot_id=command.bot_id,
                master_ticket=command.master_ticket,
                symbol=command.symbol,
                booked=replace(one.booked or Booked(volume=one.volume, price=one.price), reason=ORPHANED),
                ended_at=self._clock.now(),
            )
            for one in (closes if command.ends else ())
        ]

    async def nothing(self, command: Command) -> Outcome:
        """There is nothing to do it to. What was held once and is closed and told is closed; else a person should know."""
        was_held = await asyncio.to_thread(self._journal.was_opened, command.bot_id, command.master_ticket)
        if command.do is Do.CANCEL:
            return Outcome(leg="", result=Result.DONE, reason="nothing of it waits here")
        if command.do is Do.CLOSE and was_held:
            return Outcome(leg="", result=Result.DONE, reason="it was closed before, and told")
        return Outcome(
            leg="", result=Result.SKIPPED, reason="nothing is held for this ticket", plan={"rule": "nothing_held"}
        )

    async def _read(self, position: int, magics: set[int], *, closes: bool) -> Booked | None:
        deals = await self._gateway.deals_of_position(position)
        if isinstance(deals, Failed):
            return None
        own = [one for one in deals if one.magic in magics]
        return booked(closings(own) if closes else [one for one in own if one not in closings(own)])
