"""A master's ticket on its way in: what it means for the bot's followers, and what is kept of it."""

from datetime import datetime

from msgspec.structs import replace

from copydesk.domain.bot import Bot, Meaningless
from copydesk.domain.errors import Conflict, FieldError, InvalidInput, NotFound
from copydesk.domain.following import split_place
from copydesk.domain.ids import BotId
from copydesk.domain.signal import Direction, Instruction, Signal, TicketReport
from copydesk.domain.tickets import Contradicted, Repeated, Turn, Unheard, rule
from copydesk.ports.store import Transaction


def take_turn(tables: Transaction, bot: Bot, instruction: Instruction, report: TicketReport) -> Turn | Repeated:
    """Raise InvalidInput, Conflict (it does not fit what is stored) or NotFound."""
    known = tables.tickets.get(bot.id, report.number)
    told = instruction.symbol or None
    book = tables.tickets.book(bot.id, known.symbol if known is not None else instruction.symbol)
    ruling = rule(bot, book, known, report, told)
    match ruling:
        case Meaningless(problem=problem):
            raise InvalidInput(problem, (FieldError("master_ticket", problem),), code="meaningless_signal")
        case Contradicted(problem=problem):
            raise Conflict(problem)
        case Unheard(problem=problem):
            raise NotFound(problem)
        case Turn():
            return replace(ruling, before=known)
        case Repeated():
            return ruling


def wanted_direction(tables: Transaction, bot_id: BotId, place: str) -> Direction:
    """Where the bot stands: on a symbol by its signals, on a ticket's place as long as the master's ticket is open, or waits."""
    symbol, number = split_place(place)
    if number is None:
        return tables.signals.held_by_bot(bot_id, symbol)
    ticket = tables.tickets.get(bot_id, number)
    return Direction.FLAT if ticket is None or ticket.is_over else ticket.direction


def keep_turn(tables: Transaction, turn: Turn, signal: Signal, at: datetime) -> None:
    """The ticket as it is now and what followers were told to hold, with the signal that says so."""
    tables.signals.set_held_by_bot(signal.bot_id, signal.symbol, turn.held, at)
    tables.tickets.hold(signal.bot_id, signal.symbol, turn.volume)
    tables.tickets.put(signal.bot_id, replace(turn.ticket, signal_id=signal.id), at)
