"""The market of one exchange in one environment: its table, its steps and its last prices, shared by all accounts."""

import asyncio
import contextlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from copydesk.domain.errors import OrderRejected, OutcomeUnknown, VenueError
from copydesk.domain.instrument import Instrument
from copydesk.ports.clock import Clock
from copydesk.venues.ccxt import codec
from copydesk.venues.ccxt.carrier import Carrier

PRICE_AGE = timedelta(seconds=1)
"""All followers of one signal are sized with one price; a second later it is asked anew."""

MARKETS_AGE = timedelta(hours=1)


class MarketTable:
    """Loaded by whoever needs it first; kept fresh beside the clock, so that no order waits for it."""

    def __init__(self, carrier: Carrier, clock: Clock, *, is_spot: bool) -> None:
        self.is_spot = is_spot
        self._carrier = carrier
        self._clock = clock
        self._exchange: Any = None
        self._markets: dict[str, Any] = {}
        self._instruments: dict[str, Instrument] = {}
        self._loaded_at: datetime | None = None
        self._loading = asyncio.Lock()
        self._prices: dict[str, tuple[Decimal, datetime]] = {}
        self._pricing: dict[str, asyncio.Lock] = {}

    async def instruments(self) -> Mapping[str, Instrument]:
        if self._loaded_at is None:
            async with self._loading:
                if self._loaded_at is None:
                    await self._load()
        return self._instruments

    async def refresh(self) -> None:
        """What is known stays known where the exchange does not answer."""
        if self._loaded_at is not None and self._clock.now() - self._loaded_at > MARKETS_AGE:
            with contextlib.suppress(VenueError):
                await self._load()

    def market(self, symbol: str) -> Any:
        """Ccxt's entry for a symbol of ours."""
        if symbol not in self._markets:
            raise OrderRejected(f"{symbol} is not traded here")
        return self._markets[symbol]

    async def share_with(self, exchange: Any) -> None:
        """Give an account's instance the table, without loading it again."""
        await self.instruments()
        if exchange is not self._exchange and exchange.markets is not self._exchange.markets:
            exchange.set_markets_from_exchange(self._exchange)

    async def price(self, symbol: str) -> Decimal:
        async with self._pricing.setdefault(symbol, asyncio.Lock()):
            known = self._prices.get(symbol)
            if known is None or self._clock.now() - known[1] > PRICE_AGE:
                name = self.market(symbol)["symbol"]
                ticker = await self._carrier.ask(lambda: self._exchange.fetch_ticker(name))
                last = codec.number(ticker.get("last"))
                if last is None or last <= 0:
                    raise OutcomeUnknown(f"the exchange tells no last price of {symbol}")
                known = (last, self._clock.now())
                self._prices[symbol] = known
        return known[0]

    async def candles(self, symbol: str, timeframe: str, since_ms: int | None, most: int) -> Any:
        """As ccxt tells them: opening time in milliseconds, open, high, low, close, volume; oldest first."""
        name = self.market(symbol)["symbol"]
        return await self._carrier.ask(lambda: self._exchange.fetch_ohlcv(name, timeframe, since_ms, most))

    def last_price(self, symbol: str) -> float | None:
        known = self._prices.get(symbol)
        return None if known is None else float(known[0])

    async def time(self) -> datetime | None:
        """The exchange's clock; None where it shows none."""
        exchange = self._instance()
        if not exchange.has.get("fetchTime"):
            return None
        answer = await self._carrier.ask(exchange.fetch_time)
        return datetime.fromtimestamp(answer / 1000, self._clock.now().tzinfo)

    def _instance(self) -> Any:
        if self._exchange is None:
            self._exchange = self._carrier.instance({})
        return self._exchange

    async def _load(self) -> None:
        exchange = self._instance()
        await self._carrier.ask(lambda: exchange.load_markets(True))
        chosen = {}
        for market in exchange.markets.values():
            instrument = codec.read_market(market, exchange.precisionMode) if self._fits(market) else None
            if instrument is not None:
                chosen[instrument.symbol] = (market, instrument)
        self._markets = {symbol: market for symbol, (market, _) in chosen.items()}
        self._instruments = {symbol: instrument for symbol, (_, instrument) in chosen.items()}
        self._loaded_at = self._clock.now()

    def _fits(self, market: Mapping[str, Any]) -> bool:
        """Spot; or perpetuals that are quoted and settled in one coin."""
        if market.get("active") is False:
            return False
        if self.is_spot:
            return bool(market.get("spot"))
        return bool(market.get("swap") and market.get("linear") and market.get("settle") == market.get("quote"))
