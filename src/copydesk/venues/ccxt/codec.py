"""ccxt's unified words and ours, both ways. Pure.

ccxt hands numbers over as floats made of the exchange's text; their shortest text is that text again.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from copydesk.domain.errors import OutcomeUnknown
from copydesk.domain.instrument import Instrument, plain
from copydesk.domain.order import FrozenRequest, NewOrder, OrderReport, OrderStatus
from copydesk.domain.signal import Direction, LegKind, Side
from copydesk.domain.subscription import PositionMode
from copydesk.ports.venue import Balance, VenuePosition, VenueTrade
from copydesk.venues.ccxt.capabilities import Capabilities

DOLLARS = ("USDT", "USDC", "USD", "FDUSD")

TAKER_RATE = Decimal("0.001")
"""The usual spot taker rate: what a fee is taken for where the exchange does not tell it."""

TICK_SIZE = 4
"""ccxt's precision mode in which a precision is a step; in the other one (2) it counts decimal places."""

FOR_EVER = timedelta(days=3650)

_STATUS = {
    "closed": OrderStatus.FILLED,
    "canceled": OrderStatus.CANCELLED,
    "expired": OrderStatus.CANCELLED,
    "rejected": OrderStatus.REJECTED,
}

_TRIGGER = {LegKind.STOP_LOSS: "stopLossPrice", LegKind.TAKE_PROFIT: "takeProfitPrice"}


def freeze(order: NewOrder, known: Capabilities, *, spot: bool, mode: PositionMode, at: datetime) -> FrozenRequest:
    """What ccxt will be asked for, once; with the exchange's own time limit where it is known to keep one."""
    params = {
        "symbol": order.symbol,
        "side": str(order.side).lower(),
        "quantity": plain(order.quantity),
        "client_order_id": order.client_order_id,
    }
    if order.trigger_price is not None:
        params[_TRIGGER[order.leg]] = plain(order.trigger_price)
    if not spot:
        params |= {"hedged": "true"} if mode is PositionMode.HEDGE else {}
        params |= {"reduceOnly": "true"} if order.reduce_only else {}
    if known.receive_window_ms is not None:
        params |= {"recvWindow": str(known.receive_window_ms), "timestamp": str(milliseconds(at))}
    return FrozenRequest(
        params=params,
        conditional=order.trigger_price is not None,
        frozen_at=at,
        settle_at=at + (FOR_EVER if known.settle_after is None else known.settle_after),
        request_hash=hashlib.sha256(json.dumps(params, sort_keys=True).encode()).hexdigest(),
    )


def extras(request: Mapping[str, str], known: Capabilities) -> dict[str, Any]:
    """Ccxt's `params` of create_order; our id goes along only where it can be trusted to find the order again."""
    given: dict[str, Any] = {name: request[name] for name in _TRIGGER.values() if name in request}
    given |= {name: True for name in ("hedged", "reduceOnly") if name in request}
    given |= {name: int(request[name]) for name in ("recvWindow", "timestamp") if name in request}
    if known.finds_by_client_id:
        given["clientOrderId"] = request["client_order_id"]
    return given


def milliseconds(at: datetime) -> int:
    return int(at.timestamp() * 1000)


def read_market(market: Mapping[str, Any], precision_mode: int) -> Instrument | None:
    """One market of ccxt's table, quantities in base units; None for one whose steps are not known."""
    size = contract_size(market)
    precision, limits = market["precision"], market["limits"]
    try:
        step, tick = (_step(precision[name], precision_mode) for name in ("amount", "price"))
        return Instrument(
            symbol=f"{market['base']}{market['quote']}",
            base=market["base"],
            quote=market["quote"],
            price_tick=tick,
            quantity_step=step * size,
            quantity_min=(number(_limit(limits, "amount", "min")) or step) * size,
            quantity_max=(number(_limit(limits, "amount", "max")) or Decimal("1e12")) * size,
            notional_min=number(_limit(limits, "cost", "min")) or Decimal(0),
        )
    except (KeyError, TypeError, InvalidOperation):
        return None


def contract_size(market: Mapping[str, Any]) -> Decimal:
    """Base units in one contract; 1 on spot."""
    return number(market.get("contractSize")) or Decimal(1) if market.get("contract") else Decimal(1)


def read_order(order: Any, client_order_id: str, market: Mapping[str, Any], known: Capabilities) -> OrderReport:
    """A unified order; one without the exchange's id is no evidence of anything.

    Where our id did not go along, ccxt or the exchange made one up: only where it did, another id is another order.
    """
    order_id = order.get("id") if isinstance(order, dict) else None
    if not order_id:
        raise OutcomeUnknown("the exchange's answer does not show the order")
    told = order.get("clientOrderId")
    if told and known.finds_by_client_id and told != client_order_id:
        raise OutcomeUnknown(f"the exchange answered with another order: {told!r}")
    executed = (number(order.get("filled")) or Decimal(0)) * contract_size(market)
    price = number(order.get("average")) if executed else None
    if executed and (price is None or price <= 0):
        raise OutcomeUnknown("the exchange shows a fill without its price")
    fee_usd, base_fee = read_fees(order, market, executed, price or Decimal(0))
    under_way = OrderStatus.PARTIAL if executed else OrderStatus.WORKING
    status = _STATUS.get(order.get("status") or "", under_way)
    return OrderReport(
        # "Closed" without a quantity is no fill yet: it is asked about until the quantity is told.
        status=under_way if status is OrderStatus.FILLED and not executed else status,
        exchange_order_id=str(order_id),
        client_order_id=client_order_id,
        executed_quantity=executed,
        average_price=price,
        fee_usd=fee_usd,
        base_fee=Decimal(0) if order.get("side") == "sell" else base_fee,
        evidence={name: order.get(name) for name in ("id", "status", "filled", "average")},
    )


def read_placed(order: Any, client_order_id: str, market: Mapping[str, Any], known: Capabilities) -> OrderReport:
    """The answer to a placing. What it shows badly is asked about by the id in it, which must not be lost."""
    try:
        return read_order(order, client_order_id, market, known)
    except OutcomeUnknown:
        order_id = order.get("id") if isinstance(order, dict) else None
        if not order_id or known.finds_by_client_id:
            raise
        return OrderReport(
            status=OrderStatus.WORKING,
            exchange_order_id=str(order_id),
            client_order_id=client_order_id,
            evidence={"id": order_id, "status": order.get("status")},
        )


def read_fees(
    order: Mapping[str, Any], market: Mapping[str, Any], executed: Decimal, price: Decimal
) -> tuple[Decimal, Decimal]:
    """(in USD, in base coins). What is not told is taken for the taker's rate: on a spot purchase of the coins
    themselves, so that never more is sold than came in.
    """
    if not executed:
        return Decimal(0), Decimal(0)
    base, quote = market["base"], market["quote"]
    fees = [fee for fee in _fees(order) if number(fee.get("cost")) is not None and fee.get("currency")]
    if not fees:
        rate = number(market.get("taker")) or TAKER_RATE
        return executed * price * rate, executed * rate if market.get("spot") else Decimal(0)
    in_base = sum((abs(number(fee["cost"]) or Decimal(0)) for fee in fees if fee["currency"] == base), Decimal(0))
    in_quote = sum(
        (number(fee["cost"]) or Decimal(0) for fee in fees if fee["currency"] in {quote, *DOLLARS}), Decimal(0)
    )
    elsewhere = any(fee["currency"] not in {base, quote, *DOLLARS} for fee in fees)
    estimate = executed * price * TAKER_RATE if elsewhere else Decimal(0)
    return in_quote + in_base * price + estimate, in_base


def read_trade(trade: Mapping[str, Any], market: Mapping[str, Any]) -> VenueTrade:
    quantity = (number(trade["amount"]) or Decimal(0)) * contract_size(market)
    price = number(trade["price"]) or Decimal(0)
    fee_usd, _ = read_fees(trade, market, quantity, price)
    return VenueTrade(
        exchange_order_id=str(trade["order"]),
        side=Side(str(trade["side"]).upper()),
        quantity=quantity,
        price=price,
        fee_usd=fee_usd,
    )


def read_balance(answer: Mapping[str, Any]) -> Balance:
    """What is held in dollar coins."""
    return Balance(
        total_usd=sum((number(answer["total"].get(coin)) or Decimal(0) for coin in DOLLARS), Decimal(0)),
        available_usd=sum((number(answer["free"].get(coin)) or Decimal(0) for coin in DOLLARS), Decimal(0)),
    )


def read_holdings(answer: Mapping[str, Any], instruments: Iterable[Instrument]) -> list[VenuePosition]:
    """Coins that could be sold for USDT; the exchange does not say what they were bought for."""
    held = []
    for one in instruments:
        quantity = number(answer["total"].get(one.base)) or Decimal(0)
        if one.quote == DOLLARS[0] and quantity >= max(one.quantity_min, one.quantity_step):
            held.append(
                VenuePosition(symbol=one.symbol, direction=Direction.LONG, quantity=quantity, entry_price=Decimal(0))
            )
    return held


def read_positions(rows: Sequence[Mapping[str, Any]], markets: Mapping[str, Mapping[str, Any]]) -> list[VenuePosition]:
    held = []
    for row in rows:
        market = markets.get(row["symbol"])
        contracts = number(row.get("contracts"))
        if market is None or not contracts:
            continue
        held.append(
            VenuePosition(
                symbol=f"{market['base']}{market['quote']}",
                direction=Direction.SHORT if row.get("side") == "short" else Direction.LONG,
                quantity=abs(contracts) * contract_size(market),
                entry_price=number(row.get("entryPrice")) or Decimal(0),
            )
        )
    return held


def number(value: Any) -> Decimal | None:
    """None where ccxt has nothing to say, or says it in no number."""
    try:
        found = None if value is None else Decimal(str(value))
    except InvalidOperation:
        return None
    return found if found is not None and found.is_finite() else None


def _fees(order: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    fees = order.get("fees") or ([order["fee"]] if order.get("fee") else [])
    return [fee for fee in fees if isinstance(fee, dict)]


def _limit(limits: Mapping[str, Any], kind: str, end: str) -> Any:
    return (limits.get(kind) or {}).get(end)


def _step(precision: Any, mode: int) -> Decimal:
    value = Decimal(str(precision))
    return value if mode == TICK_SIZE else Decimal(1).scaleb(-int(value))
