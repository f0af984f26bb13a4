"""A bot: a named stream of signals with default copy settings, and the position its signals imply."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace

from copydesk.domain.ids import AccountId, BotId, UserId
from copydesk.domain.instrument import plain
from copydesk.domain.signal import (
    Action,
    Direction,
    Instruction,
    LegKind,
    Signal,
    Size,
    SizeUnit,
    SourceKind,
    Step,
    Target,
)


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


class Bot(Struct, frozen=True, kw_only=True, cache_hash=True):
    """Defaults: leverage as a factor, margin in USD, stops in percent of the entry price (0 = none), seconds of a contract.

    `exchange_account_id` is the own book of a bot that copydesk runs: the account whose position its strategy goes by.
    """

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
    contract_duration_s: int = 60
    exchange_account_id: AccountId | None = None


class Course(Struct, frozen=True, kw_only=True):
    """What an instruction makes of the bot: the steps for its followers and the position it implies afterwards."""

    steps: tuple[Step, ...]
    direction: Direction
    note: str | None = None


class Meaningless(Struct, frozen=True, kw_only=True):
    """An instruction that this bot cannot mean; `problem` says what would be right."""

    problem: str


_OPENS = {Action.OPEN_LONG: Direction.LONG, Action.OPEN_SHORT: Direction.SHORT}
_OF_TICKETS = frozenset({Action.MODIFY, Action.PENDING, Action.CANCEL})
_CLOSES = {Action.CLOSE: Direction.FLAT, Action.CLOSE_LONG: Direction.LONG, Action.CLOSE_SHORT: Direction.SHORT}
_PUSHES = {
    Action.BUY: Direction.LONG,
    Action.OPEN_LONG: Direction.LONG,
    Action.CLOSE_SHORT: Direction.LONG,
    Action.SELL: Direction.SHORT,
    Action.OPEN_SHORT: Direction.SHORT,
    Action.CLOSE_LONG: Direction.SHORT,
    Action.CLOSE: Direction.FLAT,
}
"""Which way an action moves a position; a plain close moves any towards flat."""

_WHOLE = Decimal(1)
_PERCENT_MAX = Decimal(100)


def as_signalled(bot: Bot, signal: Signal) -> Bot:
    """The bot with the stops of this signal for its defaults, where the signal has its own."""
    stops = signal.stops
    if stops is None:
        return bot
    return replace(bot, default_stop_loss_pct=stops.stop_loss_pct, default_take_profit_pct=stops.take_profit_pct)


def steer(bot: Bot, held: Direction, instruction: Instruction) -> Course | Meaningless:
    """What `instruction` means while the bot's own position on the symbol points `held`."""
    if bot.market_type is MarketType.OPTIONS:
        return _contracts(_course(bot, Direction.FLAT, instruction))
    course = _course(bot, held, instruction)
    if isinstance(course, Meaningless) or bot.market_type is not MarketType.SPOT:
        return course
    return _without_shorts(course)


def _course(bot: Bot, held: Direction, instruction: Instruction) -> Course | Meaningless:
    if instruction.action in _OF_TICKETS:
        return Meaningless(problem="only a ticket can be modified")
    if instruction.target is not None:
        return _towards_target(held, instruction.action, instruction.target)
    if instruction.action in _CLOSES:
        return _closing_part(held, _CLOSES[instruction.action], instruction.size)
    if instruction.action in _OPENS:
        return _opening(held, _OPENS[instruction.action])
    return _bare(bot, held, _PUSHES[instruction.action])


def try_out(bot: Bot, held: Direction, instruction: Instruction) -> Course | Meaningless:
    """What a test means: exactly what it says, wherever the bot's own position points; that stays as it is."""
    opens = _OPENS.get(instruction.action)
    step = _close_step(Direction.FLAT) if opens is None else _open_step(opens)
    course = Course(steps=(step,), direction=held)
    return _without_shorts(course) if bot.market_type is MarketType.SPOT else course


def _contracts(course: Course | Meaningless) -> Course | Meaningless:
    """Contracts end by themselves: what a bot opened says nothing about what it still holds."""
    return course if isinstance(course, Meaningless) else replace(course, direction=Direction.FLAT)


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


def _close_step(direction: Direction, fraction: Decimal = _WHOLE) -> Step:
    return Step(leg=LegKind.CLOSE, direction=direction, fraction=fraction)


def _opening(held: Direction, towards: Direction) -> Course:
    if held is towards.opposite and held is not Direction.FLAT:
        return Course(steps=(_close_step(held), _open_step(towards)), direction=towards)
    return Course(steps=(_open_step(towards),), direction=towards)


def _closing(held: Direction, which: Direction) -> Course:
    """A close always closes what followers hold, even if the bot's own record says flat."""
    remains = held if which is held.opposite and held is not Direction.FLAT else Direction.FLAT
    return Course(steps=(_close_step(which),), direction=remains)


def _closing_part(held: Direction, which: Direction, size: Size | None) -> Course | Meaningless:
    """Only percent say what part. The sender's own coins say nothing about a follower's: all is closed."""
    if size is None or size.unit is not SizeUnit.PERCENT:
        return _closing(held, which)
    if not 0 < size.amount <= _PERCENT_MAX:
        return Meaningless(problem=f"a close of {plain(size.amount)}% is none: it may be more than 0% and up to 100%")
    if size.amount == _PERCENT_MAX:
        return _closing(held, which)
    return Course(steps=(_close_step(which, size.amount / _PERCENT_MAX),), direction=held)


def _bare(bot: Bot, held: Direction, towards: Direction) -> Course:
    if held is towards.opposite and held is not Direction.FLAT and bot.on_opposite is OnOpposite.CLOSE:
        return _closing(held, held)
    return _opening(held, towards)


def _towards_target(held: Direction, action: Action, target: Target) -> Course | Meaningless:
    """The position that the strategy has now counts; an action that cannot have led there is a contradiction."""
    if target.direction is Direction.FLAT or target.size == 0:
        if action in _OPENS:
            return Meaningless(problem=f"{action} contradicts a strategy that is flat now")
        return _closing(held, Direction.FLAT)
    if target.size is not None and target.size == target.previous_size:
        return _unchanged(held, target)
    if _PUSHES[action] is not target.direction or action in _CLOSES or _shrank(target):
        return _taking_off(held, action, target)
    if target.size is None and held is target.direction and action in _OPENS:
        return _unchanged(held, target)
    return _opening(held, target.direction)


def _unchanged(held: Direction, target: Target) -> Course:
    size = "" if target.size is None else f" {plain(target.size)}"
    return Course(
        steps=(),
        direction=held,
        note=f"the strategy is already {target.direction}{size}: nothing changes",
    )


def _shrank(target: Target) -> bool:
    return target.size is not None and target.previous_size is not None and target.size < target.previous_size


def _taking_off(held: Direction, action: Action, target: Target) -> Course | Meaningless:
    """A part of the position was closed. Whoever holds none of it has nothing to close, and never opens on that."""
    now = f"a strategy that is {target.direction} now"
    if target.size is None or target.previous_size is None:
        needed = "market_position_size, prev_market_position and prev_market_position_size"
        return Meaningless(problem=f"{action} contradicts {now}; if it took a part off, {needed} must say how much")
    if not _shrank(target) or _PUSHES[action] is target.direction:
        sizes = f"{plain(target.previous_size)} before, {plain(target.size)} now"
        return Meaningless(problem=f"{action} contradicts {now} ({sizes})")
    if held is target.direction.opposite:
        return _closing(held, held)
    fraction = (target.previous_size - target.size) / target.previous_size
    return Course(steps=(_close_step(target.direction, fraction),), direction=held)
