"""What a body of ``/_sim/…`` may say; anything else is the caller's mistake, and named."""

import json
from decimal import Decimal
from typing import Any, Literal, TypeVar

import msgspec

from copydesk.simulators.faults import DELAY_DEFAULT_S

_Wish = TypeVar("_Wish")


class InputError(ValueError):
    """The caller's mistake."""


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """What the stand-in asks a terminal: its session (none at first), the function's name, its arguments by name."""

    session: str | None = None
    call: str
    arguments: dict[str, Any]


class AccountWish(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``balance`` of a known account is a deposit or a withdrawal; what is left out stays."""

    login: int
    password: str | None = None
    investor: str | None = None
    balance: Decimal | None = None
    margin_mode: Literal["hedging", "netting"] | None = None
    leverage: int | None = None
    currency: Literal["USD", "EUR", "GBP", "JPY"] | None = None
    server: str | None = None
    name: str | None = None
    trade_allowed: bool | None = None
    trade_expert: bool | None = None
    commission_per_lot: Decimal | None = None


class PriceWish(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``spread`` in points."""

    symbol: str
    price: Decimal
    hold: bool = False
    spread: int | None = None


class FaultWish(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    kind: str
    probability: float | None = None
    next_n: int | None = None
    account: int | None = None
    function: str | None = None
    delay_s: float = DELAY_DEFAULT_S
    code: int | None = None


class TerminalWish(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``close`` ends the sessions of whoever is connected."""

    path: str
    login: int | None = None
    connected: bool | None = None
    trade_allowed: bool | None = None
    tradeapi_disabled: bool | None = None
    close: bool = False


class SymbolWish(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``open`` null gives the market back to its hours; absent changes nothing."""

    symbol: str
    open: bool | msgspec.UnsetType | None = msgspec.UNSET
    trade_mode: Literal["disabled", "long_only", "short_only", "close_only", "full"] | None = None
    stops_level: int | None = None
    freeze_level: int | None = None
    filling_flags: int | None = None


class TimeWish(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    advance_ms: int


class TradeWish(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A trade by hand: a request as order_send takes it, from the account's owner."""

    account: int
    request: dict[str, float | int | str]


def read_message(body: bytes) -> Message:
    """With the standard library's JSON, which knows NaN: a script may send one. Raises InputError."""
    try:
        return msgspec.convert(json.loads(body), Message)
    except ValueError as error:
        raise InputError(str(error)) from None


def read(body: bytes, kind: type[_Wish]) -> _Wish:
    """Numbers may come as texts. Raises InputError."""
    try:
        return msgspec.json.decode(body, type=kind, strict=False)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InputError(str(error)) from None
