"""An exchange of ccxt in all its environments."""

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from datetime import datetime

from copydesk.domain.bot import MarketType
from copydesk.domain.errors import VenueUnavailable
from copydesk.domain.ids import AccountId
from copydesk.domain.order import FrozenRequest, NewOrder
from copydesk.domain.planning import Quote
from copydesk.domain.subscription import Account, Environment, PositionMode
from copydesk.ports.clock import Clock
from copydesk.ports.venue import ClockReading, OrderNews, Session, StreamOpened, Traits
from copydesk.venues.ccxt import codec
from copydesk.venues.ccxt.capabilities import KNOWN, UNTRUSTED, Capabilities
from copydesk.venues.ccxt.carrier import Carrier, needed_credentials, telling
from copydesk.venues.ccxt.market import MarketTable
from copydesk.venues.ccxt.session import CcxtSession

_DERIVATIVES = frozenset({"swap", "future", "linear", "delivery"})


@dataclass(frozen=True, slots=True)
class _Place:
    carrier: Carrier
    table: MarketTable


class CcxtVenue:
    """The Venue of ports/venue.py. It trades the one market that the table, or else ccxt, names for the exchange."""

    def __init__(
        self,
        exchange_id: str,
        clock: Clock,
        *,
        simulator_url: str | None,
        timeout_s: float,
        allow_live: bool,
        known: Capabilities | None = None,
    ) -> None:
        """Raise InvalidInput, naming the venue, for an exchange that cannot be used."""
        self._exchange_id = exchange_id
        self._clock = clock
        self._simulator_url = simulator_url
        self._timeout_s = timeout_s
        self._allow_live = allow_live
        self._known = known if known is not None else KNOWN.get(exchange_id, UNTRUSTED)
        market = self._known.market or _default_market(exchange_id)
        self.traits = Traits(
            markets=frozenset({market}),
            credentials=needed_credentials(exchange_id),
            is_spot=market is MarketType.SPOT,
            places_stops=self._known.stops,
            tells_permissions=self._known.tells_permissions,
            finds_orders=self._known.finds_by_client_id,
            lists_orders=self._known.finds_by_client_id,
        )
        self._places: dict[Environment, _Place] = {}

    def freeze(self, order: NewOrder, *, mode: PositionMode, at: datetime) -> FrozenRequest:
        return codec.freeze(order, self._known, spot=self.traits.is_spot, mode=mode, at=at)

    def open_session(self, account: Account, credentials: Mapping[str, str]) -> CcxtSession:
        """Raise VenueUnavailable for real money while the desk does not allow it."""
        if account.environment is Environment.LIVE and not self._allow_live:
            raise VenueUnavailable("live trading is off on this desk (COPYDESK_ALLOW_LIVE)")
        place = self._place(account.environment)
        return CcxtSession(place.carrier, place.table, place.carrier.instance(credentials), self._clock)

    async def quote(self, environment: Environment, symbol: str) -> Quote | None:
        table = self._place(environment).table
        instrument = (await table.instruments()).get(symbol)
        if instrument is None:
            return None
        price = await table.price(symbol)
        return Quote(
            instrument=instrument, last_price=price, markets=self.traits.markets, has_stops=self.traits.places_stops
        )

    async def symbols(self, environment: Environment) -> frozenset[str]:
        return frozenset(await self._place(environment).table.instruments())

    async def read_clock(self, environment: Environment) -> ClockReading:
        """An exchange that shows no clock refuses nothing for its age either: ours stands for it."""
        asked_s = self._clock.elapsed()
        table = self._place(environment).table
        shown = await table.time()
        half_s, now = (self._clock.elapsed() - asked_s) / 2, self._clock.now()
        await table.refresh()
        if shown is None:
            return ClockReading(offset_s=0.0, uncertainty_s=0.0)
        return ClockReading(offset_s=(shown - now).total_seconds() + half_s, uncertainty_s=half_s)

    def listen(self, sessions: Mapping[AccountId, Session]) -> AsyncGenerator[StreamOpened | OrderNews, None]:
        """The streams that ccxt.pro has are not used: what stands at these exchanges is asked about."""
        del sessions
        raise VenueUnavailable("no stream of this exchange is listened to")

    async def close(self) -> None:
        for place in self._places.values():
            await place.carrier.close()

    def _place(self, environment: Environment) -> _Place:
        if environment not in self._places:
            carrier = Carrier(self._exchange_id, environment, self._known, self._simulator_url, self._timeout_s)
            self._places[environment] = _Place(carrier, MarketTable(carrier, self._clock, is_spot=self.traits.is_spot))
        return self._places[environment]


def _default_market(exchange_id: str) -> MarketType:
    """What ccxt itself trades there when it is told nothing."""
    exchange = telling(exchange_id)()
    no_spot = exchange.has.get("spot") is False
    return MarketType.FUTURES if no_spot or exchange.options.get("defaultType") in _DERIVATIVES else MarketType.SPOT
