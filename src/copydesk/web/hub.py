"""What every route may use, handed in by wiring."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Annotated, Any, cast

from fastapi import Depends, Request
from prometheus_client import CollectorRegistry

from copydesk.domain.bot import Bot, MarketType
from copydesk.domain.errors import NotFound, VenueError
from copydesk.domain.subscription import Account, Environment
from copydesk.domain.user import User
from copydesk.domain.venue import PAPER, VenueName
from copydesk.engine.desk import Desk
from copydesk.ports.clock import Clock
from copydesk.ports.live import StrategyBots
from copydesk.ports.notifier import Notifier
from copydesk.ports.strategy import Strategy
from copydesk.ports.vault import Vault
from copydesk.ports.venue import Venue
from copydesk.stores.store import SqlStore
from copydesk.venues.metatrader5 import Switchboard
from copydesk.web.backtesting import Backtests
from copydesk.web.keeping import Backups
from copydesk.web.lights import Lights
from copydesk.web.limits import Limits
from copydesk.web.metrics import Metrics
from copydesk.web.paths import Paths
from copydesk.web.recent import RecentLines
from copydesk.web.senders import Senders
from copydesk.web.tokens import Passwords, Tokens

SYMBOLS_TIMEOUT_S = 1.0
"""An alert is accepted rather than lost while a venue's list of symbols cannot be read."""

TRADED_FOR = timedelta(seconds=60)
"""A symbol that is traded is not asked for again: a burst of alerts would have every venue list all of its symbols each time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hub:
    """One a process."""

    store: SqlStore
    desk: Desk
    clock: Clock
    vault: Vault
    notifier: Notifier
    venues: Mapping[VenueName, Venue]
    tokens: Tokens
    passwords: Passwords
    limits: Limits
    paths: Paths
    agents: Switchboard
    webhook_base: str
    environments: Sequence[Environment]
    allow_live: bool
    strategies: StrategyBots
    make_strategy: Callable[[str, Mapping[str, Any]], Strategy]
    strategy_names: Callable[[], Sequence[str]]
    market_name: Callable[[Bot, Account], str]
    backtests: Backtests
    backups: Backups
    lines: RecentLines = field(default_factory=RecentLines)
    setup_token: str | None = None
    senders: Senders = field(default_factory=Senders)
    lights: Lights = field(default_factory=Lights)
    metrics: Metrics = field(default_factory=lambda: Metrics(CollectorRegistry()))
    metrics_token: str | None = None
    origins: frozenset[str] = frozenset()
    """Of web pages that may use this desk from a browser, as `https://desk.example`."""
    traded: dict[tuple[MarketType, str], datetime] = field(default_factory=dict)
    """When a symbol was last seen at a venue of the market type."""

    async def knows_symbol(self, market_type: MarketType, symbol: str, now: datetime) -> bool | None:
        """Whether any venue of the market type trades a symbol; None where no venue could say."""
        seen_at = self.traded.get((market_type, symbol))
        if seen_at is not None and seen_at <= now < seen_at + TRADED_FOR:
            return True
        known = await self._ask_for(market_type, symbol)
        if known:
            self.traded[market_type, symbol] = now
        return known

    async def _ask_for(self, market_type: MarketType, symbol: str) -> bool | None:
        known = None
        for name, venue in list(self.venues.items()):
            if name == PAPER or market_type not in venue.traits.markets:
                continue
            for environment in self.environments:
                try:
                    async with asyncio.timeout(SYMBOLS_TIMEOUT_S):
                        traded = await venue.symbols(environment)
                except (VenueError, TimeoutError):
                    continue
                if symbol in traded:
                    return True
                known = False
        return known

    def venue(self, account: Account) -> Venue:
        return self.venues[account.venue]


def of_request(request: Request) -> Hub:
    return cast("Hub", request.app.state.hub)


def signed_in(request: Request) -> User:
    """The user that the policy let in."""
    user: User | None = getattr(request.state, "user", None)
    if user is None:
        raise NotFound("nobody is signed in")
    return user


# FastAPI sends a plain function to a thread, on every request: these wait for nothing.
async def _hub(request: Request) -> Hub:
    return of_request(request)


async def _me(request: Request) -> User:
    return signed_in(request)


TheHub = Annotated[Hub, Depends(_hub)]
Me = Annotated[User, Depends(_me)]
