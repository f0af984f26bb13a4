"""What we may ask Binance for from one address, and how many orders one key may send: kept below its limits.

Sums over the last 60 (and 10) seconds are at least those of any calendar window that the venue counts in.
Source: exchangeInfo rateLimits (2,400 weight a minute an address; 300 orders in 10 s and 1,200 a minute an account).
"""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

from copydesk.domain.errors import VenueUnavailable
from copydesk.ports.clock import Clock

WEIGHT_A_MINUTE = 2_280
"""95 % of the venue's 2,400: its clock and ours are not the same."""

BACKGROUND_WEIGHT = 1_000
"""Up to here goes what nobody waits for (listen keys, lists for the self-check): the rest is for orders, stops and lookups."""

ORDERS_IN_10_S = 295
ORDERS_A_MINUTE = 1_190

WAIT_MAX_S = 25.0
"""Longer than this nobody waits for weight: an opening would be stale by then."""

BACKGROUND_WAIT_MAX_S = 150.0

_MINUTE_S, _TEN_S = 60.0, 10.0
_LEAST_WAIT_S = 0.001
"""A clock that counts in coarser steps than a float would never get over less."""

_USED = "x-mbx-used-weight-1m"

_WEIGHTS: Mapping[tuple[str, str], int] = {
    ("POST", "order"): 0,
    ("POST", "algoOrder"): 0,
    ("GET", "positionSide/dual"): 30,
    ("GET", "userTrades"): 5,
    ("GET", "allOrders"): 5,
    ("GET", "allAlgoOrders"): 5,
    ("GET", "account"): 5,
    ("GET", "positionRisk"): 5,
    ("GET", "account/apiRestrictions"): 0,
}
"""By method and path (fact sheet §1.3); /sapi has an allowance of its own, and what is not listed weighs 1."""


_BACKGROUND = frozenset(
    {("POST", "listenKey"), ("PUT", "listenKey"), ("GET", "allOrders"), ("GET", "allAlgoOrders")},
)


def is_background(method: str, path: str) -> bool:
    """Whether nobody waits for it."""
    return (method, path) in _BACKGROUND


def weight_of(method: str, path: str) -> int:
    return _WEIGHTS.get((method, path), 1)


@dataclass(slots=True)
class Window:
    """A sum over the last so-and-so many seconds, by a measure that no step of the clock moves."""

    length_s: float
    total: int = 0
    taken: deque[tuple[float, int]] = field(default_factory=deque)

    def forget(self, now_s: float) -> None:
        while self.taken and self.taken[0][0] <= now_s - self.length_s:
            self.total -= self.taken.popleft()[1]

    def take(self, amount: int, now_s: float) -> None:
        self.taken.append((now_s, amount))
        self.total += amount

    def raise_to(self, counted: int, now_s: float) -> None:
        """Where somebody else has counted more than we know of."""
        self.forget(now_s)
        if counted > self.total:
            self.take(counted - self.total, now_s)

    def room_at(self, amount: int, limit: int, now_s: float) -> float:
        """When `amount` more will fit."""
        self.forget(now_s)
        over = self.total + amount - limit
        for at, taken in self.taken:
            if over <= 0:
                break
            over -= taken
            now_s = at + self.length_s
        return now_s


class Budget:
    """One an address; everything that goes to the venue from here takes from it first."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._weight = Window(_MINUTE_S)
        self._orders: dict[str, tuple[Window, Window]] = {}
        self._quiet_until_s: float | None = None

    async def take(self, weight: int, *, background: bool = False) -> None:
        """Wait for room; raise VenueUnavailable (nothing is sent) where that would take too long.

        What weighs nothing (an order) goes at once, throttled or not: it may be the one that ends a loss.
        """
        limit = BACKGROUND_WEIGHT if background else WEIGHT_A_MINUTE
        wait_max_s = BACKGROUND_WAIT_MAX_S if background else WAIT_MAX_S
        while weight > 0:
            now_s = self._clock.elapsed()
            self._refuse_while_quiet(now_s)
            room_at_s = self._weight.room_at(weight, limit, now_s)
            if room_at_s <= now_s:
                self._weight.take(weight, now_s)
                return
            wait_s = room_at_s - now_s
            if wait_s > wait_max_s:
                raise VenueUnavailable("this address has asked Binance for enough this minute", retry_after_s=wait_s)
            await self._clock.sleep(max(wait_s, _LEAST_WAIT_S))

    def takes_at_once(self, weight: int) -> bool:
        """Whether there was room without any waiting; then it is taken."""
        now_s = self._clock.elapsed()
        quiet = self._quiet_until_s is not None and now_s < self._quiet_until_s
        if quiet or self._weight.room_at(weight, WEIGHT_A_MINUTE, now_s) > now_s:
            return False
        self._weight.take(weight, now_s)
        return True

    def take_order(self, api_key: str) -> None:
        """Raise VenueUnavailable (nothing is sent) where one more order would break the account's limit."""
        now_s = self._clock.elapsed()
        in_10_s, a_minute = self._sent(api_key)
        for window, limit in ((in_10_s, ORDERS_IN_10_S), (a_minute, ORDERS_A_MINUTE)):
            room_at_s = window.room_at(1, limit, now_s)
            if room_at_s > now_s:
                seconds = int(window.length_s)
                problem = f"the account has sent {limit} orders in {seconds} s, as many as Binance lets it"
                raise VenueUnavailable(problem, retry_after_s=room_at_s - now_s)
        in_10_s.take(1, now_s)
        a_minute.take(1, now_s)

    def note(self, headers: Mapping[str, str]) -> None:
        """What the venue counts for this address: others may be asking from here too."""
        told = next((value for name, value in headers.items() if name.lower() == _USED), "")
        if told.isdigit():
            self.note_weight(int(told))

    def note_weight(self, counted: int) -> None:
        self._weight.raise_to(counted, self._clock.elapsed())

    def note_orders(self, api_key: str, *, in_10_s: int = 0, a_minute: int = 0) -> None:
        """What the venue counts for this account: a person may trade on it too."""
        now_s = self._clock.elapsed()
        for window, counted in zip(self._sent(api_key), (in_10_s, a_minute), strict=True):
            window.raise_to(counted, now_s)

    def quiet(self, retry_after_s: float) -> None:
        """The venue throttles this address: until then nothing more is asked, going on would end in a ban."""
        until = self._clock.elapsed() + retry_after_s
        self._quiet_until_s = max(until, self._quiet_until_s or until)

    def _sent(self, api_key: str) -> tuple[Window, Window]:
        """An account's orders of the last 10 seconds, and of the last minute."""
        sent = self._orders.get(api_key)
        if sent is None:
            sent = self._orders[api_key] = (Window(_TEN_S), Window(_MINUTE_S))
        return sent

    def _refuse_while_quiet(self, now_s: float) -> None:
        if self._quiet_until_s is not None and now_s < self._quiet_until_s:
            wait_s = self._quiet_until_s - now_s
            raise VenueUnavailable("Binance throttles this address: it is not asked now", retry_after_s=wait_s)
