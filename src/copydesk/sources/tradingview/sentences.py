"""Plain words: TradingView's own default message, and the sentences that indicators and bridges print.

Each pattern fits the whole text or nothing; no two repeats of a pattern can match the same characters, so none is slow.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from copydesk.sources.tradingview.json_shapes import Reading
from copydesk.sources.tradingview.words import read_words

_SYMBOL = r"(?P<symbol>[A-Za-z0-9][A-Za-z0-9:._/\-]{1,59})"
_FIGURE = r"[+-]?[0-9]{1,30}(?:[.,][0-9]{1,30})?(?:e[+-]?[0-9]{1,3})?"
_WORDS = r"(?P<action>[A-Za-z+_\- ]{2,40}?)"

# My Strategy (8, 14, 1.8, close): order buy @ 0.5 filled on BTCUSDT. New strategy position is 0.5
_FILLED = re.compile(
    rf"(?P<action>buy|sell) @ (?P<contracts>{_FIGURE}) filled on (?P<symbol>\S{{2,60}})\. "
    rf"New strategy position is (?P<position>{_FIGURE})\.?",
    re.IGNORECASE,
)
_ORDER = ": order "

# sell 2000 @ 68050.0 on BTCUSD.P (2026-02-26T13:51:00Z). Position: -2000 @ avg 68050.0. Order ID: Short
_EXECUTED = re.compile(
    rf"(?P<action>buy|sell) (?P<contracts>{_FIGURE}) @ (?P<price>{_FIGURE}) on {_SYMBOL} \((?P<time>[^()\n]{{1,40}})\)\. "
    rf"Position: (?P<position>{_FIGURE})(?: @ avg {_FIGURE})?(?:\. Order ID: (?P<order_id>[^\n]{{1,200}}))?",
    re.IGNORECASE,
)

# HYPEUSDT.P, 1D - Buy Signal
_CHART = re.compile(rf"{_SYMBOL}, ?(?P<interval>[0-9]{{0,4}}[A-Za-z]{{0,3}}) ?- ?(?P<signal>[A-Za-z+_\- ]{{2,40}})")

# BTCUSDT | BUY+LONG Signal, with lines of `P: 45000.50  ATR: 1200.30` below
_HEADED = re.compile(rf"{_SYMBOL} ?\| ?{_WORDS}(?: signal)?", re.IGNORECASE)
_LABELLED = re.compile(r"([A-Za-z]\w{0,30}): *([^\s:]{1,40})(?: +|$)")

# long BTCUSD q=0.1 sl=1000 tp=500, and BTCUSD long
_OPTION = re.compile(r"(\w{1,30})=([^\s=]{1,60})")
_OPTIONS = {"q": "quantity", "p": "price"}
_WORDS_MAX = 3

_NUMBERED = re.compile(r"[0-9],[0-9]")
COMMA = "a comma between digits is ambiguous here: write 45000.50"


def read_sentence(text: str) -> Reading | None:
    """None where it is none of these."""
    for pattern in _PATTERNS:
        document = pattern(text)
        if document is not None:
            told = [value for name, value in document.items() if name in _FIGURED and value is not None]
            if any(_NUMBERED.search(value) for value in told):
                return Reading(problem=COMMA)
            return Reading([{name: value for name, value in document.items() if value is not None}])
    return _commands(text)


_FIGURED = frozenset({"contracts", "price", "position", "quantity"})


def _filled(text: str) -> Mapping[str, Any] | None:
    """The strategy's name may hold anything, even `: order `; what follows the last one is TradingView's."""
    name, found, told = text.rpartition(_ORDER)
    match = _FILLED.fullmatch(told) if found and "\n" not in text else None
    return None if match is None else {"strategy": name, **match.groupdict()}


def _executed(text: str) -> Mapping[str, Any] | None:
    match = _EXECUTED.fullmatch(text)
    return None if match is None else match.groupdict()


def _chart(text: str) -> Mapping[str, Any] | None:
    match = _CHART.fullmatch(text)
    return None if match is None else match.groupdict()


def _headed(text: str) -> Mapping[str, Any] | None:
    head, *lines = text.split("\n")
    match = _HEADED.fullmatch(head.strip())
    if match is None:
        return None
    labels: dict[str, Any] = {}
    for line in lines:
        found = _LABELLED.findall(line.strip())
        if "".join(f"{name}:{value}" for name, value in found) != re.sub(r"\s", "", line):
            return None
        labels |= {"price" if name.lower() == "p" else name: value for name, value in found}
    return {**labels, **match.groupdict()}


_PATTERNS: tuple[Callable[[str], Mapping[str, Any] | None], ...] = (_filled, _executed, _chart, _headed)


def _commands(text: str) -> Reading | None:
    """One a line; every line must be one."""
    found = [_command(line) for line in text.split("\n") if line.strip()]
    documents = [one for one in found if one is not None]
    return Reading(documents) if documents and len(documents) == len(found) else None


def _command(line: str) -> dict[str, Any] | None:
    """`long BTCUSD q=0.1`, `close long BTCUSD`, `BTCUSD buy`: words for what to do on one side, one symbol on the other."""
    parts = line.split()
    plain = [part for part in parts if "=" not in part]
    options = [_OPTION.fullmatch(part) for part in parts[len(plain) :]]
    given = [(option[1], option[2]) for option in options if option is not None]
    if len(given) != len(options) or len(dict(given)) != len(given) or not 1 < len(plain) <= _WORDS_MAX:
        return None
    for words, symbol in ((plain[:-1], plain[-1]), (plain[1:], plain[0])):
        if read_words(" ".join(words)) and not read_words(symbol) and re.fullmatch(_SYMBOL, symbol):
            options_named = {_OPTIONS.get(name.lower(), name): value for name, value in given}
            return {"action": " ".join(words), "symbol": symbol, **options_named}
    return None
