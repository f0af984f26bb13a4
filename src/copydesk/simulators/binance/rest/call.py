"""One request as a route sees it: who asks, with what, when, of which exchange."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

from copydesk.simulators.binance.exchange.account import Account
from copydesk.simulators.binance.exchange.exchange import Exchange
from copydesk.simulators.binance.rest.listen_keys import ListenKeys
from copydesk.simulators.binance.rest.params import Params

_Call = TypeVar("_Call")


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """What every route is told, whichever surface it belongs to."""

    listen_keys: ListenKeys
    params: Params
    now_ms: int
    account_or_none: Account | None = None

    @property
    def account(self) -> Account:
        if self.account_or_none is None:
            raise LookupError("a public route asked for the account")
        return self.account_or_none


@dataclass(frozen=True, slots=True, kw_only=True)
class Call(Caller):
    exchange: Exchange

    def about(self, params: Params) -> "Call":
        """The same caller at the same moment with other parameters."""
        return replace(self, params=params)


@dataclass(frozen=True, slots=True, kw_only=True)
class Route(Generic[_Call]):
    """``guard``: "public", "key" (header only) or "signed"; ``orders``: counted per account, in the short window and the long."""

    handle: Callable[[_Call], Any]
    weight: int | Callable[[Params], int] = 1
    guard: str = "signed"
    orders: tuple[int, int] | None = None

    def weight_of(self, params: Params) -> int:
        return self.weight if isinstance(self.weight, int) else self.weight(params)


Routes = dict[tuple[str, str], Route[Call]]
