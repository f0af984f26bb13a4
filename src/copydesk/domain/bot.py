"""A bot: a named stream of signals with default copy settings, and the position its signals imply."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from copydesk.domain.ids import BotId, UserId
from copydesk.domain.signal import Action, Direction, Instruction, LegKind, SourceKind, Step


class MarketType(StrEnum):
    """What a bot's symbols are."""

    FUTURES = "futures"
    SPOT = "spot"
    MT5 = "mt5"
    OPTIONS = "options"


class OnOpposite(StrEnum):
    """What a bare sell means while the bot is long (and a bare buy while it is short)."""

    CLOSE = "close"
    REVERSE = "reverse"


class PayloadSize(StrEnum):
    """Whether an amount in an alert counts: ignored, or used by every follower without a margin of their own."""

    IGNORE = "ignore"
    USE = "use"


class BotStatus(StrEnum):
    """Only an active bot accepts signals; an archived one is history."""

    ACTIVE = "active"
    PAUSED = "paused"
    ARCHIVED = "archived"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bot:
    """Defaults: leverage as a factor, margin in USD, stops in percent of the entry price (0 = none)."""

    id: BotId
    owner_id: UserId
    name: str
    description: str
    market_type: MarketType
    source: SourceKind
    master_webhook_path: str
    default_leverage: int
    default_margin_usd: Decimal
    default_stop_loss_pct: Decimal
    default_take_profit_pct: Decimal
    on_opposite: OnOpposite
    payload_size: PayloadSize
    open_freshness_s: int
    signature_v0: bool
    status: BotStatus
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """What an instruction makes of the bot: the steps for its followers and the position it implies afterwards."""

    steps: tuple[Step, ...]
    direction: Direction
    note: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Meaningless:
    """An instruction that this bot cannot mean; `problem` says what would be right."""

    problem: str


_OPENS = {Action.OPEN_LONG: Direction.LONG, Action.OPEN_SHORT: Direction.SHORT}
_CLOSES = {Action.CLOSE: Direction.FLAT, Action.CLOSE_LONG: Direction.LONG, Action.CLOSE_SHORT: Direction.SHORT}


def steer(bot: Bot, held: Direction, instruction: Instruction) -> Course | Meaningless:
    """What `instruction` means while the bot's own position on the symbol points `held`."""
    if instruction.target is not None:
        course = _towards_target(held, instruction)
    elif instruction.action in _CLOSES:
        course = _closing(held, _CLOSES[instruction.action])
    elif instruction.action in _OPENS:
        course = _opening(held, _OPENS[instruction.action])
    else:
        course = _bare(bot, held, Direction.LONG if instruction.action is Action.BUY else Direction.SHORT)
    return _without_shorts(course) if bot.market_type is MarketType.SPOT else course


def _without_shorts(course: Course) -> Course | Meaningless:
    """Spot cannot go short: of a reversal the closing remains."""
    possible = tuple(
        step for step in course.steps if step.leg is LegKind.CLOSE or step.direction is not Direction.SHORT
    )
    if possible == course.steps:
        return course
    if not possible:
        return Meaningless(problem="a spot bot has nothing to sell here: it is flat, and spot cannot go short")
    return Course(steps=possible, direction=Direction.FLAT)


def _open_step(direction: Direction) -> Step:
    return Step(leg=LegKind.OPEN, direction=direction)


def _close_step(direction: Direction, fraction: Decimal = Decimal(1)) -> Step:
    return Step(leg=LegKind.CLOSE, direction=direction, fraction=fraction)


def _opening(held: Direction, towards: Direction) -> Course:
    if held is towards.opposite and held is not Direction.FLAT:
        return Course(steps=(_close_step(held), _open_step(towards)), direction=towards)
    return Course(steps=(_open_step(towards),), direction=towards)


def _closing(held: Direction, which: Direction) -> Course:
    """A close always closes what followers hold, even if the bot's own record says flat."""
    remains = held if which is held.opposite and held is not Direction.FLAT else Direction.FLAT
    return Course(steps=(_close_step(which),), direction=remains)


def _bare(bot: Bot, held: Direction, towards: Direction) -> Course:
    if held is towards.opposite and held is not Direction.FLAT and bot.on_opposite is OnOpposite.CLOSE:
        return _closing(held, held)
    return _opening(held, towards)


def _towards_target(held: Direction, instruction: Instruction) -> Course:
    target = instruction.target
    if target is None or target.direction is Direction.FLAT or target.size == 0:
        return _closing(held, Direction.FLAT)
    if held is not target.direction or target.size is None or target.previous_size in {None, Decimal(0)}:
        return _opening(held, target.direction)
    before = target.previous_size or target.size
    if target.size > before:
        return _opening(held, target.direction)
    if target.size < before:
        return Course(steps=(_close_step(held, (before - target.size) / before),), direction=held)
    return Course(steps=(), direction=held, note=f"the strategy is already {held} {target.size}: nothing changes")
