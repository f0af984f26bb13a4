"""Doing what a command says, at most once: written down, sent, judged; what is unknown is looked for and never sent again."""

import asyncio
from collections.abc import Sequence
from decimal import Decimal
from enum import StrEnum

import structlog
from msgspec import Struct
from msgspec.structs import replace

from copydesk.ports.clock import Clock
from copydesk.terminal.codec import Look, OrderRequest, Position, Sent, Symbol, Tick
from copydesk.terminal.copier.commands import Command, Skipped, Wishes
from copydesk.terminal.copier.evidence import UNSUPPORTED_FILLING, Verdict, judge
from copydesk.terminal.copier.guards import Situation, check_opening
from copydesk.terminal.copier.journal import CopierJournal, Intent, Stage
from copydesk.terminal.copier.requests import closing, fillings, is_ours, new_levels, opening
from copydesk.terminal.copier.sizing import lots_to_close, lots_to_open
from copydesk.terminal.copier.symbols import check_symbol, find_symbol
from copydesk.terminal.frames import Failed
from copydesk.terminal.gateway import Gateway

log = structlog.get_logger()


class Result(StrEnum):
    """NOT_NOW: nothing was sent, and trying again is safe while the command is fresh."""

    DONE = "done"
    SKIPPED = "skipped"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    NOT_PLACED = "not_placed"
    NOT_NOW = "not_now"


class Outcome(Struct, frozen=True, kw_only=True):
    """What one leg of a command came to."""

    leg: str
    result: Result
    reason: str = ""
    volume: Decimal = Decimal(0)
    price: Decimal = Decimal(0)


_RESULTS = {
    Stage.INTENT: Result.NOT_NOW,
    Stage.SENT: Result.UNKNOWN,
    Stage.UNKNOWN: Result.UNKNOWN,
    Stage.REVIEW: Result.UNKNOWN,
    Stage.DONE: Result.DONE,
    Stage.REFUSED: Result.REFUSED,
    Stage.ABSENT: Result.NOT_PLACED,
}


_EARLIER = Failed(0, "an earlier order on this ticket is not settled yet")


class _Market(Struct, frozen=True, kw_only=True):
    symbol: Symbol
    tick: Tick


class Hands:
    """One account's. Commands of one master ticket come one after another, in the order of the wire."""

    def __init__(self, gateway: Gateway, journal: CopierJournal, *, clock: Clock) -> None:
        self._gateway = gateway
        self._journal = journal
        self._clock = clock
        self._names: tuple[str, ...] | None = None

    async def open(self, command: Command, wishes: Wishes, look: Look) -> Outcome:
        """`look` is of this cycle, and of the account that the hub allows."""
        if (before := await self._before(command, "open")) is not None:
            return before
        market = await self._market(command, wishes)
        if not isinstance(market, _Market):
            return _not_done("open", market)
        if any(one.request.symbol == market.symbol.name for one in await self._unsettled()):
            return _not_done("open", Failed(0, f"an earlier order on {market.symbol.name} is not settled yet"))
        is_buy = (command.type == "BUY") != wishes.reverse
        lots = lots_to_open(command, wishes, market.symbol, market.tick.ask if is_buy else market.tick.bid)
        if isinstance(lots, Skipped):
            return _not_done("open", lots)
        request = opening(command, wishes, market.symbol, market.tick, lots, is_buy=is_buy, magic=0)
        margin = await self._margin(request, look)
        refusal = check_opening(command, wishes, self._situation(look, market), lots, is_buy=is_buy, margin=margin)
        if refusal is not None:
            return _not_done("open", refusal)
        return await self._send(command, "open", request, fillings(market.symbol), opens=True)

    async def close(self, command: Command, look: Look) -> Sequence[Outcome]:
        """Every position that copies the ticket, by the command's fraction; the follower's own are never touched."""
        if await self._is_unsettled(command):
            return [_not_done("close", _EARLIER)]
        found = []
        for position in await self._copied(command, look):
            leg = f"close:{position.identifier}"
            found.append(await self._before(command, leg) or await self._close(command, position, leg))
        return found

    async def modify(self, command: Command, wishes: Wishes, look: Look) -> Sequence[Outcome]:
        """Stop and target of every position that copies the ticket."""
        if await self._is_unsettled(command):
            return [_not_done("modify", _EARLIER)]
        found = []
        for position in await self._copied(command, look):
            leg = f"modify:{position.identifier}"
            found.append(await self._before(command, leg) or await self._modify(command, wishes, position, leg))
        return found

    async def _close(self, command: Command, position: Position, leg: str) -> Outcome:
        market = await self._market_of(position.symbol)
        if isinstance(market, Failed):
            return _not_done(leg, market)
        lots = lots_to_close(command.fraction, position.volume, market.symbol)
        if isinstance(lots, Skipped):
            return _not_done(leg, lots)
        request = closing(position, market.symbol, market.tick, lots, magic=0)
        outcome = await self._send(command, leg, request, fillings(market.symbol), opens=False)
        if outcome.result is Result.DONE and lots == position.volume:
            await asyncio.to_thread(self._journal.forget_copy, position.identifier)
        return outcome

    async def _modify(self, command: Command, wishes: Wishes, position: Position, leg: str) -> Outcome:
        market = await self._market_of(position.symbol)
        if isinstance(market, Failed):
            return _not_done(leg, market)
        request = new_levels(command, wishes, position, market.symbol, market.tick, magic=0)
        return await self._send(command, leg, request, (), opens=False)

    async def _before(self, command: Command, leg: str) -> Outcome | None:
        """A command that comes again gets the answer it had; one that was never sent is settled when the program starts."""
        second = await asyncio.to_thread(self._journal.find, command.id, f"{leg}:2")
        intent = second or await asyncio.to_thread(self._journal.find, command.id, leg)
        if intent is None:
            return None
        return Outcome(leg=leg, result=_RESULTS[intent.stage], reason=intent.note)

    async def _is_unsettled(self, command: Command) -> bool:
        """What may still turn out to be open must be known before it can be closed or changed."""
        own = (command.bot_id, command.master_ticket)
        return any((one.bot_id, one.master_ticket) == own for one in await self._unsettled())

    async def _unsettled(self) -> Sequence[Intent]:
        return await asyncio.to_thread(self._journal.unsettled)

    async def _copied(self, command: Command, look: Look) -> Sequence[Position]:
        copies = await asyncio.to_thread(self._journal.copies_of, command.bot_id, command.master_ticket)
        identifiers = {one.identifier for one in copies}
        return [one for one in look.positions if one.identifier in identifiers]

    async def _market(self, command: Command, wishes: Wishes) -> _Market | Skipped | Failed:
        if self._names is None:
            names = await self._gateway.symbol_names()
            if isinstance(names, Failed):
                return names
            self._names = names
        name = find_symbol(command.symbol, self._names, wishes.symbols)
        if isinstance(name, Skipped):
            return name
        market = await self._market_of(name)
        if isinstance(market, Failed):
            return market
        return check_symbol(market.symbol, command.contract) or market

    async def _market_of(self, name: str) -> _Market | Failed:
        """A symbol outside Market Watch has no prices: it is put there first."""
        selected = await self._gateway.select(name)
        if isinstance(selected, Failed):
            return selected
        symbol = await self._gateway.symbol(name)
        if isinstance(symbol, Failed):
            return symbol
        tick = await self._gateway.tick(name)
        return tick if isinstance(tick, Failed) else _Market(symbol=symbol, tick=tick)

    async def _margin(self, request: OrderRequest, look: Look) -> Decimal | None:
        """What a dry run says it would take; None where it says nothing usable."""
        checked = await self._gateway.check(request)
        if isinstance(checked, Failed) or checked.retcode != 0:
            return None
        return max(Decimal(0), checked.margin - look.account.margin)

    def _situation(self, look: Look, market: _Market) -> Situation:
        return Situation(
            now=self._clock.now(),
            account=look.account,
            terminal=look.terminal,
            symbol=market.symbol,
            tick=market.tick,
            positions=[one for one in look.positions if is_ours(one.magic)],
            orders=[one for one in look.orders if is_ours(one.magic)],
        )

    async def _send(
        self, command: Command, leg: str, request: OrderRequest, ways: Sequence[int], *, opens: bool
    ) -> Outcome:
        """A refusal for its filling is definite, so the one alternative is a new order; nothing else is tried twice."""
        intent, answer = await self._send_once(command, leg, request, opens=opens)
        refused = isinstance(answer, Sent) and answer.retcode == UNSUPPORTED_FILLING
        if refused and len(ways) > 1:
            other = replace(request, type_filling=ways[1])
            intent, answer = await self._send_once(command, f"{leg}:2", other, opens=opens)
        told = (answer.volume, answer.price) if isinstance(answer, Sent) else (Decimal(0), Decimal(0))
        return Outcome(leg=leg, result=_RESULTS[intent.stage], reason=intent.note, volume=told[0], price=told[1])

    async def _send_once(
        self, command: Command, leg: str, request: OrderRequest, *, opens: bool
    ) -> tuple[Intent, Sent | Failed]:
        intent = await asyncio.to_thread(self._journal.intend, command, leg, request)
        intent = await asyncio.to_thread(self._journal.move, intent, Stage.SENT, sent_at=self._clock.now())
        answer = await self._gateway.send(intent.request)
        stage, note = _judged(answer)
        copies = await self._position_of(intent, answer) if opens and stage is Stage.DONE else None
        intent = await asyncio.to_thread(self._journal.move, intent, stage, note=note, copies=copies)
        log.info("order judged", command=command.id, leg=leg, number=intent.number, stage=stage, note=note)
        return intent, answer

    async def _position_of(self, intent: Intent, answer: Sent | Failed) -> int | None:
        """On a hedging account it has the order's number; on a netting one, that of the position it was added to."""
        if isinstance(answer, Failed):
            return None
        positions = await self._gateway.positions()
        if not isinstance(positions, Failed) and not any(one.identifier == answer.order for one in positions):
            held = [one for one in positions if one.symbol == intent.request.symbol]
            if len(held) == 1:
                return held[0].identifier
        return answer.order


def _judged(answer: Sent | Failed) -> tuple[Stage, str]:
    note = str(answer) if isinstance(answer, Failed) else f"{answer.comment} ({answer.retcode})"
    match judge(answer):
        case Verdict.DONE | Verdict.MET:
            return Stage.DONE, note
        case Verdict.REFUSED:
            return Stage.REFUSED, note
        case Verdict.UNKNOWN:
            return Stage.UNKNOWN, note


def _not_done(leg: str, why: Skipped | Failed) -> Outcome:
    """A rule of the owner's skips for good; what could not be read may be tried again."""
    if isinstance(why, Skipped):
        return Outcome(leg=leg, result=Result.SKIPPED, reason=f"{why.rule}: {why.reason}")
    return Outcome(leg=leg, result=Result.NOT_NOW, reason=str(why))
