"""A person's hand on an account: what the trading commands send to a running simulator."""

import http.client
import json
from typing import Any
from urllib.parse import urlsplit

Json = dict[str, Any]
_DEAL, _PENDING, _SLTP, _MODIFY, _REMOVE, _CLOSE_BY = 1, 5, 6, 7, 8, 10
_DONE = {10009, 10010}
_FOK_FLAG, _FOK, _IOC = 1, 0, 1
_TIMEOUT_S = 10.0
PENDING_TYPES = {
    "buy-limit": 2,
    "sell-limit": 3,
    "buy-stop": 4,
    "sell-stop": 5,
    "buy-stop-limit": 6,
    "sell-stop-limit": 7,
}


class HandError(Exception):
    """What the broker refused, or why it could not be asked."""


class Hand:
    """One account's; each method raises HandError, and answers the fields of an OrderSendResult."""

    def __init__(self, url: str, account: int) -> None:
        self._url = urlsplit(url)
        self._account = account

    def buy(self, symbol: str, volume: float, *, sl: float = 0.0, tp: float = 0.0, comment: str = "") -> Json:
        return self._deal(0, symbol, volume, sl=sl, tp=tp, comment=comment)

    def sell(self, symbol: str, volume: float, *, sl: float = 0.0, tp: float = 0.0, comment: str = "") -> Json:
        return self._deal(1, symbol, volume, sl=sl, tp=tp, comment=comment)

    def close(self, ticket: int, volume: float | None = None) -> Json:
        """All of a position, or a part of it."""
        held = self._position(ticket)
        wanted = held["volume"] if volume is None else volume
        return self._deal(1 - held["type"], held["symbol"], wanted, position=ticket)

    def close_by(self, ticket: int, opposite: int) -> Json:
        return self._send({"action": _CLOSE_BY, "position": ticket, "position_by": opposite})

    def pend(self, kind: str, symbol: str, volume: float, price: float, **rest: float | str) -> Json:
        """``kind``: one of PENDING_TYPES; ``rest``: sl, tp, stoplimit, comment."""
        request = {"action": _PENDING, "type": PENDING_TYPES[kind], "symbol": symbol, "volume": volume, "price": price}
        return self._send(request | rest | {"type_filling": 2})

    def modify(
        self, ticket: int, *, sl: float | None = None, tp: float | None = None, price: float | None = None
    ) -> Json:
        """Levels of a position, or levels and price of a waiting order; what is left out stays, 0 removes."""
        found = self.look()
        for each in found["positions"]:
            if each["ticket"] == ticket:
                levels = {"sl": each["sl"] if sl is None else sl, "tp": each["tp"] if tp is None else tp}
                return self._send({"action": _SLTP, "position": ticket, "symbol": each["symbol"], **levels})
        for each in found["orders"]:
            if each["ticket"] == ticket:
                return self._send(_modified(each, sl, tp, price))
        raise HandError(f"account {self._account} has no position and no order {ticket}")

    def remove(self, ticket: int) -> Json:
        return self._send({"action": _REMOVE, "order": ticket})

    def look(self) -> Json:
        """``positions`` and ``orders`` of the account, field by field, with ``quotes`` and ``fillings`` by symbol."""
        return self._ask("GET", f"/_sim/positions?account={self._account}")

    def _deal(self, side: int, symbol: str, volume: float, **rest: float | str) -> Json:
        """At the market, at whatever price it has, with a filling that the symbol takes."""
        found = self.look()
        if symbol not in found["quotes"]:
            raise HandError(f"no symbol {symbol}; one of {', '.join(found['quotes'])}")
        bid, ask = found["quotes"][symbol]
        filling = _FOK if found["fillings"][symbol] & _FOK_FLAG else _IOC
        request = {"action": _DEAL, "type": side, "symbol": symbol, "volume": volume, "price": (ask, bid)[side]}
        return self._send(request | {"deviation": 100, "type_filling": filling} | rest)

    def _position(self, ticket: int) -> Json:
        for each in self.look()["positions"]:
            if each["ticket"] == ticket:
                return dict(each)
        raise HandError(f"account {self._account} holds no position {ticket}")

    def _send(self, request: Json) -> Json:
        answer = self._ask("POST", "/_sim/trade", {"account": self._account, "request": request})
        if answer["retcode"] not in _DONE:
            raise HandError(f"{answer['retcode']} {answer['comment']}")
        return answer

    def _ask(self, method: str, target: str, body: Json | None = None) -> Json:
        connection = http.client.HTTPConnection(
            self._url.hostname or "127.0.0.1", self._url.port or 80, timeout=_TIMEOUT_S
        )
        try:
            connection.request(method, target, None if body is None else json.dumps(body))
            answer: Json = json.loads(connection.getresponse().read())
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise HandError(f"no MetaTrader 5 simulator at {self._url.geturl()}: {error}") from None
        finally:
            connection.close()
        if "error" in answer:
            raise HandError(answer["error"]["message"])
        return answer


def _modified(order: Json, sl: float | None, tp: float | None, price: float | None) -> Json:
    return {
        "action": _MODIFY,
        "order": order["ticket"],
        "symbol": order["symbol"],
        "price": order["price_open"] if price is None else price,
        "stoplimit": order["price_stoplimit"],
        "sl": order["sl"] if sl is None else sl,
        "tp": order["tp"] if tp is None else tp,
        "type_time": order["type_time"],
        "expiration": order["time_expiration"],
    }
