"""One request as a spot route sees it: who asks, with what, when, of which venue."""

from collections.abc import Callable
from dataclasses import dataclass

from copydesk.simulators.binance.exchange.account import Account
from copydesk.simulators.binance.rest.call import Route
from copydesk.simulators.binance.rest.listen_keys import ListenKeys
from copydesk.simulators.binance.rest.params import Params
from copydesk.simulators.binance.spot.venue import Spot
from copydesk.simulators.binance.spot.wallet import Wallet


@dataclass(frozen=True, slots=True, kw_only=True)
class SpotCall:
    spot: Spot
    listen_keys: ListenKeys
    params: Params
    now_ms: int
    used_orders: Callable[[str], tuple[int, int]]
    account_or_none: Account | None = None

    @property
    def account(self) -> Account:
        if self.account_or_none is None:
            raise LookupError("a public route asked for the account")
        return self.account_or_none

    @property
    def wallet(self) -> Wallet:
        return self.spot.wallet(self.account.api_key, self.now_ms)


SpotRoutes = dict[tuple[str, str], Route[SpotCall]]
