"""The package's functions as the terminal answers them, by name; arguments were checked by the package already."""

from collections.abc import Callable, Mapping
from typing import Any

from copydesk.simulators.metatrader5.broker.account import Account
from copydesk.simulators.metatrader5.broker.instruments import Instrument
from copydesk.simulators.metatrader5.broker.records import Deal, Order
from copydesk.simulators.metatrader5.broker.venue import Venue
from copydesk.simulators.metatrader5.edge import answers, history, symbols, trades
from copydesk.simulators.metatrader5.edge.groups import matches
from copydesk.simulators.metatrader5.edge.terminals import VERSION, Terminal, TerminalError, Terminals

Json = dict[str, Any]
Arguments = Mapping[str, Any]
_CALL_FAILED = (-1, "Terminal: Call failed")
_NOT_FOUND = (-4, "Terminal: Not found")
_BOOK_LEVELS = 5
_AMOUNT_MAX = 1e15
_BOOK_SELL, _BOOK_BUY = 1, 2


class Calls:
    """One terminal's answers; everything raises TerminalError."""

    def __init__(self, venue: Venue, terminals: Terminals, terminal: Terminal) -> None:
        self._venue = venue
        self._quotes = venue.quotes
        self._terminals = terminals
        self._terminal = terminal

    def answer(self, call: str, arguments: Arguments) -> Any:
        found = _CALLS.get(call)
        if found is None:
            raise TerminalError(-7, "Terminal: Unsupported function")
        return found(self, **arguments)

    @property
    def _account(self) -> Account:
        return self._terminals.account(self._terminal)

    def login(self, login: int, password: str | None = None, server: str | None = None) -> bool:
        self._terminals.log_in(self._terminal, login, password, server)
        return True

    def version(self) -> tuple[int, int, str]:
        return VERSION

    def terminal_info(self) -> Json:
        return answers.terminal_info(self._terminal)

    def account_info(self) -> Json:
        return answers.account_info(self._account, self._terminal, self._quotes)

    def symbols_total(self) -> int:
        return len(self._quotes.instruments)

    def symbols_get(self, group: str = "*") -> list[Json]:
        return [self.symbol_info(each.name) for each in self._quotes.all() if matches(group, each.name)]

    def symbol_info(self, symbol: str) -> Json:
        each, currency = self._known(symbol), self._account.currency
        return symbols.symbol_info(each, self._quotes, seen=self._sees(symbol), currency=currency)

    def symbol_info_tick(self, symbol: str) -> Json:
        self._known(symbol)
        return answers.tick(symbol, self._quotes, seen=self._sees(symbol))

    def symbol_select(self, symbol: str, enable: bool) -> bool:
        self._known(symbol)
        if enable:
            self._terminal.seen.add(symbol)
        elif self._holds(symbol):
            raise TerminalError(*_CALL_FAILED)
        else:
            self._terminal.seen.discard(symbol)
        return True

    def market_book_add(self, symbol: str) -> bool:
        self._known(symbol)
        self._terminal.books.add(symbol)
        return True

    def market_book_release(self, symbol: str) -> bool:
        self._known(symbol)
        self._terminal.books.discard(symbol)
        return True

    def market_book_get(self, symbol: str) -> list[Json]:
        """The worst offer first, down to the lowest bid; each level holds what one order meets."""
        each = self._known(symbol)
        if symbol not in self._terminal.books:
            raise TerminalError(*_CALL_FAILED)
        now = self._quotes.now(symbol)
        asks = [(_BOOK_SELL, now.ask + number * each.point) for number in reversed(range(_BOOK_LEVELS))]
        bids = [(_BOOK_BUY, now.bid - number * each.point) for number in range(_BOOK_LEVELS)]
        size = each.liquidity
        return [
            {"type": kind, "price": float(price), "volume": int(size), "volume_dbl": float(size)}
            for kind, price in asks + bids
        ]

    def copy_rates_from(self, symbol: str, timeframe: int, date_from: float, count: int) -> list[history.Row]:
        self._known(symbol)
        return history.bars_until(self._quotes, symbol, timeframe, date_from, count)

    def copy_rates_from_pos(self, symbol: str, timeframe: int, start_pos: int, count: int) -> list[history.Row]:
        self._known(symbol)
        return history.bars_from_end(self._quotes, symbol, timeframe, start_pos, count)

    def copy_rates_range(self, symbol: str, timeframe: int, date_from: float, date_to: float) -> list[history.Row]:
        self._known(symbol)
        return history.bars_between(self._quotes, symbol, timeframe, date_from, date_to)

    def copy_ticks_from(self, symbol: str, date_from: float, count: int, flags: int) -> list[history.Row]:
        self._known(symbol)
        return history.ticks(self._quotes, symbol, date_from, None, count, flags)

    def copy_ticks_range(self, symbol: str, date_from: float, date_to: float, flags: int) -> list[history.Row]:
        self._known(symbol)
        return history.ticks(self._quotes, symbol, date_from, date_to, None, flags)

    def orders_total(self) -> int:
        return len(self._account.orders)

    def orders_get(self, **wish: Any) -> list[Json]:
        found = [each for each in self._account.orders.values() if _chosen(each.ticket, each.symbol, wish)]
        return [answers.order(each, self._quotes) for each in found]

    def positions_total(self) -> int:
        return len(self._account.positions)

    def positions_get(self, **wish: Any) -> list[Json]:
        account = self._account
        found = [each for each in account.positions.values() if _chosen(each.ticket, each.symbol, wish)]
        return [answers.position(account, each, self._quotes) for each in found]

    def history_orders_total(self, date_from: float, date_to: float) -> int:
        return len(self._old_orders(date_from=date_from, date_to=date_to))

    def history_orders_get(self, **wish: Any) -> list[Json]:
        return [answers.order(each, self._quotes) for each in self._old_orders(**wish)]

    def history_deals_total(self, date_from: float, date_to: float) -> int:
        return len(self._deals(date_from=date_from, date_to=date_to))

    def history_deals_get(self, **wish: Any) -> list[Json]:
        return [answers.deal(each) for each in self._deals(**wish)]

    def order_calc_margin(self, action: int, symbol: str, volume: float, price: float) -> float:
        each = self._calculable(action, symbol, volume, price)
        size, at = trades.exact(volume), trades.exact(price)
        account = self._account
        return float(self._quotes.margin(each, size, at, account.leverage, account.currency))

    def order_calc_profit(
        self, action: int, symbol: str, volume: float, price_open: float, price_close: float
    ) -> float:
        each = self._calculable(action, symbol, volume, price_open, price_close)
        profit = self._quotes.profit(
            each,
            buy=action == 0,
            volume=trades.exact(volume),
            opened=trades.exact(price_open),
            closed=trades.exact(price_close),
            currency=self._account.currency,
        )
        return float(profit)

    def order_check(self, request: Arguments) -> Json:
        return trades.check(self._venue, self._account, self._terminal, request)

    def order_send(self, request: Arguments, half: bool = False) -> Json:
        return trades.send(self._venue, self._account, self._terminal, request, half=half)

    def _known(self, symbol: str) -> Instrument:
        found = self._quotes.instruments.get(symbol)
        if found is None:
            raise TerminalError(*_NOT_FOUND)
        return found

    def _calculable(self, action: int, symbol: str, *amounts: float) -> Instrument:
        if action not in {0, 1} or not all(0 < each < _AMOUNT_MAX for each in amounts):
            raise TerminalError(*history.INVALID)
        return self._known(symbol)

    def _holds(self, symbol: str) -> bool:
        account = self._account
        held = [each.symbol for each in account.positions.values()]
        return symbol in held or any(each.symbol == symbol for each in account.orders.values())

    def _sees(self, symbol: str) -> bool:
        """Chosen, or held: the terminal shows by itself what the account holds."""
        return symbol in self._terminal.seen or self._holds(symbol)

    def _old_orders(self, **wish: Any) -> list[Order]:
        found = self._account.old_orders.values()
        if "ticket" in wish:
            return [each for each in found if each.ticket == wish["ticket"]]
        if "position" in wish:
            return [each for each in found if each.position_id == wish["position"]]
        return [each for each in found if _within(each.time_done_msc, each.symbol, wish)]

    def _deals(self, **wish: Any) -> list[Deal]:
        """``ticket`` is an order's: all deals of it."""
        found = self._account.deals
        if "ticket" in wish:
            return [each for each in found if each.order == wish["ticket"]]
        if "position" in wish:
            return [each for each in found if each.position_id == wish["position"]]
        return [each for each in found if _within(each.time_msc, each.symbol, wish)]


def _chosen(ticket: int, symbol: str, wish: Arguments) -> bool:
    if "ticket" in wish:
        return bool(ticket == wish["ticket"])
    if "symbol" in wish:
        return bool(symbol == wish["symbol"])
    return "group" not in wish or matches(wish["group"], symbol)


def _within(at_ms: int, symbol: str, wish: Arguments) -> bool:
    """Both ends are in; dates are seconds of the server's clock, whole ones as the terminal has them."""
    inside = bool(int(wish["date_from"]) <= at_ms // 1_000 <= int(wish["date_to"]))
    return inside and ("group" not in wish or matches(wish["group"], symbol))


_CALLS: Mapping[str, Callable[..., Any]] = {
    name: function for name, function in vars(Calls).items() if not name.startswith("_") and name != "answer"
}
