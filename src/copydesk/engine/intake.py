"""Accept a signal once: recognise repeats, work out what it means, commit; only then is anybody told."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from msgspec import Struct
from msgspec.structs import replace

from copydesk.domain.bot import Bot, BotStatus, Course, Meaningless, steer, try_out
from copydesk.domain.errors import Conflict, CopydeskError, FieldError, InvalidInput, NotFound
from copydesk.domain.following import change_of
from copydesk.domain.ids import BotId, SignalId, new_id
from copydesk.domain.signal import Direction, Instruction, Signal, SourceKind
from copydesk.domain.tickets import Repeated, Turn
from copydesk.engine.tickets import keep_turn, take_turn
from copydesk.engine.together import Together
from copydesk.ports.clock import Clock
from copydesk.ports.store import Store, Transaction


class Acceptance(Struct, frozen=True, kw_only=True):
    """What the sender is told: the signal (the first one, for a repeat) and how many followers it concerns."""

    signal_id: SignalId
    duplicate: bool
    subscribers: int


class _Arrival(Struct, frozen=True, kw_only=True):
    """How a message came: from where, when, and when it is being accepted."""

    source: SourceKind
    received_at: datetime
    now: datetime


class _Message(Struct, frozen=True, kw_only=True):
    """Instructions that are accepted all or not at all."""

    bot_id: BotId
    instructions: Sequence[Instruction]
    arrival: _Arrival


Steering = Callable[[Bot, Direction, Instruction], Course | Meaningless]

AT_ONCE = 100
"""Messages that share a commit at most."""


class Intake:
    """The one way in; `arrived` is set whenever a signal waits for its fan-out.

    Listeners hear of each acceptance and how long it took, seconds.
    """

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self.arrived = asyncio.Event()
        self.listeners: list[Callable[[SourceKind, Acceptance, float], None]] = []
        self._together: Together[_Message, list[Acceptance]] = Together(self._record_all, AT_ONCE)

    async def accept(
        self, bot_id: BotId, instruction: Instruction, *, source: SourceKind, received_at: datetime
    ) -> Acceptance:
        """Durable when this returns.

        Raise InvalidInput (it means nothing to this bot), Conflict (the bot does not listen), NotFound.
        """
        return (await self.accept_all(bot_id, [instruction], source=source, received_at=received_at))[0]

    async def accept_all(
        self, bot_id: BotId, instructions: Sequence[Instruction], *, source: SourceKind, received_at: datetime
    ) -> list[Acceptance]:
        """Several of one message, in their order: all of them in one commit, or none. Raises what `accept` raises."""
        arrival = _Arrival(source=source, received_at=received_at, now=self._clock.now())
        message = _Message(bot_id=bot_id, instructions=instructions, arrival=arrival)
        acceptances = await self._together.do(message)
        self.announce(source, acceptances, received_at)
        return acceptances

    def announce(self, source: SourceKind, acceptances: Sequence[Acceptance], received_at: datetime) -> None:
        """They are committed: their fan-out may begin."""
        if any(one.subscribers and not one.duplicate for one in acceptances):
            self.arrived.set()
        for one in acceptances:
            self._tell(source, one, received_at)

    async def _record_all(self, messages: Sequence[_Message]) -> Sequence[list[Acceptance] | Exception]:
        return await self._store.write_ahead(lambda tables: _record_all(tables, messages))

    def _tell(self, source: SourceKind, acceptance: Acceptance, received_at: datetime) -> None:
        stored_s = (self._clock.now() - received_at).total_seconds()
        for listener in self.listeners:
            listener(source, acceptance, stored_s)


def accept_within(tables: Transaction, bot_id: BotId, instruction: Instruction, at: datetime) -> Acceptance:
    """As `accept`, of a strategy's wish, in the transaction that keeps what it was decided from; to be announced after it.

    What it raises it raises before anything is written.
    """
    subscribers = tables.followers.audience({bot_id}).get(bot_id, 0)
    arrival = _Arrival(source=SourceKind.STRATEGY, received_at=at, now=at)
    return _record(tables, bot_id, instruction, arrival, subscribers)


def _places(instructions: Sequence[Instruction]) -> list[str]:
    return [f"[{number}]." if len(instructions) > 1 else "" for number in range(len(instructions))]


def _record_all(tables: Transaction, messages: Sequence[_Message]) -> list[list[Acceptance] | Exception]:
    """A message of one instruction is refused before anything of it is written, and leaves the others theirs; one of several
    takes the transaction with it.
    """
    told = [(one.bot_id, instruction.key, instruction.symbol) for one in messages for instruction in one.instructions]
    tables.signals.read_ahead(told)
    audience = tables.followers.audience({one.bot_id for one in messages})
    recorded: list[list[Acceptance] | Exception] = []
    for message in messages:
        try:
            recorded.append(_record_message(tables, message, audience.get(message.bot_id, 0)))
        except CopydeskError as error:
            if len(message.instructions) > 1:
                raise
            recorded.append(error)
    return recorded


def _record_message(tables: Transaction, message: _Message, subscribers: int) -> list[Acceptance]:
    return [
        _record_in_place(tables, message, instruction, place, subscribers)
        for place, instruction in zip(_places(message.instructions), message.instructions, strict=True)
    ]


def _record_in_place(
    tables: Transaction, message: _Message, instruction: Instruction, place: str, subscribers: int
) -> Acceptance:
    """A refusal says which of several it means."""
    try:
        return _record(tables, message.bot_id, instruction, message.arrival, subscribers)
    except InvalidInput as error:
        if not place:
            raise
        fields = tuple(FieldError(place + one.field, one.problem) for one in error.fields)
        raise InvalidInput(f"{place}action: {error.message}", fields, code=error.code) from error


def _record(
    tables: Transaction, bot_id: BotId, instruction: Instruction, arrival: _Arrival, subscribers: int
) -> Acceptance:
    bot = tables.signals.lock_bot(bot_id)
    if bot is None:
        raise NotFound("no such bot")
    first = _first(tables, bot_id, instruction, arrival.now)
    if first is not None:
        return Acceptance(signal_id=first, duplicate=True, subscribers=subscribers)
    if bot.status is not BotStatus.ACTIVE:
        raise Conflict(f"the bot is {bot.status}: it takes no signals")
    # Where nobody follows there is nothing to fan out.
    fanned_out_at = None if subscribers else arrival.now
    if instruction.ticket is None:
        is_test = arrival.source is SourceKind.TEST
        course = _steer(tables, bot, instruction, try_out if is_test else steer)
        signal = _signal(bot, instruction, course, arrival)
        tables.signals.add(signal, fanned_out_at=fanned_out_at)
        if not is_test:
            tables.signals.set_held_by_bot(bot.id, instruction.symbol, course.direction, arrival.now)
    else:
        turn = take_turn(tables, bot, instruction, instruction.ticket)
        if isinstance(turn, Repeated):
            _remember(tables, bot_id, instruction, turn.signal_id, arrival.now)
            return Acceptance(signal_id=turn.signal_id, duplicate=True, subscribers=subscribers)
        signal = _turned(bot, instruction, turn, arrival)
        tables.signals.add(signal, fanned_out_at=fanned_out_at)
        keep_turn(tables, turn, signal, arrival.now)
    _remember(tables, bot_id, instruction, signal.id, arrival.now)
    return Acceptance(signal_id=signal.id, duplicate=False, subscribers=subscribers)


def _first(tables: Transaction, bot_id: BotId, instruction: Instruction, now: datetime) -> SignalId | None:
    """The signal that this one repeats; Conflict where the key was used for something else."""
    first = tables.signals.known(bot_id, instruction.key, now)
    if first is not None and tables.signals.content(bot_id, instruction.key) != instruction.content:
        raise Conflict("this message's id was used for another message: each needs an id of its own")
    return first


def _remember(tables: Transaction, bot_id: BotId, instruction: Instruction, signal_id: SignalId, now: datetime) -> None:
    expires_at = now + timedelta(seconds=instruction.key_ttl_s)
    tables.signals.remember(bot_id, instruction.key, signal_id, expires_at, instruction.content)


def _turned(bot: Bot, instruction: Instruction, turn: Turn, arrival: _Arrival) -> Signal:
    """By the bot's tickets; the ticket knows its symbol where the report does not tell it."""
    symbol = turn.ticket.symbol
    known = replace(instruction, symbol=symbol, ticker=instruction.ticker or symbol, action=turn.action)
    signal = _signal(bot, known, Course(steps=turn.steps, direction=turn.held, note=turn.note), arrival)
    return replace(signal, ticket=change_of(turn.before, turn.ticket, instruction))


def _signal(bot: Bot, instruction: Instruction, course: Course, arrival: _Arrival) -> Signal:
    return Signal(
        id=SignalId(new_id(arrival.now)),
        bot_id=bot.id,
        source=arrival.source,
        ticker=instruction.ticker,
        symbol=instruction.symbol,
        action=instruction.action,
        price=instruction.price,
        size=instruction.size,
        steps=course.steps,
        note=course.note,
        stops=instruction.stops,
        contract=instruction.contract,
        payload=instruction.payload,
        received_at=arrival.received_at,
        created_at=arrival.now,
    )


def _steer(tables: Transaction, bot: Bot, instruction: Instruction, steering: Steering) -> Course:
    held = tables.signals.held_by_bot(bot.id, instruction.symbol)
    course = steering(bot, held, instruction)
    if isinstance(course, Meaningless):
        raise InvalidInput(course.problem, (FieldError("action", course.problem),), code="meaningless_signal")
    return course
