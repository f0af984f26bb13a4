"""The structs as the terminal tells them: every field by its name, numbers as the package has them."""

from decimal import Decimal
from typing import Any

from copydesk.simulators.metatrader5.broker.account import ORDERS_MAX, Account
from copydesk.simulators.metatrader5.broker.quotes import Quotes
from copydesk.simulators.metatrader5.broker.records import Deal, Order, Position
from copydesk.simulators.metatrader5.broker.valuation import floating, value_of
from copydesk.simulators.metatrader5.edge.terminals import BUILD, Terminal

Json = dict[str, Any]


def account_info(account: Account, terminal: Terminal, quotes: Quotes) -> Json:
    value = value_of(account, quotes)
    return {
        "login": account.login,
        "trade_mode": 0,
        "leverage": account.leverage,
        "limit_orders": ORDERS_MAX,
        "margin_so_mode": 0,
        "trade_allowed": account.trade_allowed and not terminal.investor,
        "trade_expert": account.trade_expert,
        "margin_mode": int(account.margin_mode),
        "currency_digits": 2,
        "fifo_close": False,
        "balance": float(account.balance),
        "credit": 0.0,
        "profit": float(value.profit),
        "equity": float(value.equity),
        "margin": float(value.margin),
        "margin_free": float(value.free),
        "margin_level": round(float(value.level_pct), 2),
        "margin_so_call": float(account.margin_call_pct),
        "margin_so_so": float(account.stop_out_pct),
        **dict.fromkeys(("margin_initial", "margin_maintenance", "assets", "liabilities", "commission_blocked"), 0.0),
        "name": account.name,
        "server": account.server,
        "currency": account.currency,
        "company": "Copydesk simulator",
    }


def terminal_info(terminal: Terminal) -> Json:
    folder = terminal.path.rpartition("\\")[0]
    return {
        "community_account": False,
        "community_connection": False,
        "connected": terminal.connected,
        "dlls_allowed": False,
        "trade_allowed": terminal.trade_allowed,
        "tradeapi_disabled": terminal.tradeapi_disabled,
        "email_enabled": False,
        "ftp_enabled": False,
        "notifications_enabled": False,
        "mqid": False,
        "build": BUILD,
        "maxbars": 100_000,
        "codepage": 1252,
        "ping_last": 21_000,
        "community_balance": 0.0,
        "retransmission": 0.0,
        "company": "Copydesk simulator",
        "name": "MetaTrader 5",
        "language": "English",
        "path": folder,
        "data_path": folder,
        "commondata_path": folder,
    }


def position(account: Account, each: Position, quotes: Quotes) -> Json:
    return {
        "ticket": each.ticket,
        **_times("time", each.time_msc),
        **_times("time_update", each.time_update_msc),
        "type": 0 if each.is_buy else 1,
        "magic": each.magic,
        "identifier": each.identifier,
        "reason": int(each.reason),
        "volume": float(each.volume),
        "price_open": float(each.price_open),
        "sl": float(each.sl),
        "tp": float(each.tp),
        "price_current": float(quotes.price(each.symbol, buy=not each.is_buy)),
        "swap": float(each.swap),
        "profit": float(floating(account, each, quotes)),
        "symbol": each.symbol,
        "comment": each.comment,
        "external_id": "",
    }


def order(each: Order, quotes: Quotes) -> Json:
    return {
        "ticket": each.ticket,
        **_times("time_setup", each.time_setup_msc),
        **_times("time_done", each.time_done_msc),
        "time_expiration": each.expiration_s,
        "type": int(each.type),
        "type_time": int(each.lifetime),
        "type_filling": int(each.filling),
        "state": int(each.state),
        "magic": each.magic,
        "position_id": each.position_id,
        "position_by_id": each.position_by_id,
        "reason": int(each.reason),
        "volume_initial": float(each.volume_initial),
        "volume_current": float(each.volume_current),
        "price_open": float(each.price),
        "sl": float(each.sl),
        "tp": float(each.tp),
        "price_current": float(quotes.price(each.symbol, buy=each.type.is_buy)),
        "price_stoplimit": float(each.price_stoplimit),
        "symbol": each.symbol,
        "comment": each.comment,
        "external_id": "",
    }


def deal(each: Deal) -> Json:
    return {
        "ticket": each.ticket,
        "order": each.order,
        **_times("time", each.time_msc),
        "type": int(each.type),
        "entry": int(each.entry),
        "magic": each.magic,
        "position_id": each.position_id,
        "reason": int(each.reason),
        "volume": float(each.volume),
        "price": float(each.price),
        "commission": float(each.commission),
        "swap": float(each.swap),
        "profit": float(each.profit),
        "fee": 0.0,
        "symbol": each.symbol,
        "comment": each.comment,
        "external_id": "",
    }


def tick(symbol: str, quotes: Quotes, *, seen: bool) -> Json:
    """All zero for a symbol that is not in Market Watch."""
    now = quotes.now(symbol)
    return {
        "time": now.time_msc // 1_000 if seen else 0,
        "bid": _seen(now.bid, seen=seen),
        "ask": _seen(now.ask, seen=seen),
        "last": 0.0,
        "volume": 0,
        "time_msc": now.time_msc if seen else 0,
        "flags": 6 if seen else 0,
        "volume_real": 0.0,
    }


def _seen(price: Decimal, *, seen: bool) -> float:
    return float(price) if seen else 0.0


def _times(name: str, at_ms: int) -> Json:
    """Seconds and milliseconds of the server's clock."""
    return {name: at_ms // 1_000, f"{name}_msc": at_ms}
