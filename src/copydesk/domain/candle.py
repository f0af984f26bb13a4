"""A candle: what a market did in one interval, and how much of what a venue shows of it may be used."""

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum

from msgspec import Struct


class Colour(StrEnum):
    """Which way a candle closed; a DOJI closed where it opened."""

    GREEN = "GREEN"
    RED = "RED"
    DOJI = "DOJI"


class Candle(Struct, frozen=True, kw_only=True):
    """`start_ms` is when it opened, milliseconds of UTC; it is over when the next one opens."""

    start_ms: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal = Decimal(0)

    @property
    def opened_at(self) -> datetime:
        return datetime.fromtimestamp(self.start_ms / 1_000, UTC)

    @property
    def colour(self) -> Colour:
        if self.close == self.open:
            return Colour.DOJI
        return Colour.GREEN if self.close > self.open else Colour.RED


def without_the_open_one(history: Sequence[Candle]) -> Sequence[Candle]:
    """A venue's history ends with the candle that is still open: only a later one proves that it is over."""
    return history[:-1]
