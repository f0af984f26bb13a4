"""A document's fields by their names in any spelling (`marketPosition` is `market_position`), nested ones included."""

import json
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from msgspec import Struct

from copydesk.sources.tradingview.figures import dotted, is_blank, read_number
from copydesk.sources.tradingview.json_shapes import storable

NESTED = ("strategyinfo", "strategy", "order")
"""Objects whose fields speak of the instruction itself."""

INNER_MAX = 5


class Field(Struct, frozen=True):
    """One value, under the name that the alert gave it."""

    name: str
    value: Any


_Index = dict[str, list[Field]]


def plain_name(name: str) -> str:
    return name.lower().replace("_", "").replace("-", "").replace(" ", "")


class Fields:
    """Those at the top and in JSON inside a text there; `found` looks into strategy_info, strategy and order too.

    `quoted`: each value is told apart from its neighbours by quotes, so a comma in it can only be a decimal comma.
    """

    def __init__(self, document: Mapping[str, Any], *, quoted: bool = True) -> None:
        self.document = document
        self._quoted = quoted
        self._own: _Index = {}
        self._all: _Index = {}
        for layer in (document, *_inner(document)):
            self.look_into(layer)

    def look_into(self, layer: Mapping[str, Any]) -> None:
        """More that stands at the top, in effect."""
        nested: list[Mapping[str, Any]] = []
        for name, value in layer.items():
            if is_blank(value):
                continue
            plain, field = plain_name(name), Field(name, value)
            self._own.setdefault(plain, []).append(field)
            self._all.setdefault(plain, []).append(field)
            if isinstance(value, dict) and plain in NESTED:
                nested.append(value)
        for one in nested:
            _note(one, self._all)

    def number(self, field: Field) -> Decimal | None:
        """Raise ValueError where it is none."""
        quoted = self._quoted and isinstance(field.value, str)
        return read_number(dotted(field.value) if quoted else field.value)

    def found(self, *names: str) -> list[Field]:
        """Every field of these names that says something, in the order of the names."""
        if self._all.keys().isdisjoint(names):
            return []
        return [field for name in names for field in self._all.get(name, ())]

    def first(self, *names: str) -> Field | None:
        return next(iter(self.found(*names)), None)

    def at_top(self, *names: str) -> list[Field]:
        return [field for name in names for field in self._own.get(name, ())]


def _note(layer: Mapping[str, Any], index: _Index) -> None:
    for name, value in layer.items():
        if not is_blank(value):
            index.setdefault(plain_name(name), []).append(Field(name, value))


def _inner(document: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Objects that stand as JSON inside a text, as `{{strategy.order.alert_message}}` often does."""
    texts = [
        value for value in document.values() if isinstance(value, str) and "{" in value and value.strip()[:1] == "{"
    ]
    found: list[Mapping[str, Any]] = []
    for text in texts[:INNER_MAX]:
        try:
            told = json.loads(text, parse_constant=str, parse_float=Decimal, object_pairs_hook=_unambiguous)
            inner = storable(told)
        except (ValueError, RecursionError, InvalidOperation):
            continue
        if isinstance(inner, dict):
            found.append(inner)
    return found


def _unambiguous(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(pairs)) != len(pairs):
        raise ValueError("a name is given twice")
    return dict(pairs)
