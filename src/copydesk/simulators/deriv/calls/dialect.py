"""What differs between the two faces of the venue (facts §5.1)."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """``symbol``: the key of the underlying in requests and lists; ``money``: how a contract's values are written."""

    name: str
    symbol: str
    money: Callable[[Decimal], Any]


def _as_number(value: Decimal) -> Decimal:
    return value


LEGACY = Dialect(name="legacy", symbol="symbol", money=_as_number)
OPTIONS = Dialect(name="options", symbol="underlying_symbol", money=str)
