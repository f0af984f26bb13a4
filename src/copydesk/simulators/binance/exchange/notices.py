"""User-data events (fact sheet §2.5), collected for the accounts somebody listens to."""

from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any

from copydesk.simulators.binance.exchange.account import Account
from copydesk.simulators.binance.exchange.position import Position
from copydesk.simulators.binance.exchange.records import ZERO, Algo, Fill, Order
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
        """A fill in the order the venue tells it: the short notice, the account, the order. The venue's own orders are CALCULATED."""
        if order.account not in self.watched:
            return
        if not order.forced:
            self._tell(order.account, _trade_lite(order, fill, at_ms))
        position = account.position(order.symbol, order.position_side)
        self.account(account, at_ms, "ORDER", positions=(position,))
        self.order(order, "CALCULATED" if order.forced else "TRADE", at_ms, fill)

    def account(
        self,
        account: Account,
        at_ms: int,
        reason: str,
        *,
        positions: Iterable[Position] = (),
        change: Decimal = ZERO,
    ) -> None:
        """``change``: of the balance, apart from profit and commission."""
        if account.api_key not in self.watched:
            return
        wallet = {"a": "USDT", "wb": money(account.wallet), "cw": money(account.cross_wallet()), "bc": plain(change)}
        body = {"m": reason, "B": [wallet], "P": [self._position(account, each) for each in positions]}
        self._tell(account.api_key, {"e": "ACCOUNT_UPDATE", "E": at_ms, "T": at_ms, "a": body})

    def margin_call(self, account: Account, positions: Iterable[tuple[Position, Decimal]], at_ms: int) -> None:
        """Each position with its maintenance margin."""
        if account.api_key not in self.watched:
            return
        rows = [self._called(account, position, maintenance) for position, maintenance in positions]
        self._tell(account.api_key, {"e": "MARGIN_CALL", "E": at_ms, "cw": plain(account.cross_wallet()), "p": rows})

    def algo(self, algo: Algo, at_ms: int) -> None:
        if algo.account in self.watched:
            self._tell(algo.account, {"e": "ALGO_UPDATE", "T": at_ms, "E": at_ms, "o": _algo_body(algo)})

    def leverage(self, account: Account, symbol: str, at_ms: int) -> None:
        change = {"s": symbol, "l": account.setting(symbol).leverage}
        self._tell(account.api_key, {"e": "ACCOUNT_CONFIG_UPDATE", "E": at_ms, "T": at_ms, "ac": change})

    def multi_assets(self, account: Account, at_ms: int) -> None:
        change = {"j": account.multi_assets}
        self._tell(account.api_key, {"e": "ACCOUNT_CONFIG_UPDATE", "E": at_ms, "T": at_ms, "ai": change})

    def _tell(self, api_key: str, event: Event) -> None:
        if api_key in self.watched:
            self._pending.append((api_key, event))

    def _position(self, account: Account, position: Position) -> Event:
        return {
            "s": position.symbol,
            "pa": plain(position.quantity),
            "ep": plain(position.entry),
            "bep": plain(position.entry),
            "cr": plain(position.realized),
            "up": money(position.unrealized(self._mark(position.symbol))),
            "mt": "isolated" if account.setting(position.symbol).isolated else "cross",
            "iw": plain(position.isolated_wallet),
            "ps": position.side,
        }

    def _called(self, account: Account, position: Position, maintenance: Decimal) -> Event:
        mark = self._mark(position.symbol)
        return {
            "s": position.symbol,
            "ps": position.side,
            "pa": plain(position.quantity),
            "mt": "ISOLATED" if account.setting(position.symbol).isolated else "CROSSED",
            "iw": plain(position.isolated_wallet),
            "mp": plain(mark),
            "up": plain(position.unrealized(mark)),
            "mm": plain(maintenance),
        }


_NO_FILL: Event = {"l": "0", "L": "0", "N": "USDT", "n": "0", "t": 0, "m": False, "rp": "0"}


def _fill_body(fill: Fill) -> Event:
    return {
        "l": plain(fill.quantity),
        "L": plain(fill.price),
        "N": fill.fee_asset,
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
        "o": "LIQUIDATION" if order.forced == "LIQUIDATION" else order.type,
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
        "V": order.prevention,
        "pm": order.price_match,
        "gtd": order.good_till_ms,
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
        "V": algo.prevention,
        "wt": algo.working_type,
        "pm": algo.price_match,
        "cp": algo.close_position,
        "pP": algo.price_protect,
        "R": algo.reduce_only,
        "tt": algo.trigger_ms,
        "gtd": algo.good_till_ms,
        "rm": algo.reason,
    }
