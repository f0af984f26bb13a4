"""Where a strategy says that it stands, and where it stood before: the target of its alert."""

from dataclasses import dataclass
from decimal import Decimal

from copydesk.domain.signal import Direction, Target
from copydesk.sources.tradingview.fields import Field, Fields, plain_name
from copydesk.sources.tradingview.problems import Problems, shown
from copydesk.sources.tradingview.words import CLOSINGS, DIRECTIONS, Word

_DIRECTION_NAMES = ("marketposition", "sentiment")
_SIZE_NAMES = ("marketpositionsize",)
_PREVIOUS_NAMES = ("prevmarketposition", "previousmarketposition")
_PREVIOUS_SIZE_NAMES = ("prevmarketpositionsize", "previousmarketpositionsize")
_FILLED_NAMES = ("contracts", "ordercontracts")


@dataclass(frozen=True, slots=True)
class _Told:
    """A position with its sign: its direction, and its size where that was told."""

    direction: Direction
    size: Decimal | None = None

    @property
    def signed(self) -> Decimal | None:
        if self.direction is Direction.FLAT or self.size is None:
            return Decimal(0) if self.direction is Direction.FLAT else None
        return self.size if self.direction is Direction.LONG else -self.size


def read_target(fields: Fields, word: Word | None, problems: Problems) -> Target | None:
    """None where the alert says nothing of a position; what is wrong is added to `problems`."""
    # Beside a close, `position` is the one that is closed.
    names = _DIRECTION_NAMES if word in CLOSINGS else (*_DIRECTION_NAMES, "position")
    told = [one for field in fields.found(*names) if (one := _told(fields, field, problems))]
    told += _signed_size(fields, word, problems)
    if not told:
        return None
    size = _size(fields, _SIZE_NAMES, problems)
    direction = told[0].direction
    if any(one.direction is not direction for one in told):
        problems.add("market_position", "the alert tells two positions that contradict each other")
    sizes = {abs(one) for one in (size, *(each.size for each in told)) if one is not None}
    if len(sizes) > 1 or not _fits(direction, size):
        problems.add("market_position_size", f"it contradicts a position of {direction}")
        return None
    now = _Told(direction, next(iter(sizes), None))
    return Target(direction=direction, size=now.size, previous_size=_previous(fields, now, word, problems))


def _told(fields: Fields, field: Field, problems: Problems) -> _Told | None:
    """`long`, or a number with its sign."""
    text = str(field.value).strip()
    direction = DIRECTIONS.get(text.lower())
    if direction is not None:
        return _Told(direction)
    number = _number(fields, field) if plain_name(field.name) == "position" else None
    if number is None:
        problems.add(field.name, f"{shown(field.value)} is none of long, short, flat")
        return None
    return _of_number(number)


def _of_number(number: Decimal) -> _Told:
    if number == 0:
        return _Told(Direction.FLAT, Decimal(0))
    return _Told(Direction.LONG if number > 0 else Direction.SHORT, abs(number))


def _number(fields: Fields, field: Field) -> Decimal | None:
    try:
        return fields.number(field)
    except ValueError:
        return None


def _signed_size(fields: Fields, word: Word | None, problems: Problems) -> list[_Told]:
    """`position_size`: TradingView's is signed, but people also call an order's amount so. Only what can be one thing counts."""
    field = fields.first("positionsize")
    if word is None or field is None or fields.first(*_DIRECTION_NAMES, "position") is not None:
        return []
    number = _number(fields, field)
    if number is None:
        problems.add(field.name, f"{shown(field.value)} is not a number")
        return []
    if number > 0 and word in {Word.SELL, Word.SHORT, Word.OPEN_SHORT}:
        problems.add(
            field.name,
            f"beside {word}, {shown(field.value)} may be an amount or a long position that remains: call it quantity, "
            "or send market_position and market_position_size",
        )
    return [_of_number(number)] if number <= 0 else []


def _fits(direction: Direction, size: Decimal | None) -> bool:
    if size is None:
        return True
    if direction is Direction.FLAT:
        return size == 0
    return size > 0 or (size < 0 and direction is Direction.SHORT)


def _size(fields: Fields, names: tuple[str, ...], problems: Problems) -> Decimal | None:
    field = fields.first(*names)
    if field is None:
        return None
    try:
        return fields.number(field)
    except ValueError as error:
        problems.add(field.name, str(error))
        return None


def _previous(fields: Fields, now: _Told, word: Word | None, problems: Problems) -> Decimal | None:
    """Only where it pointed the same way. Where it is not told, the order's contracts tell it: now minus what was filled."""
    field = fields.first(*_PREVIOUS_NAMES)
    if field is not None:
        before = DIRECTIONS.get(str(field.value).strip().lower())
        if before is None:
            problems.add(field.name, f"{shown(field.value)} is none of long, short, flat")
        size = _size(fields, _PREVIOUS_SIZE_NAMES, problems)
        return abs(size) if before is now.direction and size is not None else None
    filled = _size(fields, _FILLED_NAMES, problems)
    if filled is None or now.signed is None or word not in {Word.BUY, Word.SELL}:
        return None
    before_signed = now.signed - (abs(filled) if word is Word.BUY else -abs(filled))
    return abs(before_signed) if before_signed * now.signed > 0 else None
