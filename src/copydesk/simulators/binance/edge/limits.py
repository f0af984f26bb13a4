"""Weight and connections per address, order counts per account, in fixed calendar windows (fact sheet §2.3, §1.8b)."""

from collections.abc import Callable
from dataclasses import dataclass, field

from copydesk.simulators.binance.exchange import errors

MINUTE_MS = 60_000
TEN_SECONDS_MS = 10_000
FIVE_MINUTES_MS = 5 * MINUTE_MS
DAY_MS = 24 * 60 * MINUTE_MS
_BREACHES_MAX = 300  # how many 429 answers in one minute the venue bears before it bans; not published
_BAN_MS = 120_000


@dataclass(slots=True)
class Window:
    length_ms: int
    number: int = -1
    count: int = 0

    def add(self, amount: int, now_ms: int) -> int:
        number = now_ms // self.length_ms
        if number != self.number:
            self.number, self.count = number, 0
        self.count += amount
        return self.count

    def rest_s(self, now_ms: int) -> int:
        """Whole seconds until the next window, at least one."""
        return -(-(self.length_ms - now_ms % self.length_ms) // 1_000)


@dataclass(slots=True)
class _Address:
    weight: Window = field(default_factory=lambda: Window(MINUTE_MS))
    breaches: Window = field(default_factory=lambda: Window(MINUTE_MS))
    banned_until_ms: int = 0
    connections: Window = field(default_factory=lambda: Window(FIVE_MINUTES_MS))


@dataclass(slots=True)
class _Orders:
    ten_seconds: Window = field(default_factory=lambda: Window(TEN_SECONDS_MS))
    minute: Window = field(default_factory=lambda: Window(MINUTE_MS))
    day: Window = field(default_factory=lambda: Window(DAY_MS))


@dataclass(slots=True)
class Limits:
    """``orders_per_day`` takes the place of ``orders_per_minute`` where there is one, as on spot."""

    weight_per_minute: int = 2_400
    orders_per_10s: int = 300
    orders_per_minute: int = 1_200
    orders_per_day: int | None = None
    connections_per_5_minutes: int = 300
    refused: Callable[..., errors.RefusedError] = errors.refused
    banned: Callable[[int, int], errors.RefusedError] = errors.banned
    _addresses: dict[str, _Address] = field(default_factory=dict)
    _orders: dict[str, _Orders] = field(default_factory=dict)

    def check_ban(self, address: str, now_ms: int) -> None:
        until = self._address(address).banned_until_ms
        if now_ms < until:
            raise self.banned(until, -(-(until - now_ms) // 1_000))

    def spend(self, address: str, weight: int, now_ms: int) -> None:
        """Raises RefusedError with 429; one who goes on regardless is banned for two minutes."""
        entry = self._address(address)
        if entry.weight.add(weight, now_ms) <= self.weight_per_minute:
            return
        if entry.breaches.add(1, now_ms) > _BREACHES_MAX:
            entry.banned_until_ms = now_ms + _BAN_MS
        raise self.refused(-1003, self.weight_per_minute, retry_after_s=entry.weight.rest_s(now_ms))

    def count_connection(self, address: str, now_ms: int) -> None:
        """Attempts count, whether they succeed or not."""
        window = self._address(address).connections
        if window.add(1, now_ms) > self.connections_per_5_minutes:
            raise self.refused(-1003, self.weight_per_minute, retry_after_s=window.rest_s(now_ms))

    def count_order(self, api_key: str, ten_seconds: int, longer: int, now_ms: int) -> None:
        entry = self._orders.setdefault(api_key, _Orders())
        if entry.ten_seconds.add(ten_seconds, now_ms) > self.orders_per_10s:
            rest = entry.ten_seconds.rest_s(now_ms)
            raise self.refused(-1015, self.orders_per_10s, "10 SECONDS", retry_after_s=rest)
        window, most, span = self._longer(entry)
        if window.add(longer, now_ms) > most:
            raise self.refused(-1015, most, span, retry_after_s=window.rest_s(now_ms))

    def used_weight(self, address: str, now_ms: int) -> int:
        return self._address(address).weight.add(0, now_ms)

    def used_orders(self, api_key: str, now_ms: int) -> tuple[int, int]:
        entry = self._orders.setdefault(api_key, _Orders())
        return entry.ten_seconds.add(0, now_ms), self._longer(entry)[0].add(0, now_ms)

    def _longer(self, entry: _Orders) -> tuple[Window, int, str]:
        if self.orders_per_day is not None:
            return entry.day, self.orders_per_day, "1 DAY"
        return entry.minute, self.orders_per_minute, "1 MINUTE"

    def _address(self, address: str) -> _Address:
        found = self._addresses.get(address)
        if found is None:
            found = self._addresses[address] = _Address()
        return found
