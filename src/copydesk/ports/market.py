"""A market as strategies see it: candles of a symbol."""

from collections.abc import Sequence
from typing import Protocol

from copydesk.domain.candle import Candle

TIMEFRAMES = {"1m": 60, "5m": 300, "15m": 900, "30m": 1_800, "1h": 3_600, "4h": 14_400, "1d": 86_400}
"""By name, in seconds: those that every market here has."""


class Market(Protocol):
    """One venue in one environment."""

    @property
    def name(self) -> str:
        """What its candles are stored under."""
        ...

    async def candles(self, symbol: str, timeframe_s: int, *, since_ms: int | None, most: int) -> Sequence[Candle]:
        """Oldest first, without holes of its own making; the last one is still open. From `since_ms` on (the newest ones, where it
        is None), `most` of them at most (up to 1,000).

        Raise InvalidInput for a symbol or a length it has not, VenueUnavailable where it could not be asked.
        """
        ...
