"""The simulator's own doors, ``/_sim/…``: accounts, prices, faults, limits, ledger. Never weighed, never faulty."""

from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec

from copydesk.simulators.binance.edge.desk import Desk
from copydesk.simulators.binance.edge.faults import DELAY_DEFAULT_S, DELAYS_S, EXECUTES, KINDS, Fault, Faults
from copydesk.simulators.binance.exchange import engine
from copydesk.simulators.binance.exchange.account import DEFAULT_PERMISSIONS, MAKER_RATE, TAKER_RATE, Account
from copydesk.simulators.binance.exchange.instruments import INSTRUMENTS
from copydesk.simulators.binance.exchange.ledger import read_ledger
from copydesk.simulators.binance.exchange.text import plain
from copydesk.simulators.binance.rest.params import read_pairs
from copydesk.simulators.binance.spot import clockwork
from copydesk.simulators.binance.spot.ledger import read_ledger as read_spot_ledger
from copydesk.simulators.binance.spot.symbols import ASSETS, PAIRS

Json = dict[str, Any]
Reply = tuple[int, Any]


class InputError(ValueError):
    """The caller's mistake, with the field that holds it."""

    def __init__(self, name: str, problem: str) -> None:
        super().__init__(f"{name}: {problem}")
        self.field = name


class Control:
    def __init__(self, desk: Desk, faults: Faults, cut_streams: Callable[[str | None], None]) -> None:
        self._desk = desk
        self._faults = faults
        self._cut_streams = cut_streams
        self._doors: Mapping[tuple[str, str], Callable[[Any, int], Any]] = {
            ("GET", "/_sim/health"): self._health,
            ("GET", "/_sim/ledger"): self._ledger,
            ("POST", "/_sim/accounts"): self._accounts,
            ("POST", "/_sim/price"): self._price,
            ("POST", "/_sim/faults"): self._add_faults,
            ("GET", "/_sim/faults"): self._list_faults,
            ("DELETE", "/_sim/faults"): self._clear_faults,
            ("POST", "/_sim/limits"): self._limits,
        }

    def answer(self, method: str, target: str, body: bytes, now_ms: int) -> Reply:
        path, _, query = target.partition("?")
        door = self._doors.get((method, path))
        if door is None:
            return 404, {"error": {"code": "not_found", "message": f"{method} {path} is not a door of this simulator"}}
        try:
            return 200, door(_read_json(body) if method == "POST" else dict(read_pairs(query)), now_ms)
        except InputError as error:
            return 400, {"error": {"code": "bad_input", "message": str(error), "details": {"field": error.field}}}

    def _health(self, _body: Any, now_ms: int) -> Json:
        exchange = self._desk.exchange
        prices = {symbol: plain(exchange.quote(symbol).last) for symbol in INSTRUMENTS}
        spot = {symbol: plain(self._desk.spot.last(symbol)) for symbol in PAIRS}
        return {
            "status": "ok",
            "simulator": "binance",
            "accounts": len(exchange.accounts),
            "time_ms": now_ms,
            "prices": prices,
            "spot_prices": spot,
        }

    def _ledger(self, query: Any, _now_ms: int) -> Json:
        """Of one account with ``?account=``, else of all."""
        futures = read_ledger(self._desk.exchange, query.get("account"))
        spot = read_spot_ledger(self._desk.spot, query.get("account"))
        return {
            "orders": sorted([*futures["orders"], *spot["orders"]], key=lambda row: row["time"]),
            "fills": futures["fills"] + spot["fills"],
            "positions": futures["positions"] + spot["positions"],
            "balances": futures["balances"],
            "spot_balances": spot["balances"],
        }

    def _accounts(self, body: Any, now_ms: int) -> Json:
        wishes = body if isinstance(body, list) else [body]
        accounts = [_read_account(_an_object(wish), now_ms) for wish in wishes]
        deposits = [_read_spot(wish) for wish in wishes]
        for account, wish, deposit in zip(accounts, wishes, deposits, strict=True):
            known = account.api_key in self._desk.exchange.accounts
            self._adopt(account, wish)
            if deposit is None:
                deposit = {} if known else {"USDT": account.wallet}  # noqa: PLW2901  # the first time, both wallets get the balance
            self._desk.spot.deposit(account.api_key, deposit, now_ms)
        return {"accounts": [account.api_key for account in accounts]}

    def _adopt(self, wanted: Account, wish: Json) -> None:
        known = self._desk.exchange.accounts.get(wanted.api_key)
        if known is None:
            self._desk.exchange.adopt(wanted)
            return
        known.api_secret = wanted.api_secret
        if "balance" in wish:
            known.set_balance(wanted.wallet)
        if "permissions" in wish:
            known.permissions = wanted.permissions
        if "hedge" in wish and not any(known.held()) and not known.book.has_open():
            known.hedge = wanted.hedge
        known.maker_rate = wanted.maker_rate if "maker_rate" in wish else known.maker_rate
        known.taker_rate = wanted.taker_rate if "taker_rate" in wish else known.taker_rate
        self._desk.exchange.changes += 1

    def _price(self, body: Any, now_ms: int) -> Json:
        wish = _an_object(body)
        symbol = _text(wish, "symbol")
        line = PAIRS[symbol].line if symbol in PAIRS else symbol
        if line not in INSTRUMENTS and line not in PAIRS:
            raise InputError("symbol", f"one of {', '.join(sorted({*INSTRUMENTS, *PAIRS}))}")
        price, hold = _decimal(wish, "price"), _flag(wish, "hold", default=False)
        listed = INSTRUMENTS[line] if line in INSTRUMENTS else PAIRS[line]
        if not listed.tick * 2 <= price <= listed.price_max:
            raise InputError("price", "outside the instrument's price range")
        exchange = self._desk.exchange
        if line in INSTRUMENTS:
            engine.put_price(exchange, line, price, now_ms, hold=hold)
        else:
            clockwork.put_price(self._desk.spot, line, price, now_ms, hold=hold)
        return {"symbol": symbol, "held": exchange.market.held(line), **_quote_row(exchange.quote(line))}

    def _add_faults(self, body: Any, _now_ms: int) -> Json:
        fault = _read_fault(_an_object(body))
        if fault.kind == "stream_disconnect" and fault.probability is None:
            self._cut_streams(fault.account)
        else:
            self._faults.add(fault)
        return self._list_faults(None, 0)

    def _list_faults(self, _body: Any, _now_ms: int) -> Json:
        return {"faults": [msgspec.to_builtins(fault) for fault in self._faults.active]}

    def _clear_faults(self, _body: Any, _now_ms: int) -> Json:
        self._faults.clear()
        return {"faults": []}

    def _limits(self, body: Any, _now_ms: int) -> Json:
        """Other limits than the venue's, for measuring: weight_per_minute, orders_per_10s, orders_per_minute."""
        wish, limits = _an_object(body), self._desk.limits
        for name in ("weight_per_minute", "orders_per_10s", "orders_per_minute"):
            if name in wish:
                setattr(limits, name, _whole(wish, name))
        return {name: getattr(limits, name) for name in ("weight_per_minute", "orders_per_10s", "orders_per_minute")}


def _read_account(wish: Json, now_ms: int) -> Account:
    balance = _decimal(wish, "balance") if "balance" in wish else Decimal(0)
    return Account(
        api_key=_text(wish, "api_key"),
        api_secret=_text(wish, "api_secret"),
        start_balance=balance,
        wallet=balance,
        created_ms=now_ms,
        hedge=_flag(wish, "hedge", default=False),
        maker_rate=_decimal(wish, "maker_rate") if "maker_rate" in wish else MAKER_RATE,
        taker_rate=_decimal(wish, "taker_rate") if "taker_rate" in wish else TAKER_RATE,
        permissions=_permissions(wish),
    )


def _read_spot(wish: Json) -> dict[str, Decimal] | None:
    """Amounts by asset; None when the wish says nothing about spot."""
    given = wish.get("spot")
    if given is None:
        return None
    if not isinstance(given, dict):
        raise InputError("spot", "an object of amounts by asset")
    for asset in given:
        if asset not in ASSETS:
            raise InputError(f"spot.{asset}", f"one of {', '.join(ASSETS)}")
    return {asset: _decimal(given, asset) for asset in given}


def _permissions(wish: Json) -> dict[str, bool]:
    given = wish.get("permissions", {})
    if not isinstance(given, dict):
        raise InputError("permissions", "an object of flags")
    for name, value in given.items():
        if name not in DEFAULT_PERMISSIONS or not isinstance(value, bool):
            raise InputError(f"permissions.{name}", f"true or false for one of {', '.join(DEFAULT_PERMISSIONS)}")
    return {**DEFAULT_PERMISSIONS, **given}


def _read_fault(wish: Json) -> Fault:
    kind = _text(wish, "kind")
    if kind not in KINDS:
        raise InputError("kind", f"one of {', '.join(sorted(KINDS))}")
    fault = Fault(
        kind=kind,
        probability=_share(wish, "probability") if wish.get("probability") is not None else None,
        next_n=_whole(wish, "next_n") if wish.get("next_n") is not None else None,
        account=_text(wish, "account") if wish.get("account") is not None else None,
        delay_s=float(_decimal(wish, "delay_s")) if "delay_s" in wish else DELAYS_S.get(kind, DELAY_DEFAULT_S),
        executed=_flag(wish, "executed", default=EXECUTES.get(kind, True)),
    )
    if wish.get("path") is not None:
        method, _, path = _text(wish, "path").rpartition(" ")
        fault.method, fault.path = method.upper() or None, path
    return fault


def _quote_row(quote: Any) -> Json:
    return {name: plain(getattr(quote, name)) for name in ("last", "bid", "ask", "mark", "index")}


def _read_json(body: bytes) -> Any:
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InputError("body", f"not JSON ({error})") from None


def _an_object(value: Any) -> Json:
    if not isinstance(value, dict):
        raise InputError("body", "a JSON object is needed")
    return value


def _text(wish: Json, name: str) -> str:
    value = wish.get(name)
    if not isinstance(value, str) or not value:
        raise InputError(name, "a text that is not empty is needed")
    return value


def _decimal(wish: Json, name: str) -> Decimal:
    value = wish.get(name)
    try:
        number = Decimal(str(value)) if isinstance(value, (str, int, float)) and not isinstance(value, bool) else None
    except InvalidOperation:
        number = None
    if number is None or not number.is_finite() or number < 0:
        raise InputError(name, "a number of at least 0 is needed")
    return number


def _flag(wish: Json, name: str, *, default: bool) -> bool:
    value = wish.get(name, default)
    if not isinstance(value, bool):
        raise InputError(name, "true or false is needed")
    return value


def _whole(wish: Json, name: str) -> int:
    value = wish.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise InputError(name, "a whole number of at least 1 is needed")
    return value


def _share(wish: Json, name: str) -> float:
    value = _decimal(wish, name)
    if value > 1:
        raise InputError(name, "a number from 0 to 1 is needed")
    return float(value)
