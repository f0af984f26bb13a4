"""Binance's words and ours, both ways. Pure.

Source: the venue's USDⓈ-M documentation (New Order, New Algo Order, Query Order, Account Trade List v1).
"""

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any, NamedTuple

from copydesk.domain.errors import OutcomeUnknown
from copydesk.domain.instrument import Instrument, plain
from copydesk.domain.order import FrozenRequest, NewOrder, OrderReport, OrderStatus
from copydesk.domain.signal import Direction, LegKind, Side
from copydesk.domain.subscription import PositionMode
from copydesk.ports.venue import KeyPermissions, VenuePosition, VenueTrade

RECV_WINDOW_MS = 3_000
"""A stalled request older than this is refused by the venue itself: late bytes cannot buy."""

SETTLE_AFTER = timedelta(milliseconds=RECV_WINDOW_MS) + timedelta(seconds=0.5 + 10 + 2)
"""recvWindow + clock bound + the venue's own 10 s backend limit + its read lag: from then on absence can mean absence."""

TAKER_FEE = Decimal("0.0005")
"""A RESULT carries no fee; the regular tier's taker rate stands in until the trade list is read."""

_STATUS = {
    "NEW": OrderStatus.WORKING,
    "PARTIALLY_FILLED": OrderStatus.PARTIAL,
    "FILLED": OrderStatus.FILLED,
    "CANCELED": OrderStatus.CANCELLED,
    "EXPIRED": OrderStatus.CANCELLED,
    "EXPIRED_IN_MATCH": OrderStatus.CANCELLED,
    "REJECTED": OrderStatus.REJECTED,
}

_ALGO_STATUS = {
    "NEW": OrderStatus.WORKING,
    "TRIGGERING": OrderStatus.WORKING,
    "CANCELED": OrderStatus.CANCELLED,
    "EXPIRED": OrderStatus.CANCELLED,
    "REJECTED": OrderStatus.REJECTED,
}

_CONDITIONAL_TYPE = {LegKind.STOP_LOSS: "STOP_MARKET", LegKind.TAKE_PROFIT: "TAKE_PROFIT_MARKET"}

_FORBIDDEN = ("enableWithdrawals", "enableInternalTransfer", "permitsUniversalTransfer")


class _Form(NamedTuple):
    """A request without its order's id: the parameters, which of them is the id, and the text before and after it."""

    params: Mapping[str, str]
    id_name: str
    head: str
    tail: str


def freeze(order: NewOrder, *, mode: PositionMode, at: datetime) -> FrozenRequest:
    """The parameters of the one request, with their timestamp; the signature follows from them."""
    wanted = (
        order.symbol,
        order.leg,
        order.side,
        order.direction,
        order.quantity,
        order.reduce_only,
        order.trigger_price,
    )
    form, order_id = _form(*wanted, mode, at), order.client_order_id
    return FrozenRequest(
        params={**form.params, form.id_name: order_id},
        conditional=order.trigger_price is not None,
        frozen_at=at,
        settle_at=at + SETTLE_AFTER,
        request_hash=hashlib.sha256(f"{form.head}{order_id}{form.tail}".encode()).hexdigest(),
    )


@lru_cache(maxsize=256)
def _form(
    symbol: str,
    leg: LegKind,
    side: Side,
    direction: Direction,
    quantity: Decimal,
    reduce_only: bool,
    trigger_price: Decimal | None,
    mode: PositionMode,
    at: datetime,
) -> _Form:
    """Followers of one signal who are alike differ by it alone."""
    id_name = "newClientOrderId" if trigger_price is None else "clientAlgoId"
    params = {
        "symbol": symbol,
        "side": str(side),
        "quantity": plain(quantity),
        **_kind(leg, trigger_price),
        id_name: "",
        **_reduction(direction, mode, reduce_only=reduce_only),
        "newOrderRespType": "RESULT",
        "recvWindow": str(RECV_WINDOW_MS),
        "timestamp": str(milliseconds(at)),
    }
    head, name, tail = "&".join(f"{one}={value}" for one, value in params.items()).partition(f"{id_name}=")
    return _Form(params, id_name, head + name, tail)


def _kind(leg: LegKind, trigger_price: Decimal | None) -> dict[str, str]:
    if trigger_price is None:
        return {"type": "MARKET"}
    return {
        "algoType": "CONDITIONAL",
        "type": _CONDITIONAL_TYPE[leg],
        "triggerPrice": plain(trigger_price),
        "workingType": "CONTRACT_PRICE",
    }


def _reduction(direction: Direction, mode: PositionMode, *, reduce_only: bool) -> dict[str, str]:
    """Hedge mode names the position's side, and then reduceOnly may not be sent (-1106)."""
    if mode is PositionMode.HEDGE:
        return {"positionSide": "LONG" if direction is Direction.LONG else "SHORT"}
    return {"reduceOnly": "true"} if reduce_only else {}


def milliseconds(at: datetime) -> int:
    return int(at.timestamp() * 1000)


def read_instrument(info: Mapping[str, Any]) -> Instrument | None:
    """One symbol of exchangeInfo; None for one whose filters we do not know. MARKET_LOT_SIZE counts where it is
    narrower: our orders are market orders.
    """
    try:
        return _instrument(info)
    except (KeyError, InvalidOperation):
        return None


def _instrument(info: Mapping[str, Any]) -> Instrument:
    filters = {entry["filterType"]: entry for entry in info["filters"]}
    lot = filters["LOT_SIZE"]
    market = filters.get("MARKET_LOT_SIZE", lot)
    return Instrument(
        symbol=info["symbol"],
        base=info["baseAsset"],
        quote=info["quoteAsset"],
        price_tick=Decimal(filters["PRICE_FILTER"]["tickSize"]),
        quantity_step=max(Decimal(lot["stepSize"]), Decimal(market["stepSize"])),
        quantity_min=max(Decimal(lot["minQty"]), Decimal(market["minQty"])),
        quantity_max=min(Decimal(lot["maxQty"]), Decimal(market["maxQty"])),
        notional_min=Decimal(filters["MIN_NOTIONAL"]["notional"]),
    )


def read_order(answer: Any, client_order_id: str) -> OrderReport:
    """An order as placed or queried; anything that does not plainly say which order in which state is unknown."""
    try:
        status = _STATUS[answer["status"]]
        executed = Decimal(answer["executedQty"])
        order_id = str(int(answer["orderId"]))
        if answer["clientOrderId"] != client_order_id:
            raise OutcomeUnknown(f"Binance answered with another order: {answer['clientOrderId']!r}")
        price = _price(answer["avgPrice"]) if executed > 0 else None
    except (KeyError, TypeError, ValueError, InvalidOperation) as error:
        raise OutcomeUnknown("Binance's answer does not show the order") from error
    return OrderReport(
        status=status,
        exchange_order_id=order_id,
        client_order_id=client_order_id,
        executed_quantity=executed,
        average_price=price,
        fee_usd=executed * price * TAKER_FEE if price is not None else Decimal(0),
        evidence={name: answer[name] for name in ("orderId", "status", "executedQty", "avgPrice") if name in answer},
    )


def read_algo_order(answer: Any, client_order_id: str) -> OrderReport | str:
    """A conditional order; once triggered, the id of the order it became, which then tells the rest."""
    try:
        status, algo_id = answer["algoStatus"], str(int(answer["algoId"]))
        if answer["clientAlgoId"] != client_order_id:
            raise OutcomeUnknown(f"Binance answered with another order: {answer['clientAlgoId']!r}")
        became = str(answer.get("actualOrderId") or "")
        if status in {"TRIGGERED", "FINISHED"}:
            if not became:
                raise OutcomeUnknown("a triggered order without the order it became")
            return str(int(became))
        shown = _ALGO_STATUS[status]
    except (KeyError, TypeError, ValueError) as error:
        raise OutcomeUnknown("Binance's answer does not show the conditional order") from error
    return OrderReport(
        status=shown,
        exchange_order_id=f"algo-{algo_id}",
        client_order_id=client_order_id,
        evidence={"algoId": algo_id, "algoStatus": status},
    )


def read_rows(answer: Any, id_name: str) -> dict[int, Mapping[str, Any]]:
    """A page of a list by the venue's ids; raise OutcomeUnknown where it is no list, or a row has no id."""
    try:
        if isinstance(answer, list):
            return {int(row[id_name]): row for row in answer}
    except (KeyError, TypeError, ValueError) as error:
        raise OutcomeUnknown("Binance lists something that cannot be read") from error
    raise OutcomeUnknown("Binance's answer is no list")


def became_of_conditional(kind: Any) -> bool:
    """By an order's original type (`origType`, `ot`): it bears the client id of the conditional order that it was, which tells of it."""
    return kind in _CONDITIONAL_TYPE.values()


def read_order_news(order: Mapping[str, Any]) -> OrderReport | None:
    """The `o` of an ORDER_TRADE_UPDATE: what the order is now, in totals; None where a conditional order became it.

    Raise OutcomeUnknown where it does not say so.
    """
    if became_of_conditional(order.get("ot")):
        return None
    names = {"orderId": "i", "clientOrderId": "c", "status": "X", "executedQty": "z", "avgPrice": "ap"}
    return read_order({name: order.get(short) for name, short in names.items()}, str(order.get("c")))


def read_algo_news(order: Mapping[str, Any]) -> OrderReport | None:
    """The `o` of an ALGO_UPDATE; None for one that has triggered: what it became has to be looked up."""
    names = {"algoId": "aid", "clientAlgoId": "caid", "algoStatus": "X", "actualOrderId": "ai"}
    shown = read_algo_order({name: order.get(short) for name, short in names.items()}, str(order.get("caid")))
    return None if isinstance(shown, str) else shown


def read_positions(answer: Any) -> list[VenuePosition]:
    """Of positionRisk v3: a symbol that is not there is flat."""
    held = []
    for row in answer:
        amount = Decimal(row["positionAmt"])
        if amount:
            direction = Direction.LONG if amount > 0 else Direction.SHORT
            entry = Decimal(row["entryPrice"])
            held.append(
                VenuePosition(symbol=row["symbol"], direction=direction, quantity=abs(amount), entry_price=entry),
            )
    return held


def read_trades(answer: Any) -> list[VenueTrade]:
    """Of userTrades: commission in USDT counts as it is; in another coin (BNB) the regular rate stands in."""
    return [
        VenueTrade(
            exchange_order_id=str(row["orderId"]),
            side=Side(row["side"]),
            quantity=Decimal(row["qty"]),
            price=Decimal(row["price"]),
            fee_usd=_fee(row),
        )
        for row in answer
    ]


def read_permissions(answer: Mapping[str, Any]) -> KeyPermissions:
    """What /sapi/v1/account/apiRestrictions says; withdrawing and transferring are forbidden to a follower's key."""
    return KeyPermissions(
        asked=True,
        can_trade=bool(answer.get("enableFutures")),
        forbidden=tuple(name for name in _FORBIDDEN if answer.get(name)),
    )


def read_server_time(answer: Mapping[str, Any]) -> datetime:
    return datetime.fromtimestamp(int(answer["serverTime"]) / 1000, UTC)


def _price(text: Any) -> Decimal:
    """Without its price a fill could be neither booked nor protected."""
    price = Decimal(text)
    if not price > 0:
        raise OutcomeUnknown(f"Binance shows a fill at {text!r}")
    return price


def _fee(row: Mapping[str, Any]) -> Decimal:
    if row.get("commissionAsset") in {"USDT", "USDC"}:
        return Decimal(row["commission"])
    return Decimal(row["qty"]) * Decimal(row["price"]) * TAKER_FEE
