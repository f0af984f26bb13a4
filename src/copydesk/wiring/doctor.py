"""The pre-flight of a whole desk: settings, key, database, ports, clock, venues, accounts."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from datetime import timedelta
from functools import partial
from urllib.parse import urlsplit

import httpx

from copydesk.domain.errors import CopydeskError, StoreUnavailable, VenueError
from copydesk.domain.ids import AccountId
from copydesk.domain.subscription import Account, Environment, KeyCheck
from copydesk.domain.venue import BINANCE_FUTURES, DERIV, VenueName
from copydesk.engine.preflight import Finding, check_account
from copydesk.ports.clock import SystemClock
from copydesk.ports.venue import Venue
from copydesk.settings import Settings
from copydesk.stores.store import SqlStore, Tables
from copydesk.venues.binance import BinanceFutures
from copydesk.wiring.databases import DATABASE_FILE, open_database, open_vault
from copydesk.wiring.venues import Venues

__all__ = ["Finding", "examine"]

PRIVATE = 0o077
CLOCK_OFFSET_MAX_S = 0.5
TIMEOUT_S = 15.0


async def examine(settings: Settings) -> AsyncIterator[Finding]:
    """One finding after the other, as they come; what depends on a failed one is left out."""
    yield Finding(name="Settings", ok=True, detail="all keys known, all values valid")
    yield _master_key(settings)
    if await _is_running(settings):
        yield Finding(name="Hub", ok=True, detail=f"runs on {settings.host}:{settings.port}")
    else:
        yield _port("API port", settings.host, settings.port, "COPYDESK_PORT")
        yield _port("Dashboard port", settings.host, settings.dashboard_port, "COPYDESK_DASHBOARD_PORT")
    if settings.database_url is None and not (settings.data_dir / DATABASE_FILE).exists():
        detail = f"{settings.data_dir} holds no desk yet; the first start makes one"
        yield Finding(name="Database", ok=True, detail=detail)
        yield await _alone(settings)
        return
    database = open_database(settings)
    try:
        await database.start()
    except (StoreUnavailable, OSError) as error:
        advice = "Check COPYDESK_DATABASE_URL (host, name, user, password, TLS) or the data folder's rights."
        yield Finding(name="Database", ok=False, detail=str(error), advice=advice)
        return
    yield Finding(name="Database", ok=True, detail=_where(settings))
    venues = Venues(settings, database, SystemClock())
    try:
        store = SqlStore(database, open_vault(settings))
        accounts = await store.read(_accounts)
        for name, venue, environment, advice in _in_use(settings, accounts):
            yield await _venue(name, venues[venue], environment, advice)
        for account in accounts:
            yield await _account(account, venues[account.venue], store)
        for environment in Environment:
            pair = [one for one in accounts if (one.venue, one.environment) == (BINANCE_FUTURES, environment)][:2]
            if len(pair) > 1 and settings.binance.accounts_per_connection > 1:
                yield await _shared(settings, pair, store)
    finally:
        await venues.close()
        await database.close()


def _in_use(settings: Settings, accounts: Sequence[Account]) -> Iterator[tuple[str, VenueName, Environment, str]]:
    """Binance, whose prices paper takes too; and Deriv where somebody has an account."""
    yield "Binance futures", BINANCE_FUTURES, _of_binance(settings), _binance_advice(settings)
    for environment in sorted({one.environment for one in accounts if one.venue == DERIV}):
        yield "Deriv", DERIV, environment, _advice("deriv", settings.simulator.deriv_url)


async def _alone(settings: Settings) -> Finding:
    """The venue, while there is no desk that could know accounts."""
    venue = BinanceFutures(
        SystemClock(),
        simulator_url=None if settings.simulator.binance_url is None else str(settings.simulator.binance_url),
        timeout_s=settings.venue_timeout_s,
        allow_live=False,
    )
    try:
        return await _venue("Binance futures", venue, _of_binance(settings), _binance_advice(settings))
    finally:
        await venue.close()


def _master_key(settings: Settings) -> Finding:
    path = settings.master_key_file
    if not path.exists():
        detail = f"{path} is not there yet; the first start makes it"
        return Finding(name="Master key", ok=True, detail=detail)
    try:
        open_vault(settings)
    except (ValueError, OSError) as error:
        advice = "Put the right key file back: stored exchange keys open with no other."
        return Finding(name="Master key", ok=False, detail=str(error), advice=advice)
    readable = path.stat().st_mode & PRIVATE
    detail = f"{path} {'can be read by others' if readable else 'is private'}"
    return Finding(name="Master key", ok=not readable, detail=detail, advice=f"chmod 600 {path}; keep a copy apart.")


async def _is_running(settings: Settings) -> bool:
    """Whether what answers on the API's port is a hub."""
    try:
        async with httpx.AsyncClient(timeout=2) as http:
            answer = await http.get(f"http://{settings.host}:{settings.port}/api/v1/bots/health")
        return "active_bots" in answer.json()
    except (httpx.HTTPError, ValueError):
        return False


def _port(name: str, host: str, port: int, setting: str) -> Finding:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            advice = f"If copydesk is not running already: choose another {setting}, or end what listens there."
            return Finding(name=name, ok=False, detail=f"{host}:{port}: {error.strerror}", advice=advice)
    return Finding(name=name, ok=True, detail=f"{host}:{port} is free")


async def _venue(name: str, venue: Venue, environment: Environment, advice: str) -> Finding:
    name = f"{name} ({environment})"
    try:
        async with asyncio.timeout(TIMEOUT_S):
            reading = await venue.read_clock(environment)
            symbols = await venue.symbols(environment)
    except (VenueError, TimeoutError) as error:
        return Finding(name=name, ok=False, detail=str(error) or "no answer in time", advice=advice)
    offset = f"clock {reading.offset_s * 1000:+.0f} ms ± {reading.uncertainty_s * 1000:.0f} ms"
    ok = abs(reading.offset_s) <= CLOCK_OFFSET_MAX_S and reading.uncertainty_s <= CLOCK_OFFSET_MAX_S
    advice = "Set this machine's clock by NTP (timedatectl set-ntp true)."
    return Finding(name=name, ok=ok, detail=f"{len(symbols)} symbols, {offset}", advice=advice)


def _of_binance(settings: Settings) -> Environment:
    return Environment.DEMO if settings.simulator.binance_url is None else Environment.SIMULATOR


def _binance_advice(settings: Settings) -> str:
    return _advice("binance", settings.simulator.binance_url)


def _advice(simulator: str, url: object) -> str:
    if url is None:
        return f"Check the network and DNS of this machine, or use a simulator: copydesk simulate {simulator}."
    return f"Start the simulator: copydesk simulate {simulator} --port {urlsplit(str(url)).port or 80}"


async def _account(account: Account, venue: Venue, store: SqlStore) -> Finding:
    name = f"Account {account.name} ({account.venue}, {account.environment})"
    try:
        credentials = await store.read(lambda tables: tables.followers.credentials(account.id))
        report = await check_account(account, venue, credentials)
    except (ValueError, CopydeskError) as error:
        return Finding(name=name, ok=False, detail=str(error), advice="Enter the account's key again.")
    wrong = [finding for finding in report.findings if not finding.ok]
    if report.key_check is KeyCheck.REFUSED or wrong:
        return Finding(name=name, ok=False, detail=wrong[0].detail, advice=wrong[0].advice)
    return Finding(name=name, ok=True, detail="; ".join(finding.detail for finding in report.findings))


async def _shared(settings: Settings, pair: Sequence[Account], store: SqlStore) -> Finding:
    """Two accounts on one connection of the WebSocket API, as their orders will go: each must get its own answer."""
    name = f"Shared connection (Binance futures, {pair[0].environment})"
    advice = "Set COPYDESK_BINANCE__ACCOUNTS_PER_CONNECTION=1: each account then has a connection of its own."
    clock = SystemClock()
    venue = BinanceFutures(
        clock,
        simulator_url=None if settings.simulator.binance_url is None else str(settings.simulator.binance_url),
        timeout_s=settings.venue_timeout_s,
        allow_live=settings.allow_live,
    )
    try:
        async with asyncio.timeout(TIMEOUT_S):
            reading = await venue.read_clock(pair[0].environment)
            keys = [await store.read(partial(_credentials, one.id)) for one in pair]
            sessions = [venue.open_session(one, key) for one, key in zip(pair, keys, strict=True)]
            expected = [(await one.balance()).total_usd for one in sessions]
            at = clock.now() + timedelta(seconds=reading.offset_s)
            told = await asyncio.gather(*(one.wallet_over_socket(at) for one in sessions))
    except (ValueError, CopydeskError, TimeoutError) as error:
        return Finding(name=name, ok=False, detail=str(error) or "no answer in time", advice=advice)
    finally:
        await venue.close()
    if None in told:
        detail = "there is no WebSocket API within reach: orders go over REST"
        return Finding(name=name, ok=False, detail=detail, advice="Let wss through, as the venue's documents name it.")
    if told != expected:
        return Finding(name=name, ok=False, detail="an answer was another account's", advice=advice)
    detail = f"{pair[0].name} and {pair[1].name} each got the answer to their own key"
    return Finding(name=name, ok=True, detail=detail)


def _credentials(account_id: AccountId, tables: Tables) -> Mapping[str, str]:
    return tables.followers.credentials(account_id)


def _accounts(tables: Tables) -> Sequence[Account]:
    found: list[Account] = []
    cursor: str | None = None
    while True:
        page, cursor = tables.accounts.list({}, owner_id=None, limit=500, cursor=cursor)
        found += page
        if cursor is None:
            return found


def _where(settings: Settings) -> str:
    if settings.database_url is None:
        return f"SQLite in {settings.data_dir}"
    parts = urlsplit(settings.database_url)
    return f"PostgreSQL at {parts.hostname}{parts.path}"
