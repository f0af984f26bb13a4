"""What anybody may ask Deriv: its symbols, its prices, its candles and its time, over one connection an environment."""

import asyncio
import math
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from copydesk.domain.candle import Candle
from copydesk.domain.errors import (
    CredentialsRefused,
    FieldError,
    InvalidInput,
    OrderRejected,
    OutcomeUnknown,
    VenueUnavailable,
)
from copydesk.domain.instrument import Instrument
from copydesk.domain.subscription import Environment
from copydesk.ports.clock import Clock
from copydesk.ports.venue import ClockReading
from copydesk.venues.deriv import codec, market_codec
from copydesk.venues.deriv.connection import Answer
from copydesk.venues.deriv.doors import Doors, Way

SYMBOLS_AGE = timedelta(hours=1)

PRICE_AGE_S = 1.0
"""All followers of one signal see one price."""

GRANULARITIES = frozenset({60, 120, 180, 300, 600, 900, 1_800, 3_600, 7_200, 14_400, 28_800, 86_400})
"""Seconds of a candle that the venue makes (facts §5.2)."""

CANDLES_MAX = 1_000

CLOCK_LOOKS, CLOCK_EVERY_S = 5, 0.21
"""The venue tells whole seconds: a few looks within one of them say where it begins."""

CLOCK_GOOD_S = 0.6
"""How wide the answer may be that asks for no further look; half of it is the uncertainty."""


class _Price(NamedTuple):
    value: Decimal
    at_s: float


class DerivMarket:
    """The Market of ports/market.py, and what else is the same for every account."""

    def __init__(self, environment: Environment, clock: Clock, doors: Doors) -> None:
        self._environment = environment
        self._clock = clock
        self._doors = doors
        self._way: Way | None = None
        self._opening = asyncio.Lock()
        self._loading = asyncio.Lock()
        self._symbols: Mapping[str, tuple[str, Instrument]] = {}
        self._loaded_at: datetime | None = None
        self._prices: dict[str, _Price] = {}
        self._pricing: dict[str, asyncio.Lock] = {}

    @property
    def name(self) -> str:
        """Demo and real money see one market."""
        return "deriv-simulator" if self._environment is Environment.SIMULATOR else "deriv"

    async def candles(self, symbol: str, timeframe_s: int, *, since_ms: int | None, most: int) -> Sequence[Candle]:
        if timeframe_s not in GRANULARITIES:
            problem = f"Deriv has no candles of {timeframe_s} s"
            raise InvalidInput(f"timeframe: {problem}", (FieldError("timeframe", problem),))
        if symbol not in await self.symbols():
            problem = f"{symbol} is not traded at Deriv"
            raise InvalidInput(f"symbol: {problem}", (FieldError("symbol", problem),))
        most = min(most, CANDLES_MAX)
        since_s = until_s = None
        if since_ms is not None:
            since_s = -(-since_ms // 1_000)
            # Asked for more than it may tell, the venue leaves out the oldest ones.
            page_ends_s = since_s + most * timeframe_s - 1
            until_s = page_ends_s if page_ends_s < self._clock.now().timestamp() else None
        wish = market_codec.history(
            await self.name_of(symbol), timeframe_s, since_s=since_s, until_s=until_s, most=most
        )
        try:
            return market_codec.read_candles(await self._ask(wish))
        except (OutcomeUnknown, OrderRejected, CredentialsRefused) as error:
            raise VenueUnavailable(f"no candles of {symbol}: {error.text}", code=error.code) from error

    async def last_price(self, symbol: str) -> Decimal:
        """At most a second old. Raise VenueError."""
        async with self._pricing.setdefault(symbol, asyncio.Lock()):
            known = self._prices.get(symbol)
            if known is None or self._clock.elapsed() - known.at_s > PRICE_AGE_S:
                answer = await self._ask(market_codec.last_tick(await self.name_of(symbol)))
                known = self._prices[symbol] = _Price(market_codec.read_last_tick(answer), self._clock.elapsed())
        return known.value

    async def symbols(self) -> Mapping[str, tuple[str, Instrument]]:
        """The venue's name and the steps of each, by our name of it."""
        async with self._loading:
            age = None if self._loaded_at is None else self._clock.now() - self._loaded_at
            if age is None or age > SYMBOLS_AGE:
                await self._load(is_needed=age is None)
        return self._symbols

    async def name_of(self, symbol: str) -> str:
        """Raise OrderRejected for one that the venue does not trade: nothing was asked of it."""
        found = (await self.symbols()).get(symbol)
        if found is None:
            raise OrderRejected(f"{symbol} is not traded at Deriv", code="InvalidSymbol")
        return found[0]

    async def read_clock(self) -> ClockReading:
        """Where the looks' answers can all be true."""
        least, most = -math.inf, math.inf
        for look in range(CLOCK_LOOKS):
            if look:
                await self._clock.sleep(CLOCK_EVERY_S)
            asked_at = self._clock.now()
            answer = await self._ask({"time": 1})
            answered_at = self._clock.now()
            try:
                shown = codec.moment(answer["time"])
            except (KeyError, ValueError) as error:
                raise OutcomeUnknown("Deriv's time cannot be read") from error
            least = max(least, (shown - answered_at).total_seconds())
            most = min(most, (shown - asked_at).total_seconds() + 1)
            if most - least <= CLOCK_GOOD_S:
                break
        return ClockReading(offset_s=(least + most) / 2, uncertainty_s=abs(most - least) / 2)

    def close(self) -> None:
        if self._way is not None:
            self._way.connection.close()

    async def _load(self, *, is_needed: bool) -> None:
        """What is known stays known where the venue does not answer."""
        try:
            answer = await self._ask({"active_symbols": "brief"})
            self._symbols = market_codec.read_symbols(answer, self._way.dialect) if self._way is not None else {}
        except (VenueUnavailable, OutcomeUnknown):
            if is_needed:
                raise
            return
        self._loaded_at = self._clock.now()

    async def _ask(self, request: codec.Request) -> Answer:
        if self._way is None or not self._way.connection.is_open:
            async with self._opening:
                if self._way is None or not self._way.connection.is_open:
                    self._way = await self._doors.public(_nobody_listens, _nothing_to_do)
        return await self._way.connection.ask(request)


def _nobody_listens(_message: Answer) -> None:
    """No streams are asked for here."""


def _nothing_to_do() -> None:
    """The next question opens the connection again."""
