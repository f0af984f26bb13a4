"""Lists inside one parameter: JSON, percent-encoded or as it is (ccxt sends the braces bare)."""

import json
from typing import Any

from copydesk.simulators.binance.exchange.errors import refused
from copydesk.simulators.binance.rest.params import Params

_ORDERS_MAX = 5


def read_orders(params: Params) -> list[Params]:
    """``batchOrders``: one to five objects, each read as if it were a request of its own."""
    rows = _read(params, "batchOrders")
    if not 0 < len(rows) <= _ORDERS_MAX:
        raise refused(-4082)
    return [Params.of(_texts(row)) for row in rows]


def read_list(params: Params, name: str) -> list[str]:
    """``[1,2]`` or ``["a","b"]``; a bare ``1,2`` as well."""
    text = params.required(name)
    if not text.startswith("["):
        return text.split(",")
    rows = _read(params, name)
    if not all(isinstance(row, str) for row in rows):
        raise refused(-1130, name)
    return rows


def _read(params: Params, name: str) -> list[Any]:
    try:
        rows = json.loads(params.required(name), parse_int=str, parse_float=str)
    except ValueError:
        raise refused(-1130, name) from None
    if not isinstance(rows, list):
        raise refused(-1130, name)
    return rows


def _texts(row: Any) -> dict[str, str]:
    """Values as a form would carry them; numbers keep the digits they were written with."""
    if not isinstance(row, dict):
        raise refused(-1130, "batchOrders")
    return {
        name: str(value).lower() if isinstance(value, bool) else str(value)
        for name, value in row.items()
        if value is not None
    }
