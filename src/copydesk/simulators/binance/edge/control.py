"""The simulator's own doors, ``/_sim/…``: accounts, prices, faults, limits, ledger. Never weighed, never faulty."""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import msgspec

from copydesk.simulators import wishes
from copydesk.simulators.binance.clockwork import engine
from copydesk.simulators.binance.edge.desk import Desk
from copydesk.simulators.binance.edge.faults import DELAYS_S, KINDS, Fault, Faults
from copydesk.simulators.binance.edge.limits import Limits
from copydesk.simulators.binance.edge.pace import Pace
from copydesk.simulators.binance.edge.provoke import Provoke
from copydesk.simulators.binance.exchange.account import DEFAULT_PERMISSIONS, MAKER_RATE, TAKER_RATE, Account
from copydesk.simulators.binance.exchange.errors import CODES
from copydesk.simulators.binance.exchange.instruments import INSTRUMENTS
from copydesk.simulators.binance.exchange.ledger import read_ledger
from copydesk.simulators.binance.exchange.text import plain
from copydesk.simulators.binance.rest.params import read_pairs
from copydesk.simulators.binance.spot import clockwork
from copydesk.simulators.binance.spot.ledger import read_ledger as read_spot_ledger
from copydesk.simulators.binance.spot.refusals import CODES as SPOT_CODES
from copydesk.simulators.binance.spot.symbols import ASSETS, PAIRS
from copydesk.simulators.faults import DELAY_DEFAULT_S, EXECUTES
from copydesk.simulators.wishes import InputError, Json

Reply = tuple[int, Any]
_LIMITS = ("weight_per_minute", "orders_per_10s", "orders_per_minute", "connections_per_5_minutes")
_SPOT_LIMITS = ("weight_per_minute", "orders_per_10s", "orders_per_day", "connections_per_5_minutes")


class Control:
    def __init__(self, desk: Desk, faults: Faults, cut_streams: Callable[[str | None], None], pace: Pace) -> None:
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
            **Provoke(desk.exchange, desk.spot, pace).doors,
        }

    def answer(self, method: str, target: str, body: bytes, now_ms: int) -> Reply:
        path, _, query = target.partition("?")
        door = self._doors.get((method, path))
        if door is None:
            return 404, {"error": {"code": "not_found", "message": f"{method} {path} is not a door of this simulator"}}
        try:
            return 200, door(wishes.read_json(body) if method == "POST" else dict(read_pairs(query)), now_ms)
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
            "incomes": futures["incomes"],
            "spot_balances": spot["balances"],
        }

    def _accounts(self, body: Any, now_ms: int) -> Json:
        given = body if isinstance(body, list) else [body]
        accounts = [_read_account(wishes.an_object(wish), now_ms) for wish in given]
        deposits = [_read_spot(wish) for wish in given]
        for account, wish, deposit in zip(accounts, given, deposits, strict=True):
            known = account.api_key in self._desk.exchange.accounts
            self._adopt(account, wish, now_ms)
            if deposit is None:
                deposit = {} if known else {"USDT": account.wallet}  # noqa: PLW2901  # the first time, both wallets get the balance
            self._desk.spot.deposit(account.api_key, deposit, now_ms)
        return {"accounts": [account.api_key for account in accounts]}

    def _adopt(self, wanted: Account, wish: Json, now_ms: int) -> None:
        """A known account keeps all that the wish does not name; another balance is a deposit or a withdrawal."""
        exchange = self._desk.exchange
        known = exchange.accounts.get(wanted.api_key)
        if known is None:
            exchange.adopt(wanted)
            return
        known.api_secret = wanted.api_secret
        for name, field in _SETTABLE.items():
            if name in wish:
                setattr(known, field, getattr(wanted, field))
        if "balance" in wish:
            exchange.deposit(known, wanted.wallet, now_ms)
        if "hedge" in wish and not any(known.held()) and not known.book.has_open():
            known.hedge = wanted.hedge
        exchange.touch(known)

    def _price(self, body: Any, now_ms: int) -> Json:
        """``mark`` puts mark and index elsewhere than the last price, while it is held."""
        wish = wishes.an_object(body)
        symbol, line = _read_line(wish)
        price, mark, hold = _read_prices(wish, line)
        exchange = self._desk.exchange
        if line in INSTRUMENTS:
            engine.put_price(exchange, line, price, now_ms, hold=hold, mark=mark)
        else:
            clockwork.put_price(self._desk.spot, line, price, now_ms, hold=hold)
        return {"symbol": symbol, "held": exchange.market.held(line), **_quote_row(exchange.quote(line))}

    def _add_faults(self, body: Any, _now_ms: int) -> Json:
        fault = _read_fault(wishes.an_object(body))
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
        """Other limits than the venue's, for measuring; those of spot stand under ``spot``."""
        wish = wishes.an_object(body)
        spot = wish.get("spot", {})
        if not isinstance(spot, dict):
            raise InputError("spot", f"an object with any of {', '.join(_SPOT_LIMITS)}")
        told = _change_limits(self._desk.limits, _LIMITS, wish)
        return {**told, "spot": _change_limits(self._desk.spot_limits, _SPOT_LIMITS, spot)}


def _change_limits(limits: Limits, names: Sequence[str], wish: Json) -> Json:
    for name in names:
        if name in wish:
            setattr(limits, name, wishes.whole(wish, name))
    return {name: getattr(limits, name) for name in names}


_SETTABLE = {
    "permissions": "permissions",
    "maker_rate": "maker_rate",
    "taker_rate": "taker_rate",
    "bnb_balance": "bnb",
    "fee_burn": "fee_burn",
}


def _read_account(wish: Json, now_ms: int) -> Account:
    balance = wishes.decimal(wish, "balance") if "balance" in wish else Decimal(0)
    return Account(
        api_key=wishes.text(wish, "api_key"),
        api_secret=wishes.text(wish, "api_secret"),
        start_balance=balance,
        wallet=balance,
        created_ms=now_ms,
        hedge=wishes.flag(wish, "hedge", default=False),
        maker_rate=wishes.decimal(wish, "maker_rate") if "maker_rate" in wish else MAKER_RATE,
        taker_rate=wishes.decimal(wish, "taker_rate") if "taker_rate" in wish else TAKER_RATE,
        permissions=_permissions(wish),
        bnb=wishes.decimal(wish, "bnb_balance") if "bnb_balance" in wish else Decimal(0),
        fee_burn=wishes.flag(wish, "fee_burn", default=False),
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
    return {asset: wishes.decimal(given, asset) for asset in given}


def _read_line(wish: Json) -> tuple[str, str]:
    """The symbol asked for and the line of the market it moves with."""
    symbol = wishes.text(wish, "symbol")
    line = PAIRS[symbol].line if symbol in PAIRS else symbol
    if line not in INSTRUMENTS and line not in PAIRS:
        raise InputError("symbol", f"one of {', '.join(sorted({*INSTRUMENTS, *PAIRS}))}")
    return symbol, line


def _read_prices(wish: Json, line: str) -> tuple[Decimal, Decimal | None, bool]:
    """Price, mark if it is to stand elsewhere, and whether they are held."""
    listed = INSTRUMENTS[line] if line in INSTRUMENTS else PAIRS[line]
    price, hold = wishes.decimal(wish, "price"), wishes.flag(wish, "hold", default=False)
    mark = wishes.decimal(wish, "mark") if wish.get("mark") is not None else None
    for name, value in (("price", price), ("mark", mark)):
        if value is not None and not listed.tick * 2 <= value <= listed.price_max:
            raise InputError(name, "outside the instrument's price range")
    if mark is not None and (not hold or line not in INSTRUMENTS):
        raise InputError("mark", 'only for a contract, and with "hold": true')
    return price, mark, hold


def _permissions(wish: Json) -> dict[str, bool]:
    given = wish.get("permissions", {})
    if not isinstance(given, dict):
        raise InputError("permissions", "an object of flags")
    for name, value in given.items():
        if name not in DEFAULT_PERMISSIONS or not isinstance(value, bool):
            raise InputError(f"permissions.{name}", f"true or false for one of {', '.join(DEFAULT_PERMISSIONS)}")
    return {**DEFAULT_PERMISSIONS, **given}


def _read_fault(wish: Json) -> Fault:
    kind = wishes.text(wish, "kind")
    if kind not in KINDS:
        raise InputError("kind", f"one of {', '.join(sorted(KINDS))}")
    fault = Fault(
        kind=kind,
        probability=wishes.share(wish, "probability") if wish.get("probability") is not None else None,
        next_n=wishes.whole(wish, "next_n") if wish.get("next_n") is not None else None,
        account=wishes.text(wish, "account") if wish.get("account") is not None else None,
        delay_s=float(wishes.decimal(wish, "delay_s")) if "delay_s" in wish else DELAYS_S.get(kind, DELAY_DEFAULT_S),
        executed=wishes.flag(wish, "executed", default=EXECUTES.get(kind, True)),
    )
    if wish.get("path") is not None:
        method, _, path = wishes.text(wish, "path").rpartition(" ")
        fault.method, fault.path = method.upper() or None, path
    if kind == "refuse":
        _read_refusal(fault, wish)
    return fault


def _read_refusal(fault: Fault, wish: Json) -> None:
    """``code`` of the venue's list; ``status`` and ``details`` (what the text leaves open) if others are wanted."""
    code, details = wish.get("code"), wish.get("details", [])
    if not isinstance(code, int) or code not in CODES | SPOT_CODES:
        every = sorted(CODES | SPOT_CODES, reverse=True)
        raise InputError("code", f"one of {', '.join(str(each) for each in every)}")
    if not isinstance(details, list):
        raise InputError("details", "a list of texts is needed")
    fault.code, fault.details = code, tuple(str(each) for each in details)
    fault.status = wishes.whole(wish, "status") if wish.get("status") is not None else None


def _quote_row(quote: Any) -> Json:
    return {name: plain(getattr(quote, name)) for name in ("last", "bid", "ask", "mark", "index")}
