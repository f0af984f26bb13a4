"""Binance USDⓈ-M futures in all its environments: transports, market tables and prices its sessions share."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from copydesk.domain.bot import MarketType
from copydesk.domain.errors import VenueError, VenueUnavailable
from copydesk.domain.ids import AccountId
from copydesk.domain.instrument import Instrument
from copydesk.domain.order import FrozenRequest, NewOrder
from copydesk.domain.planning import Quote
from copydesk.domain.subscription import Account, Environment, PositionMode
from copydesk.ports.clock import Clock
from copydesk.ports.venue import ClockReading, OrderNews, Session, StreamOpened, Traits
from copydesk.venues.binance import codec
from copydesk.venues.binance.order_sockets import ACCOUNTS_EACH
from copydesk.venues.binance.prices import Prices
from copydesk.venues.binance.session import BinanceSession
from copydesk.venues.binance.stream import listen
from copydesk.venues.binance.transport import Transport

MARKETS_AGE = timedelta(hours=1)


@dataclass(slots=True)
class _Place:
    """What one environment shares."""

    transport: Transport
    prices: Prices
    instruments: Mapping[str, Instrument] = field(default_factory=dict)
    loaded_at: datetime | None = None
    loading: asyncio.Lock = field(default_factory=asyncio.Lock)


class BinanceFutures:
    """The Venue of ports/venue.py."""

    traits = Traits(
        markets=frozenset({MarketType.FUTURES}), credentials=("api_key", "api_secret"), tells_news=True, at_once=120
    )

    def __init__(
        self,
        clock: Clock,
        *,
        simulator_url: str | None,
        timeout_s: float,
        allow_live: bool,
        accounts_per_connection: int = ACCOUNTS_EACH,
    ) -> None:
        self._clock = clock
        self._accounts_each = accounts_per_connection
        self._simulator_url = simulator_url
        self._timeout_s = timeout_s
        self._allow_live = allow_live
        self._places: dict[Environment, _Place] = {}

    def freeze(self, order: NewOrder, *, mode: PositionMode, at: datetime) -> FrozenRequest:
        return codec.freeze(order, mode=mode, at=at)

    def open_session(self, account: Account, credentials: Mapping[str, str]) -> BinanceSession:
        """Raise VenueUnavailable for real money while the desk does not allow it."""
        if account.environment is Environment.LIVE and not self._allow_live:
            raise VenueUnavailable("live trading is off on this desk (COPYDESK_ALLOW_LIVE)")
        return BinanceSession(self._place(account.environment).transport, account.environment, credentials)

    async def quote(self, environment: Environment, symbol: str) -> Quote | None:
        instrument = (await self._instruments(environment)).get(symbol)
        if instrument is None:
            return None
        price = await self._place(environment).prices.last(symbol)
        return Quote(instrument=instrument, last_price=price, markets=self.traits.markets)

    async def symbols(self, environment: Environment) -> frozenset[str]:
        return frozenset(await self._instruments(environment))

    async def read_clock(self, environment: Environment) -> ClockReading:
        place = self._place(environment)
        answer, way_s = await place.transport.server_time(self._clock)
        offset = codec.read_server_time(answer) - (self._clock.now() - timedelta(seconds=way_s / 2))
        await self._refresh_instruments(place)
        await place.transport.sockets.keep_open()
        place.prices.keep_open()
        return ClockReading(offset_s=offset.total_seconds(), uncertainty_s=way_s / 2)

    async def listen(self, sessions: Mapping[AccountId, Session]) -> AsyncGenerator[StreamOpened | OrderNews, None]:
        ours = {account_id: one for account_id, one in sessions.items() if isinstance(one, BinanceSession)}
        async with aclosing(listen(ours, self._clock)) as told:
            async for news in told:
                yield news

    async def close(self) -> None:
        for place in self._places.values():
            place.prices.close()
            await place.transport.close()

    def _place(self, environment: Environment) -> _Place:
        if environment not in self._places:
            transport = Transport(
                environment,
                self._clock,
                simulator_url=self._simulator_url,
                timeout_s=self._timeout_s,
                accounts_each=self._accounts_each,
            )
            prices = Prices(transport.stream_url("/market/stream"), self._clock, transport.price)
            self._places[environment] = _Place(transport, prices)
        return self._places[environment]

    async def _instruments(self, environment: Environment) -> Mapping[str, Instrument]:
        """Loaded by whoever needs them first; kept fresh beside the clock, so that no signal waits for it."""
        place = self._place(environment)
        if place.loaded_at is None:
            async with place.loading:
                if place.loaded_at is None:
                    await self._load_instruments(place)
        return place.instruments

    async def _load_instruments(self, place: _Place) -> None:
        read = (codec.read_instrument(info) for info in await place.transport.markets())
        place.instruments = {instrument.symbol: instrument for instrument in read if instrument is not None}
        place.loaded_at = self._clock.now()

    async def _refresh_instruments(self, place: _Place) -> None:
        """What is known stays known where the venue does not answer."""
        if place.loaded_at is not None and self._clock.now() - place.loaded_at > MARKETS_AGE:
            with contextlib.suppress(VenueError):
                await self._load_instruments(place)
