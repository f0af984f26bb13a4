"""The independent truth tests compare with: every order ever accepted, every fill, every position (contract §5)."""

from datetime import UTC, datetime
from typing import Any

from copydesk.simulators.binance.exchange.account import Account
from copydesk.simulators.binance.exchange.exchange import Exchange
from copydesk.simulators.binance.exchange.records import Algo, Fill, Income, Order
from copydesk.simulators.binance.exchange.text import plain

Row = dict[str, Any]


def read_ledger(exchange: Exchange, api_key: str | None = None) -> dict[str, list[Row]]:
    accounts = [account for account in exchange.accounts.values() if api_key in {None, account.api_key}]
    orders = [_order(order) for account in accounts for order in account.book.orders.values()]
    orders += [_algo(account, algo) for account in accounts for algo in account.book.algos.values()]
    return {
        "orders": sorted(orders, key=lambda row: row["time"]),
        "fills": [_fill(fill) for account in accounts for fill in account.book.fills],
        "positions": [row for account in accounts for row in _positions(account)],
        "balances": [_balance(account) for account in accounts],
        "incomes": [_income(account, each) for account in accounts for each in account.incomes],
    }


def _order(order: Order) -> Row:
    row: Row = {
        "order_id": str(order.order_id),
        "client_order_id": order.client_order_id,
        "account": order.account,
        "symbol": order.symbol,
        "side": order.side,
        "position_side": order.position_side,
        "type": order.type,
        "quantity": plain(order.quantity),
        "executed_quantity": plain(order.executed),
        "price": plain(order.price),
        "reduce_only": order.reduce_only,
        "status": order.status,
        "time": _iso(order.time_ms),
    }
    if order.algo_id is not None:
        row["algo_id"] = str(order.algo_id)
    if order.forced:
        row["forced"] = order.forced
    return row


def _algo(account: Account, algo: Algo) -> Row:
    triggered = None if algo.order_id is None else account.book.orders.get(algo.order_id)
    return {
        "order_id": f"algo-{algo.algo_id}",
        "client_order_id": algo.client_algo_id,
        "account": algo.account,
        "symbol": algo.symbol,
        "side": algo.side,
        "position_side": algo.position_side,
        "type": algo.type,
        "quantity": plain(algo.quantity),
        "executed_quantity": "0" if triggered is None else plain(triggered.executed),
        "price": plain(algo.price),
        "trigger_price": plain(algo.trigger_price),
        "reduce_only": algo.reduce_only or algo.close_position,
        "status": algo.status,
        "time": _iso(algo.time_ms),
        "algo_id": str(algo.algo_id),
        "actual_order_id": None if algo.order_id is None else str(algo.order_id),
    }


def _fill(fill: Fill) -> Row:
    return {
        "order_id": str(fill.order_id),
        "trade_id": str(fill.trade_id),
        "account": fill.account,
        "symbol": fill.symbol,
        "side": fill.side,
        "position_side": fill.position_side,
        "quantity": plain(fill.quantity),
        "price": plain(fill.price),
        "fee": plain(fill.fee),
        "fee_asset": fill.fee_asset,
        "maker": fill.maker,
        "realized": plain(fill.realized),
        "time": _iso(fill.time_ms),
    }


def _positions(account: Account) -> list[Row]:
    """``side`` is LONG or SHORT with the absolute quantity, in one-way mode too; ``position_side`` is the venue's."""
    return [
        {
            "account": account.api_key,
            "symbol": position.symbol,
            "side": "LONG" if position.quantity > 0 else "SHORT",
            "quantity": plain(abs(position.quantity)),
            "signed_quantity": plain(position.quantity),
            "position_side": position.side,
            "entry_price": plain(position.entry),
        }
        for position in account.held()
    ]


def _balance(account: Account) -> Row:
    return {
        "account": account.api_key,
        "start": plain(account.start_balance),
        "balance": plain(account.wallet),
    }


def _income(account: Account, income: Income) -> Row:
    """What changed the wallet besides fills; with them it adds up to the balance."""
    return {
        "account": account.api_key,
        "type": income.kind,
        "amount": plain(income.amount),
        "asset": income.asset,
        "symbol": income.symbol,
        "time": _iso(income.time_ms),
    }


def _iso(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1_000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
