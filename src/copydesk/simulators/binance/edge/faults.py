"""Faults on order: which requests they hit, how often, and what each kind does (contract §5)."""

from dataclasses import dataclass, field
from random import Random

from copydesk.simulators.binance.edge.asked import is_spot
from copydesk.simulators.binance.exchange.errors import CODES
from copydesk.simulators.binance.spot.refusals import CODES as SPOT_CODES

ORDER_PATHS = frozenset(
    {
        "/fapi/v1/order",
        "/fapi/v1/algoOrder",
        "/fapi/v1/batchOrders",
        "/api/v3/order",
        "/api/v3/order/cancelReplace",
        "/api/v3/order/oco",
        "/api/v3/orderList/oco",
    }
)
EXECUTES = {
    "delay_before": True,
    "delay_after": True,
    "drop_before": False,
    "drop_after": True,
    "truncated": True,
    "empty_200": True,
    "html_502": False,
    "unknown_executed": True,
    "unknown_not_executed": False,
    "rate_limit": False,
    "ban": False,
    "clock_skew": True,
    "late_not_found": True,
    "refuse": False,
}
STREAM_KINDS = frozenset({"stream_disconnect", "duplicate_event", "reordered_event"})
KINDS = frozenset(EXECUTES) | STREAM_KINDS
DELAYS_S = {"rate_limit": 1.0, "ban": 120.0}  # what Retry-After tells; every other wait:
DELAY_DEFAULT_S = 30.0
_THROTTLED = -1008
_EXEMPT = ("reduceOnly=true", "closePosition=true")


@dataclass(slots=True, kw_only=True)
class Fault:
    kind: str
    probability: float | None = None
    next_n: int | None = None
    account: str | None = None
    path: str | None = None
    method: str | None = None
    delay_s: float = DELAY_DEFAULT_S
    executed: bool = True
    hits: int = 0
    code: int | None = None
    details: tuple[str, ...] = ()
    status: int | None = None

    @property
    def is_spent(self) -> bool:
        return self.next_n is not None and self.hits >= self.next_n

    def is_about(self, method: str, path: str, api_key: str | None, sent: str = "") -> bool:
        """``sent``: the parameters; the venue's own throttle (-1008) lets orders pass that only close.

        A refusal strikes only where its code is documented: futures and spot have lists of their own.
        """
        if self.account is not None and self.account != api_key:
            return False
        if self.code is not None and self.code not in (SPOT_CODES if is_spot(path) else CODES):
            return False
        if self.code == _THROTTLED and any(each in sent for each in _EXEMPT):
            return False
        if self.kind == "clock_skew" and self.path is None:
            return True
        if self.path is None:
            return method == "POST" and path in ORDER_PATHS
        return self.path == path and self.method in {None, method}


@dataclass(slots=True)
class Faults:
    random: Random
    active: list[Fault] = field(default_factory=list)

    def add(self, fault: Fault) -> None:
        self.active.append(fault)

    def clear(self) -> None:
        self.active.clear()

    def hit(self, method: str, path: str, api_key: str | None, sent: str = "") -> list[Fault]:
        """The faults this request suffers, in the order they were asked for; each is counted once."""
        if not self.active:
            return []
        about = [each for each in self.active if each.kind in EXECUTES and each.is_about(method, path, api_key, sent)]
        return self._struck([fault for fault in about if self._strikes(fault)])

    def hit_event(self, api_key: str) -> list[Fault]:
        """The stream faults one event of this account suffers."""
        if not self.active:
            return []
        about = (fault for fault in self.active if fault.kind in STREAM_KINDS and fault.account in {None, api_key})
        return self._struck([fault for fault in about if self._strikes(fault)])

    def _strikes(self, fault: Fault) -> bool:
        if fault.is_spent:
            return False
        return fault.probability is None or self.random.random() < fault.probability

    def _struck(self, faults: list[Fault]) -> list[Fault]:
        for fault in faults:
            fault.hits += 1
        self.active = [fault for fault in self.active if not fault.is_spent]
        return faults
