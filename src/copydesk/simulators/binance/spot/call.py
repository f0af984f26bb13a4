"""One request as a spot route sees it: who asks, with what, when, of which venue."""

from collections.abc import Callable
from dataclasses import dataclass

from copydesk.simulators.binance.rest.call import Caller, Route
from copydesk.simulators.binance.spot.venue import Spot
from copydesk.simulators.binance.spot.wallet import Wallet


@dataclass(frozen=True, slots=True, kw_only=True)
class SpotCall(Caller):
    spot: Spot
    used_orders: Callable[[str], tuple[int, int]]

    @property
    def wallet(self) -> Wallet:
        return self.spot.wallet(self.account.api_key, self.now_ms)


SpotRoutes = dict[tuple[str, str], Route[SpotCall]]
