"""The independent truth that tests compare with (contract §5): every contract ever bought, and what came of it."""

from datetime import UTC, datetime
from typing import Any

from copydesk.simulators.deriv.exchange.contract import Contract, Phase
from copydesk.simulators.deriv.exchange.exchange import Exchange

Row = dict[str, Any]


def read_ledger(exchange: Exchange, token: str | None) -> dict[str, list[Row]]:
    """Of one account, else of all. An order is one contract bought, or sold back before its end; its price is money."""
    contracts = [each for each in exchange.contracts.values() if token in {None, each.account}]
    orders = [row for contract in contracts for row in _orders(contract)]
    return {
        "orders": sorted(orders, key=lambda row: str(row["time"])),
        "fills": [_fill(row, contract) for contract in contracts for row in _orders(contract)],
        "positions": [_position(each) for each in contracts if not each.is_settled],
        "contracts": [_contract(each) for each in contracts],
        "balances": [
            {"account": each.token, "balance": str(each.balance), "currency": each.currency}
            for each in exchange.accounts.values()
            if token in {None, each.token}
        ],
    }


def _orders(contract: Contract) -> list[Row]:
    bought = {
        "order_id": str(contract.buy_transaction),
        "client_order_id": None,
        "account": contract.account,
        "symbol": contract.terms.symbol,
        "side": "BUY",
        "type": contract.terms.contract_type,
        "quantity": "1",
        "reduce_only": False,
        "status": "FILLED",
        "time": _iso(contract.purchase_time),
    }
    if contract.phase is not Phase.SOLD or contract.sell_time is None:
        return [bought]
    sold = {"side": "SELL", "order_id": str(contract.sell_transaction), "reduce_only": True}
    return [bought, bought | sold | {"time": _iso(contract.sell_time)}]


def _fill(order: Row, contract: Contract) -> Row:
    price = contract.buy_price if order["side"] == "BUY" else contract.sell_price
    kept = {name: order[name] for name in ("order_id", "account", "symbol", "side", "quantity", "time")}
    return kept | {"price": str(price), "fee": "0"}


def _position(contract: Contract) -> Row:
    terms = contract.terms
    return {"account": contract.account, "symbol": terms.symbol, "side": terms.contract_type, "quantity": "1"}


def _contract(contract: Contract) -> Row:
    terms = contract.terms
    return {
        "contract_id": contract.contract_id,
        "order_id": str(contract.buy_transaction),
        "account": contract.account,
        "symbol": terms.symbol,
        "type": terms.contract_type,
        "status": contract.phase,
        "buy_price": str(contract.buy_price),
        "payout": str(contract.payout),
        "sell_price": None if contract.sell_price is None else str(contract.sell_price),
        "entry_spot": None if contract.entry is None else str(contract.entry.quote),
        "exit_spot": None if contract.exit is None else str(contract.exit.quote),
        "time": _iso(contract.purchase_time),
        "end": None if contract.sell_time is None else _iso(contract.sell_time),
    }


def _iso(epoch: int) -> str:
    return datetime.fromtimestamp(epoch, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
