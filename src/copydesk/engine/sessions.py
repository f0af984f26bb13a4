"""Accounts logged in at their venues, and what each venue's clock says."""

import contextlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from copydesk.domain.errors import VenueError
from copydesk.domain.ids import AccountId
from copydesk.domain.planning import Quote
from copydesk.domain.subscription import Account, Environment, PositionMode
from copydesk.domain.venue import VenueName
from copydesk.engine.making import Freezer
from copydesk.ports.clock import Clock
from copydesk.ports.store import Store, Transaction
from copydesk.ports.venue import Session, Venue

log = structlog.get_logger()

CLOCK_UNCERTAINTY_MAX_S = 0.5
"""A request stamped by a worse clock could be refused, or count as fresh too long: nothing is sent there."""


CLOCK_AGE_MAX_S = 300.0
"""How long a good reading outlives worse ones and failed ones: one slow round trip says nothing about the clock."""


@dataclass(frozen=True, slots=True)
class _VenueClock:
    """What a venue's clock showed, and when by a measure that no step of our own clock moves."""

    shown: datetime
    uncertainty_s: float
    read_at_s: float


class Sessions:
    """One session an account; a changed account (new key) gets a new one."""

    def __init__(self, store: Store, venues: Mapping[VenueName, Venue], clock: Clock) -> None:
        self._store = store
        self._venues = venues
        self._clock = clock
        self._open: dict[AccountId, tuple[datetime, Session]] = {}
        self._clocks: dict[tuple[VenueName, Environment], _VenueClock] = {}
        self._doubted: set[tuple[VenueName, Environment]] = set()

    def venue(self, account: Account) -> Venue:
        return self._venues[account.venue]

    def contract_venues(self) -> Sequence[VenueName]:
        """Those in use where contracts are bought."""
        return [name for name, venue in self._venues.items() if venue.traits.is_contracts]

    def known(self, account: Account) -> Session | None:
        """The account's session where it is open already."""
        known = self._open.get(account.id)
        return known[1] if known is not None and known[0] == account.updated_at else None

    async def of(self, account: Account) -> Session:
        """The account's session; its secrets are unsealed here and nowhere else."""
        known = self.known(account)
        if known is not None:
            return known
        credentials = await self._store.read(lambda tables: tables.followers.credentials(account.id))
        return self._log_in(account, credentials)

    async def open(self, accounts: Iterable[AccountId]) -> None:
        """All that are not open yet, with few questions; one that cannot be is told so when something is to be sent for it."""
        unknown = [one for one in accounts if one not in self._open]
        logins = await self._store.read(lambda tables: tables.followers.logins(unknown)) if unknown else ()
        for account, credentials in logins:
            with contextlib.suppress(VenueError):
                self._log_in(account, credentials)

    def _log_in(self, account: Account, credentials: Mapping[str, str]) -> Session:
        session = self.venue(account).open_session(account, credentials)
        self._open[account.id] = (account.updated_at, session)
        return session

    async def quote(self, account: Account, symbol: str) -> Quote | None:
        return await self.venue(account).quote(account.environment, symbol)

    async def sync_clock(self, account: Account) -> None:
        """Make sure that the venue's clock has been read once."""
        place = (account.venue, account.environment)
        if self.venue_time(account) is None or place in self._doubted:
            self._doubted.discard(place)
            await self._read_clock(account.venue, account.environment)

    def doubt_clock(self, account: Account) -> None:
        """What we know of the venue's clock has led to a refusal: it is read again at the next occasion."""
        self._doubted.add((account.venue, account.environment))

    async def sync_clocks(self) -> None:
        """Read every clock in use again."""
        for venue, environment in list(self._clocks):
            try:
                await self._read_clock(venue, environment)
            except VenueError as error:
                log.warning("clock not read", venue=venue, environment=environment, problem=str(error))
            except Exception:  # the boundary of one venue: the others' clocks are read all the same
                log.exception("reading a clock broke", venue=venue)

    def venue_time(self, account: Account) -> datetime | None:
        """Now by the venue's clock; None where it is not known well enough to send anything."""
        return self._venue_time(account.venue, account.environment)

    def is_clock_known(self, venue: VenueName, environment: Environment) -> bool | None:
        """Well enough to send anything; None where it was never read, because nothing had to be sent there yet."""
        if (venue, environment) not in self._clocks:
            return None
        return self._venue_time(venue, environment) is not None

    def freezer(self, tables: Transaction, account: Account, symbol: str) -> Freezer:
        """What freezes an order that must leave whatever the clock is like: a close, or a stop."""
        made = tables.followers.preparation(account.id, symbol)
        return Freezer(
            venue=self.venue(account),
            mode=made.position_mode if made is not None else PositionMode.ONE_WAY,
            at=self.venue_time(account) or self._clock.now(),
        )

    def _venue_time(self, venue: VenueName, environment: Environment) -> datetime | None:
        known = self._clocks.get((venue, environment))
        if known is None or known.uncertainty_s > CLOCK_UNCERTAINTY_MAX_S:
            return None
        age_s = self._clock.elapsed() - known.read_at_s
        return known.shown + timedelta(seconds=age_s) if age_s <= CLOCK_AGE_MAX_S else None

    async def _read_clock(self, venue: VenueName, environment: Environment) -> None:
        reading, known = await self._venues[venue].read_clock(environment), self._clocks.get((venue, environment))
        now_s = self._clock.elapsed()
        worse = known is not None and reading.uncertainty_s > max(CLOCK_UNCERTAINTY_MAX_S, known.uncertainty_s)
        if known is None or not worse or now_s - known.read_at_s > CLOCK_AGE_MAX_S:
            shown = self._clock.now() + timedelta(seconds=reading.offset_s)
            self._clocks[venue, environment] = _VenueClock(shown, reading.uncertainty_s, now_s)
