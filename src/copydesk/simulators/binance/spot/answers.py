"""What spot answers about orders, fills and wallets: the full documented shapes, amounts with eight decimals."""

from collections.abc import Iterable
from typing import Any

from copydesk.simulators.binance.exchange.account import Account
from copydesk.simulators.binance.exchange.text import money
from copydesk.simulators.binance.spot.records import Fill, Order, OrderList
from copydesk.simulators.binance.spot.wallet import FEE_RATE, Wallet

Json = dict[str, Any]
SELF_TRADE = "EXPIRE_MAKER"
_BASIS = 10_000


def placed(order: Order, wallet: Wallet, kind: str, now_ms: int) -> Json:
    """``kind`` is ACK, RESULT or FULL."""
    ack = {
        "symbol": order.symbol,
        "orderId": order.order_id,
        "orderListId": order.list_id,
        "clientOrderId": order.client_order_id,
        "transactTime": now_ms,
    }
    if kind == "ACK":
        return ack
    result = {**ack, **_state(order), "workingTime": order.working_ms, "selfTradePreventionMode": SELF_TRADE}
    if kind == "RESULT":
        return result
    return {**result, "fills": [_fill(fill) for fill in wallet.fills_of(order.order_id)]}


def queried(order: Order) -> Json:
    return {
        "symbol": order.symbol,
        "orderId": order.order_id,
        "orderListId": order.list_id,
        "clientOrderId": order.client_order_id,
        **_state(order),
        "stopPrice": money(order.stop_price),
        "icebergQty": "0.00000000",
        "time": order.time_ms,
        "updateTime": order.update_ms,
        "isWorking": order.is_working,
        "workingTime": order.working_ms,
        "selfTradePreventionMode": SELF_TRADE,
    }


def cancelled(order: Order, cancel_id: str, now_ms: int) -> Json:
    return {
        "symbol": order.symbol,
        "origClientOrderId": order.client_order_id,
        "orderId": order.order_id,
        "orderListId": order.list_id,
        "clientOrderId": cancel_id,
        "transactTime": now_ms,
        **_state(order),
        "selfTradePreventionMode": SELF_TRADE,
    }


def trade(fill: Fill) -> Json:
    return {
        "symbol": fill.symbol,
        "id": fill.trade_id,
        "orderId": fill.order_id,
        "orderListId": fill.list_id,
        "price": money(fill.price),
        "qty": money(fill.quantity),
        "quoteQty": money(fill.quantity * fill.price),
        "commission": money(fill.fee),
        "commissionAsset": fill.fee_asset,
        "time": fill.time_ms,
        "isBuyer": fill.side == "BUY",
        "isMaker": fill.maker,
        "isBestMatch": True,
    }


def order_list(orders: OrderList, wallet: Wallet) -> Json:
    legs = [wallet.orders[order_id] for order_id in orders.order_ids]
    return {
        "orderListId": orders.list_id,
        "contingencyType": "OCO",
        "listStatusType": "ALL_DONE" if orders.is_done else "EXEC_STARTED",
        "listOrderStatus": "ALL_DONE" if orders.is_done else "EXECUTING",
        "listClientOrderId": orders.client_list_id,
        "transactionTime": orders.time_ms,
        "symbol": orders.symbol,
        "orders": [
            {"symbol": leg.symbol, "orderId": leg.order_id, "clientOrderId": leg.client_order_id} for leg in legs
        ],
    }


def account(wallet: Wallet, owner: Account, *, held_only: bool) -> Json:
    basis, rate = int(FEE_RATE * _BASIS), money(FEE_RATE)
    may_trade = owner.permissions["enableSpotAndMarginTrading"]
    return {
        "makerCommission": basis,
        "takerCommission": basis,
        "buyerCommission": 0,
        "sellerCommission": 0,
        "commissionRates": {"maker": rate, "taker": rate, "buyer": money(FEE_RATE * 0), "seller": money(FEE_RATE * 0)},
        "canTrade": may_trade,
        "canWithdraw": True,
        "canDeposit": True,
        "brokered": False,
        "requireSelfTradePrevention": False,
        "preventSor": False,
        "updateTime": wallet.update_ms,
        "accountType": "SPOT",
        "balances": list(balances(wallet, held_only=held_only)),
        "permissions": ["SPOT"],
        "uid": owner.created_ms,
    }


def balances(wallet: Wallet, *, held_only: bool) -> Iterable[Json]:
    for asset, balance in wallet.shown():
        if balance.total or not held_only:
            yield {"asset": asset, "free": money(balance.free), "locked": money(balance.locked)}


def _state(order: Order) -> Json:
    state = {
        "price": money(order.price),
        "origQty": money(order.quantity),
        "executedQty": money(order.executed),
        "origQuoteOrderQty": money(order.quote_quantity),
        "cummulativeQuoteQty": money(order.quote),
        "status": order.status,
        "timeInForce": order.time_in_force,
        "type": order.type,
        "side": order.side,
    }
    if order.stop_price:
        state["stopPrice"] = money(order.stop_price)
    if order.trailing_delta:
        return {**state, "trailingDelta": order.trailing_delta, "trailingTime": order.trailing_ms}
    return state


def _fill(fill: Fill) -> Json:
    return {
        "price": money(fill.price),
        "qty": money(fill.quantity),
        "commission": money(fill.fee),
        "commissionAsset": fill.fee_asset,
        "tradeId": fill.trade_id,
    }
