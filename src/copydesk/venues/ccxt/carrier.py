"""ccxt as the carrier: one instance for the market of an environment, one more for each account.

Accounts do not share an instance: some exchanges keep a session or account id in it. Retries and the limiter are off.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeVar
from urllib.parse import urlsplit

import aiohttp
import ccxt
import ccxt.async_support

from copydesk.domain.errors import FieldError, InvalidInput, VenueUnavailable
from copydesk.domain.subscription import Environment
from copydesk.venues.ccxt.capabilities import OF_OUR_OWN, Capabilities
from copydesk.venues.ccxt.failures import Heard, read_failure
from copydesk.venues.once import open_http

T = TypeVar("T")

CONNECTIONS_MAX = 64
"""Sockets to one exchange from one process; more requests at once wait for a free one."""

CREDENTIALS: Mapping[str, str] = {"apiKey": "api_key", "secret": "api_secret", "password": "api_passphrase"}
"""ccxt's names for what we can hold; an exchange that signs with a wallet's private key could also be robbed by it."""

_HEARD: ContextVar[Heard] = ContextVar("heard")


@cache
def telling(exchange_id: str) -> type[Any]:
    """Ccxt's class of an exchange, except that an error tells what was sent and what the exchange answered.

    Raise InvalidInput, naming the venue, for one that ccxt does not know.
    """
    plain: type[Any] | None = getattr(ccxt.async_support, exchange_id, None) if exchange_id in ccxt.exchanges else None
    if plain is None:
        raise _refused(f"{exchange_id!r} is no exchange that ccxt knows")
    base: type[Any] = plain

    class Telling(base):  # type: ignore[misc]  # ccxt ships no types we can trust here
        async def fetch(self, *request: Any, **more: Any) -> Any:
            _HEARD.get(Heard()).requests += 1
            return await super().fetch(*request, **more)

        def __del__(self) -> None:
            """The connections are the carrier's to close; ccxt would warn that this instance was not."""

        def handle_errors(self, *answer: Any) -> Any:
            _HEARD.get(Heard()).note(answer[0], answer[4], answer[5], answer[6])
            return super().handle_errors(*answer)

    return Telling


def needed_credentials(exchange_id: str) -> tuple[str, ...]:
    """Our names of what an account needs; raise InvalidInput where it is more than we can hold, or where we have a venue of our
    own for its orders.
    """
    if exchange_id in OF_OUR_OWN:
        raise _refused(f"use {OF_OUR_OWN[exchange_id]}")
    wanted = [name for name, needed in telling(exchange_id)().requiredCredentials.items() if needed]
    strange = sorted(set(wanted) - set(CREDENTIALS))
    if strange:
        raise _refused(f"{exchange_id} signs with {', '.join(strange)}: only keys that cannot withdraw are taken")
    return tuple(CREDENTIALS[name] for name in wanted)


def _refused(problem: str) -> InvalidInput:
    return InvalidInput(f"venue: {problem}", (FieldError("venue", problem),))


@dataclass(slots=True)
class Carrier:
    """Makes instances of one exchange in one environment over one pool of connections, and reads what goes wrong."""

    exchange_id: str
    environment: Environment
    known: Capabilities
    simulator_url: str | None
    timeout_s: float
    _http: aiohttp.ClientSession | None = None

    def instance(self, credentials: Mapping[str, str]) -> Any:
        """Raise VenueUnavailable where the exchange has no such environment."""
        if self._http is None:
            self._http = open_http(CONNECTIONS_MAX)
        exchange = telling(self.exchange_id)(
            {
                "session": self._http,
                "own_session": False,
                "enableRateLimit": False,
                "timeout": int(self.timeout_s * 1000),
                **{theirs: credentials[ours] for theirs, ours in CREDENTIALS.items() if ours in credentials},
                "options": {"maxRetriesOnFailure": 0, "fetchCurrencies": False, **self.known.options},
            },
        )
        exchange.has["fetchCurrencies"] = False
        self._point(exchange)
        return exchange

    async def ask(self, call: Callable[[], Awaitable[T]], *, sends: bool = False) -> T:
        """One call of ccxt. Raise VenueErrors only: for a sent order, what is not definitely refused is unknown."""
        heard = Heard()
        _HEARD.set(heard)
        try:
            async with asyncio.timeout(self.timeout_s):
                return await call()
        except (
            ccxt.BaseError,
            aiohttp.ClientError,
            OSError,
            ValueError,
            ArithmeticError,
            AttributeError,
            LookupError,
            TypeError,
        ) as error:
            raise read_failure(error, heard, self.known, sends=sends) from error

    async def close(self) -> None:
        if self._http is not None:
            await self._http.close()

    def _point(self, exchange: Any) -> None:
        if self.environment is Environment.LIVE:
            return
        if self.environment is Environment.SIMULATOR:
            self._point_at_simulator(exchange)
        elif "demo" in exchange.urls and hasattr(exchange, "enable_demo_trading"):
            exchange.enable_demo_trading(True)
        elif exchange.urls.get("test"):
            exchange.set_sandbox_mode(True)
        else:
            raise VenueUnavailable(f"{self.exchange_id} has no demo: use paper, or live")

    def _point_at_simulator(self, exchange: Any) -> None:
        if not self.known.simulated or self.simulator_url is None:
            raise VenueUnavailable(f"no simulator of {self.exchange_id} is configured")
        base = self.simulator_url.rstrip("/")
        exchange.urls["api"] = {
            name: base + urlsplit(url).path if isinstance(url, str) else url
            for name, url in exchange.urls["api"].items()
        }
