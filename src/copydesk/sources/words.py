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

# Beside a close, a side is the position's (long) or the order's (a sell closes a long).
_CLOSED_BY = {
    "long": Action.CLOSE_LONG,
    "sell": Action.CLOSE_LONG,
    "short": Action.CLOSE_SHORT,
    "buy": Action.CLOSE_SHORT,
}

MAGNITUDE_MAX = 30
"""Powers of ten beyond which a number is no price or size of anything."""

SHOWN_MAX = 40

_OPENINGS = frozenset({"open", "enter", "entry"})
NO_VALUE = frozenset({"", "na", "nan", "null", "none"})


def read_action(word: str, side: str | None) -> Action | None:
    """`open` and `close` need (or may have) a side beside them; None for a word that is not known."""
    word = word.strip().lower().replace("-", "_").replace(" ", "_")
    direction = DIRECTIONS.get(side.strip().lower()) if side else None
    if word in _OPENINGS:
        opens = {Direction.LONG: Action.OPEN_LONG, Direction.SHORT: Action.OPEN_SHORT}
        return opens.get(direction) if direction is not None else None
    action = ACTIONS.get(word)
    return _CLOSED_BY.get(side.strip().lower(), action) if action is Action.CLOSE and side else action


def read_number(value: object) -> Decimal | None:
    """A number, or text that is one; TradingView's NaN, na and empty are no number. Raise ValueError otherwise."""
    if value is None or isinstance(value, bool):
        return None
    text = str(value).strip()
    if text.lower() in NO_VALUE:
        return None
    try:
        number = Decimal(text)
    except InvalidOperation as error:
        raise ValueError(f"{text[:SHOWN_MAX]!r} is not a number") from error
    if not number.is_finite() or abs(number.adjusted()) > MAGNITUDE_MAX or len(text) > 2 * MAGNITUDE_MAX:
        raise ValueError(f"{text[:SHOWN_MAX]!r} is not a number one can trade with")
    return number
