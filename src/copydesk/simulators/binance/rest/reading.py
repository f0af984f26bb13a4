"""What an order request says, read once: mandatory parameters, formats, types (before any look at the account)."""

import re
from decimal import Decimal

from copydesk.simulators.binance.exchange.errors import refused
from copydesk.simulators.binance.exchange.records import ZERO
from copydesk.simulators.binance.exchange.requests import (
    CONDITIONAL_TYPES,
    LIMIT_TYPES,
    AlgoRequest,
    AmendRequest,
    OrderRequest,
)
from copydesk.simulators.binance.rest.params import Params

_TIMES_IN_FORCE = frozenset({"GTC", "IOC", "FOK", "GTX", "GTD"})
_ANSWERS = frozenset({"ACK", "RESULT"})
_WORKING_TYPES = frozenset({"MARK_PRICE", "CONTRACT_PRICE"})
_POSITION_SIDES = frozenset({"BOTH", "LONG", "SHORT"})
_RANKED = frozenset(f"{base}{rank}" for base in ("OPPONENT", "QUEUE") for rank in ("", "_5", "_10", "_20"))
_PREVENTIONS = frozenset({"NONE", "EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH"})
_ID = re.compile(r"[.A-Z:/a-z0-9_-]{1,36}")
_ID_LENGTH_MAX = 36
_CALLBACK_MIN, _CALLBACK_MAX = Decimal("0.1"), Decimal(10)


def read_order(params: Params) -> OrderRequest:
    symbol, side = params.required("symbol"), _side(params)
    kind = params.required("type")
    if kind in CONDITIONAL_TYPES:
        raise refused(-4120)
    if kind not in {"MARKET", "LIMIT"}:
        raise refused(-1116)
    market = kind == "MARKET"
    match = _price_match(params, market=market)
    _none_of(params, ("price", "timeInForce") if market else ())
    _none_of(params, ("closePosition",))
    time_in_force = "GTC" if market else _time_in_force(params, None)
    return OrderRequest(
        symbol=symbol,
        side=side,
        position_side=params.choice("positionSide", _POSITION_SIDES, "BOTH"),
        type=kind,
        quantity=params.required_decimal("quantity"),
        price=ZERO if market or match != "NONE" else params.required_decimal("price"),
        time_in_force=time_in_force,
        reduce_only=params.flag("reduceOnly"),
        client_id=_client_id(params, "newClientOrderId"),
        answer=params.choice("newOrderRespType", _ANSWERS, "ACK"),
        prevention=_prevention(params),
        price_match=match,
        good_till_ms=_good_till(params, time_in_force),
    )


def read_amendment(params: Params) -> AmendRequest:
    match = _price_match(params, market=False)
    return AmendRequest(
        side=_side(params),
        quantity=params.required_decimal("quantity"),
        price=ZERO if match != "NONE" else params.required_decimal("price"),
        price_match=match,
        reduce_only=params.flag("reduceOnly"),
        modify_id=params.integer("modifyId"),
    )


def read_algo(params: Params) -> AlgoRequest:
    symbol, side = params.required("symbol"), _side(params)
    kind = params.required("type")
    if params.required("algoType") != "CONDITIONAL":
        raise refused(-1102, "algoType")
    if kind not in CONDITIONAL_TYPES:
        raise refused(-1116)
    close_position = params.flag("closePosition") or False
    if close_position:
        _none_of(params, ("quantity", "reduceOnly"))
    trailing = kind == "TRAILING_STOP_MARKET"
    match = _price_match(params, market=kind not in LIMIT_TYPES)
    time_in_force = _time_in_force(params, "GTC")
    return AlgoRequest(
        symbol=symbol,
        side=side,
        position_side=params.choice("positionSide", _POSITION_SIDES, "BOTH"),
        type=kind,
        quantity=ZERO if close_position else params.required_decimal("quantity"),
        price=params.required_decimal("price") if kind in LIMIT_TYPES and match == "NONE" else ZERO,
        trigger_price=ZERO if trailing else params.required_decimal("triggerPrice"),
        time_in_force=time_in_force,
        working_type=params.choice("workingType", _WORKING_TYPES, "CONTRACT_PRICE"),
        reduce_only=params.flag("reduceOnly"),
        close_position=close_position,
        price_protect=params.flag("priceProtect") or False,
        activate_price=params.decimal("activatePrice") or ZERO,
        callback_rate=_callback(params) if trailing else ZERO,
        client_id=_client_id(params, "clientAlgoId"),
        prevention=_prevention(params),
        price_match=match,
        good_till_ms=_good_till(params, time_in_force),
    )


def _side(params: Params) -> str:
    side = params.required("side")
    if side not in {"BUY", "SELL"}:
        raise refused(-1117)
    return side


def _time_in_force(params: Params, default: str | None) -> str:
    value = params.required("timeInForce") if default is None else params.text("timeInForce") or default
    if value not in _TIMES_IN_FORCE:
        raise refused(-1115)
    return value


def _price_match(params: Params, *, market: bool) -> str:
    wish = params.text("priceMatch") or "NONE"
    if wish == "NONE":
        return wish
    if wish not in _RANKED:
        raise refused(-5037)
    if market:
        raise refused(-5038)
    _none_of(params, ("price",))
    return wish


def _prevention(params: Params) -> str:
    wish = params.text("selfTradePreventionMode") or "EXPIRE_MAKER"
    if wish not in _PREVENTIONS:
        raise refused(-5039)
    return wish


def _good_till(params: Params, time_in_force: str) -> int:
    """Whole seconds count; the rest of the date is ignored, as the venue does."""
    return params.required_integer("goodTillDate") // 1_000 * 1_000 if time_in_force == "GTD" else 0


def _callback(params: Params) -> Decimal:
    rate = params.required_decimal("callbackRate")
    if not _CALLBACK_MIN <= rate <= _CALLBACK_MAX:
        raise refused(-1102, "callbackRate")
    return rate


def _client_id(params: Params, name: str) -> str | None:
    value = params.text(name)
    if value is None:
        return None
    if len(value) > _ID_LENGTH_MAX:
        raise refused(-4015)
    if not _ID.fullmatch(value):
        raise refused(-1100, name)
    return value


def _none_of(params: Params, names: tuple[str, ...]) -> None:
    for name in names:
        if params.text(name) not in {None, "false"}:
            raise refused(-1106, name)
