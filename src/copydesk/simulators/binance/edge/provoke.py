"""Doors that make the venue do by force what it does by itself only when prices and hours come together."""

from decimal import Decimal
from typing import Any

from copydesk.simulators import wishes
from copydesk.simulators.binance.clockwork import forced, payments
from copydesk.simulators.binance.edge.pace import Pace
from copydesk.simulators.binance.exchange.account import Account
from copydesk.simulators.binance.exchange.exchange import Exchange
from copydesk.simulators.binance.exchange.funding import RATE_MAX
from copydesk.simulators.binance.exchange.instruments import INSTRUMENTS
from copydesk.simulators.binance.exchange.position import Position
from copydesk.simulators.binance.exchange.text import plain
from copydesk.simulators.binance.spot.venue import Spot
from copydesk.simulators.wishes import InputError, Json

_JUMP_MAX_MS = 366 * 24 * 60 * 60 * 1_000


class Provoke:
    def __init__(self, exchange: Exchange, spot: Spot, pace: Pace) -> None:
        self._exchange = exchange
        self._spot = spot
        self._pace = pace
        self.doors = {
            ("POST", "/_sim/liquidate"): self._liquidate,
            ("POST", "/_sim/adl"): self._deleverage,
            ("POST", "/_sim/settle"): self._settle,
            ("POST", "/_sim/funding"): self._funding,
            ("POST", "/_sim/liquidity"): self._liquidity,
            ("GET", "/_sim/time"): self._time,
            ("POST", "/_sim/time"): self._move_time,
        }

    def _liquidate(self, body: Any, now_ms: int) -> Json:
        """An account's positions are sold out at once: those of ``symbol``, or all."""
        wish = wishes.an_object(body)
        account = self._account(wish)
        symbol = None if wish.get("symbol") is None else read_symbol(wish)
        closed = 0
        while (position := next(account.held(symbol), None)) is not None:
            forced.liquidate(self._exchange, account, position, now_ms)
            closed += 1
        if not closed:
            raise InputError("account", "holds no such position")
        return {"account": account.api_key, "balance": plain(account.wallet)}

    def _deleverage(self, body: Any, now_ms: int) -> Json:
        """A position, or ``quantity`` of it, is closed at mark."""
        wish = wishes.an_object(body)
        account = self._account(wish)
        position = self._position(account, wish)
        held = abs(position.quantity)
        quantity = wishes.decimal(wish, "quantity") if wish.get("quantity") is not None else held
        step = INSTRUMENTS[position.symbol].step
        if not 0 < quantity <= held or quantity % step:
            raise InputError("quantity", f"whole steps of {step}, at most the position's {plain(held)}")
        forced.deleverage(self._exchange, account, position, quantity, now_ms)
        return {"account": account.api_key, "symbol": position.symbol, "left": plain(position.quantity)}

    def _settle(self, body: Any, now_ms: int) -> Json:
        """All positions of a symbol end at the index price, as before a delisting."""
        symbol = read_symbol(wishes.an_object(body))
        return {"symbol": symbol, "closed": forced.settle(self._exchange, symbol, now_ms)}

    def _funding(self, body: Any, now_ms: int) -> Json:
        """``rate`` holds from now on; with ``pay`` (the default) it is paid at once."""
        wish = wishes.an_object(body)
        symbol = read_symbol(wish)
        rates = self._exchange.funding.rates
        if wish.get("rate") is not None:
            rate = wishes.number(wish, "rate")
            if abs(rate) > RATE_MAX:
                raise InputError("rate", f"between -{RATE_MAX} and {RATE_MAX}")
            rates[symbol] = rate
        paid = payments.pay_funding(self._exchange, symbol, now_ms) if wishes.flag(wish, "pay", default=True) else 0
        return {"symbol": symbol, "rate": plain(rates[symbol]), "paid": paid}

    def _liquidity(self, body: Any, _now_ms: int) -> Json:
        """``share`` of the ordinary book: 0.001 makes it thin, 0 empties it, 1 is as before; a symbol of both has it thin on both."""
        wish = wishes.an_object(body)
        symbol = wishes.text(wish, "symbol")
        books = [each[symbol] for each in (self._exchange.depth, self._spot.depth) if symbol in each]
        if not books:
            raise InputError("symbol", f"one of {', '.join(sorted({*self._exchange.depth, *self._spot.depth}))}")
        share = wishes.decimal(wish, "share")
        if share > Decimal(1_000):
            raise InputError("share", "at most 1000")
        for book in books:
            book.share = share
        return {"symbol": symbol, "share": plain(share)}

    def _time(self, _body: Any, now_ms: int) -> Json:
        return {"virtual": self._pace.is_virtual, "now_ms": now_ms}

    def _move_time(self, body: Any, now_ms: int) -> Json:
        """``advance_ms`` or ``to_ms``; answers when everything up to then has happened."""
        wish = wishes.an_object(body)
        if not self._pace.is_virtual:
            raise InputError("time", "it is the wall's; start the simulator with --virtual-time to move it")
        name = "to_ms" if "to_ms" in wish else "advance_ms"
        target_ms = wishes.whole(wish, name) + (0 if name == "to_ms" else now_ms)
        if not now_ms <= target_ms <= now_ms + _JUMP_MAX_MS:
            raise InputError(name, "time moves forward, a year at most")
        self._pace.move_to(target_ms)
        return {"virtual": True, "now_ms": target_ms}

    def _account(self, wish: Json) -> Account:
        account = self._exchange.accounts.get(wishes.text(wish, "account"))
        if account is None:
            raise InputError("account", "unknown")
        return account

    def _position(self, account: Account, wish: Json) -> Position:
        symbol, side = read_symbol(wish), wish.get("position_side")
        found = next((each for each in account.held(symbol) if side in {None, each.side}), None)
        if found is None:
            raise InputError("symbol", "no such position is held")
        return found


def read_symbol(wish: Json) -> str:
    symbol = wishes.text(wish, "symbol")
    if symbol not in INSTRUMENTS:
        raise InputError("symbol", f"one of {', '.join(INSTRUMENTS)}")
    return symbol
