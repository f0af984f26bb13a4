"""The independent truth that tests compare with: every order ever accepted, every deal, what is held (contract §5)."""

from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from copydesk.simulators.metatrader5.broker.account import Account
from copydesk.simulators.metatrader5.broker.records import Deal, Order, Position
from copydesk.simulators.metatrader5.broker.words import DealType, Entry, OrderType
from copydesk.simulators.metatrader5.edge.clock import ServerClock

Row = dict[str, Any]


def read_ledger(accounts: Iterable[Account], clock: ServerClock) -> dict[str, list[Row]]:
    """Times are UTC, not the server's; ``client_order_id`` is the request's comment, ``account`` the login as text."""
    found = list(accounts)
    return {
        "orders": [
            _order(account, each, clock)
            for account in found
            for each in sorted([*account.old_orders.values(), *account.orders.values()], key=lambda order: order.ticket)
        ],
        "fills": [
            _fill(account, each, clock)
            for account in found
            for each in account.deals
            if each.type is not DealType.BALANCE
        ],
        "positions": [position_row(account, each) for account in found for each in account.positions.values()],
        "balances": [{"account": str(each.login), "balance": plain(each.balance)} for each in found],
    }


def position_row(account: Account, each: Position) -> Row:
    return {
        "account": str(account.login),
        "symbol": each.symbol,
        "side": "LONG" if each.is_buy else "SHORT",
        "quantity": plain(each.volume),
        "ticket": str(each.ticket),
        "identifier": str(each.identifier),
        "entry_price": plain(each.price_open),
        "stop_loss": plain(each.sl),
        "take_profit": plain(each.tp),
        "magic": each.magic,
        "comment": each.comment,
    }


def _order(account: Account, each: Order, clock: ServerClock) -> Row:
    kind = each.type.name.removeprefix("BUY_").removeprefix("SELL_")
    return {
        "order_id": str(each.ticket),
        "client_order_id": each.comment,
        "account": str(account.login),
        "symbol": each.symbol,
        "side": "BUY" if each.type.is_buy else "SELL",
        "type": "MARKET" if each.type in {OrderType.BUY, OrderType.SELL} else kind,
        "quantity": plain(each.volume_initial),
        "executed_quantity": plain(each.volume_initial - each.volume_current),
        "price": plain(each.price),
        "reduce_only": _reduces(account, each),
        "status": each.state.name,
        "magic": each.magic,
        "position_id": str(each.position_id),
        "time": _iso(clock.utc_ms(each.time_setup_msc)),
    }


def _reduces(account: Account, each: Order) -> bool:
    entries = {deal.entry for deal in account.deals if deal.order == each.ticket and deal.symbol}
    return bool(entries) and entries <= {Entry.OUT, Entry.OUT_BY}


def _fill(account: Account, each: Deal, clock: ServerClock) -> Row:
    return {
        "order_id": str(each.order),
        "trade_id": str(each.ticket),
        "account": str(account.login),
        "symbol": each.symbol,
        "side": each.type.name,
        "quantity": plain(each.volume),
        "price": plain(each.price),
        "fee": plain(-each.commission),
        "entry": each.entry.name,
        "position_id": str(each.position_id),
        "realized": plain(each.profit),
        "swap": plain(each.swap),
        "reason": each.reason.name,
        "time": _iso(clock.utc_ms(each.time_msc)),
    }


def plain(number: Decimal) -> str:
    """Without an exponent and without zeros at the end."""
    return f"{number.normalize() + 0:f}"


def _iso(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1_000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
