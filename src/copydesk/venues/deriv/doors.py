"""Where Deriv is in each environment, and how one gets in: by a token told in the connection, or by a one-time password."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import msgspec
from msgspec import Struct

from copydesk.domain.errors import CredentialsRefused, VenueUnavailable
from copydesk.domain.subscription import Environment
from copydesk.ports.clock import Clock
from copydesk.venues.deriv.connection import Answer, Connection
from copydesk.venues.deriv.dialects import LEGACY, OPTIONS, Dialect
from copydesk.venues.once import open_http

LEGACY_HOST = "wss://ws.derivws.com"
OPTIONS_HOST = "wss://api.derivws.com"
"""Demo and real money alike: the token, or the account's kind, tells them apart."""

CONNECTIONS_MAX = 10

_REFUSED = frozenset({400, 401, 403})

TEST_APP_ID = "1089"
"""The legacy API's public one, for tests."""


class Apps(Struct, frozen=True, kw_only=True):
    """The ids this desk is registered under: of the legacy API, and of the new one, where it has one."""

    legacy: str = TEST_APP_ID
    options: str | None = None


@dataclass(frozen=True, slots=True)
class Way:
    """A connection and the API it speaks; `is_virtual` where the address says what kind of account it is."""

    connection: Connection
    dialect: Dialect
    is_virtual: bool | None = None


Told = Callable[[Answer], object]
Ended = Callable[[], object]


class Doors:
    """One environment's."""

    def __init__(
        self, environment: Environment, clock: Clock, *, simulator_url: str | None, apps: Apps, timeout_s: float
    ) -> None:
        self._environment = environment
        self._clock = clock
        self._simulator_url = simulator_url
        self._timeout_s = timeout_s
        self._http: aiohttp.ClientSession | None = None
        self.apps = apps

    async def public(self, told: Told, ended: Ended) -> Way:
        """For what anybody may ask: over the new API where the desk is registered there."""
        dialect: Dialect = LEGACY if self.apps.options is None else OPTIONS
        return Way(await self._connect(self._host(dialect) + dialect.path(self.apps.legacy), told, ended), dialect)

    @staticmethod
    def dialect_of(credentials: Mapping[str, str]) -> Dialect:
        """An account with a login is one of the new API."""
        return OPTIONS if "login" in credentials else LEGACY

    async def private(self, credentials: Mapping[str, str], told: Told, ended: Ended) -> Way:
        """An account's own, not introduced yet."""
        if self.dialect_of(credentials) is LEGACY:
            return Way(await self._connect(self._host(LEGACY) + LEGACY.path(self.apps.legacy), told, ended), LEGACY)
        url = await self._one_time_url(credentials["login"], credentials["token"])
        is_virtual = urlsplit(url).path.endswith("/demo")
        return Way(await self._connect(url, told, ended), OPTIONS, is_virtual)

    async def close(self) -> None:
        if self._http is not None:
            await self._http.close()

    async def _connect(self, url: str, told: Told, ended: Ended) -> Connection:
        connection = Connection(self._clock, self._timeout_s, told, ended)
        await connection.open(url)
        return connection

    def _host(self, dialect: Dialect) -> str:
        if self._environment is not Environment.SIMULATOR:
            return LEGACY_HOST if dialect is LEGACY else OPTIONS_HOST
        if self._simulator_url is None:
            raise VenueUnavailable("no Deriv simulator is configured (COPYDESK_SIMULATOR__DERIV_URL)")
        return "ws" + self._simulator_url.rstrip("/").removeprefix("http")

    async def _one_time_url(self, login: str, token: str) -> str:
        """It is followed to the host that was asked, and nowhere else."""
        host = self._host(OPTIONS)
        app_id = self.apps.options or (self.apps.legacy if self._environment is Environment.SIMULATOR else None)
        if app_id is None:
            raise VenueUnavailable(
                "accounts with a login need this desk's id at Deriv's new API (COPYDESK_DERIV__OPTIONS_APP_ID)"
            )
        url = f"http{host.removeprefix('ws')}/trading/v1/options/accounts/{login}/otp"
        told = await self._post(url, {"Authorization": f"Bearer {token}", "Deriv-App-ID": app_id})
        try:
            found = str(told["data"]["url"])
        except (KeyError, TypeError) as error:
            raise VenueUnavailable("Deriv's one-time address cannot be read") from error
        there, asked = urlsplit(found), urlsplit(host)
        if (there.scheme, there.netloc) != (asked.scheme, asked.netloc):
            raise VenueUnavailable(f"Deriv's one-time address leads to another host: {there.netloc}")
        return found

    async def _post(self, url: str, headers: Mapping[str, str]) -> Any:
        if self._http is None:
            self._http = open_http(CONNECTIONS_MAX)
        try:
            async with asyncio.timeout(self._timeout_s), self._http.post(url, headers=headers) as answer:
                body, status = await answer.read(), answer.status
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise VenueUnavailable(f"Deriv cannot be reached: {type(error).__name__}") from error
        if status in _REFUSED:
            raise CredentialsRefused(f"Deriv lets this token and login not in: HTTP {status}", code=status)
        try:
            told = msgspec.json.decode(body)
        except msgspec.DecodeError:
            told = None
        if status != 200 or told is None:  # noqa: PLR2004  the one success there is
            raise VenueUnavailable(f"Deriv gave no one-time password: HTTP {status}", code=status)
        return told
