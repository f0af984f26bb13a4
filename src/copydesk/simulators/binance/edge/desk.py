"""One request to an answer: route, gate, rules. No sockets here, so faults can stand around it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any, NamedTuple, Protocol

import msgspec

from copydesk.simulators.binance.edge import gate
from copydesk.simulators.binance.edge.asked import Asked, is_spot
from copydesk.simulators.binance.edge.limits import Limits
from copydesk.simulators.binance.exchange.account import Account
from copydesk.simulators.binance.exchange.errors import RefusedError, refused
from copydesk.simulators.binance.exchange.exchange import Exchange
from copydesk.simulators.binance.rest.call import Call, Route
from copydesk.simulators.binance.rest.listen_keys import ListenKeys
from copydesk.simulators.binance.rest.routes import ROUTES
from copydesk.simulators.binance.spot import account_routes as spot_account
from copydesk.simulators.binance.spot import listing, refusals
from copydesk.simulators.binance.spot.call import SpotCall
from copydesk.simulators.binance.spot.routes import ROUTES as SPOT_ROUTES
from copydesk.simulators.binance.spot.venue import Spot

_CLOCKS = frozenset({"/fapi/v1/time", "/api/v3/time"})
_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """``content`` is what the body says; with a refusal, ``refusal`` is the reason behind it."""

    status: int
    content: Any
    headers: dict[str, str] = field(default_factory=dict)
    refusal: RefusedError | None = None

    @property
    def body(self) -> bytes:
        return _encode(self.content)


class Newest(NamedTuple):
    """The latest numbers given out."""

    order_id: int
    algo_id: int
    spot_order_id: int


class Desk:
    """Both surfaces: futures and spot share accounts and gate; each has its own rules, limits and listen keys."""

    def __init__(self, exchange: Exchange, spot: Spot, *, seed: int) -> None:
        self.exchange = exchange
        self.spot = spot
        self.limits = Limits()
        self.spot_limits = Limits(
            weight_per_minute=listing.WEIGHT_PER_MINUTE,
            orders_per_10s=spot_account.ORDERS_PER_10S,
            orders_per_day=spot_account.ORDERS_PER_DAY,
            refused=refusals.refused,
            banned=refusals.banned,
        )
        self.listen_keys = ListenKeys(Random(f"{seed}:listen"))  # noqa: S311  # a simulator's key, on loopback
        self.spot_listen_keys = ListenKeys(Random(f"{seed}:spot:listen"))  # noqa: S311  # the same

    def answer(self, asked: Asked, now_ms: int, *, skew_ms: int = 0, route: Route[Call] | None = None) -> Answer:
        """``skew_ms``: how far the server's clock is off when it judges timestamps and tells the time.

        ``route``: a door that only one way in has; else it is found by method and path.
        """
        try:
            self.limits_of(asked.path).check_ban(asked.address, now_ms)
            found = route or _find_route(asked)
            if found is None:
                raise refused(-5000, asked.path, asked.method)
            content = self._handle(found, asked, now_ms, skew_ms)
        except RefusedError as refusal:
            return self.refusal(asked, refusal, now_ms)
        return Answer(status=200, content=content, headers=self._headers(asked, now_ms))

    def refusal(self, asked: Asked, refusal: RefusedError, now_ms: int) -> Answer:
        headers = self._headers(asked, now_ms)
        if refusal.retry_after_s is not None:
            headers["Retry-After"] = str(refusal.retry_after_s)
        content: dict[str, Any] = {"code": refusal.code, "msg": refusal.text}
        if refusal.data is not None:
            content["data"] = refusal.data
        return Answer(status=refusal.status, content=content, headers=headers, refusal=refusal)

    def limits_of(self, path: str) -> Limits:
        return self.spot_limits if is_spot(path) else self.limits

    def order_counts(self, asked: Asked, now_ms: int) -> tuple[int, int] | None:
        """Orders in the short window and the long, where the request is one that counts."""
        route = _find_route(asked)
        if route is None or route.orders is None or asked.api_key not in self.exchange.accounts:
            return None
        return self.limits_of(asked.path).used_orders(asked.api_key, now_ms)

    def newest(self) -> Newest:
        return Newest(self.exchange.last_order_id, self.exchange.last_algo_id, self.spot.last_order_id)

    def hide(self, api_key: str | None, since: Newest, until_ms: int) -> None:
        """Let queries deny what this account has placed since, for a while; trades and balances still tell."""
        account, wallet = self.exchange.accounts.get(api_key or ""), self.spot.wallets.get(api_key or "")
        if account is not None:
            _hide(account.book.orders, since.order_id, until_ms)
            _hide(account.book.algos, since.algo_id, until_ms)
        if wallet is not None:
            _hide(wallet.orders, since.spot_order_id, until_ms)

    def _handle(self, route: Route[Any], asked: Asked, now_ms: int, skew_ms: int) -> Any:
        account: Account | None = None
        if route.guard != "public":
            account = gate.find_account(self.exchange, asked.api_key)
            _check_permissions(route, account, asked)
        if route.guard == "signed" and account is not None:
            gate.check_signature(account, asked)
            gate.check_time(asked.params, now_ms + skew_ms)
        limits = self.limits_of(asked.path)
        limits.spend(asked.address, route.weight_of(asked.params), now_ms)
        if route.orders is not None and account is not None:
            limits.count_order(account.api_key, *route.orders, now_ms)
        told_ms = now_ms + skew_ms if asked.path in _CLOCKS else now_ms
        return route.handle(self._call(asked, account, told_ms))

    def _call(self, asked: Asked, account: Account | None, now_ms: int) -> Call | SpotCall:
        if (asked.method, asked.path) in SPOT_ROUTES:
            return SpotCall(
                spot=self.spot,
                listen_keys=self.spot_listen_keys,
                params=asked.params,
                now_ms=now_ms,
                used_orders=lambda api_key: self.spot_limits.used_orders(api_key, now_ms),
                account_or_none=account,
            )
        return Call(
            exchange=self.exchange,
            listen_keys=self.listen_keys,
            params=asked.params,
            now_ms=now_ms,
            account_or_none=account,
        )

    def _headers(self, asked: Asked, now_ms: int) -> dict[str, str]:
        spot = is_spot(asked.path)
        headers = {"X-MBX-USED-WEIGHT-1M": str(self.limits_of(asked.path).used_weight(asked.address, now_ms))}
        if spot:
            headers["X-MBX-USED-WEIGHT"] = headers["X-MBX-USED-WEIGHT-1M"]
        counts = self.order_counts(asked, now_ms)
        if counts is not None:
            headers["X-MBX-ORDER-COUNT-10S"] = str(counts[0])
            headers[f"X-MBX-ORDER-COUNT-{'1D' if spot else '1M'}"] = str(counts[1])
        return headers


class _Hideable(Protocol):
    hidden_until_ms: int


def _hide(numbered: Mapping[int, _Hideable], since: int, until_ms: int) -> None:
    for number, each in numbered.items():
        if number > since:
            each.hidden_until_ms = until_ms


def _find_route(asked: Asked) -> Route[Any] | None:
    key = (asked.method, asked.path)
    return SPOT_ROUTES.get(key) or ROUTES.get(key)


def _check_permissions(route: Route[Any], account: Account, asked: Asked) -> None:
    trading = "enableSpotAndMarginTrading" if is_spot(asked.path) else "enableFutures"
    needed = trading if route.orders is not None else "enableReading" if asked.method == "GET" else None
    if needed is not None and not account.permissions[needed]:
        raise refused(-2015)
