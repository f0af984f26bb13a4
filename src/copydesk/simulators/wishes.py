"""What a body of ``/_sim/…`` says, read field by field; a mistake names its field."""

from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec

Json = dict[str, Any]


class InputError(ValueError):
    """The caller's mistake, with the field that holds it."""

    def __init__(self, name: str, problem: str) -> None:
        super().__init__(f"{name}: {problem}")
        self.field = name


def read_json(body: bytes) -> Any:
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InputError("body", f"not JSON ({error})") from None


def an_object(value: Any) -> Json:
    if not isinstance(value, dict):
        raise InputError("body", "a JSON object is needed")
    return value


def text(wish: Json, name: str) -> str:
    value = wish.get(name)
    if not isinstance(value, str) or not value:
        raise InputError(name, "a text that is not empty is needed")
    return value


def number(wish: Json, name: str) -> Decimal:
    value = wish.get(name)
    try:
        read = Decimal(str(value)) if isinstance(value, (str, int, float)) and not isinstance(value, bool) else None
    except InvalidOperation:
        read = None
    if read is None or not read.is_finite():
        raise InputError(name, "a number is needed")
    return read


def decimal(wish: Json, name: str) -> Decimal:
    read = number(wish, name) if wish.get(name) is not None else None
    if read is None or read < 0:
        raise InputError(name, "a number of at least 0 is needed")
    return read


def flag(wish: Json, name: str, *, default: bool) -> bool:
    value = wish.get(name, default)
    if not isinstance(value, bool):
        raise InputError(name, "true or false is needed")
    return value


def whole(wish: Json, name: str) -> int:
    value = wish.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise InputError(name, "a whole number of at least 1 is needed")
    return value


def share(wish: Json, name: str) -> float:
    value = decimal(wish, name)
    if value > 1:
        raise InputError(name, "a number from 0 to 1 is needed")
    return float(value)
