"""The words alerts use for what to do. Several words about one order must agree; what they agree on is the action."""

from collections.abc import Iterable, Mapping
from enum import StrEnum

from copydesk.domain.signal import Action, Direction


class Word(StrEnum):
    """What one word says by itself; LONG and SHORT are a direction that a neighbour may complete."""

    BUY = "buy"
    SELL = "sell"
    LONG = "long"
    SHORT = "short"
    OPEN = "open"
    OPEN_LONG = "open long"
    OPEN_SHORT = "open short"
    CLOSE = "close"
    CLOSE_LONG = "close long"
    CLOSE_SHORT = "close short"


_SPELLINGS: Mapping[Word, str] = {
    Word.BUY: "buy",
    Word.SELL: "sell",
    Word.LONG: "long",
    Word.SHORT: "short",
    Word.OPEN: "open enter entry",
    Word.OPEN_LONG: "openlong longopen enterlong longenter entrylong longentry buytoopen golong",
    Word.OPEN_SHORT: "openshort shortopen entershort shortenter entryshort shortentry selltoopen sellshort goshort",
    Word.CLOSE: "close exit flat flatten tp sl takeprofit stoploss closeposition exitposition",
    Word.CLOSE_LONG: "closelong longclose exitlong longexit selltoclose",
    Word.CLOSE_SHORT: "closeshort shortclose exitshort shortexit cover covershort buytoclose buytocover",
}
WORDS: Mapping[str, Word] = {spelling: word for word, spellings in _SPELLINGS.items() for spelling in spellings.split()}

# Beside a close, a side is the position's (long) or the order's (a sell closes a long).
_TOGETHER: Mapping[frozenset[Word], Word] = {
    frozenset(pair): meaning
    for pair, meaning in {
        (Word.BUY, Word.LONG): Word.OPEN_LONG,
        (Word.BUY, Word.OPEN): Word.OPEN_LONG,
        (Word.BUY, Word.OPEN_LONG): Word.OPEN_LONG,
        (Word.BUY, Word.CLOSE): Word.CLOSE_SHORT,
        (Word.BUY, Word.CLOSE_SHORT): Word.CLOSE_SHORT,
        (Word.SELL, Word.SHORT): Word.OPEN_SHORT,
        (Word.SELL, Word.OPEN): Word.OPEN_SHORT,
        (Word.SELL, Word.OPEN_SHORT): Word.OPEN_SHORT,
        (Word.SELL, Word.CLOSE): Word.CLOSE_LONG,
        (Word.SELL, Word.CLOSE_LONG): Word.CLOSE_LONG,
        (Word.LONG, Word.OPEN): Word.OPEN_LONG,
        (Word.LONG, Word.OPEN_LONG): Word.OPEN_LONG,
        (Word.LONG, Word.CLOSE): Word.CLOSE_LONG,
        (Word.LONG, Word.CLOSE_LONG): Word.CLOSE_LONG,
        (Word.SHORT, Word.OPEN): Word.OPEN_SHORT,
        (Word.SHORT, Word.OPEN_SHORT): Word.OPEN_SHORT,
        (Word.SHORT, Word.CLOSE): Word.CLOSE_SHORT,
        (Word.SHORT, Word.CLOSE_SHORT): Word.CLOSE_SHORT,
        (Word.OPEN, Word.OPEN_LONG): Word.OPEN_LONG,
        (Word.OPEN, Word.OPEN_SHORT): Word.OPEN_SHORT,
        (Word.CLOSE, Word.CLOSE_LONG): Word.CLOSE_LONG,
        (Word.CLOSE, Word.CLOSE_SHORT): Word.CLOSE_SHORT,
    }.items()
}

_ACTIONS: Mapping[Word, Action] = {
    Word.BUY: Action.BUY,
    Word.SELL: Action.SELL,
    Word.LONG: Action.OPEN_LONG,
    Word.SHORT: Action.OPEN_SHORT,
    Word.OPEN_LONG: Action.OPEN_LONG,
    Word.OPEN_SHORT: Action.OPEN_SHORT,
    Word.CLOSE: Action.CLOSE,
    Word.CLOSE_LONG: Action.CLOSE_LONG,
    Word.CLOSE_SHORT: Action.CLOSE_SHORT,
}

CLOSINGS = frozenset({Word.CLOSE, Word.CLOSE_LONG, Word.CLOSE_SHORT})

DIRECTIONS: Mapping[str, Direction] = {
    "long": Direction.LONG,
    "buy": Direction.LONG,
    "bullish": Direction.LONG,
    "short": Direction.SHORT,
    "sell": Direction.SHORT,
    "bearish": Direction.SHORT,
    "flat": Direction.FLAT,
}
"""How a strategy's position is called."""

_OPENED: Mapping[Direction, Action] = {
    Direction.LONG: Action.OPEN_LONG,
    Direction.SHORT: Action.OPEN_SHORT,
    Direction.FLAT: Action.CLOSE,
}


def read_words(text: str) -> list[Word] | None:
    """`LONG_OPEN`, `OpenLong`, `close long`, `BUY+LONG`, `Buy Signal`; None where any part of it is no such word."""
    spelt = text.strip().lower().removesuffix("signal")
    found = [WORDS.get("".join(part.split()).replace("_", "").replace("-", "")) for part in spelt.split("+")]
    known = [word for word in found if word is not None]
    return known if len(known) == len(found) else None


def agree(words: Iterable[Word]) -> Word | None:
    """What they say together; None where they contradict each other (or say nothing)."""
    told = list(words)
    meant = told[0] if told else None
    for word in told[1:]:
        meant = _pair(meant, word)
    return meant


def _pair(one: Word | None, other: Word) -> Word | None:
    if one is None or one is other:
        return one
    return _TOGETHER.get(frozenset((one, other)))


def on_side(word: Word, position: Direction) -> Word | None:
    """In hedge mode an order's side and its position's side are two things: selling a long closes it."""
    if position is Direction.FLAT:
        return word if word is Word.CLOSE else None
    if (word, position) in {(Word.SELL, Direction.LONG), (Word.BUY, Direction.SHORT)}:
        return Word.CLOSE_LONG if position is Direction.LONG else Word.CLOSE_SHORT
    return _pair(word, Word.LONG if position is Direction.LONG else Word.SHORT)


def as_action(word: Word) -> Action | None:
    """None for an opening whose direction nobody told."""
    return _ACTIONS.get(word)


def towards(direction: Direction) -> Action:
    """The action of somebody who only says what their position is now."""
    return _OPENED[direction]
