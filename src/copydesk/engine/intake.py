"""Accept a signal once: recognise repeats, work out what it means, commit; only then is anybody told."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from msgspec.structs import replace

from copydesk.domain.bot import Bot, BotStatus, Course, Meaningless, steer
from copydesk.domain.errors import Conflict, FieldError, InvalidInput, NotFound
from copydesk.domain.ids import BotId, SignalId, new_id
from copydesk.domain.signal import Instruction, Signal, SourceKind
from copydesk.domain.tickets import Repeated, Turn
from copydesk.engine.tickets import keep_turn, take_turn
from copydesk.ports.clock import Clock
from copydesk.ports.store import Store, Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class Acceptance:
    """What the sender is told: the signal (the first one, for a repeat) and how many followers it concerns."""

    signal_id: SignalId
    duplicate: bool
    subscribers: int


class Intake:
    """The one way in; `arrived` is set whenever a signal waits for its fan-out.

    Listeners hear of each acceptance and how long it took, seconds.
    """

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self.arrived = asyncio.Event()
        self.listeners: list[Callable[[SourceKind, Acceptance, float], None]] = []

    async def accept(
        self, bot_id: BotId, instruction: Instruction, *, source: SourceKind, received_at: datetime
    ) -> Acceptance:
        """Durable when this returns.

        Raise InvalidInput (it means nothing to this bot), Conflict (the bot does not listen), NotFound.
        """
        now = self._clock.now()
        acceptance = await self._store.write(
            lambda tables: _record(tables, bot_id, instruction, source=source, received_at=received_at, now=now),
        )
        if not acceptance.duplicate:
            self.arrived.set()
        self._tell(source, acceptance, received_at)
        return acceptance

    def _tell(self, source: SourceKind, acceptance: Acceptance, received_at: datetime) -> None:
        stored_s = (self._clock.now() - received_at).total_seconds()
        for listener in self.listeners:
            listener(source, acceptance, stored_s)

    async def accept_all(
        self, bot_id: BotId, instructions: Sequence[Instruction], *, source: SourceKind, received_at: datetime
    ) -> list[Acceptance]:
        """Several of one message, in their order: all of them in one commit, or none. Raises what `accept` raises."""
        now = self._clock.now()

        def record(tables: Transaction) -> list[Acceptance]:
            return [
                _record_in_place(tables, bot_id, one, place, source=source, received_at=received_at, now=now)
                for place, one in zip(_places(instructions), instructions, strict=True)
            ]

        acceptances = await self._store.write(record)
        if not all(one.duplicate for one in acceptances):
            self.arrived.set()
        for one in acceptances:
            self._tell(source, one, received_at)
        return acceptances


def _places(instructions: Sequence[Instruction]) -> list[str]:
    return [f"[{number}]." if len(instructions) > 1 else "" for number in range(len(instructions))]


def _record_in_place(
    tables: Transaction,
    bot_id: BotId,
    instruction: Instruction,
    place: str,
    *,
    source: SourceKind,
    received_at: datetime,
    now: datetime,
) -> Acceptance:
    """A refusal says which of several it means."""
    try:
        return _record(tables, bot_id, instruction, source=source, received_at=received_at, now=now)
    except InvalidInput as error:
        fields = tuple(FieldError(place + one.field, one.problem) for one in error.fields)
        message = f"{place}action: {error.message}" if place else error.message
        raise InvalidInput(message, fields, code=error.code) from error


def _record(
    tables: Transaction,
    bot_id: BotId,
    instruction: Instruction,
    *,
    source: SourceKind,
    received_at: datetime,
    now: datetime,
) -> Acceptance:
    bot = tables.signals.lock_bot(bot_id)
    if bot is None:
        raise NotFound("no such bot")
    subscribers = len(tables.followers.subscribers(bot_id))
    first = _first(tables, bot_id, instruction, now)
    if first is not None:
        return Acceptance(signal_id=first, duplicate=True, subscribers=subscribers)
    if bot.status is not BotStatus.ACTIVE:
        raise Conflict(f"the bot is {bot.status}: it takes no signals")
    if instruction.ticket is None:
        signal = _steered(tables, bot, instruction, source=source, received_at=received_at, now=now)
    else:
        turn = take_turn(tables, bot, instruction, instruction.ticket)
        if isinstance(turn, Repeated):
            _remember(tables, bot_id, instruction, turn.signal_id, now)
            return Acceptance(signal_id=turn.signal_id, duplicate=True, subscribers=subscribers)
        signal = _turned(tables, bot, instruction, turn, source=source, received_at=received_at, now=now)
    _remember(tables, bot_id, instruction, signal.id, now)
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


def _steered(
    tables: Transaction,
    bot: Bot,
    instruction: Instruction,
    *,
    source: SourceKind,
    received_at: datetime,
    now: datetime,
) -> Signal:
    """By the bot's own position on the symbol."""
    course = _steer(tables, bot, instruction)
    signal = _signal(bot, instruction, course, source=source, received_at=received_at, now=now)
    tables.signals.add(signal)
    tables.signals.set_held_by_bot(bot.id, instruction.symbol, course.direction, now)
    return signal


def _turned(
    tables: Transaction,
    bot: Bot,
    instruction: Instruction,
    turn: Turn,
    *,
    source: SourceKind,
    received_at: datetime,
    now: datetime,
) -> Signal:
    """By the bot's tickets; the ticket knows its symbol where the report does not tell it."""
    symbol = turn.ticket.symbol
    known = replace(instruction, symbol=symbol, ticker=instruction.ticker or symbol, action=turn.action)
    course = Course(steps=turn.steps, direction=turn.held, note=turn.note)
    signal = _signal(bot, known, course, source=source, received_at=received_at, now=now)
    tables.signals.add(signal)
    keep_turn(tables, turn, signal, now)
    return signal


def _signal(
    bot: Bot,
    instruction: Instruction,
    course: Course,
    *,
    source: SourceKind,
    received_at: datetime,
    now: datetime,
) -> Signal:
    return Signal(
        id=SignalId(new_id(now)),
        bot_id=bot.id,
        source=source,
        ticker=instruction.ticker,
        symbol=instruction.symbol,
        action=instruction.action,
        price=instruction.price,
        size=instruction.size,
        steps=course.steps,
        note=course.note,
        payload=instruction.payload,
        received_at=received_at,
        created_at=now,
    )


def _steer(tables: Transaction, bot: Bot, instruction: Instruction) -> Course:
    held = tables.signals.held_by_bot(bot.id, instruction.symbol)
    course = steer(bot, held, instruction)
    if isinstance(course, Meaningless):
        raise InvalidInput(course.problem, (FieldError("action", course.problem),), code="meaningless_signal")
    return course
