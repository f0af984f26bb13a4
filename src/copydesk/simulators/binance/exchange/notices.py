"""User-data events (fact sheet §2.5), collected for the accounts somebody listens to."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from copydesk.simulators.binance.exchange.account import Account
from copydesk.simulators.binance.exchange.records import Algo, Fill, Order
from copydesk.simulators.binance.exchange.text import money, plain

Event = dict[str, Any]


class Notices:
    def __init__(self, mark: Callable[[str], Decimal]) -> None:
        self._mark = mark
        self._pending: list[tuple[str, Event]] = []
        self.watched: set[str] = set()

    def drain(self) -> list[tuple[str, Event]]:
        pending, self._pending = self._pending, []
        return pending

    def order(self, order: Order, execution: str, at_ms: int, fill: Fill | None = None) -> None:
        if order.account in self.watched:
            body = {**_order_body(order, execution, at_ms), **(_fill_body(fill) if fill else _NO_FILL)}
            self._tell(order.account, {"e": "ORDER_TRADE_UPDATE", "E": at_ms, "T": at_ms, "o": body})

    def traded(self, account: Account, order: Order, fill: Fill, at_ms: int) -> None:
        """A fill in the order the venue tells it: the short notice, the account, the order."""
        if order.account not in self.watched:
            return
        self._tell(order.account, _trade_lite(order, fill, at_ms))
        self.account(account, order.symbol, order.position_side, at_ms)
        self.order(order, "TRADE", at_ms, fill)

    def account(self, account: Account, symbol: str, side: str, at_ms: int, reason: str = "ORDER") -> None:
        if account.api_key not in self.watched:
            return
        wallet = {"a": "USDT", "wb": money(account.wallet), "cw": money(account.cross_wallet()), "bc": "0"}
        body = {"m": reason, "B": [wallet], "P": [self._position(account, symbol, side)]}
        self._tell(account.api_key, {"e": "ACCOUNT_UPDATE", "E": at_ms, "T": at_ms, "a": body})

    def algo(self, algo: Algo, at_ms: int) -> None:
        if algo.account in self.watched:
            self._tell(algo.account, {"e": "ALGO_UPDATE", "T": at_ms, "E": at_ms, "o": _algo_body(algo)})

    def leverage(self, account: Account, symbol: str, at_ms: int) -> None:
        change = {"s": symbol, "l": account.setting(symbol).leverage}
        self._tell(account.api_key, {"e": "ACCOUNT_CONFIG_UPDATE", "E": at_ms, "T": at_ms, "ac": change})

    def _tell(self, api_key: str, event: Event) -> None:
        if api_key in self.watched:
            self._pending.append((api_key, event))

    def _position(self, account: Account, symbol: str, side: str) -> Event:
        position = account.position(symbol, side)
        return {
            "s": symbol,
            "pa": plain(position.quantity),
            "ep": plain(position.entry),
            "bep": plain(position.entry),
            "cr": plain(position.realized),
            "up": money(position.unrealized(self._mark(symbol))),
            "mt": "isolated" if account.setting(symbol).isolated else "cross",
            "iw": plain(position.isolated_wallet),
            "ps": side,
        }


_NO_FILL: Event = {"l": "0", "L": "0", "N": "USDT", "n": "0", "t": 0, "m": False, "rp": "0"}


def _fill_body(fill: Fill) -> Event:
    return {
        "l": plain(fill.quantity),
        "L": plain(fill.price),
        "N": "USDT",
        "n": plain(fill.fee),
        "t": fill.trade_id,
        "m": fill.maker,
        "rp": plain(fill.realized),
    }


def _order_body(order: Order, execution: str, at_ms: int) -> Event:
    return {
        "s": order.symbol,
        "c": order.client_order_id,
        "S": order.side,
        "o": order.type,
        "f": order.time_in_force,
        "q": plain(order.quantity),
        "p": plain(order.price),
        "ap": plain(order.average),
        "sp": plain(order.stop_price),
        "x": execution,
        "X": order.status,
        "i": order.order_id,
        "z": plain(order.executed),
        "T": at_ms,
        "b": "0",
        "a": "0",
        "R": order.reduce_only,
        "wt": order.working_type,
        "ot": order.orig_type or order.type,
        "ps": order.position_side,
        "cp": order.close_position,
        "pP": order.price_protect,
        "si": 0,
        "ss": 0,
        "V": "EXPIRE_MAKER",
        "pm": "NONE",
        "gtd": 0,
    }


def _trade_lite(order: Order, fill: Fill, at_ms: int) -> Event:
    return {
        "e": "TRADE_LITE",
        "E": at_ms,
        "T": at_ms,
        "s": order.symbol,
        "q": plain(order.quantity),
        "p": plain(order.price),
        "m": fill.maker,
        "c": order.client_order_id,
        "S": order.side,
        "L": plain(fill.price),
        "l": plain(fill.quantity),
        "t": fill.trade_id,
        "i": order.order_id,
    }


def _algo_body(algo: Algo) -> Event:
    return {
        "caid": algo.client_algo_id,
        "aid": algo.algo_id,
        "at": "CONDITIONAL",
        "o": algo.type,
        "s": algo.symbol,
        "S": algo.side,
        "ps": algo.position_side,
        "f": algo.time_in_force,
        "q": plain(algo.quantity),
        "X": algo.status,
        "ai": "" if algo.order_id is None else str(algo.order_id),
        "ap": "0",
        "aq": "0",
        "act": "",
        "tp": plain(algo.trigger_price),
        "p": plain(algo.price),
        "V": "EXPIRE_MAKER",
        "wt": algo.working_type,
        "pm": "NONE",
        "cp": algo.close_position,
        "pP": algo.price_protect,
        "R": algo.reduce_only,
        "tt": algo.trigger_ms,
        "gtd": 0,
        "rm": algo.reason,
    }
