"""Every venue the desk can reach: our own, and any exchange of ccxt as soon as somebody names it."""

from collections.abc import Iterator, Mapping

from copydesk.domain.errors import FieldError, InvalidInput
from copydesk.domain.venue import BINANCE_FUTURES, DERIV, MT5, PAPER, VenueName, ccxt_id
from copydesk.ports.clock import Clock
from copydesk.ports.venue import Venue
from copydesk.settings import Settings
from copydesk.stores.commands import StoredCommandBook
from copydesk.stores.database import Database
from copydesk.stores.paper import StoredPaperLedger
from copydesk.venues.binance import BinanceFutures
from copydesk.venues.ccxt import CcxtVenue
from copydesk.venues.deriv import Apps, Deriv
from copydesk.venues.metatrader5 import MetaTrader5, Switchboard
from copydesk.venues.paper import Paper


class Venues(Mapping[VenueName, Venue]):
    """Iterates over those that are open; asking for one opens it. Raise InvalidInput for a name that is none."""

    def __init__(self, settings: Settings, database: Database, clock: Clock) -> None:
        simulator = settings.simulator.binance_url
        self._clock = clock
        self._simulator_url = None if simulator is None else str(simulator)
        self._timeout_s = settings.venue_timeout_s
        self._allow_live = settings.allow_live
        binance = BinanceFutures(
            self._clock,
            simulator_url=self._simulator_url,
            timeout_s=settings.venue_timeout_s,
            allow_live=settings.allow_live,
            accounts_per_connection=settings.binance.accounts_per_connection,
        )
        paper = Paper(self._clock, StoredPaperLedger(database), binance.quote, binance.symbols)
        self.switchboard = Switchboard(StoredCommandBook(database), self._clock)
        terminals = MetaTrader5(self._clock, self.switchboard)
        self.deriv = deriv_of(settings, clock)
        self._open: dict[VenueName, Venue] = {
            BINANCE_FUTURES: binance,
            PAPER: paper,
            MT5: terminals,
            DERIV: self.deriv,
        }

    def __getitem__(self, name: VenueName) -> Venue:
        if name not in self._open:
            exchange_id = ccxt_id(name)
            if exchange_id is None:
                problem = f"{name!r} is no venue: binance-futures, deriv, mt5, paper or ccxt:<id>"
                raise InvalidInput(f"venue: {problem}", (FieldError("venue", problem),))
            self._open[name] = CcxtVenue(
                exchange_id,
                self._clock,
                simulator_url=self._simulator_url,
                timeout_s=self._timeout_s,
                allow_live=self._allow_live,
            )
        return self._open[name]

    def __iter__(self) -> Iterator[VenueName]:
        return iter(self._open)

    async def close(self) -> None:
        for venue in self._open.values():
            await venue.close()

    def __len__(self) -> int:
        return len(self._open)


def deriv_of(settings: Settings, clock: Clock) -> Deriv:
    return Deriv(
        clock,
        simulator_url=None if settings.simulator.deriv_url is None else str(settings.simulator.deriv_url),
        timeout_s=settings.venue_timeout_s,
        allow_live=settings.allow_live,
        apps=Apps(legacy=settings.deriv.app_id, options=settings.deriv.options_app_id),
    )
