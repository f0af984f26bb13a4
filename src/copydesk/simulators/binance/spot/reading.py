"""What a spot request says, read once: mandatory parameters, formats, types (before any look at the wallet)."""

import re
from decimal import Decimal

import msgspec

from copydesk.simulators.binance.rest.params import Params
from copydesk.simulators.binance.spot.records import LIMIT_TYPES, STOP_TYPES, ZERO, OrderRequest
from copydesk.simulators.binance.spot.refusals import either_missing, refused
from copydesk.simulators.binance.spot.symbols import ORDER_TYPES

ANSWERS = frozenset({"ACK", "RESULT", "FULL"})
_TIMES_IN_FORCE = frozenset({"GTC", "IOC", "FOK"})
_ID = "^[a-zA-Z0-9-_]{1,36}$"
_NUMBER = "^([0-9]{1,20})(\\.[0-9]{1,20})?$"
_SYMBOL = "^[A-Z0-9-_.]{1,20}$"
_SYMBOLS = '^\\[("[A-Z0-9-_.]{1,20}"(,"[A-Z0-9-_.]{1,20}"){0,}){0,1}\\]$'
_TIMED = frozenset({"LIMIT", "STOP_LOSS_LIMIT", "TAKE_PROFIT_LIMIT"})
_FULL_BY_DEFAULT = frozenset({"MARKET", "LIMIT"})


def read_order(params: Params) -> OrderRequest:
    symbol = read_symbol(params)
    side = read_side(params)
    kind = params.required("type")
    if kind not in ORDER_TYPES:
        raise refused(-1116)
    if "icebergQty" in params:
        raise refused(-2010, "Iceberg orders are not supported for this symbol.")
    limit, stop = kind in LIMIT_TYPES, kind in STOP_TYPES
    _none_of(params, () if limit else ("price",))
    _none_of(params, () if kind in _TIMED else ("timeInForce",))
    _none_of(params, () if stop else ("stopPrice", "trailingDelta"))
    quantity, quote_quantity = _read_amounts(params, kind)
    stop_price, trailing_delta = read_stop(params, "stopPrice", "trailingDelta") if stop else (ZERO, 0)
    return OrderRequest(
        symbol=symbol,
        side=side,
        type=kind,
        quantity=quantity,
        quote_quantity=quote_quantity,
        price=required_decimal(params, "price") if limit else ZERO,
        stop_price=stop_price,
        trailing_delta=trailing_delta,
        time_in_force=read_time_in_force(params, "timeInForce") if kind in _TIMED else "GTC",
        client_id=read_client_id(params, "newClientOrderId"),
        answer=read_answer(params, "FULL" if kind in _FULL_BY_DEFAULT else "ACK"),
    )


def read_symbol(params: Params) -> str:
    return legal(params.required("symbol"), "symbol", _SYMBOL)


def read_symbols(params: Params) -> list[str] | None:
    """``symbol`` or ``symbols``, never both; None when neither was sent."""
    if "symbol" in params and "symbols" in params:
        raise refused(-1128)
    if "symbol" in params:
        return [read_symbol(params)]
    text = params.text("symbols")
    if text is None:
        return None
    legal(text, "symbols", _SYMBOLS)
    return msgspec.json.decode(text, type=list[str])


def read_side(params: Params) -> str:
    side = params.required("side")
    if side not in {"BUY", "SELL"}:
        raise refused(-1117)
    return side


def read_time_in_force(params: Params, name: str) -> str:
    value = params.required(name)
    if value not in _TIMES_IN_FORCE:
        raise refused(-1115)
    return value


def read_client_id(params: Params, name: str) -> str | None:
    value = params.text(name)
    return None if value is None else legal(value, name, _ID)


def read_answer(params: Params, default: str) -> str:
    value = params.text("newOrderRespType") or default
    if value not in ANSWERS:
        raise refused(-1130, "newOrderRespType")
    return value


def read_stop(params: Params, price_name: str, delta_name: str) -> tuple[Decimal, int]:
    """Stop price and trailing delta, 0 for the one that was not sent."""
    if params.text(price_name) is None and params.text(delta_name) is None:
        raise either_missing(price_name, delta_name)
    price = required_decimal(params, price_name) if params.text(price_name) is not None else ZERO
    return price, params.integer(delta_name) or 0


def required_decimal(params: Params, name: str) -> Decimal:
    return Decimal(legal(params.required(name), name, _NUMBER))


def legal(value: str, name: str, pattern: str) -> str:
    if not re.fullmatch(pattern, value, re.ASCII):
        raise refused(-1100, name, pattern)
    return value


def _read_amounts(params: Params, kind: str) -> tuple[Decimal, Decimal]:
    """Quantity and quote quantity; only a market order may name the second, and then not the first."""
    if kind != "MARKET" or params.text("quoteOrderQty") is None:
        _none_of(params, ("quoteOrderQty",))
        if kind == "MARKET" and params.text("quantity") is None:
            raise either_missing("quantity", "quoteOrderQty")
        return required_decimal(params, "quantity"), ZERO
    _none_of(params, ("quantity",))
    return ZERO, required_decimal(params, "quoteOrderQty")


def _none_of(params: Params, names: tuple[str, ...]) -> None:
    for name in names:
        if params.text(name) is not None:
            raise refused(-1106, name)
