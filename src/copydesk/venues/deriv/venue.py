"""Deriv in all its environments: the ways in and the market that its accounts share."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime
from weakref import WeakSet

from copydesk.domain.bot import MarketType
from copydesk.domain.errors import VenueUnavailable
from copydesk.domain.ids import AccountId
from copydesk.domain.order import FrozenRequest, NewOrder
from copydesk.domain.planning import Quote
from copydesk.domain.subscription import Account, Environment, PositionMode
from copydesk.ports.clock import Clock
from copydesk.ports.venue import ClockReading, News, Session, Traits
from copydesk.venues.deriv import codec
from copydesk.venues.deriv.doors import Apps, Doors
from copydesk.venues.deriv.market import DerivMarket
from copydesk.venues.deriv.session import DerivSession
from copydesk.venues.deriv.stream import listen


@dataclass(frozen=True, slots=True)
class _Place:
    """What one environment shares."""

    doors: Doors
    market: DerivMarket


class Deriv:
    """The Venue of ports/venue.py."""

    traits = Traits(
        markets=frozenset({MarketType.OPTIONS}),
        credentials=("token",),
        may_have=("login",),
        places_stops=False,
        tells_permissions=False,
        lists_orders=False,
        tells_news=True,
        at_once=100,
        is_contracts=True,
    )

    def __init__(
        self, clock: Clock, *, simulator_url: str | None, timeout_s: float, allow_live: bool, apps: Apps | None = None
    ) -> None:
        self._clock = clock
        self._simulator_url = simulator_url
        self._timeout_s = timeout_s
        self._allow_live = allow_live
        self._apps = apps or Apps()
        self._places: dict[Environment, _Place] = {}
        self._sessions: WeakSet[DerivSession] = WeakSet()

    def freeze(self, order: NewOrder, *, mode: PositionMode, at: datetime) -> FrozenRequest:
        del mode  # contracts stand side by side
        return codec.freeze(order, at)

    def open_session(self, account: Account, credentials: Mapping[str, str]) -> DerivSession:
        """Raise VenueUnavailable for real money while the desk does not allow it."""
        if account.environment is Environment.LIVE and not self._allow_live:
            raise VenueUnavailable("live trading is off on this desk (COPYDESK_ALLOW_LIVE)")
        place = self._place(account.environment)
        session = DerivSession(self._clock, place.doors, place.market, account, credentials)
        self._sessions.add(session)
        return session

    async def quote(self, environment: Environment, symbol: str) -> Quote | None:
        market = self.market(environment)
        found = (await market.symbols()).get(symbol)
        if found is None:
            return None
        return Quote(
            instrument=found[1],
            last_price=await market.last_price(symbol),
            markets=self.traits.markets,
            has_stops=self.traits.places_stops,
        )

    async def symbols(self, environment: Environment) -> frozenset[str]:
        return frozenset(await self.market(environment).symbols())

    async def read_clock(self, environment: Environment) -> ClockReading:
        return await self.market(environment).read_clock()

    async def listen(self, sessions: Mapping[AccountId, Session]) -> AsyncGenerator[News, None]:
        ours = {account_id: one for account_id, one in sessions.items() if isinstance(one, DerivSession)}
        async with aclosing(listen(ours, self._clock)) as told:
            async for news in told:
                yield news

    def market(self, environment: Environment) -> DerivMarket:
        """For strategies too."""
        return self._place(environment).market

    async def close(self) -> None:
        for session in list(self._sessions):
            session.close()
        for place in self._places.values():
            place.market.close()
            await place.doors.close()

    def _place(self, environment: Environment) -> _Place:
        if environment not in self._places:
            doors = Doors(
                environment,
                self._clock,
                simulator_url=self._simulator_url,
                apps=self._apps,
                timeout_s=self._timeout_s,
            )
            self._places[environment] = _Place(doors, DerivMarket(environment, self._clock, doors))
        return self._places[environment]
