"""What a command means on the account: what to open, close or change, each at most once."""

import asyncio
from collections.abc import Sequence
from decimal import Decimal

from copydesk.ports.clock import Clock
from copydesk.terminal.codec import HEDGING, Look, OrderRequest, Position
from copydesk.terminal.copier.commands import Command, Skipped, Wishes
from copydesk.terminal.copier.guards import Situation, check_opening
from copydesk.terminal.copier.journal import CopierJournal
from copydesk.terminal.copier.markets import Market, Markets
from copydesk.terminal.copier.order_requests import as_if_now, order_fillings, own_kind, placing
from copydesk.terminal.copier.orders import Orders
from copydesk.terminal.copier.outcomes import Outcome, may_try_again, not_done, outcome_of
from copydesk.terminal.copier.plans import plan_of, plan_with_lots
from copydesk.terminal.copier.records import Copy, Intent
from copydesk.terminal.copier.requests import NONE, closing, fillings, is_ours, new_levels, opening
from copydesk.terminal.copier.sending import Sending, number_of
from copydesk.terminal.copier.sizing import lots_to_close, lots_to_open
from copydesk.terminal.frames import Failed
from copydesk.terminal.gateway import Gateway

NETTED_ORDER = "this account nets: an order that waits would, once it fills, be mixed with whatever is held by then"

_EARLIER = Failed(0, "an earlier order on this ticket is not settled yet")


class Hands:
    """One account's. Commands of one master ticket come one after another, in the order of the wire."""

    def __init__(self, gateway: Gateway, journal: CopierJournal, *, clock: Clock) -> None:
        self._gateway = gateway
        self._journal = journal
        self._clock = clock
        self._markets = Markets(gateway)
        self._sending = Sending(gateway, journal, clock=clock)
        self._orders = Orders(journal, self._sending, self._markets, clock=clock)

    async def open(self, command: Command, wishes: Wishes, look: Look) -> Outcome:
        """`look` is of this cycle, and of the account that the hub allows."""
        tried = await self._sending.tried(command, "open")
        if not may_try_again(command, tried):
            return outcome_of("open", tried)
        market = await self._markets.find(command, wishes)
        if not isinstance(market, Market):
            return not_done("open", market, {"symbol_master": command.symbol})
        if any(one.request.symbol == market.symbol.name for one in await self._sending.unsettled()):
            return not_done("open", Failed(0, f"an earlier order on {market.symbol.name} is not settled yet"))
        kind = None if command.waits is None else own_kind(command.waits, reverse=wishes.reverse)
        if isinstance(kind, Skipped):
            return not_done("open", kind)
        is_buy = (command.side == "BUY") != wishes.reverse
        price = (market.tick.ask if is_buy else market.tick.bid) if kind is None else command.price or NONE
        plan = plan_of(command, wishes, market.symbol, price)
        lots = lots_to_open(command, wishes, market.symbol, price)
        if isinstance(lots, Skipped):
            return not_done("open", lots, plan)
        plan = plan_with_lots(plan, lots)
        if kind is None:
            request = opening(command, wishes, market.symbol, market.tick, lots, is_buy=is_buy, magic=0)
        else:
            request = placing(command, wishes, market, lots, kind, self._clock.now())
        refusal = await self._refuse(command, wishes, look, market, request, is_buy=is_buy)
        if refusal is not None:
            return not_done("open", refusal, plan)
        ways = fillings(market.symbol) if kind is None else order_fillings(market.symbol)
        return await self._sending.send(command, "open", request, ways, look, plan)

    async def close(self, command: Command, look: Look) -> Sequence[Outcome]:
        """Every position that copies the ticket, by the command's fraction; the follower's own are never touched. First what waits
        for the ticket is taken back, of a part too: it would become more than the master holds.
        """
        if await self._sending.is_unsettled(command):
            return [not_done("close", _EARLIER)]
        if waiting := await self.take_back(command, look):
            return waiting
        copies = {f"close:{one.identifier}": one for one in await self._copies(command)}
        tried = await self._sending.legs(command)
        legs = dict.fromkeys([*(one for one in tried if one.startswith("close:")), *copies])
        closed = [await self._close(command, leg, copies.get(leg), look) for leg in legs]
        return closed or await self._orders.taken_back(command)

    async def take_back(self, command: Command, look: Look) -> Sequence[Outcome]:
        """What waits for the ticket. Nothing where nothing waits (any more): what became of it is known then."""
        return await self._orders.take_back(command, look)

    async def modify(self, command: Command, wishes: Wishes, look: Look) -> Sequence[Outcome]:
        """Stop and target of every position that copies the ticket; of an order that waits its price too."""
        if await self._sending.is_unsettled(command):
            return [not_done("modify", _EARLIER)]
        moved = await self._orders.move(command, wishes, look)
        copies = {f"modify:{one.identifier}": one for one in await self._copies(command)}
        tried = await self._sending.legs(command)
        legs = dict.fromkeys([*(one for one in tried if one.startswith("modify:")), *copies])
        return [*moved, *[await self._modify(command, wishes, leg, look) for leg in legs]]

    async def _close(self, command: Command, leg: str, copy: Copy | None, look: Look) -> Outcome:
        tried = await self._sending.tried(command, leg)
        if not may_try_again(command, tried):
            return outcome_of(leg, tried)
        position = _position(leg, look)
        if position is None or copy is None:
            return not_done(
                leg, Failed(0, f"position {number_of(leg)} is not there any more: its deals are being read")
            )
        market = await self._markets.of(position.symbol)
        if isinstance(market, Failed):
            return not_done(leg, market)
        held = min(copy.volume, position.volume)
        lots = _rest(tried, held) if tried else lots_to_close(command.fraction, held, market.symbol)
        if isinstance(lots, Skipped):
            return not_done(leg, lots)
        request = closing(position, market.symbol, market.tick, lots, magic=0)
        plan = {"held": str(held), "fraction": str(command.fraction), "lots": str(lots)}
        return await self._sending.send(command, leg, request, fillings(market.symbol), look, plan)

    async def _modify(self, command: Command, wishes: Wishes, leg: str, look: Look) -> Outcome:
        tried = await self._sending.tried(command, leg)
        if not may_try_again(command, tried):
            return outcome_of(leg, tried)
        position = _position(leg, look)
        if position is None:
            return not_done(leg, Skipped(rule="gone", reason=f"position {number_of(leg)} is closed already"))
        market = await self._markets.of(position.symbol)
        if isinstance(market, Failed):
            return not_done(leg, market)
        request = new_levels(command, wishes, position, market.symbol, market.tick, magic=0)
        return await self._sending.send(command, leg, request, (), look, {"sl": str(request.sl), "tp": str(request.tp)})

    async def _refuse(
        self, command: Command, wishes: Wishes, look: Look, market: Market, request: OrderRequest, *, is_buy: bool
    ) -> Skipped | None:
        if command.waits and look.account.margin_mode != HEDGING:
            return Skipped(rule="netting", reason=NETTED_ORDER)
        if (netted := await self._refuse_netting(look, request.symbol, is_buy=is_buy)) is not None:
            return netted
        margin = await self._margin(as_if_now(request, market) if command.waits else request, look)
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


def _rest(tried: Sequence[Intent], held: Decimal) -> Decimal:
    """What is left of a closing that was filled in part."""
    done = sum((one.filled.volume for one in tried), Decimal(0))
    return min(tried[0].request.volume - done, held)


def _position(leg: str, look: Look) -> Position | None:
    return next((one for one in look.positions if one.identifier == number_of(leg)), None)
