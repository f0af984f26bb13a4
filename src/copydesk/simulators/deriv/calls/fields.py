"""The shape of requests, field by field, after the venue's published JSON schemas (snapshot 11 Jun 2026)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from copydesk.simulators.deriv.exchange.refusals import RefusedError

Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """``one_of``, ``pattern`` (of the value as text), ``low`` and ``high`` are checked where they are given."""

    types: tuple[type, ...]
    needed: bool = False
    one_of: frozenset[Any] | None = None
    pattern: str | None = None
    low: float | None = None
    high: float | None = None
    items: "Field | None" = None
    inside: "Mapping[str, Field] | None" = None

    def problem(self, value: Any) -> str | None:
        """Why the schema refuses it; None when it does not."""
        if isinstance(value, bool) or not isinstance(value, self.types):
            names = "/".join(_NAMES[each] for each in self.types)
            return f"Expected {names} - got {_NAMES.get(type(value), 'null')}."
        if self.one_of is not None and not isinstance(value, list) and value not in self.one_of:
            return f"Not in enum list: {', '.join(sorted(str(each) for each in self.one_of))}."
        if self.pattern is not None and not re.fullmatch(self.pattern, str(value)):
            return f"String does not match {self.pattern}."
        return self._out_of_bounds(value) or self._inner_problem(value)

    def _out_of_bounds(self, value: Any) -> str | None:
        if self.low is not None and value < self.low:
            return f"{value} < minimum({self.low:g})"
        if self.high is not None and value > self.high:
            return f"{value} > maximum({self.high:g})"
        return None

    def _inner_problem(self, value: Any) -> str | None:
        if self.items is not None and isinstance(value, list):
            return next((found for each in value if (found := self.items.problem(each))), None)
        if self.inside is not None:
            foreign = dict.fromkeys(sorted(value.keys() - self.inside.keys()), "Property not allowed.")
            problems = {**check(self.inside, value), **foreign}
            return next((f"{name}: {reason}" for name, reason in problems.items()), None)
        return None


_NAMES = {str: "string", int: "integer", float: "number", list: "array", dict: "object", bool: "boolean"}


def text(pattern: str | None = None, *, needed: bool = False) -> Field:
    return Field(types=(str,), pattern=pattern, needed=needed)


def choice(*values: Any, needed: bool = False) -> Field:
    return Field(types=(type(values[0]),), one_of=frozenset(values), needed=needed)


def whole(low: float | None = 0, high: float | None = None, *, needed: bool = False) -> Field:
    return Field(types=(int,), low=low, high=high, needed=needed)


def number(low: float | None = None, high: float | None = None, *, needed: bool = False) -> Field:
    return Field(types=(int, float), low=low, high=high, needed=needed)


ONE = choice(1)
EPOCH = whole(0, 9_999_999_999)
ANY_NUMBER = number()
ANY_OBJECT = Field(types=(dict,))
SYMBOL = r"\w{2,30}"
CURRENCY = text(r"[a-zA-Z0-9]{2,20}")
LOGINID = text(r"[A-Za-z]+[0-9]+")
ALWAYS = {"req_id": whole(None), "passthrough": ANY_OBJECT}


def check(fields: Mapping[str, Field], request: Json) -> Json:
    """What is wrong, by field."""
    problems: Json = {}
    for name, field in fields.items():
        if name not in request:
            if field.needed:
                problems[name] = "Missing property."
        elif (problem := field.problem(request[name])) is not None:
            problems[name] = problem
    return problems


def validate(fields: Mapping[str, Field], request: Json) -> None:
    """Raises RefusedError, with the fields in its details."""
    known = {**ALWAYS, **fields}
    foreign = sorted(request.keys() - known.keys())
    if foreign:
        told = f"Properties not allowed: {', '.join(foreign)}."
        raise RefusedError("InputValidationFailed", f"Input validation failed: {told}")
    problems = check(known, request)
    if problems:
        raise RefusedError("InputValidationFailed", f"Input validation failed: {', '.join(problems)}", problems)
