"""The simulator's own doors, ``/_sim/…``: accounts, prices, faults, time, ledger. Never faulty."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs

import msgspec

from copydesk.simulators import wishes
from copydesk.simulators.deriv.edge.faults import HANDSHAKE, KINDS, Fault, Faults
from copydesk.simulators.deriv.edge.hub import Hub
from copydesk.simulators.deriv.edge.limits import Limits
from copydesk.simulators.deriv.edge.pace import Pace
from copydesk.simulators.deriv.exchange.account import SCOPES, Account
from copydesk.simulators.deriv.exchange.exchange import Exchange
from copydesk.simulators.deriv.exchange.ledger import read_ledger
from copydesk.simulators.deriv.exchange.pricing import cents
from copydesk.simulators.deriv.exchange.refusals import CODES
from copydesk.simulators.deriv.exchange.symbols import SYMBOLS
from copydesk.simulators.faults import DELAY_DEFAULT_S, EXECUTES
from copydesk.simulators.wishes import InputError, Json

Reply = tuple[int, Any]
_FIRST_LOGIN = 90_000_001
_BALANCE_MAX = Decimal(10**12)
_JUMP_MAX_MS = 7 * 24 * 60 * 60 * 1_000
_CURRENCY = "USD"
_SETTABLE = frozenset({"scopes", "disabled"})


class Control:
    def __init__(self, hub: Hub, faults: Faults, limits: Limits, pace: Pace) -> None:
        self._hub = hub
        self._faults = faults
        self._limits = limits
        self._pace = pace
        self._doors: Mapping[tuple[str, str], Callable[[Any, int], Any]] = {
            ("GET", "/_sim/health"): self._health,
            ("GET", "/_sim/ledger"): self._ledger,
            ("POST", "/_sim/accounts"): self._accounts,
            ("POST", "/_sim/price"): self._price,
            ("POST", "/_sim/faults"): self._add_fault,
            ("GET", "/_sim/faults"): self._list_faults,
            ("DELETE", "/_sim/faults"): self._clear_faults,
            ("POST", "/_sim/limits"): self._change_limits,
            ("GET", "/_sim/time"): self._time,
            ("POST", "/_sim/time"): self._move_time,
        }

    def answer(self, method: str, target: str, body: bytes, now_ms: int) -> Reply:
        path, _, query = target.partition("?")
        door = self._doors.get((method, path))
        if door is None:
            return 404, {"error": {"code": "not_found", "message": f"{method} {path} is not a door of this simulator"}}
        try:
            wish = (
                wishes.read_json(body)
                if method == "POST"
                else {name: values[-1] for name, values in parse_qs(query).items()}
            )
            return 200, door(wish, now_ms)
        except InputError as error:
            return 400, {"error": {"code": "bad_input", "message": str(error), "details": {"field": error.field}}}

    @property
    def _exchange(self) -> Exchange:
        return self._hub.exchange

    def _health(self, _query: Any, now_ms: int) -> Json:
        prices = {code: str(feed.last.quote) for code, feed in self._exchange.feeds.items()}
        accounts = len(self._exchange.accounts)
        return {"status": "ok", "simulator": "deriv", "accounts": accounts, "time_ms": now_ms, "prices": prices}

    def _ledger(self, query: Any, _now_ms: int) -> Json:
        """Of one account with ``?account=``, else of all."""
        return dict(read_ledger(self._exchange, query.get("account")))

    def _accounts(self, body: Any, _now_ms: int) -> Json:
        """A known token keeps all that the wish does not name; another balance is a deposit or a withdrawal."""
        given = [wishes.an_object(wish) for wish in (body if isinstance(body, list) else [body])]
        checked = [_read_account(wish) for wish in given]
        for token, balance, changes in checked:
            known = self._exchange.accounts.get(token)
            account = known if known is not None else self._open(token, changes)
            for name in _SETTABLE & changes.keys():
                setattr(account, name, changes[name])
            if balance is not None:
                self._exchange.transfer(account, balance - account.balance)
        self._exchange.changes += 1
        names = [{"token": token, "loginid": self._exchange.accounts[token].loginid} for token, _, _ in checked]
        return {"accounts": [each["token"] for each in names], "loginids": [each["loginid"] for each in names]}

    def _open(self, token: str, changes: Json) -> Account:
        number = _FIRST_LOGIN + len(self._exchange.accounts)
        is_virtual = bool(changes.get("is_virtual", True))
        account = Account(
            token=token,
            loginid=f"{'VRTC' if is_virtual else 'CR'}{number}",
            user_id=number,
            currency=changes.get("currency", _CURRENCY),
            is_virtual=is_virtual,
            created=self._exchange.now_s,
            balance=Decimal("0.00"),
        )
        self._exchange.accounts[token] = account
        return account

    def _price(self, body: Any, _now_ms: int) -> Json:
        """From the next tick on: those that were seen are history."""
        wish = wishes.an_object(body)
        code = wishes.text(wish, "symbol")
        if code not in SYMBOLS:
            raise InputError("symbol", f"one of {', '.join(SYMBOLS)}")
        price, symbol = wishes.decimal(wish, "price"), SYMBOLS[code]
        if not symbol.pip * 2 <= price <= symbol.price_max or price % symbol.pip:
            raise InputError("price", f"whole pips of {symbol.pip} from {symbol.pip * 2} to {symbol.price_max}")
        feed = self._exchange.feeds[code]
        feed.put(price, hold=wishes.flag(wish, "hold", default=False))
        next_tick = self._exchange.now_s - self._exchange.now_s % symbol.every_s + symbol.every_s
        return {
            "symbol": code,
            "price": str(price),
            "held": feed.held,
            "last": str(feed.last.quote),
            "next_tick": next_tick,
        }

    def _add_fault(self, body: Any, _now_ms: int) -> Json:
        fault = _read_fault(wishes.an_object(body))
        if fault.kind == "stream_disconnect" and fault.probability is None and fault.next_n is None:
            self._hub.cut(fault.account)
        else:
            self._faults.add(fault)
        return self._list_faults(None, 0)

    def _list_faults(self, _query: Any, _now_ms: int) -> Json:
        return {"faults": [msgspec.to_builtins(fault) for fault in self._faults.active]}

    def _clear_faults(self, _query: Any, _now_ms: int) -> Json:
        self._faults.clear()
        return {"faults": []}

    def _change_limits(self, body: Any, _now_ms: int) -> Json:
        """``factor`` times the documented numbers."""
        factor = wishes.decimal(wishes.an_object(body), "factor")
        if factor <= 0:
            raise InputError("factor", "more than 0 is needed")
        self._limits.factor = factor
        return {"factor": str(factor)}

    def _time(self, _query: Any, now_ms: int) -> Json:
        return {"virtual": self._pace.is_virtual, "now_ms": now_ms}

    def _move_time(self, body: Any, now_ms: int) -> Json:
        """``advance_ms`` or ``to_ms``; answers when everything up to then has happened."""
        wish = wishes.an_object(body)
        if not self._pace.is_virtual:
            raise InputError("time", "it is the wall's; start the simulator with --virtual-time to move it")
        name = "to_ms" if "to_ms" in wish else "advance_ms"
        target_ms = wishes.whole(wish, name) + (0 if name == "to_ms" else now_ms)
        if not now_ms <= target_ms <= now_ms + _JUMP_MAX_MS:
            raise InputError(name, "time moves forward, a week at most")
        self._pace.move_to(target_ms)
        return {"virtual": True, "now_ms": target_ms}


def _read_account(wish: Json) -> tuple[str, Decimal | None, Json]:
    """Token, the balance it is to have, and what else the wish names."""
    changes: Json = {
        name: wishes.flag(wish, name, default=False) for name in ("is_virtual", "disabled") if name in wish
    }
    if "scopes" in wish:
        scopes = wish["scopes"]
        if not isinstance(scopes, list) or any(each not in SCOPES for each in scopes):
            raise InputError("scopes", f"a list of {', '.join(SCOPES)}")
        changes["scopes"] = tuple(scopes)
    if "currency" in wish:
        changes["currency"] = wishes.text(wish, "currency")
    balance = wishes.decimal(wish, "balance") if "balance" in wish else None
    if balance is not None and balance > _BALANCE_MAX:
        raise InputError("balance", f"at most {_BALANCE_MAX}")
    balance = None if balance is None else cents(balance)
    return wishes.text(wish, "token"), balance, changes


def _read_fault(wish: Json) -> Fault:
    kind = wishes.text(wish, "kind")
    if kind not in KINDS:
        raise InputError("kind", f"one of {', '.join(sorted(KINDS))}")
    fault = Fault(
        kind=kind,
        probability=wishes.share(wish, "probability") if wish.get("probability") is not None else None,
        next_n=wishes.whole(wish, "next_n") if wish.get("next_n") is not None else None,
        account=wishes.text(wish, "account") if wish.get("account") is not None else None,
        call=wishes.text(wish, "call") if wish.get("call") is not None else None,
        delay_s=float(wishes.decimal(wish, "delay_s")) if "delay_s" in wish else DELAY_DEFAULT_S,
    )
    if kind == "html_502" and (fault.account, fault.call) != (None, None):
        raise InputError("account", "a page instead of a handshake hits whoever connects")
    if fault.call == HANDSHAKE and kind in EXECUTES:
        raise InputError("call", "the handshake fails by html_502 alone")
    if kind == "refuse":
        fault.code = wishes.text(wish, "code")
        if fault.code not in CODES:
            raise InputError("code", f"one of {', '.join(CODES)}")
    return fault
