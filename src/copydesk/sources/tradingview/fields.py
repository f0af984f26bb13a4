"""A document's fields by their names in any spelling (`marketPosition` is `market_position`), nested ones included."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from copydesk.sources.tradingview.figures import dotted, is_blank, read_number

NESTED = ("strategyinfo", "strategy", "order")
"""Objects whose fields speak of the instruction itself."""

INNER_MAX = 5
_IGNORED = str.maketrans("", "", "_- ")


@dataclass(frozen=True, slots=True)
class Field:
    """One value, under the name that the alert gave it."""

    name: str
    value: Any


def plain_name(name: str) -> str:
    return name.lower().translate(_IGNORED)


class Fields:
    """`own` is what stands at the top; `all` looks into strategy_info, strategy, order and JSON inside a text too.

    `quoted`: each value is told apart from its neighbours by quotes, so a comma in it can only be a decimal comma.
    """

    def __init__(self, document: Mapping[str, Any], *, quoted: bool = True) -> None:
        self._quoted = quoted
        self.own = [document, *_inner(document)]
        nested = [value for layer in self.own for name, value in layer.items() if _is_nested(name, value)]
        self.all = [*self.own, *nested]

    def number(self, field: Field) -> Decimal | None:
        """Raise ValueError where it is none."""
        quoted = self._quoted and isinstance(field.value, str)
        return read_number(dotted(field.value) if quoted else field.value)

    def look_into(self, document: Mapping[str, Any]) -> None:
        """Words that a field's text turned out to hold."""
        self.own.append(document)
        self.all.append(document)

    def found(self, *names: str) -> list[Field]:
        """Every field of these names that says something, in the order of the names."""
        return list(_of(self.all, names))

    def first(self, *names: str) -> Field | None:
        return next(_of(self.all, names), None)

    def at_top(self, *names: str) -> Field | None:
        return next(_of(self.own, names), None)

    def at_top_all(self, name: str) -> list[Field]:
        return list(_of(self.own, (name,)))


def _of(layers: Iterable[Mapping[str, Any]], names: Iterable[str]) -> Iterator[Field]:
    for wanted in names:
        for layer in layers:
            for name, value in layer.items():
                if plain_name(name) == wanted and not is_blank(value):
                    yield Field(name, value)


def _is_nested(name: str, value: Any) -> bool:
    return isinstance(value, dict) and plain_name(name) in NESTED


def _inner(document: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Objects that stand as JSON inside a text, as `{{strategy.order.alert_message}}` often does."""
    texts = [value for value in document.values() if isinstance(value, str) and value.strip()[:1] == "{"]
    found: list[Mapping[str, Any]] = []
    for text in texts[:INNER_MAX]:
        try:
            inner = json.loads(text, parse_constant=str, parse_float=Decimal, object_pairs_hook=_unambiguous)
        except (ValueError, RecursionError, InvalidOperation):
            continue
        if isinstance(inner, dict):
            found.append(inner)
    return found


def _unambiguous(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(pairs)) != len(pairs):
        raise ValueError("a name is given twice")
    return dict(pairs)
