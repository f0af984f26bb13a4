"""Parameters as they came: query and form body, query wins, every value text until a rule reads it."""

import re
from collections.abc import Mapping
from decimal import Decimal
from urllib.parse import unquote_plus

from copydesk.simulators.binance.exchange.errors import refused

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)")
_FLAGS = {"true": True, "false": False}
_DIGITS_MAX = 40


def read_pairs(raw: str) -> list[tuple[str, str]]:
    pairs = []
    for piece in raw.split("&"):
        if piece:
            name, _, value = piece.partition("=")
            pairs.append((_plain(name), _plain(value)))
    return pairs


def _plain(text: str) -> str:
    return unquote_plus(text) if "%" in text or "+" in text else text


class Params:
    def __init__(self, query: str, body: str) -> None:
        self._values = dict(read_pairs(body)) if body else {}
        self._values.update(read_pairs(query))

    @classmethod
    def of(cls, values: Mapping[str, str]) -> "Params":
        """Parameters that came inside another one, as the orders of a batch do."""
        made = cls("", "")
        made._values.update(values)
        return made

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def text(self, name: str) -> str | None:
        return self._values.get(name) or None

    def required(self, name: str) -> str:
        value = self.text(name)
        if value is None:
            raise refused(-1102, name)
        return value

    def choice(self, name: str, allowed: frozenset[str], default: str) -> str:
        value = self.text(name)
        if value is None:
            return default
        if value not in allowed:
            raise refused(-1102, name)
        return value

    def decimal(self, name: str) -> Decimal | None:
        value = self.text(name)
        if value is None:
            return None
        if len(value) > _DIGITS_MAX or not _NUMBER.fullmatch(value):
            raise refused(-1102, name)
        return Decimal(value)

    def required_decimal(self, name: str) -> Decimal:
        value = self.decimal(name)
        if value is None:
            raise refused(-1102, name)
        return value

    def integer(self, name: str) -> int | None:
        value = self.text(name)
        if value is None:
            return None
        digits = value.removeprefix("-")
        if len(value) > _DIGITS_MAX or not (digits.isascii() and digits.isdigit()):
            raise refused(-1102, name)
        return int(value)

    def required_integer(self, name: str) -> int:
        value = self.integer(name)
        if value is None:
            raise refused(-1102, name)
        return value

    def limit(self, default: int, largest: int) -> int:
        value = self.integer("limit")
        if value is None:
            return default
        if value <= 0:
            raise refused(-1102, "limit")
        return min(value, largest)

    def flag(self, name: str) -> bool | None:
        """``true`` or ``false`` in any case, None when absent."""
        value = self.text(name)
        if value is None:
            return None
        if value.lower() not in _FLAGS:
            raise refused(-1102, name)
        return _FLAGS[value.lower()]
