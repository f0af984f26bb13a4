"""Spot's part of the independent truth (contract §5): rows like the futures', each marked ``"market": "spot"``."""

from datetime import UTC, datetime
from typing import Any

from copydesk.simulators.binance.exchange.text import plain
from copydesk.simulators.binance.spot.records import Fill, Order
from copydesk.simulators.binance.spot.symbols import CASH
from copydesk.simulators.binance.spot.venue import Spot
from copydesk.simulators.binance.spot.wallet import Wallet

Row = dict[str, Any]


def read_ledger(spot: Spot, api_key: str | None = None) -> dict[str, list[Row]]:
    wallets = [wallet for wallet in spot.wallets.values() if api_key in {None, wallet.api_key}]
    return {
        "orders": [_order(order) for wallet in wallets for order in wallet.orders.values()],
        "fills": [_fill(fill) for wallet in wallets for fill in wallet.fills],
        "positions": [row for wallet in wallets for row in _positions(wallet)],
        "balances": [row for wallet in wallets for row in _balances(wallet)],
    }


def _order(order: Order) -> Row:
    return {
        "market": "spot",
        "order_id": str(order.order_id),
        "client_order_id": order.client_order_id,
        "account": order.account,
        "symbol": order.symbol,
        "side": order.side,
        "type": order.type,
        "quantity": plain(order.quantity),
        "executed_quantity": plain(order.executed),
        "price": plain(order.price),
        "stop_price": plain(order.stop_price),
        "reduce_only": False,
        "status": order.status,
        "time": _iso(order.time_ms),
    }


def _fill(fill: Fill) -> Row:
    return {
        "market": "spot",
        "order_id": str(fill.order_id),
        "trade_id": str(fill.trade_id),
        "account": fill.account,
        "symbol": fill.symbol,
        "side": fill.side,
        "quantity": plain(fill.quantity),
        "price": plain(fill.price),
        "fee": plain(fill.fee),
        "fee_asset": fill.fee_asset,
        "time": _iso(fill.time_ms),
    }


def _positions(wallet: Wallet) -> list[Row]:
    """Whatever is held that is not cash, free or locked; ``symbol`` is its pair with USDT."""
    return [
        {
            "market": "spot",
            "account": wallet.api_key,
            "symbol": f"{asset}USDT",
            "asset": asset,
            "side": "LONG",
            "quantity": plain(balance.total),
            "signed_quantity": plain(balance.total),
        }
        for asset, balance in wallet.shown()
        if balance.total and asset not in CASH
    ]


def _balances(wallet: Wallet) -> list[Row]:
    return [
        {
            "market": "spot",
            "account": wallet.api_key,
            "asset": asset,
            "start": plain(wallet.start.get(asset, balance.total * 0)),
            "balance": plain(balance.total),
            "free": plain(balance.free),
            "locked": plain(balance.locked),
        }
        for asset, balance in wallet.shown()
        if balance.total or asset in wallet.start
    ]


def _iso(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1_000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
