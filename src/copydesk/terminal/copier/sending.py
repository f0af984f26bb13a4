"""One order at a time to the terminal: written down, sent, judged. What is unknown is never sent again."""

import asyncio
from collections.abc import Mapping, Sequence

import structlog
from msgspec.structs import replace

from copydesk.ports.clock import Clock
from copydesk.terminal.codec import HEDGING, Look, OrderRequest, Sent
from copydesk.terminal.copier.commands import Command
from copydesk.terminal.copier.evidence import POSITION_CLOSED, UNSUPPORTED_FILLING, Verdict, judge
from copydesk.terminal.copier.journal import CopierJournal
from copydesk.terminal.copier.outcomes import Outcome, Result, may_try_again, outcome_of
from copydesk.terminal.copier.records import NOTHING, Filled, Intent, Stage
from copydesk.terminal.copier.requests import MODIFY, PENDING, REMOVE
from copydesk.terminal.frames import Failed
from copydesk.terminal.gateway import Gateway

log = structlog.get_logger()

_OF_ORDERS = frozenset({PENDING, MODIFY, REMOVE})


class Sending:
    """One account's."""

    def __init__(self, gateway: Gateway, journal: CopierJournal, *, clock: Clock) -> None:
        self._gateway = gateway
        self._journal = journal
        self._clock = clock

    async def tried(self, command: Command, leg: str) -> Sequence[Intent]:
        """The orders that there were for a leg of a command, oldest first."""
        tried = await asyncio.to_thread(self._journal.tried, command.id)
        return [one for one in tried if base_of(one.leg) == leg]

    async def legs(self, command: Command) -> Sequence[str]:
        """Those of which anything was tried."""
        return [base_of(one.leg) for one in await asyncio.to_thread(self._journal.tried, command.id)]

    async def unsettled(self) -> Sequence[Intent]:
        return await asyncio.to_thread(self._journal.unsettled)

    async def is_unsettled(self, command: Command) -> bool:
        """What may still turn out to be open must be known before it can be closed or changed."""
        own = (command.bot_id, command.master_ticket)
        return any(
            (one.bot_id, one.master_ticket) == own and one.command_id != command.id for one in await self.unsettled()
        )

    async def send(
        self,
        command: Command,
        leg: str,
        request: OrderRequest,
        ways: Sequence[int],
        look: Look,
        plan: Mapping[str, str],
    ) -> Outcome:
        """A refusal for its filling is definite, so the one alternative is a new order at once; whatever else passes may be
        tried again later.
        """
        intent = await self._send_once(command, leg, request, look, plan)
        if intent.filled.retcode == UNSUPPORTED_FILLING and len(ways) > 1:
            await self._send_once(command, leg, replace(request, type_filling=ways[1]), look, plan)
        tried = await self.tried(command, leg)
        outcome = outcome_of(leg, tried)
        if outcome.result is not Result.UNKNOWN and may_try_again(command, tried):
            return replace(outcome, result=Result.NOT_NOW)
        return outcome

    async def _send_once(
        self, command: Command, leg: str, request: OrderRequest, look: Look, plan: Mapping[str, str]
    ) -> Intent:
        number = len(await self.tried(command, leg)) + 1
        name = leg if number == 1 else f"{leg}:{number}"
        intent = await asyncio.to_thread(self._journal.write_ahead, command, name, request, plan)
        intent = await asyncio.to_thread(self._journal.move, intent, Stage.SENT, sent_at=self._clock.now())
        answer = await self._gateway.send(intent.request, login=look.account.login)
        stage, note = _judged(answer)
        filled = await self._filled(intent, answer, stage, look)
        intent = await asyncio.to_thread(self._journal.move, intent, stage, note=note, filled=filled)
        log.info("order judged", command=command.id, leg=name, number=intent.number, stage=stage, note=note)
        return intent

    async def _filled(self, intent: Intent, answer: Sent | Failed, stage: Stage, look: Look) -> Filled:
        if isinstance(answer, Failed):
            return replace(NOTHING, retcode=answer.code)
        if stage is not Stage.DONE:
            return replace(NOTHING, retcode=answer.retcode)
        if intent.request.action in _OF_ORDERS:
            # Nothing is filled by it. A position is called by the order that opened it.
            order = answer.order or number_of(intent.leg)
            return Filled(position=order if intent.places else 0, order=order, retcode=answer.retcode)
        position = number_of(base_of(intent.leg)) or answer.order
        if intent.opens and look.account.margin_mode != HEDGING:
            position = await self._netted(intent, answer)
        # Some servers leave the volume out of the answer: then it is what was asked for.
        volume, price = answer.volume or intent.request.volume, answer.price or intent.request.price
        return Filled(volume=volume, price=price, position=position, retcode=answer.retcode)

    async def _netted(self, intent: Intent, answer: Sent) -> int:
        """On a netting account an order is added to the position of its symbol; elsewhere its position has the order's number."""
        positions = await self._gateway.positions()
        held = () if isinstance(positions, Failed) else positions
        return next((one.identifier for one in held if one.symbol == intent.request.symbol), answer.order)


def base_of(leg: str) -> str:
    """`open:2` is another order for `open`, `close:7:2` for `close:7`."""
    kind, *numbers = leg.split(":")
    return kind if kind == "open" else ":".join([kind, *numbers[:1]])


def number_of(leg: str) -> int:
    """The position's or order's, 0 where there is none."""
    _, _, number = base_of(leg).partition(":")
    return int(number) if number else 0


def _judged(answer: Sent | Failed) -> tuple[Stage, str]:
    note = str(answer) if isinstance(answer, Failed) else f"{answer.comment} ({answer.retcode})"
    match judge(answer):
        case Verdict.DONE:
            return Stage.DONE, note
        case Verdict.MET:
            # Of a position that was closed already, this order closed nothing.
            gone = isinstance(answer, Sent) and answer.retcode == POSITION_CLOSED
            return (Stage.REFUSED if gone else Stage.DONE), note
        case Verdict.REFUSED:
            return Stage.REFUSED, note
        case Verdict.UNKNOWN:
            return Stage.UNKNOWN, note
