"""Doing what a command says, at most once: written down, sent, judged; what is unknown is looked for and never sent again."""

import asyncio
from collections.abc import Mapping, Sequence
from decimal import Decimal

import structlog
from msgspec.structs import replace

from copydesk.ports.clock import Clock
from copydesk.terminal.codec import Look, OrderRequest, Position, Sent
from copydesk.terminal.copier.commands import Command, Skipped, Wishes
from copydesk.terminal.copier.evidence import POSITION_CLOSED, UNSUPPORTED_FILLING, Verdict, judge
from copydesk.terminal.copier.guards import Situation, check_opening
from copydesk.terminal.copier.journal import NOTHING, CopierJournal, Copy, Filled, Intent, Stage
from copydesk.terminal.copier.markets import Market, Markets
from copydesk.terminal.copier.outcomes import Outcome, Result, may_try_again, not_done, outcome_of
from copydesk.terminal.copier.plans import plan_of, plan_with_lots
from copydesk.terminal.copier.requests import closing, fillings, is_ours, new_levels, opening
from copydesk.terminal.copier.sizing import lots_to_close, lots_to_open
from copydesk.terminal.frames import Failed
from copydesk.terminal.gateway import Gateway

log = structlog.get_logger()

HEDGING = 2
"""The margin mode in which every order is a position of its own."""

_EARLIER = Failed(0, "an earlier order on this ticket is not settled yet")


class Hands:
    """One account's. Commands of one master ticket come one after another, in the order of the wire."""

    def __init__(self, gateway: Gateway, journal: CopierJournal, *, clock: Clock) -> None:
        self._gateway = gateway
        self._journal = journal
        self._clock = clock
        self._markets = Markets(gateway)

    async def open(self, command: Command, wishes: Wishes, look: Look) -> Outcome:
        """`look` is of this cycle, and of the account that the hub allows."""
        tried = await self._tried(command, "open")
        if not may_try_again(command, tried):
            return outcome_of("open", tried)
        market = await self._markets.find(command, wishes)
        if not isinstance(market, Market):
            return not_done("open", market, {"symbol_master": command.symbol})
        if any(one.request.symbol == market.symbol.name for one in await self._unsettled()):
            return not_done("open", Failed(0, f"an earlier order on {market.symbol.name} is not settled yet"))
        is_buy = (command.type == "BUY") != wishes.reverse
        price = market.tick.ask if is_buy else market.tick.bid
        plan = plan_of(command, wishes, market.symbol, price)
        lots = lots_to_open(command, wishes, market.symbol, price)
        if isinstance(lots, Skipped):
            return not_done("open", lots, plan)
        plan = plan_with_lots(plan, lots)
        request = opening(command, wishes, market.symbol, market.tick, lots, is_buy=is_buy, magic=0)
        refusal = await self._refuse(command, wishes, look, market, request)
        if refusal is not None:
            return not_done("open", refusal, plan)
        return await self._send(command, "open", request, fillings(market.symbol), look, plan)

    async def close(self, command: Command, look: Look) -> Sequence[Outcome]:
        """Every position that copies the ticket, by the command's fraction; the follower's own are never touched."""
        if await self._is_unsettled(command):
            return [not_done("close", _EARLIER)]
        copies = {f"close:{one.identifier}": one for one in await self._copies(command)}
        legs = dict.fromkeys([*await self._legs(command), *copies])
        return [await self._close(command, leg, copies.get(leg), look) for leg in legs]

    async def modify(self, command: Command, wishes: Wishes, look: Look) -> Sequence[Outcome]:
        """Stop and target of every position that copies the ticket."""
        if await self._is_unsettled(command):
            return [not_done("modify", _EARLIER)]
        copies = {f"modify:{one.identifier}": one for one in await self._copies(command)}
        legs = dict.fromkeys([*await self._legs(command), *copies])
        return [await self._modify(command, wishes, leg, look) for leg in legs]

    async def _close(self, command: Command, leg: str, copy: Copy | None, look: Look) -> Outcome:
        tried = await self._tried(command, leg)
        if not may_try_again(command, tried):
            return outcome_of(leg, tried)
        position = _position(leg, look)
        if position is None or copy is None:
            return not_done(leg, Failed(0, f"position {_number(leg)} is not there any more: its deals are being read"))
        market = await self._markets.of(position.symbol)
        if isinstance(market, Failed):
            return not_done(leg, market)
        held = min(copy.volume, position.volume)
        lots = _rest(tried, held) if tried else lots_to_close(command.fraction, held, market.symbol)
        if isinstance(lots, Skipped):
            return not_done(leg, lots)
        request = closing(position, market.symbol, market.tick, lots, magic=0)
        plan = {"held": str(held), "fraction": str(command.fraction), "lots": str(lots)}
        return await self._send(command, leg, request, fillings(market.symbol), look, plan)

    async def _modify(self, command: Command, wishes: Wishes, leg: str, look: Look) -> Outcome:
        tried = await self._tried(command, leg)
        if not may_try_again(command, tried):
            return outcome_of(leg, tried)
        position = _position(leg, look)
        if position is None:
            return not_done(leg, Skipped(rule="gone", reason=f"position {_number(leg)} is closed already"))
        market = await self._markets.of(position.symbol)
        if isinstance(market, Failed):
            return not_done(leg, market)
        request = new_levels(command, wishes, position, market.symbol, market.tick, magic=0)
        return await self._send(command, leg, request, (), look, {"sl": str(request.sl), "tp": str(request.tp)})

    async def _refuse(
        self, command: Command, wishes: Wishes, look: Look, market: Market, request: OrderRequest
    ) -> Skipped | None:
        is_buy = request.type == 0
        if (netted := await self._refuse_netting(look, request.symbol, is_buy=is_buy)) is not None:
            return netted
        margin = await self._margin(request, look)
        situation = self._situation(look, market)
        return check_opening(command, wishes, situation, request.volume, is_buy=is_buy, margin=margin)

    async def _refuse_netting(self, look: Look, symbol: str, *, is_buy: bool) -> Skipped | None:
        """A netting account has one position a symbol: an order must not close a copy, nor mix with the follower's own."""
        if look.account.margin_mode == HEDGING:
            return None
        held = next((one for one in look.positions if one.symbol == symbol), None)
        if held is None:
            return None
        copied = {one.identifier for one in await asyncio.to_thread(self._journal.copies)}
        if held.identifier not in copied:
            reason = f"this account nets, and the position on {symbol} is your own: a copy would be mixed with it"
            return Skipped(rule="netting", reason=reason)
        if held.is_buy != is_buy:
            return Skipped(rule="netting", reason=f"this account nets: it would close the other copy on {symbol}")
        return None

    async def _tried(self, command: Command, leg: str) -> Sequence[Intent]:
        tried = await asyncio.to_thread(self._journal.tried, command.id)
        return [one for one in tried if _base(one.leg) == leg]

    async def _legs(self, command: Command) -> Sequence[str]:
        return [_base(one.leg) for one in await asyncio.to_thread(self._journal.tried, command.id)]

    async def _is_unsettled(self, command: Command) -> bool:
        """What may still turn out to be open must be known before it can be closed or changed."""
        own = (command.bot_id, command.master_ticket)
        return any(
            (one.bot_id, one.master_ticket) == own and one.command_id != command.id for one in await self._unsettled()
        )

    async def _unsettled(self) -> Sequence[Intent]:
        return await asyncio.to_thread(self._journal.unsettled)

    async def _copies(self, command: Command) -> Sequence[Copy]:
        return await asyncio.to_thread(self._journal.copies_of, command.bot_id, command.master_ticket)

    async def _margin(self, request: OrderRequest, look: Look) -> Decimal | None:
        """What a dry run says it would take; None where it says nothing usable."""
        checked = await self._gateway.check(request)
        if isinstance(checked, Failed) or checked.retcode != 0:
            return None
        return max(Decimal(0), checked.margin - look.account.margin)

    def _situation(self, look: Look, market: Market) -> Situation:
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
        tried = await self._tried(command, leg)
        outcome = outcome_of(leg, tried)
        if outcome.result is not Result.UNKNOWN and may_try_again(command, tried):
            return replace(outcome, result=Result.NOT_NOW)
        return outcome

    async def _send_once(
        self, command: Command, leg: str, request: OrderRequest, look: Look, plan: Mapping[str, str]
    ) -> Intent:
        number = len(await self._tried(command, leg)) + 1
        name = leg if number == 1 else f"{leg}:{number}"
        intent = await asyncio.to_thread(self._journal.intend, command, name, request, plan)
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
        position = _number(_base(intent.leg)) or answer.order
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


def _rest(tried: Sequence[Intent], held: Decimal) -> Decimal:
    """What is left of a closing that was filled in part."""
    done = sum((one.filled.volume for one in tried), Decimal(0))
    return min(tried[0].request.volume - done, held)


def _base(leg: str) -> str:
    """`open:2` is another order for `open`, `close:7:2` for `close:7`."""
    kind, *numbers = leg.split(":")
    return kind if kind == "open" else ":".join([kind, *numbers[:1]])


def _number(leg: str) -> int:
    """The position's, 0 where there is none."""
    _, _, number = leg.partition(":")
    return int(number) if number else 0


def _position(leg: str, look: Look) -> Position | None:
    return next((one for one in look.positions if one.identifier == _number(leg)), None)
