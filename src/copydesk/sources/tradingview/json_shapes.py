"""JSON as people really send it: strict, or loosely JSON5 (single quotes, trailing commas), or with doubled quotes.

Nothing is repaired: each of these is a grammar of its own that either fits the whole text or does not. Loose JSON takes
its time, so it is read only for somebody whose secret was right.
"""

import json
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

import json5
from msgspec import Struct

from copydesk.sources.tradingview.problems import TEXT_MAX

LENIENT_MAX = 8 * 1024
"""Characters of a text that is tried as JSON5, whose reader takes 10 µs for each."""

DEPTH_MAX = 20
DOCUMENTS_MAX = 20

_QUOTES = re.compile(r'"+')

EXPECTED = 'a JSON object like {"ticker": "BTCUSDT", "action": "buy"} is expected'


class Reading(Struct, frozen=True):
    """What a text held: documents, or why it cannot be used (`field` is where it went wrong), or perhaps loose JSON."""

    documents: Sequence[dict[str, Any]] = ()
    problem: str | None = None
    field: str = "body"
    is_loose: bool = False


@dataclass(slots=True)
class _Pairs:
    """Builds objects, and remembers the names that were given two values."""

    twice: list[str] = field(default_factory=list)

    def build(self, pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
        built: dict[str, Any] = {}
        for name, value in pairs:
            if name in built and built[name] != value:
                self.twice.append(name)
            built.setdefault(name, value)
        return built


_NOTHING = object()
_Parser = Callable[[str, _Pairs], Any]


def looks_like_json(text: str) -> bool:
    """Meant as JSON, whether it is well made or not; a spreadsheet may have put it into quotes."""
    return text[:1] in {"{", "["} or text[:2] in {'"{', '"['}


def read_json(text: str) -> Reading | str | None:
    """None where it is no strict JSON; a text where the JSON is nothing but a text."""
    try:
        value = _decode(text)
    except (ValueError, RecursionError, InvalidOperation):
        return _read(text, (_strict,))
    return _reading(value if _is_storable(text) else storable(value), ())


def read_loose_json(text: str) -> Reading:
    found = _read(text, (_json5, _doubled))
    return found if isinstance(found, Reading) else Reading(problem=EXPECTED)


def _read(text: str, parsers: Sequence[_Parser]) -> Reading | str | None:
    pairs = _Pairs()
    value = _parse(text, parsers, pairs)
    if value is _NOTHING:
        return None
    try:
        return _reading(storable(value), pairs.twice)
    except ValueError:
        return Reading(problem=f"it may be nested {DEPTH_MAX} levels deep")


def _reading(value: Any, twice: Sequence[str]) -> Reading | str:
    if isinstance(value, str):
        return value
    reading = _documents(value)
    if reading.problem is None and twice:
        return Reading(reading.documents, "it is given twice, with different values", twice[0][:TEXT_MAX])
    return reading


def _is_storable(text: str) -> bool:
    """Whether all that stands in a JSON text surely is: what is not must be spelt out as an escape, or nested."""
    return "\\u" not in text and text.count("{") + text.count("[") <= DEPTH_MAX


def storable(value: Any, depth: int = 0) -> Any:
    """Text without NUL and half surrogates, which no database takes. Raise ValueError where it is nested too deep."""
    if depth > DEPTH_MAX:
        raise ValueError("nested too deep")
    if isinstance(value, str):
        return value.replace("\0", "\N{REPLACEMENT CHARACTER}").encode(errors="replace").decode()
    if isinstance(value, list):
        return [storable(one, depth + 1) for one in value]
    if isinstance(value, dict):
        return {storable(name): storable(one, depth + 1) for name, one in value.items()}
    return value


def _unambiguous(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    built = dict(pairs)
    if len(built) != len(pairs):
        raise ValueError("a name is given twice")
    return built


_decode = json.JSONDecoder(parse_constant=str, parse_float=Decimal, object_pairs_hook=_unambiguous).decode
"""Most texts need nothing more."""


def _strict(text: str, pairs: _Pairs) -> Any:
    return json.loads(text, parse_constant=str, parse_float=Decimal, object_pairs_hook=pairs.build)


def _json5(text: str, pairs: _Pairs) -> Any:
    if len(text) > LENIENT_MAX:
        raise ValueError("too long for its reader")
    return json5.loads(text, parse_constant=str, parse_float=Decimal, object_pairs_hook=pairs.build)


def _doubled(text: str, pairs: _Pairs) -> Any:
    """`{""ticker"": ""BTCUSDT""}`, as a spreadsheet writes it, in quotes or not: every run of quotes is of even length."""
    inside = text[1:-1] if text[:1] == text[-1:] == '"' else text
    if any(len(run) % 2 for run in _QUOTES.findall(inside)):
        raise ValueError("quotes are not doubled")
    return _strict(_QUOTES.sub(lambda run: run.group()[::2], inside), pairs)


def _parse(text: str, parsers: Sequence[_Parser], pairs: _Pairs) -> Any:
    for parser in parsers:
        pairs.twice.clear()
        try:
            return parser(text, pairs)
        except (ValueError, RecursionError, InvalidOperation):
            continue
    return _NOTHING


def _documents(value: Any) -> Reading:
    found = value if isinstance(value, list) else [value]
    if not found or not all(isinstance(one, dict) for one in found):
        return Reading(problem=EXPECTED)
    if len(found) > DOCUMENTS_MAX:
        return Reading(problem=f"{len(found)} instructions are too many for one alert: it may have {DOCUMENTS_MAX}")
    return Reading(found)
