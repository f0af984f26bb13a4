"""One REST request from raw bytes to an answer: route, gate, rules. No sockets here, so faults can stand around it."""

from dataclasses import dataclass, field
from random import Random
from typing import Any

import msgspec

from copydesk.simulators.binance.edge import gate
from copydesk.simulators.binance.edge.limits import Limits
from copydesk.simulators.binance.exchange.account import Account
from copydesk.simulators.binance.exchange.errors import RefusedError, refused
from copydesk.simulators.binance.exchange.exchange import Exchange
from copydesk.simulators.binance.rest import account_routes, market_routes, order_routes
from copydesk.simulators.binance.rest.call import Call, Route, Routes
from copydesk.simulators.binance.rest.listen_keys import ListenKeys
from copydesk.simulators.binance.rest.params import Params

ROUTES: Routes = {**market_routes.ROUTES, **order_routes.ROUTES, **account_routes.ROUTES}
_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    method: str
    path: str
    query: str
    body: str
    api_key: str | None
    address: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)
    content: Any = None


class Desk:
    def __init__(self, exchange: Exchange, *, seed: int) -> None:
        self.exchange = exchange
        self.limits = Limits()
        self.listen_keys = ListenKeys(Random(f"{seed}:listen"))  # noqa: S311  # a simulator's key, on loopback

    def answer(self, asked: Asked, now_ms: int, *, skew_ms: int = 0) -> Answer:
        """``skew_ms``: how far the server's clock is off when it judges timestamps and tells the time."""
        headers: dict[str, str] = {}
        try:
            self.limits.check_ban(asked.address, now_ms)
            route = ROUTES.get((asked.method, asked.path))
            if route is None:
                raise refused(-5000, asked.path, asked.method)
            content = self._handle(route, asked, now_ms, skew_ms)
        except RefusedError as refusal:
            return self._refusal(asked, refusal, headers, now_ms)
        self._add_headers(asked, headers, now_ms)
        return Answer(status=200, body=_encode(content), headers=headers, content=content)

    def refusal(self, asked: Asked, refusal: RefusedError, now_ms: int) -> Answer:
        return self._refusal(asked, refusal, {}, now_ms)

    def _handle(self, route: Route, asked: Asked, now_ms: int, skew_ms: int) -> Any:
        account: Account | None = None
        if route.guard != "public":
            account = gate.find_account(self.exchange, asked.api_key)
            _check_permissions(route, account, asked.method)
        if route.guard == "signed" and account is not None:
            gate.check_signature(account, asked.query, asked.body)
        params = Params(asked.query, asked.body)
        if route.guard == "signed":
            gate.check_time(params, now_ms + skew_ms)
        self.limits.spend(asked.address, route.weight_of(params), now_ms)
        if route.orders is not None and account is not None:
            self.limits.count_order(account.api_key, *route.orders, now_ms)
        told_ms = now_ms + skew_ms if asked.path == "/fapi/v1/time" else now_ms
        return route.handle(
            Call(
                exchange=self.exchange,
                listen_keys=self.listen_keys,
                params=params,
                now_ms=told_ms,
                account_or_none=account,
            )
        )

    def _refusal(self, asked: Asked, refusal: RefusedError, headers: dict[str, str], now_ms: int) -> Answer:
        self._add_headers(asked, headers, now_ms)
        if refusal.retry_after_s is not None:
            headers["Retry-After"] = str(refusal.retry_after_s)
        content = {"code": refusal.code, "msg": refusal.text}
        return Answer(status=refusal.status, body=_encode(content), headers=headers, content=content)

    def _add_headers(self, asked: Asked, headers: dict[str, str], now_ms: int) -> None:
        headers["X-MBX-USED-WEIGHT-1M"] = str(self.limits.used_weight(asked.address, now_ms))
        route = ROUTES.get((asked.method, asked.path))
        if route is not None and route.orders is not None and asked.api_key in self.exchange.accounts:
            ten_seconds, minute = self.limits.used_orders(asked.api_key, now_ms)
            headers["X-MBX-ORDER-COUNT-10S"] = str(ten_seconds)
            headers["X-MBX-ORDER-COUNT-1M"] = str(minute)


def _check_permissions(route: Route, account: Account, method: str) -> None:
    needed = "enableFutures" if route.orders is not None else "enableReading" if method == "GET" else None
    if needed is not None and not account.permissions[needed]:
        raise refused(-2015)
