"""Settings of a strategy: text or numbers by name into a frozen struct, or a refusal that names the field."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, NoReturn, TypeVar

import msgspec
from msgspec import Struct

from copydesk.domain.errors import FieldError, InvalidInput
from copydesk.domain.instrument import plain

Settings = TypeVar("Settings", bound=Struct)

PCT_PLACES = 4
"""Decimal places a percentage may have: prices are worked out in millionths."""


def read_settings(kind: type[Settings], given: Mapping[str, Any]) -> Settings:
    """Raises InvalidInput; a name that `kind` does not know is refused, with those that it knows."""
    known = kind.__struct_fields__
    for name, value in given.items():
        if name not in known:
            refuse(name, f"there is no such setting; there are {', '.join(known)}")
        _read(kind, name, value)
    return kind(**{name: _read(kind, name, value) for name, value in given.items()})


def refuse(name: str, problem: str) -> NoReturn:
    """One sentence, the field first."""
    raise InvalidInput(f"{name}: {problem}", (FieldError(name, problem),))


def shown(settings: Struct) -> dict[str, Any]:
    """As JSON takes them: decimals as text."""
    return {name: _plain(getattr(settings, name)) for name in settings.__struct_fields__}


def demand_whole(name: str, value: int, low: int, high: int) -> None:
    if not low <= value <= high:
        refuse(name, f"{value} is not from {low} to {high}")


def demand_percentage(name: str, value: Decimal, *, above: Decimal = Decimal(0), most: Decimal = Decimal(100)) -> None:
    if not (value.is_finite() and above < value <= most):
        refuse(name, f"{value} is not above {plain(above)} and at most {plain(most)}")
    if value != round(value, PCT_PLACES):
        refuse(name, f"{value} has more than {PCT_PLACES} decimal places")


def demand_money(name: str, value: Decimal, *, least: Decimal) -> None:
    """Whole cents from `least` on."""
    if not (value.is_finite() and value >= least and value == round(value, 2)):
        refuse(name, f"{value} is not an amount in whole cents of at least {plain(least)}")


def _read(kind: type[Settings], name: str, value: Any) -> Any:
    wanted = next(one for one in msgspec.structs.fields(kind) if one.name == name).type
    text = str(value) if isinstance(value, float) else value
    if wanted is bool and isinstance(text, str):
        text = {"yes": "true", "on": "true", "no": "false", "off": "false"}.get(text.lower(), text)
    try:
        return msgspec.convert(text, wanted, strict=False)
    except msgspec.ValidationError as error:
        refuse(name, f"{value!r} does not fit: {str(error)[:1].lower()}{str(error)[1:]}")


def _plain(value: Any) -> Any:
    return plain(value) if isinstance(value, Decimal) else value
