"""A master's tickets on one symbol, and what a change of one of them means for followers, who hold one direction. Pure.

The bot holds a volume in one direction: what its signals told followers to hold. Without hedges it is the sum of the open
tickets. A hedge takes from it and lifting the hedge gives nothing back: followers hold at most the master's net.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from msgspec import Struct
from msgspec.structs import replace

from copydesk.domain.bot import Bot, MarketType, Meaningless, OnOpposite
from copydesk.domain.ids import SignalId
from copydesk.domain.instrument import plain
from copydesk.domain.signal import Action, Direction, LegKind, Step, TicketEvent, TicketReport, Waiting

NOTHING = Decimal(0)


class Ticket(Struct, frozen=True, kw_only=True):
    """One position of the master: its volume that is open now (0 = closed), its stops (0 = none), its latest signal.

    While it is `waiting` it is an order, and nothing is open. `contract` is what a lot is there, as its terminal tells.
    """

    number: int
    symbol: str
    direction: Direction
    volume: Decimal
    stop_loss: Decimal
    take_profit: Decimal
    signal_id: SignalId
    waiting: Waiting | None = None
    contract: Mapping[str, str] | None = None

    @property
    def is_open(self) -> bool:
        return self.volume > 0 and self.waiting is None

    @property
    def is_over(self) -> bool:
        return self.volume == 0


class Book(Struct, frozen=True, kw_only=True):
    """A bot and a symbol: the open tickets, and the direction and volume that followers were told to hold."""

    tickets: Sequence[Ticket]
    held: Direction
    volume: Decimal

    def without(self, number: int) -> "Book":
        return replace(self, tickets=tuple(one for one in self.tickets if one.number != number))

    def net(self, towards: Direction) -> Decimal:
        """What the master's tickets come to in a direction; below zero where they point the other way."""
        signed = (one.volume if one.direction is towards else -one.volume for one in self.tickets)
        return sum(signed, NOTHING)


class Turn(Struct, frozen=True, kw_only=True):
    """A ticket as it is afterwards (`before`: None for a new one), the steps for followers, and what the bot holds then."""

    ticket: Ticket
    action: Action
    steps: tuple[Step, ...]
    held: Direction
    volume: Decimal
    note: str | None = None
    before: Ticket | None = None


class Repeated(Struct, frozen=True, kw_only=True):
    """The ticket says what it said before: nothing new."""

    signal_id: SignalId


class Contradicted(Struct, frozen=True, kw_only=True):
    """The report does not fit the ticket as it is known."""

    problem: str


class Unheard(Struct, frozen=True, kw_only=True):
    """A change of a ticket that was never opened here."""

    problem: str


Ruling = Turn | Repeated | Contradicted | Unheard | Meaningless


def rule(bot: Bot, book: Book, known: Ticket | None, report: TicketReport, symbol: str | None) -> Ruling:
    """`known` is the ticket with this number, open or closed; `book` is that of its symbol (`symbol` where it is new)."""
    event = report.event or (TicketEvent.OPEN if known is None else TicketEvent.MODIFY)
    if known is None:
        if event is not TicketEvent.OPEN:
            return Unheard(problem=f"ticket {report.number} was never opened here")
        return _open(bot, book, report, symbol) if report.kind is None else _place(book, report, symbol)
    if known.is_over:
        return Contradicted(problem=f"ticket {known.number} is closed")
    if symbol is not None and symbol != known.symbol:
        return Contradicted(problem=f"ticket {known.number} is open on {known.symbol}, not on {symbol}")
    if known.waiting is not None:
        return _rule_waiting(bot, book, known, known.waiting, report)
    if report.kind is not None or event is TicketEvent.CANCEL:
        return Contradicted(problem=f"ticket {known.number} is a position: it is closed, or its stops are moved")
    if event is TicketEvent.CLOSE:
        return _close(book, known, report)
    return _modify(bot, book, known, report, explicit_open=report.event is TicketEvent.OPEN)


def _open(bot: Bot, book: Book, report: TicketReport, symbol: str | None) -> Ruling:
    needed = {"symbol": symbol, "type": report.direction, "volume": report.volume}
    missing = [name for name, told in needed.items() if told is None]
    if missing or symbol is None or report.direction is None or report.volume is None:
        return Meaningless(problem=f"a new ticket needs {', '.join(missing)}")
    if _cannot_open(bot, report.direction) and book.held is not report.direction.opposite:
        return Meaningless(problem="a spot bot has nothing to sell here: it is flat, and spot cannot go short")
    ticket = Ticket(
        number=report.number,
        symbol=symbol,
        direction=report.direction,
        volume=report.volume,
        stop_loss=report.stop_loss or NOTHING,
        take_profit=report.take_profit or NOTHING,
        signal_id=SignalId(""),
        contract=report.contract,
    )
    return _grown(bot, book, ticket, report.volume, share=Decimal(1))


def _place(book: Book, report: TicketReport, symbol: str | None) -> Ruling:
    """An order that waits opens nothing: whoever holds the net does so once it is filled."""
    kind, price, volume = report.kind, report.price, report.volume
    if symbol is None or kind is None or not price or volume is None:
        needed = {"symbol": symbol, "type": kind, "price": price or None, "volume": volume}
        missing = ", ".join(name for name, told in needed.items() if told is None)
        return Meaningless(problem=f"a new order that waits needs {missing}")
    if kind.is_stop_limit and not report.limit:
        return Meaningless(problem=f"a {kind} order needs stoplimit, the price of the limit that it becomes")
    ticket = Ticket(
        number=report.number,
        symbol=symbol,
        direction=kind.direction,
        volume=volume,
        stop_loss=report.stop_loss or NOTHING,
        take_profit=report.take_profit or NOTHING,
        signal_id=SignalId(""),
        waiting=Waiting(kind=kind, price=price, limit=report.limit or NOTHING, expires_at=report.expires_at),
        contract=report.contract,
    )
    return _unmoved(book, ticket, Action.PENDING, f"{_waits(ticket)}: nothing is opened before it is filled there")


def _rule_waiting(bot: Bot, book: Book, known: Ticket, waiting: Waiting, report: TicketReport) -> Ruling:
    event = report.event or TicketEvent.MODIFY
    if report.direction not in {None, known.direction}:
        return Contradicted(problem=f"ticket {known.number} waits as {waiting.kind}: it does not change its side")
    if event is TicketEvent.CANCEL or (event is TicketEvent.CLOSE and report.volume in {None, known.volume}):
        gone = replace(known, volume=NOTHING, waiting=None)
        note = f"The order of ticket {known.number} is taken back, and was never filled: nothing was opened for it"
        return _unmoved(book, gone, Action.CANCEL, note)
    if event is TicketEvent.CLOSE:
        return _close(book, replace(known, waiting=None), report)
    if report.direction is not None and report.kind is None:
        return _filled(bot, book, known, report)
    return _move(book, known, waiting, report)


def _filled(bot: Bot, book: Book, known: Ticket, report: TicketReport) -> Ruling:
    """As an opening; one that is told as a change was filled too long ago for those who open only now."""
    after = replace(
        known,
        waiting=None,
        volume=_told(report.volume, known.volume),
        stop_loss=_told(report.stop_loss, known.stop_loss),
        take_profit=_told(report.take_profit, known.take_profit),
        contract=report.contract or known.contract,
    )
    if report.event is TicketEvent.MODIFY:
        note = f"The order of ticket {known.number} was filled too long ago to be followed now"
        return _unmoved(book, after, Action.MODIFY, note)
    if _cannot_open(bot, after.direction) and book.held is not after.direction.opposite:
        return _unmoved(book, after, Action.OPEN_SHORT, "a spot bot has nothing to sell here: spot cannot go short")
    return _grown(bot, book, after, after.volume, share=Decimal(1))


def _move(book: Book, known: Ticket, waiting: Waiting, report: TicketReport) -> Ruling:
    """Its price and levels. What a report with its kind leaves out is none; one without it leaves that as it was."""
    if report.volume not in {None, known.volume}:
        return Contradicted(problem=f"ticket {known.number} waits with {plain(known.volume)}: that cannot be changed")
    is_whole = report.kind is not None
    moved = Waiting(
        kind=report.kind or waiting.kind,
        price=report.price or waiting.price,
        limit=(report.limit or NOTHING) if is_whole else _told(report.limit, waiting.limit),
        expires_at=report.expires_at if is_whole else report.expires_at or waiting.expires_at,
    )
    after = replace(
        known,
        waiting=moved,
        stop_loss=_told(report.stop_loss, known.stop_loss),
        take_profit=_told(report.take_profit, known.take_profit),
    )
    if after == known:
        return Repeated(signal_id=known.signal_id)
    if report.event is TicketEvent.OPEN:
        return Contradicted(problem=f"ticket {known.number} waits already: a change of it is a MODIFY")
    return _unmoved(book, after, Action.MODIFY, f"{_waits(after)} now: nothing is opened before it is filled there")


def _unmoved(book: Book, after: Ticket, action: Action, note: str) -> Turn:
    """Nobody but a terminal has anything to do."""
    return Turn(ticket=after, action=action, steps=(), held=book.held, volume=book.volume, note=note)


def _waits(ticket: Ticket) -> str:
    waiting = ticket.waiting
    return (
        ""
        if waiting is None
        else f"Ticket {ticket.number} waits at the master's as {waiting.kind} at {plain(waiting.price)}"
    )


def _modify(bot: Bot, book: Book, known: Ticket, report: TicketReport, *, explicit_open: bool) -> Ruling:
    if report.direction not in {None, known.direction}:
        return Contradicted(
            problem=f"ticket {known.number} is {known.direction}: a reversal is a CLOSE and an OPEN with a ticket of its own"
        )
    after = replace(
        known,
        volume=_told(report.volume, known.volume),
        stop_loss=_told(report.stop_loss, known.stop_loss),
        take_profit=_told(report.take_profit, known.take_profit),
    )
    if after == known:
        return Repeated(signal_id=known.signal_id)
    if explicit_open:
        return Contradicted(problem=f"ticket {known.number} is open already: a change of it is a MODIFY")
    grown = after.volume - known.volume
    if grown > 0:
        return _grown(bot, book, after, grown, share=min(Decimal(1), grown / known.volume))
    if grown < 0:
        return _shrunk(book, after)
    note = (
        f"Ticket {known.number} has its stop at {_price(after.stop_loss)} and its target at {_price(after.take_profit)} now: "
        "each follower's own stops count"
    )
    return Turn(ticket=after, action=Action.MODIFY, steps=(), held=book.held, volume=book.volume, note=note)


def _close(book: Book, known: Ticket, report: TicketReport) -> Ruling:
    part = _told(report.volume, known.volume)
    if part > known.volume:
        return Meaningless(problem=f"ticket {known.number} has {plain(known.volume)} open, {plain(part)} is more")
    return _shrunk(book, replace(known, volume=known.volume - part))


def _shrunk(book: Book, after: Ticket) -> Turn:
    """The master holds less in the ticket's direction: what followers hold must not be more than the net."""
    action = Action.CLOSE_LONG if after.direction is Direction.LONG else Action.CLOSE_SHORT
    if book.held is not after.direction:
        note = f"Followers hold nothing of ticket {after.number}: it stood against others, or was never copied"
        return Turn(ticket=after, action=action, steps=(), held=book.held, volume=book.volume, note=note)
    return _reduced(book, after, action)


def _reduced(book: Book, after: Ticket, action: Action) -> Turn:
    """Close what is held beyond the master's net."""
    remains = min(book.volume, max(_net_with(book, after, book.held), NOTHING))
    if remains == book.volume:
        note = f"Followers hold no more than the master's net of {plain(remains)} already"
        return Turn(ticket=after, action=action, steps=(), held=book.held, volume=book.volume, note=note)
    fraction = (book.volume - remains) / book.volume if remains else Decimal(1)
    step = Step(leg=LegKind.CLOSE, direction=book.held, fraction=fraction)
    held = book.held if remains else Direction.FLAT
    return Turn(ticket=after, action=action, steps=(step,), held=held, volume=remains)


def _grown(bot: Bot, book: Book, after: Ticket, volume: Decimal, *, share: Decimal) -> Ruling:
    """The master holds more in the ticket's direction; `share` is what part of its own size a follower adds."""
    if book.held is after.direction.opposite:
        return _hedged(bot, book, after)
    action = Action.OPEN_LONG if after.direction is Direction.LONG else Action.OPEN_SHORT
    added = volume
    if book.held is Direction.FLAT:
        added = min(volume, max(_net_with(book, after, after.direction), NOTHING))
    if added == 0 or _cannot_open(bot, after.direction):
        note = f"Ticket {after.number} stands against the master's other tickets: nothing is opened for it"
        return Turn(ticket=after, action=action, steps=(), held=book.held, volume=book.volume, note=note)
    step = Step(leg=LegKind.OPEN, direction=after.direction, fraction=share)
    return Turn(ticket=after, action=action, steps=(step,), held=after.direction, volume=book.volume + added)


def _hedged(bot: Bot, book: Book, after: Ticket) -> Turn:
    """An opposite ticket takes from what followers hold; it turns them round only where the bot reverses."""
    action = Action.OPEN_LONG if after.direction is Direction.LONG else Action.OPEN_SHORT
    reduced = _reduced(book, after, action)
    over = _net_with(book, after, after.direction)
    if over <= 0:
        return reduced
    if bot.on_opposite is OnOpposite.REVERSE and not _cannot_open(bot, after.direction):
        step = Step(leg=LegKind.OPEN, direction=after.direction)
        return replace(reduced, steps=(*reduced.steps, step), held=after.direction, volume=over)
    return replace(reduced, note="What followers held is closed; this bot does not reverse, so nothing is opened")


def _cannot_open(bot: Bot, direction: Direction) -> bool:
    return bot.market_type is MarketType.SPOT and direction is Direction.SHORT


def _net_with(book: Book, after: Ticket, towards: Direction) -> Decimal:
    return replace(book, tickets=(*book.without(after.number).tickets, after)).net(towards)


def _told(told: Decimal | None, before: Decimal) -> Decimal:
    return told if told is not None else before


def _price(level: Decimal) -> str:
    return plain(level) if level else "none"
