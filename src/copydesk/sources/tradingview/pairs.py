"""Texts of names and values: `SIGNAL=BUY`, one a line or parted by `;` or `|`; or whole commands, one a line.

`e=binancefutures s=BTCUSDT b=long q=1%` is a command: its line holds several pairs. Lines (or parts) that hold one pair
each are one instruction together.
"""

import re
from collections.abc import Sequence
from typing import Any

from copydesk.sources.tradingview.figures import dotted
from copydesk.sources.tradingview.json_shapes import Reading

_PARTS = re.compile(r"[;|\n]|,\s*(?=[A-Za-z_]\w{0,40}=)")
_ONE = re.compile(r"([A-Za-z_]\w{0,40})\s?=\s?([^=\n]*)")
_ONE_LABELLED = re.compile(r"([A-Za-z_]\w{0,40}): +(\S[^\n]*)")
_MANY = re.compile(r"([A-Za-z_]\w{0,40})=(\"[^\"\n]*\"|'[^'\n]*'|[^\s=]*)(?:\s+|$)")

_SHORT = {
    "s": "symbol",
    "e": "exchange",
    "q": "quantity",
    "p": "price",
    "t": "order_type",
    "l": "leverage",
    "b": "side",
}
"""Autoview's names; `c=position` closes. OctoBot's VOLUME, beside a SIGNAL, is an amount and not a candle's volume."""

LINES_MIN = 2
"""Labelled lines; a single one is more likely a sentence."""

_CLOSED = "position"
Pair = tuple[str, str]


def read_pairs(text: str) -> Reading | None:
    """None where it is no such text."""
    if "=" not in text:
        return _labelled(text)
    parts = [part.strip() for part in _PARTS.split(text) if part.strip()]
    pairs = [_of_part(part) for part in parts]
    told = [each for each in pairs if each]
    if not told or len(told) != len(parts):
        return None
    if max(len(each) for each in told) == 1:
        return _as_one([each[0] for each in told])
    lines = [_of_line(line) for line in re.split(r"[\n|]", text) if line.strip()]
    found = [_document(each) for each in lines]
    problem = next((one for one in found if isinstance(one, str)), None)
    if problem is not None:
        return Reading(problem=problem)
    return Reading([one for one in found if not isinstance(one, str)])


def _labelled(text: str) -> Reading | None:
    """`Symbol: BTCUSDT` and `Action: buy`, on lines of their own."""
    lines = [line.strip() for line in re.split(r"[;\n]", text) if line.strip()]
    found = [_ONE_LABELLED.fullmatch(line) for line in lines]
    if len(lines) < LINES_MIN or not all(found):
        return None
    return _as_one([(one[1], one[2].strip()) for one in found if one is not None])


def _of_part(part: str) -> list[Pair]:
    one = _ONE.fullmatch(part)
    if one is not None:
        return [(one[1], one[2].strip())]
    return _of_line(part)


def _of_line(line: str) -> list[Pair]:
    """None of it may be left over."""
    line = line.replace(";", " ").strip()
    found = list(_MANY.finditer(line))
    whole = "".join(one.group() for one in found) == line
    return [(one[1], one[2]) for one in found] if whole else []


def _as_one(pairs: list[Pair]) -> Reading:
    names = {name.lower() for name, _ in pairs}
    if {"b", "c"} <= names:
        return Reading(problem="b= and c= are two commands: write each on a line of its own, with its s=")
    document = _document(pairs)
    return Reading(problem=document) if isinstance(document, str) else Reading([document])


def _document(pairs: Sequence[Pair]) -> dict[str, Any] | str:
    """A name given twice with different values is a problem, told in words."""
    told_names = {name.lower() for name, _ in pairs}
    short = _SHORT if "signal" not in told_names else _SHORT | {"volume": "quantity"}
    document: dict[str, Any] = {}
    for given, value in pairs:
        quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "\"'"
        told = dotted(value[1:-1]) if quoted else value
        name = short.get(given.lower(), given)
        if given.lower() == "c":
            name, told = "action", "close" if told.lower() == _CLOSED else f"c={told}"
        if document.setdefault(name, told) != told:
            return f"{given} is given twice, with different values"
    return document
