"""What the C layer accepts, type by type; anything else fails with −2 and names the argument."""

import math
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from ._structs import TradeRequest
from ._wire import Failed

_INVALID = -2
_TEXT_MAX = 29
_PATH_MAX = 257
_SECRET_MAX = 253
_ORDINALS = ("1st", "2nd", "3rd")
_UINT32, _UINT64, _INT64 = (0, 2**32 - 1), (0, 2**64 - 1), (-(2**63), 2**63 - 1)


def _whole(limits: tuple[int, int]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, int) and limits[0] <= value <= limits[1]


def _real(value: Any) -> bool:
    return isinstance(value, float)


def _text(longest: int) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, str) and len(value) <= longest


def _moment(value: Any) -> bool:
    return isinstance(value, int | datetime) or (isinstance(value, float) and math.isfinite(value))


_NAME = _text(_TEXT_MAX)
_MASK = _text(255)
_REQUEST: Mapping[str, Callable[[Any], bool]] = {
    **dict.fromkeys(("action", "type", "type_filling", "type_time"), _whole(_UINT32)),
    **dict.fromkeys(("magic", "order", "position", "position_by", "deviation"), _whole(_UINT64)),
    "expiration": _whole(_INT64),
    **dict.fromkeys(("volume", "price", "stoplimit", "sl", "tp"), _real),
    **dict.fromkeys(("symbol", "comment"), _NAME),
}
_KINDS: Mapping[str, Callable[[Any], bool]] = {
    "path": _text(_PATH_MAX),
    "login": _whole(_UINT64),
    "password": _text(_SECRET_MAX),
    "server": _text(_SECRET_MAX),
    "timeout": _whole(_UINT32),
    "portable": lambda value: isinstance(value, int),
    "symbol": _NAME,
    "group": _MASK,
    "ticket": _whole(_UINT64),
    "position": _whole(_UINT64),
    "enable": lambda value: isinstance(value, int),
    "timeframe": _whole(_UINT32),
    "count": _whole(_UINT32),
    "start_pos": _whole(_UINT32),
    "flags": _whole((-(2**31), 2**32 - 1)),
    "action": _whole(_UINT32),
    **dict.fromkeys(("date_from", "date_to"), _moment),
    **dict.fromkeys(("volume", "price", "price_open", "price_close"), lambda value: isinstance(value, int | float)),
}


def refuse(text: str) -> Failed:
    return Failed(_INVALID, text)


def positional(args: tuple[Any, ...], names: tuple[str, ...], optional: int = 0) -> dict[str, Any]:
    """Arguments of a function without keywords, the last ``optional`` ones of which may be missing. Raises Failed."""
    if not len(names) - optional <= len(args) <= len(names):
        raise refuse("Invalid number of arguments")
    return {name: _read(name, value, f'Invalid "{name}" argument') for name, value in zip(names, args, strict=False)}


def unnamed(args: tuple[Any, ...], names: tuple[str, ...]) -> dict[str, Any]:
    """Positional arguments of a function that has keywords too. Raises Failed."""
    if len(args) > len(names):
        raise refuse("Invalid number of arguments")
    return {
        name: _read(name, value, f"Invalid {ordinal} unnamed argument")
        for name, value, ordinal in zip(names, args, _ORDINALS, strict=False)
    }


def named(given: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    """Keyword arguments. Raises Failed."""
    if unknown := [name for name in given if name not in names]:
        raise refuse(f'Invalid "{unknown[0]}" argument')
    return {name: _read(name, value, f'Invalid "{name}" argument') for name, value in given.items()}


def read_request(args: tuple[Any, ...], given: Mapping[str, Any]) -> dict[str, Any]:
    """One dictionary, or its fields as keywords; missing ones are 0 or ''. Raises Failed."""
    if len(args) > 1 or (args and given) or (args and not isinstance(args[0], dict)) or not (args or given):
        raise refuse("Invalid arguments")
    wish: Mapping[str, Any] = args[0] if args else given
    for name, accepts in _REQUEST.items():
        if name in wish and not accepts(wish[name]):
            raise refuse(f'Invalid "{name}" argument')
    return {name: _plain(wish[name]) if name in wish else _missing(name) for name in TradeRequest.__match_args__}


def _missing(name: str) -> Any:
    accepts = _REQUEST[name]
    return "" if accepts is _NAME else 0.0 if accepts is _real else 0


def _plain(value: Any) -> Any:
    """Subclasses (numpy's float64, an IntEnum) as what they are derived from."""
    return next(kind(value) for kind in (int, float, str) if isinstance(value, kind))


def _read(name: str, value: Any, complaint: str) -> Any:
    if not _KINDS[name](value):
        raise refuse(complaint)
    if isinstance(value, datetime):
        return value.timestamp()  # a naive one is taken in the local zone of the PC, as the real package does
    return _plain(value)
