"""Following a master's tickets one by one, as a terminal does: each ticket is a position of its own. Pure.

On such an account a ticket's place stands where other venues have a symbol: "EURUSD@123456". Whatever is kept per account and
symbol (what is held, what waits for what, what is closed for safety) is kept per ticket then. Signals without tickets have the
symbol alone.
"""

import hashlib
from decimal import Decimal
from typing import Literal

import msgspec
from msgspec.structs import replace

from copydesk.domain.bot import MarketType
from copydesk.domain.guards import Refusal, refuse_account, refuse_open
from copydesk.domain.ids import BotId
from copydesk.domain.instrument import plain
from copydesk.domain.planning import Copy, Follower
from copydesk.domain.signal import Direction, Instruction, LegKind, Side, Signal, Size, Step, TicketChange
from copydesk.domain.subscription import SubscriptionStatus
from copydesk.domain.tickets import Ticket

WHOLE = Decimal(1)
MARKETS = frozenset({MarketType.MT5, MarketType.FUTURES})
"""Which bots' symbols a terminal may have, by its own name or by its owner's map of symbols."""

_MARK = "@"
"""In no broker's symbol (sources/broadcast.py)."""

_TICKET_BITS = 48


def place_of(symbol: str, number: int | Literal[""]) -> str:
    """Without a number: what the places of all tickets on a symbol begin with."""
    return f"{symbol}{_MARK}{number}"


def split_place(place: str) -> tuple[str, int | None]:
    """The symbol, and the master's ticket where the place is one's."""
    symbol, mark, number = place.rpartition(_MARK)
    return (symbol, int(number)) if mark and number.isdigit() else (place, None)


def spoken(place: str) -> str:
    """For people."""
    symbol, number = split_place(place)
    return symbol if number is None else f"{symbol} (ticket {number})"


def ticket_of_alerts(bot_id: BotId, symbol: str) -> int:
    """The number that a terminal knows what came of alerts by: they have no tickets, and a bot holds one position a symbol."""
    digest = hashlib.sha256(f"{bot_id} {symbol}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> (64 - _TICKET_BITS)


def change_of(before: Ticket | None, after: Ticket, told: Instruction) -> TicketChange:
    """What a message made of a ticket; `before` is None for a new one."""
    moved = before is not None and (before.stop_loss, before.take_profit) != (after.stop_loss, after.take_profit)
    return TicketChange(
        number=after.number,
        direction=after.direction,
        volume=after.volume,
        before=Decimal(0) if before is None else before.volume,
        stop_loss=after.stop_loss,
        take_profit=after.take_profit,
        moved_stops=moved and after.volume > 0,
        price=told.price if after.waiting is None else after.waiting.price,
        contract=None if told.ticket is None else told.ticket.contract,
        waiting=after.waiting,
        has_waited=before is not None and before.waiting is not None,
    )


def follow(signal: Signal) -> Signal:
    """A master's signal as those see it who follow tickets. What comes without one they see as everybody does."""
    ticket = signal.ticket
    if ticket is None:
        return signal
    steps = _steps(ticket)
    note = None if steps else f"The master's order of ticket {ticket.number} is filled: an order here fills by itself"
    return replace(signal, symbol=place_of(signal.symbol, ticket.number), steps=steps, note=note)


def _steps(ticket: TicketChange) -> tuple[Step, ...]:
    """An order that waits is placed, moved and taken back; that it was filled at the master's opens nothing: a terminal's own
    order does, or there is none.
    """
    direction, before, volume = ticket.direction, ticket.before, ticket.volume
    steps: list[Step] = []
    if ticket.waiting is not None and ticket.has_waited:
        return (Step(leg=LegKind.MODIFY, direction=direction),)
    if before == 0:
        steps.append(Step(leg=LegKind.OPEN, direction=direction))
    elif volume > before:
        steps.append(Step(leg=LegKind.OPEN, direction=direction, fraction=min(WHOLE, (volume - before) / before)))
    elif volume < before:
        steps.append(Step(leg=LegKind.CLOSE, direction=direction, fraction=(before - volume) / before))
    if ticket.moved_stops:
        steps.append(Step(leg=LegKind.MODIFY, direction=direction))
    return tuple(steps)


class TerminalPlans:
    """As planning.Plans, for accounts whose size is worked out beside the terminal: only there are its symbols, steps, contract
    sizes and margins known. Quantities are lots: of an opening the master's, else the follower's own.
    """

    def __init__(self, signal: Signal) -> None:
        self._signal = signal

    def plan(self, step: Step, follower: Follower, size: Size | None = None) -> Copy | Refusal:
        del size  # an alert's own amount is coins or dollars: it means nothing in lots
        if follower.subscription.status is SubscriptionStatus.PAUSED:
            return Refusal(reason="The subscription is paused", rule="subscription_paused")
        refused = refuse_account(follower.account)
        if refused is not None:
            return refused
        if step.leg is LegKind.OPEN:
            exposure = follower.exposure
            if self._signal.ticket is not None:
                # Another bot's ticket of this number is another position: bot and ticket together name it.
                exposure = replace(exposure, symbol_taken_by=None)
            return refuse_open(follower.subscription, exposure) or self._open(step, follower)
        return self._change(step, follower)

    def _open(self, step: Step, follower: Follower) -> Copy | Refusal:
        held, ticket, settings = follower.position, self._signal.ticket, follower.settings
        if follower.bot.market_type not in MARKETS:
            problem = f"A {follower.bot.market_type} bot cannot be copied at {follower.account.venue}"
            return Refusal(reason=problem, rule="market_type")
        if held is not None and held.direction is not step.direction:
            return Refusal(
                reason=f"The account still holds a {held.direction} position on this symbol",
                rule="opposite_position",
                numbers={"lots": plain(held.quantity)},
            )
        lots = Decimal(0) if ticket is None else ticket.volume - ticket.before
        sized = {
            "margin_usd": plain(settings.margin_usd),
            "leverage": str(settings.leverage),
            "terminal_stop_loss_pct": plain(settings.stop_loss_pct),
            "terminal_take_profit_pct": plain(settings.take_profit_pct),
        }
        return Copy(
            leg=step.leg,
            side=Side.opening(step.direction),
            direction=step.direction,
            quantity=lots,
            rule="margin × leverage, made lots beside the terminal"
            if ticket is None
            else "the master's lots, made the follower's own beside the terminal",
            inputs=self._told(step, follower) | sized,
            numbers={} if ticket is None else {"master_lots": plain(lots)},
        )

    def _change(self, step: Step, follower: Follower) -> Copy | Refusal:
        """Close a part of what was opened for the ticket, or all of it; or move its stops."""
        held = follower.position
        if held is None or step.direction not in {held.direction, Direction.FLAT}:
            return Refusal(reason="Nothing of this is held: it was not copied, or is closed", rule="no_position")
        closes = step.leg is LegKind.CLOSE
        lots = held.quantity * step.fraction
        numbers = {"held_lots": plain(held.quantity), "fraction": plain(step.fraction), "lots": plain(lots)}
        return Copy(
            leg=step.leg,
            side=Side.closing(held.direction),
            direction=held.direction,
            quantity=lots,
            rule="the share that the master closed" if closes else "the master's stops",
            inputs=self._told(step, follower),
            numbers=numbers if closes else {},
        )

    def _told(self, step: Step, follower: Follower) -> dict[str, str]:
        """What the program beside the terminal is told, as text."""
        ticket, bot = self._signal.ticket, follower.bot
        told = {"bot_id": str(bot.id), "bot": bot.name, "fraction": plain(step.fraction)}
        if ticket is None:
            return told
        levels = {"stop_loss": ticket.stop_loss, "take_profit": ticket.take_profit, "master_price": ticket.price}
        told["master_volume"] = plain(abs(ticket.volume - ticket.before))
        if ticket.contract is not None:
            told["contract"] = msgspec.json.encode(ticket.contract).decode()
        told |= {name: plain(level) for name, level in levels.items() if level is not None}
        return told | _order_of(ticket)


def _order_of(ticket: TicketChange) -> dict[str, str]:
    """How it waits; and that it does no more, where it was never filled."""
    waiting = ticket.waiting
    if waiting is None:
        return {"taken_back": "yes"} if ticket.has_waited and ticket.volume == 0 else {}
    told = {"order_kind": waiting.kind.value}
    if waiting.limit:
        told["stop_limit"] = plain(waiting.limit)
    if waiting.expires_at is not None:
        told["order_expires_at"] = waiting.expires_at.isoformat()
    return told
