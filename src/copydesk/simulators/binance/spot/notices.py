"""User-data events of spot (the venue's public user-data-stream.md), collected for the accounts somebody listens to."""

from decimal import Decimal
from typing import Any

from copydesk.simulators.binance.exchange.text import money
from copydesk.simulators.binance.spot.records import Fill, Order, OrderList
from copydesk.simulators.binance.spot.wallet import Wallet

Event = dict[str, Any]
_ZERO = "0.00000000"
_NO_FILL: Event = {"l": _ZERO, "L": _ZERO, "Y": _ZERO, "n": "0", "N": None, "t": -1, "m": False}


class Notices:
    def __init__(self) -> None:
        self._pending: list[tuple[str, Event]] = []
        self.watched: set[str] = set()

    def drain(self) -> list[tuple[str, Event]]:
        pending, self._pending = self._pending, []
        return pending

    def order(
        self, order: Order, execution: str, at_ms: int, fill: Fill | None = None, cancel_id: str | None = None
    ) -> None:
        if order.account in self.watched:
            body = _order_body(order, execution, at_ms, cancel_id)
            self._tell(order.account, {**body, **(_NO_FILL if fill is None else _fill_body(fill))})

    def balances(self, wallet: Wallet, assets: tuple[str, ...], at_ms: int) -> None:
        if wallet.api_key in self.watched:
            rows = [_balance_row(wallet, asset) for asset in assets]
            self._tell(wallet.api_key, {"e": "outboundAccountPosition", "E": at_ms, "u": at_ms, "B": rows})

    def deposited(self, wallet: Wallet, asset: str, change: Decimal, at_ms: int) -> None:
        self._tell(wallet.api_key, {"e": "balanceUpdate", "E": at_ms, "a": asset, "d": money(change), "T": at_ms})
        self.balances(wallet, (asset,), at_ms)

    def order_list(self, wallet: Wallet, orders: OrderList, at_ms: int) -> None:
        if wallet.api_key not in self.watched:
            return
        legs = [wallet.orders[order_id] for order_id in orders.order_ids]
        self._tell(
            wallet.api_key,
            {
                "e": "listStatus",
                "E": at_ms,
                "s": orders.symbol,
                "g": orders.list_id,
                "c": "OCO",
                "l": "ALL_DONE" if orders.is_done else "EXEC_STARTED",
                "L": "ALL_DONE" if orders.is_done else "EXECUTING",
                "r": "NONE",
                "C": orders.client_list_id,
                "T": at_ms,
                "O": [{"s": leg.symbol, "i": leg.order_id, "c": leg.client_order_id} for leg in legs],
            },
        )

    def _tell(self, api_key: str, event: Event) -> None:
        if api_key in self.watched:
            self._pending.append((api_key, event))


def _balance_row(wallet: Wallet, asset: str) -> Event:
    balance = wallet.balance(asset)
    return {"a": asset, "f": money(balance.free), "l": money(balance.locked)}


def _fill_body(fill: Fill) -> Event:
    return {
        "l": money(fill.quantity),
        "L": money(fill.price),
        "Y": money(fill.quantity * fill.price),
        "n": money(fill.fee),
        "N": fill.fee_asset,
        "t": fill.trade_id,
        "m": fill.maker,
    }


def _order_body(order: Order, execution: str, at_ms: int, cancel_id: str | None) -> Event:
    """A cancel carries its own id in ``c`` and the order's in ``C``."""
    body: Event = {
        "e": "executionReport",
        "E": at_ms,
        "s": order.symbol,
        "c": order.client_order_id if cancel_id is None else cancel_id,
        "S": order.side,
        "o": order.type,
        "f": order.time_in_force,
        "q": money(order.quantity),
        "p": money(order.price),
        "P": money(order.stop_price),
        "F": _ZERO,
        "g": order.list_id,
        "C": "" if cancel_id is None else order.client_order_id,
        "x": execution,
        "X": order.status,
        "r": "NONE",
        "i": order.order_id,
        "z": money(order.executed),
        "T": at_ms,
        "v": 0,
        "I": order.order_id * 2,
        "w": order.is_open and order.is_working,
        "M": False,
        "O": order.time_ms,
        "Z": money(order.quote),
        "Q": money(order.quote_quantity),
        "V": "EXPIRE_MAKER",
    }
    if order.trailing_delta:
        body["d"] = order.trailing_delta
    if order.trailing_ms >= 0:
        body["D"] = order.trailing_ms
    if order.is_working:
        body["W"] = order.working_ms
    return body
