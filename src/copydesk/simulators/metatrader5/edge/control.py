"""The simulator's own doors, ``/_sim/…``: accounts, terminals, prices, symbols, faults, time, trades by hand, ledger."""

from collections.abc import Callable, Mapping
from typing import Any

from copydesk.simulators.metatrader5.broker import trading, triggers
from copydesk.simulators.metatrader5.broker.account import Account
from copydesk.simulators.metatrader5.broker.words import MarginMode, Reason, Retcode, TradeMode
from copydesk.simulators.metatrader5.edge import answers, trades, wishes
from copydesk.simulators.metatrader5.edge.desk import Desk
from copydesk.simulators.metatrader5.edge.faults import KINDS, LAST_ERRORS, NOT_OF_A_TERMINAL, TRADING_KINDS, Fault
from copydesk.simulators.metatrader5.edge.ledger import plain, read_ledger
from copydesk.simulators.metatrader5.edge.terminals import Terminal, TerminalError
from copydesk.simulators.metatrader5.edge.wishes import InputError

Json = dict[str, Any]
_BALANCE_DEFAULT = 10_000
_LEVERAGE_MAX = 5_000
_ADVANCE_MAX_MS = 40 * 86_400_000
_SETTABLE = ("password", "investor", "leverage", "name", "trade_allowed", "trade_expert", "commission_per_lot")


class Control:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._venue = desk.venue
        self._doors: Mapping[tuple[str, str], Callable[[Mapping[str, str], bytes], Json]] = {
            ("GET", "/_sim/health"): self._health,
            ("POST", "/_sim/accounts"): self._accounts,
            ("GET", "/_sim/terminals"): self._show_terminals,
            ("POST", "/_sim/terminals"): self._terminal,
            ("POST", "/_sim/price"): self._price,
            ("POST", "/_sim/symbols"): self._symbol,
            ("GET", "/_sim/faults"): self._show_faults,
            ("POST", "/_sim/faults"): self._add_faults,
            ("DELETE", "/_sim/faults"): self._clear_faults,
            ("GET", "/_sim/time"): self._show_time,
            ("POST", "/_sim/time"): self._move_time,
            ("POST", "/_sim/trade"): self._trade,
            ("GET", "/_sim/positions"): self._positions,
            ("GET", "/_sim/ledger"): self._ledger,
        }

    def answer(self, method: str, path: str, query: Mapping[str, str], body: bytes) -> tuple[int, Json]:
        door = self._doors.get((method, path))
        if door is None:
            return 404, _error("not_found", f"{method} {path} is not a door of this simulator")
        self._desk.advance()
        try:
            return 200, door(query, body)
        except InputError as error:
            return 400, _error("bad_input", str(error))
        except TerminalError as error:
            return 409, _error("terminal", error.text)

    def _health(self, _query: Mapping[str, str], _body: bytes) -> Json:
        return {
            "status": "ok",
            "simulator": "metatrader5",
            "accounts": sorted(self._venue.accounts),
            "terminals": [each.path for each in self._desk.terminals.all()],
            "prices": {each.name: plain(self._venue.quotes.now(each.name).bid) for each in self._venue.quotes.all()},
        }

    def _accounts(self, _query: Mapping[str, str], body: bytes) -> Json:
        found = wishes.read(body, wishes.AccountWish | list[wishes.AccountWish])  # type: ignore[arg-type]
        given: list[wishes.AccountWish] = found if isinstance(found, list) else [found]
        for wish in given:
            if wish.leverage is not None and not 1 <= wish.leverage <= _LEVERAGE_MAX:
                raise InputError(f"leverage: from 1 to {_LEVERAGE_MAX}")
            known = self._venue.accounts.get(wish.login)
            if known is None:
                self._venue.open_account(_new_account(wish))
            else:
                self._change(known, wish)
        return {"accounts": [wish.login for wish in given]}

    def _change(self, known: Account, wish: wishes.AccountWish) -> None:
        for name in _SETTABLE:
            if (value := getattr(wish, name)) is not None:
                setattr(known, name, value)
        if wish.balance is not None:
            self._venue.deposit(known, wish.balance - known.balance)

    def _show_terminals(self, _query: Mapping[str, str], _body: bytes) -> Json:
        return {"terminals": [_terminal_row(each) for each in self._desk.terminals.all()]}

    def _terminal(self, _query: Mapping[str, str], body: bytes) -> Json:
        wish = wishes.read(body, wishes.TerminalWish)
        if wish.login is not None:
            self._known(wish.login)
        terminal = self._desk.terminals.install(wish.path)
        if wish.login is not None:
            self._desk.terminals.sign_in(terminal, wish.login)
        for name in ("connected", "trade_allowed", "tradeapi_disabled"):
            if (value := getattr(wish, name)) is not None:
                setattr(terminal, name, value)
        if wish.close:
            self._desk.terminals.close_sessions(terminal)
        return _terminal_row(terminal)

    def _price(self, _query: Mapping[str, str], body: bytes) -> Json:
        wish = wishes.read(body, wishes.PriceWish)
        self._listed(wish.symbol)
        if not wish.price.is_finite() or wish.price <= 0 or (wish.spread is not None and wish.spread < 0):
            raise InputError("price: more than 0, spread: at least 0")
        self._venue.quotes.put(wish.symbol, wish.price, self._venue.now_ms, hold=wish.hold, spread=wish.spread)
        for account in self._venue.accounts.values():
            triggers.settle(self._venue, account)
        quote = self._venue.quotes.now(wish.symbol)
        return {"symbol": wish.symbol, "bid": plain(quote.bid), "ask": plain(quote.ask)}

    def _symbol(self, _query: Mapping[str, str], body: bytes) -> Json:
        wish = wishes.read(body, wishes.SymbolWish)
        self._listed(wish.symbol)
        named = {name: getattr(wish, name) for name in ("stops_level", "freeze_level", "filling_flags")}
        mode = None if wish.trade_mode is None else TradeMode[wish.trade_mode.upper()]
        levels = {name: value for name, value in named.items() if value is not None}
        self._venue.quotes.change(wish.symbol, trade_mode=mode, **levels)
        if isinstance(wish.open, bool) or wish.open is None:
            self._venue.quotes.force(wish.symbol, wish.open)
        return {"symbol": wish.symbol, "open": self._venue.quotes.is_open(wish.symbol)}

    def _show_faults(self, _query: Mapping[str, str], _body: bytes) -> Json:
        return {"faults": self._desk.faults.shown()}

    def _add_faults(self, query: Mapping[str, str], body: bytes) -> Json:
        wish = wishes.read(body, wishes.FaultWish)
        _check_fault(wish)
        self._desk.faults.add(
            Fault(**{name: getattr(wish, name) for name in wish.__struct_fields__})  # the same names
        )
        return self._show_faults(query, body)

    def _clear_faults(self, query: Mapping[str, str], body: bytes) -> Json:
        self._desk.faults.clear()
        return self._show_faults(query, body)

    def _show_time(self, _query: Mapping[str, str], _body: bytes) -> Json:
        return {"server_ms": self._venue.now_ms, "virtual": self._desk.clock.is_virtual}

    def _move_time(self, query: Mapping[str, str], body: bytes) -> Json:
        wish = wishes.read(body, wishes.TimeWish)
        if not self._desk.clock.is_virtual:
            raise InputError("time: only virtual time can be moved (--virtual-time)")
        if not 0 <= wish.advance_ms <= _ADVANCE_MAX_MS:
            raise InputError(f"advance_ms: from 0 to {_ADVANCE_MAX_MS}")
        self._desk.clock.move_to(self._venue.now_ms + wish.advance_ms)
        trading.advance(self._venue, self._desk.clock.now_ms())
        return self._show_time(query, body)

    def _trade(self, _query: Mapping[str, str], body: bytes) -> Json:
        wish = wishes.read(body, wishes.TradeWish)
        account = self._known(wish.account)
        by_hand = Terminal(path="", login=account.login)
        try:
            return trades.send(self._venue, account, by_hand, wish.request, reason=Reason.CLIENT)
        except (ValueError, ArithmeticError) as error:
            raise InputError(f"request: {error}") from None

    def _positions(self, query: Mapping[str, str], _body: bytes) -> Json:
        account = self._known(int(query["account"]) if query.get("account", "").isdigit() else 0)
        quotes = self._venue.quotes
        return {
            "positions": [answers.position(account, each, quotes) for each in account.positions.values()],
            "orders": [answers.order(each, quotes) for each in account.orders.values()],
            "quotes": {
                each.name: [float(quotes.now(each.name).bid), float(quotes.now(each.name).ask)] for each in quotes.all()
            },
            "fillings": {each.name: each.filling_flags for each in quotes.all()},
        }

    def _ledger(self, query: Mapping[str, str], _body: bytes) -> Json:
        """Of one account with ``?account=``, else of all."""
        wanted = query.get("account")
        found = [each for each in self._venue.accounts.values() if wanted in {None, str(each.login)}]
        return read_ledger(found, self._desk.clock)

    def _known(self, login: int) -> Account:
        found = self._venue.accounts.get(login)
        if found is None:
            raise InputError(f"account: no login {login}; there are {sorted(self._venue.accounts)}")
        return found

    def _listed(self, symbol: str) -> None:
        if symbol not in self._venue.quotes.instruments:
            raise InputError(f"symbol: no {symbol}; one of {', '.join(self._venue.quotes.instruments)}")


def _check_fault(wish: wishes.FaultWish) -> None:
    """Raises InputError."""
    if wish.kind in NOT_OF_A_TERMINAL:
        raise InputError(f"kind: {wish.kind} has no meaning for a terminal, which speaks no HTTP")
    if wish.kind not in KINDS:
        raise InputError(f"kind: one of {', '.join(sorted(KINDS))}")
    if wish.kind == "retcode" and wish.code not in set(Retcode) - {Retcode.OK, Retcode.DONE}:
        raise InputError("code: a TRADE_RETCODE_… that says no")
    if wish.kind == "none" and wish.code is not None and wish.code not in LAST_ERRORS:
        raise InputError(f"code: one of {', '.join(map(str, LAST_ERRORS))}")
    if wish.kind in TRADING_KINDS and wish.function not in {None, "order_send"}:
        raise InputError(f"function: {wish.kind} is an answer of order_send alone")
    if wish.delay_s < 0 or (wish.next_n is not None and wish.next_n < 1):
        raise InputError("delay_s: at least 0, next_n: at least 1")


def _new_account(wish: wishes.AccountWish) -> Account:
    if not wish.password or wish.login < 1:
        raise InputError("login, password: a new account needs both")
    names = (*_SETTABLE, "balance", "currency", "server")
    given = {name: value for name in names if (value := getattr(wish, name)) is not None}
    mode = MarginMode.NETTING if wish.margin_mode == "netting" else MarginMode.HEDGING
    return Account(login=wish.login, margin_mode=mode, **given)


def _terminal_row(each: Terminal) -> Json:
    return {
        "path": each.path,
        "login": each.login,
        "connected": each.connected,
        "trade_allowed": each.trade_allowed,
        "tradeapi_disabled": each.tradeapi_disabled,
    }


def _error(code: str, message: str) -> Json:
    return {"error": {"code": code, "message": message}}
