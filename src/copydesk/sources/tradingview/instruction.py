"""One document → one Instruction, or all of what is missing in it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from copydesk.domain.instrument import canonical_symbol
from copydesk.domain.signal import Action, Direction, Instruction, Size, SizeUnit, Target
from copydesk.sources.tradingview.fields import Field, Fields, plain_name
from copydesk.sources.tradingview.figures import read_moment, read_size
from copydesk.sources.tradingview.position import read_target
from copydesk.sources.tradingview.problems import Problems, shown
from copydesk.sources.tradingview.repeats import Key
from copydesk.sources.tradingview.words import (
    CLOSINGS,
    DIRECTIONS,
    Word,
    agree,
    as_action,
    on_side,
    read_words,
    towards,
)

SYMBOL_NAMES = ("ticker", "symbol", "tvinstrument", "instrument", "pair")
ACTION_NAMES = ("action", "orderaction", "side", "direction", "command")
LABEL_NAMES = ("signal", "order", "type")
"""Often the action; as often a label beside one (`rsi_oversold`, `market`)."""

PRICE_NAMES = ("price", "triggerprice", "close", "entry", "orderprice")
SIZE_NAMES = ("amount", "qty", "quantity", "size")
PERCENT_NAMES = ("closepercent", "closepct", "closepercentage", "percent", "pct", "percentage")
STRATEGY_SIZE_NAMES = ("contracts", "ordercontracts")

SKEW = timedelta(seconds=5)
"""How far TradingView's clock and ours may be apart; its times have whole seconds."""

LAG_MAX_S = 86_400

_REDUCES = ("reduceonly", "closeposition")
_REHEARSES = ("dryrun", "test", "istest")
_YES = frozenset({"true", "1", "yes"})
_AT_MARKET = frozenset({"market", "mkt"})

_PLACES = frozenset({"place", "placeorder"})
"""Commands that leave it to the other words what is done."""

_CURRENCIES = {
    "base": SizeUnit.BASE,
    "quote": SizeUnit.QUOTE,
    "marginpercent": SizeUnit.PERCENT,
    "positionpercent": SizeUnit.PERCENT,
}
_SYMBOL_RIGHT = "a symbol like BTCUSDT or BINANCE:BTCUSDT.P"
_ACTION_RIGHT = "buy, sell, close, or open with a side of long or short"


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """What an instruction has from its alert: how a repeat is known, and what is kept of it."""

    key: Key
    payload: Mapping[str, Any]
    received_at: datetime


def read_instruction(fields: Fields, origin: Origin, problems: Problems) -> Instruction:
    """Raise InvalidInput naming each field that is missing or not understood."""
    ticker, symbol = _symbol(fields, problems)
    before = len(problems.found)
    word = _word(fields, problems)
    is_wrong = len(problems.found) > before
    target = read_target(fields, word, problems)
    action = Action.CLOSE if is_wrong else _action(word, target, problems)
    price = _price(fields, problems)
    size = _opened(_size(fields, problems), target)
    _check_age(fields, origin.received_at, problems)
    _check_kind(fields, problems)
    problems.check()
    key, ttl_s = origin.key
    return Instruction(
        ticker=ticker,
        symbol=symbol,
        action=action,
        key=key,
        key_ttl_s=ttl_s,
        price=price,
        target=target,
        size=size,
        payload=origin.payload,
    )


def says_something(fields: Fields) -> bool:
    """Whether a document speaks for itself, or only carries words that do."""
    return bool(fields.found(*SYMBOL_NAMES, *ACTION_NAMES, "signal", "marketposition", "position"))


def _symbol(fields: Fields, problems: Problems) -> tuple[str, str]:
    found = fields.found(*SYMBOL_NAMES)
    if not found:
        problems.add("ticker", f"missing: {_SYMBOL_RIGHT}")
        return "", ""
    symbols = {_canonical(one) for one in found}
    if None in symbols:
        wrong = next(one.value for one in found if _canonical(one) is None)
        problems.add("ticker", f"{shown(wrong)} is not understood: {_SYMBOL_RIGHT}")
    elif len(symbols) > 1:
        problems.add(
            "ticker", f"{' and '.join(f'{one.name} {shown(one.value)}' for one in found)} are not the same symbol"
        )
    return str(found[0].value).strip(), symbols.pop() or ""


def _canonical(field: Field) -> str | None:
    return canonical_symbol(field.value) if isinstance(field.value, str) else None


def _word(fields: Fields, problems: Problems) -> Word | None:
    """What all words for the action say together; None where there is none, or they are a problem."""
    told = [(one, _words(one)) for one in fields.found(*ACTION_NAMES)]
    for one, words in told:
        if words is None:
            problems.add(one.name, f"{shown(one.value)} is not understood: {_ACTION_RIGHT}")
            return None
    labels = [one for one in fields.found(*LABEL_NAMES) if isinstance(one.value, str)]
    told += [(one, words) for one in labels if (words := read_words(one.value))]
    told += [(one, [Word.CLOSE]) for one in fields.found(*_REDUCES) if _is_yes(one)]
    spoken = [(one, word) for one, words in told for word in words or ()]
    meant = agree(word for _, word in spoken)
    if spoken and meant is None:
        names = " and ".join(dict.fromkeys(f"{one.name} {shown(one.value)}" for one, _ in spoken))
        problems.add("action", f"{names}: these contradict each other")
    elif not spoken and labels and not fields.found("marketposition", "sentiment", "position"):
        problems.add("action", f"{labels[0].name} {shown(labels[0].value)} names no action: {_ACTION_RIGHT}")
    return _sided(fields, meant, problems)


def _words(field: Field) -> list[Word] | None:
    if not isinstance(field.value, str):
        return None
    if plain_name(field.name) == "command" and plain_name(field.value) in _PLACES:
        return []
    return read_words(field.value)


def _sided(fields: Fields, word: Word | None, problems: Problems) -> Word | None:
    """Hedge mode's `positionSide`, as Binance has it; beside a close, `position` says the same."""
    field = fields.first("positionside", *(("position",) if word in CLOSINGS else ()))
    if field is None or word is None or str(field.value).strip().lower() == "both":
        return word
    position = DIRECTIONS.get(str(field.value).strip().lower())
    sided = None if position is None else on_side(word, position)
    if sided is None:
        problems.add(field.name, f"{shown(field.value)} does not go with {word}: long, short or both")
    return sided


def _action(word: Word | None, target: Target | None, problems: Problems) -> Action:
    """Somebody who only tells their position means what leads there."""
    action = as_action(word) if word is not None else None
    if action is not None:
        return action
    if word is Word.OPEN and target is not None and target.direction is not Direction.FLAT:
        return towards(target.direction)
    if word is not None:
        problems.add("action", f"'{word}' is not understood alone: it needs a side of long or short")
    elif target is not None:
        return towards(target.direction)
    else:
        problems.add("action", f"missing: {_ACTION_RIGHT}")
    return Action.CLOSE


def _price(fields: Fields, problems: Problems) -> Decimal | None:
    field = fields.first(*PRICE_NAMES)
    return None if field is None else _number(fields, field, problems)


def _number(fields: Fields, field: Field, problems: Problems) -> Decimal | None:
    try:
        return fields.number(field)
    except ValueError as error:
        problems.add(field.name, str(error))
        return None


def _size(fields: Fields, problems: Problems) -> Size | None:
    """What the sender asks for by name; else what the strategy's own order was."""
    unit = _unit(fields, problems)
    named = [(field, unit) for field in fields.found(*SIZE_NAMES)]
    named += [(field, SizeUnit.PERCENT) for field in fields.found(*PERCENT_NAMES)]
    sizes = [one for field, its in named if (one := _read_size(field, its, problems))]
    if len(set(sizes)) > 1:
        problems.add("amount", "the alert tells two amounts that contradict each other")
    if sizes:
        return sizes[0]
    contracts = fields.first(*STRATEGY_SIZE_NAMES)
    number = None if contracts is None else _number(fields, contracts, problems)
    return Size(unit=SizeUnit.BASE, amount=abs(number)) if number else None


def _opened(size: Size | None, target: Target | None) -> Size | None:
    """Of a reversal's contracts (the old position and the new one) only what is opened."""
    if size is None or target is None or target.size is None or size.unit is not SizeUnit.BASE:
        return size
    grown = target.size - (target.previous_size or 0)
    return Size(unit=SizeUnit.BASE, amount=min(size.amount, grown)) if grown > 0 else size


def _unit(fields: Fields, problems: Problems) -> SizeUnit:
    field = fields.first("currencytype")
    if field is None:
        return SizeUnit.BASE
    unit = _CURRENCIES.get(plain_name(str(field.value)))
    if unit is None:
        problems.add(field.name, f"{shown(field.value)} is none of base, quote, margin_percent, position_percent")
    return unit or SizeUnit.BASE


def _read_size(field: Field, unit: SizeUnit, problems: Problems) -> Size | None:
    try:
        return read_size(field.value, unit)
    except ValueError as error:
        problems.add(field.name, str(error))
        return None


def _check_kind(fields: Fields, problems: Problems) -> None:
    """What the desk does not do: wait for a price, or only pretend."""
    order_type = fields.first("ordertype")
    if order_type is not None and plain_name(str(order_type.value)) not in _AT_MARKET:
        problems.add(
            order_type.name, f"{shown(order_type.value)} is no order of this desk: it buys and sells at market"
        )
    for rehearsal in fields.found(*_REHEARSES):
        if _is_yes(rehearsal):
            problems.add(rehearsal.name, "here every alert counts: try it with a bot whose followers are on paper")


def _is_yes(field: Field) -> bool:
    return str(field.value).strip().lower() in _YES


def _check_age(fields: Fields, received_at: datetime, problems: Problems) -> None:
    """An alert that says how old it may be is held to it."""
    lag = fields.first("maxlag")
    if lag is None:
        return
    seconds = _number(fields, lag, problems)
    if seconds is None or not 0 <= seconds <= LAG_MAX_S:
        problems.add(lag.name, f"{shown(lag.value)} is no number of seconds up to {LAG_MAX_S}")
        return
    field = fields.first("timestamp", "timenow")
    sent_at = None if field is None else read_moment(field.value)
    if sent_at is None:
        problems.add("timestamp", "missing: max_lag needs the time of the alert, {{timenow}}")
    elif received_at - sent_at > timedelta(seconds=float(seconds)) + SKEW:
        late_s = int((received_at - sent_at).total_seconds())
        problems.add("timestamp", f"it is {late_s} s old, and max_lag allows {lag.value} s", code="stale")
