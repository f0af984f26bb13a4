"""The words alerts use for what to do, and numbers as people write them."""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation

from copydesk.domain.signal import Action, Direction

ACTIONS: Mapping[str, Action] = {
    "buy": Action.BUY,
    "sell": Action.SELL,
    "long": Action.OPEN_LONG,
    "short": Action.OPEN_SHORT,
    "open_long": Action.OPEN_LONG,
    "long_open": Action.OPEN_LONG,
    "openlong": Action.OPEN_LONG,
    "enter_long": Action.OPEN_LONG,
    "open_short": Action.OPEN_SHORT,
    "short_open": Action.OPEN_SHORT,
    "openshort": Action.OPEN_SHORT,
    "enter_short": Action.OPEN_SHORT,
    "close_long": Action.CLOSE_LONG,
    "closelong": Action.CLOSE_LONG,
    "long_close": Action.CLOSE_LONG,
    "exit_long": Action.CLOSE_LONG,
    "close_short": Action.CLOSE_SHORT,
    "closeshort": Action.CLOSE_SHORT,
    "short_close": Action.CLOSE_SHORT,
    "exit_short": Action.CLOSE_SHORT,
    "cover": Action.CLOSE_SHORT,
    "close": Action.CLOSE,
    "exit": Action.CLOSE,
    "flat": Action.CLOSE,
    "flatten": Action.CLOSE,
}

DIRECTIONS: Mapping[str, Direction] = {
    "long": Direction.LONG,
    "buy": Direction.LONG,
    "short": Direction.SHORT,
    "sell": Direction.SHORT,
    "flat": Direction.FLAT,
}

_OPENINGS = frozenset({"open", "enter", "entry"})
_NO_NUMBER = frozenset({"", "na", "nan", "null", "none"})


def read_action(word: str, side: str | None) -> Action | None:
    """`open` and `close` need (or may have) a side beside them; None for a word that is not known."""
    word = word.strip().lower().replace("-", "_").replace(" ", "_")
    direction = DIRECTIONS.get(side.strip().lower()) if side else None
    if word in _OPENINGS:
        opens = {Direction.LONG: Action.OPEN_LONG, Direction.SHORT: Action.OPEN_SHORT}
        return opens.get(direction) if direction is not None else None
    action = ACTIONS.get(word)
    if action is Action.CLOSE and direction is not None:
        closes = {Direction.LONG: Action.CLOSE_LONG, Direction.SHORT: Action.CLOSE_SHORT}
        return closes.get(direction, Action.CLOSE)
    return action


def read_number(value: object) -> Decimal | None:
    """A number, or text that is one; TradingView's NaN, na and empty are no number. Raise ValueError otherwise."""
    if value is None or isinstance(value, bool):
        return None
    text = str(value).strip()
    if text.lower() in _NO_NUMBER:
        return None
    try:
        number = Decimal(text)
    except InvalidOperation as error:
        raise ValueError(f"{text!r} is not a number") from error
    if not number.is_finite():
        raise ValueError(f"{text!r} is not a finite number")
    return number
