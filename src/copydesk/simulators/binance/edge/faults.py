"""Faults on order: which requests they hit, how often, and what each kind does (contract §5)."""

from dataclasses import dataclass

from copydesk.simulators.binance.edge.asked import is_spot
from copydesk.simulators.binance.exchange.errors import CODES
from copydesk.simulators.binance.spot.refusals import CODES as SPOT_CODES
from copydesk.simulators.faults import EXECUTES, STREAM_KINDS, Ordered, Orders

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
KINDS = frozenset(EXECUTES) | STREAM_KINDS
DELAYS_S = {"rate_limit": 1.0, "ban": 120.0}  # what Retry-After tells
_THROTTLED = -1008
_EXEMPT = ("reduceOnly=true", "closePosition=true")


@dataclass(slots=True, kw_only=True)
class Fault(Ordered):
    account: str | None = None
    path: str | None = None
    method: str | None = None
    executed: bool = True
    code: int | None = None
    details: tuple[str, ...] = ()
    status: int | None = None

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


class Faults(Orders[Fault]):
    def hit(self, method: str, path: str, api_key: str | None, sent: str = "") -> list[Fault]:
        """The faults this request suffers, in the order they were asked for; each is counted once."""
        if not self.active:
            return []
        about = [each for each in self.active if each.kind in EXECUTES and each.is_about(method, path, api_key, sent)]
        return self.strike(about)

    def hit_event(self, api_key: str) -> list[Fault]:
        """The stream faults one event of this account suffers."""
        if not self.active:
            return []
        about = (fault for fault in self.active if fault.kind in STREAM_KINDS and fault.account in {None, api_key})
        return self.strike(about)
