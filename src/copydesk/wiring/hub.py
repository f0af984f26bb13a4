"""The hub: API and engine in one process, over SQLite or PostgreSQL."""

import asyncio
import secrets
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from urllib.parse import urlsplit

import structlog
import uvicorn
from prometheus_client import CollectorRegistry
from starlette.middleware.cors import CORSMiddleware

from copydesk.domain.errors import FieldError, InvalidInput, StoreUnavailable
from copydesk.domain.subscription import Environment
from copydesk.engine.desk import Desk
from copydesk.engine.notifying import Notifying
from copydesk.notifiers.sender import AppriseNotifier
from copydesk.ports.clock import Clock, SystemClock
from copydesk.settings import Settings
from copydesk.stores.database import Database
from copydesk.stores.store import SqlStore
from copydesk.web import sockets, standing
from copydesk.web.app import build_app
from copydesk.web.hub import Hub
from copydesk.web.limits import Limits
from copydesk.web.metrics import Metrics
from copydesk.web.paths import Paths
from copydesk.web.recent import RecentLines
from copydesk.web.senders import Senders, networks
from copydesk.web.sockets import Socket
from copydesk.web.tokens import Passwords, Tokens
from copydesk.wiring.backtest.desk import BacktestDesk
from copydesk.wiring.backup import Backups
from copydesk.wiring.databases import open_database, open_vault
from copydesk.wiring.markets import Markets
from copydesk.wiring.owner import this_program
from copydesk.wiring.strategies import StrategyMakers, strategy_desk
from copydesk.wiring.venues import Venues

log = structlog.get_logger()

STRATEGIES_FOLDER = "strategies"
"""In the data folder: the files of one's own that bots may run. Whoever may write there may run anything."""

GRACE_S = 5
"""Seconds that open requests get when the hub is asked to stop."""

START_AGAIN_S = 0.5


def environments(settings: Settings) -> tuple[Environment, ...]:
    """Where a symbol is looked up: the local simulators where there are any, else the venues' demos."""
    simulated = settings.simulator.binance_url is not None or settings.simulator.deriv_url is not None
    return (Environment.SIMULATOR,) if simulated else (Environment.DEMO,)


def senders(settings: Settings) -> Senders:
    return Senders(
        trusted_proxies=networks(settings.trusted_proxies),
        allowed=networks(settings.webhook_sources),
        certificate_header=settings.webhook_client_certificate,
    )


def origins(settings: Settings, port: int) -> frozenset[str]:
    """Web pages that may use the desk from a browser: its own, and those on the list."""
    own = {settings.api_url(port), *(f"http://{host}:{port}" for host in ("127.0.0.1", "localhost"))}
    return frozenset(f"{url.scheme}://{url.netloc}" for url in map(urlsplit, own)) | frozenset(settings.origins)


@dataclass(slots=True)
class _Parts:
    """What a hub is made of; `port` is known once it is bound."""

    database: Database
    venues: Venues
    desk: Desk
    markets: Markets
    notifying: Notifying
    backtests: BacktestDesk
    hub: Hub


async def serve(settings: Settings, *, on_ready: Callable[[int, str | None], None], lines: RecentLines) -> None:
    """Until stopped. `on_ready` gets the port and, while there is no admin, the token of the one-time link; `lines` are the log's."""
    listening = _bind(settings)
    port: int = listening.getsockname()[1]
    parts = await _build(settings, port, lines)
    app = build_app(parts.hub, lambda _app: _running(parts), version("copydesk"))
    if settings.origins:
        app.add_middleware(
            CORSMiddleware, allow_origins=settings.origins, allow_methods=["*"], allow_headers=["Authorization"]
        )
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=GRACE_S,
        server_header=False,
        # uvicorn would believe anybody on this machine; web/senders.py believes the proxies that the settings name.
        proxy_headers=False,
        ws=Socket,
        ws_per_message_deflate=False,
        ws_max_size=sockets.MESSAGE_MAX,
        ws_ping_interval=sockets.PING_EVERY_S,
        ws_ping_timeout=sockets.DEAD_AFTER_S,
    )
    server = _Server(config)
    server.ready = lambda: on_ready(port, parts.hub.setup_token)
    server.ending = app.state.live.end
    await server.serve(sockets=[listening])


async def _build(settings: Settings, port: int, lines: RecentLines) -> _Parts:
    vault = open_vault(settings)
    database = open_database(settings)
    store = SqlStore(database, vault)
    clock = SystemClock()
    venues = Venues(settings, database, clock)
    desk = Desk(
        store,
        venues,
        clock,
        owner=this_program(),
        venue_timeout_s=settings.venue_timeout_s,
        ledger_check_every_s=settings.ledger_check_every_s,
    )
    makers = StrategyMakers(settings.data_dir / STRATEGIES_FOLDER)
    markets = Markets(settings, clock, venues.deriv)
    notifier = AppriseNotifier(settings.notification_hosts)
    await _start(database, clock)
    metrics = await _counting(store, desk, database)
    backtests = await _backtests(settings, clock)
    has_admin = await store.read(lambda tables: tables.users.has_admin())
    hub = Hub(
        store=store,
        desk=desk,
        clock=clock,
        vault=vault,
        notifier=notifier,
        venues=venues,
        tokens=Tokens(vault.derive("sign access tokens")),
        passwords=Passwords(),
        limits=Limits(),
        paths=Paths(store),
        agents=venues.switchboard,
        strategies=strategy_desk(desk, clock, makers, markets.of),
        make_strategy=makers.make,
        strategy_names=makers.names,
        backtests=backtests,
        market_name=lambda bot, account: markets.of(bot, account).name,
        webhook_base=settings.api_url(port),
        environments=environments(settings),
        allow_live=settings.allow_live,
        senders=senders(settings),
        origins=origins(settings, port),
        setup_token=None if has_admin else secrets.token_urlsafe(24),
        backups=Backups(settings),
        lines=lines,
        metrics=metrics,
        metrics_token=None if settings.metrics_token is None else settings.metrics_token.get_secret_value(),
    )
    return _Parts(database, venues, desk, markets, Notifying(store, notifier, clock), backtests, hub)


async def _backtests(settings: Settings, clock: Clock) -> BacktestDesk:
    made = BacktestDesk(settings, settings.data_dir / STRATEGIES_FOLDER, clock)
    await made.load()
    return made


async def _counting(store: SqlStore, desk: Desk, database: Database) -> Metrics:
    metrics = Metrics(CollectorRegistry())
    await metrics.start(store)
    desk.intake.listeners.append(metrics.take_signal)
    database.listeners.append(metrics.take_commit)
    return metrics


async def _start(database: Database, clock: Clock) -> None:
    """It may come up after the hub, or be held for a while by a hub before this one."""
    told = ""
    while True:
        try:
            return await database.start()
        except StoreUnavailable as error:
            if str(error) != told:
                log.warning("waiting for the database", problem=str(error))
            told = str(error)
            await clock.sleep(START_AGAIN_S)


@asynccontextmanager
async def _running(parts: _Parts) -> AsyncIterator[None]:
    """The desk runs while the app does; everything is closed in the order it was opened, backwards."""
    async with AsyncExitStack() as stack:
        stack.push_async_callback(parts.database.close)
        stack.push_async_callback(parts.venues.close)
        stack.push_async_callback(parts.markets.close)
        stack.push_async_callback(parts.hub.notifier.close)
        tasks = await stack.enter_async_context(asyncio.TaskGroup())
        running = tasks.create_task(parts.desk.run())
        stack.callback(running.cancel)
        stack.callback(tasks.create_task(parts.notifying.run()).cancel)
        stack.callback(tasks.create_task(parts.backtests.run()).cancel)
        stack.callback(tasks.create_task(standing.keep_looking(parts.hub)).cancel)
        stack.callback(tasks.create_task(parts.hub.agents.run(lambda: parts.desk.is_running)).cancel)
        yield


def _bind(settings: Settings) -> socket.socket:
    """Raise InvalidInput where the port is taken: the one thing that goes wrong most often."""
    listening = socket.socket(socket.AF_INET6 if ":" in settings.host else socket.AF_INET)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((settings.host, settings.port))
    except OSError as error:
        problem = f"cannot listen on {settings.host}:{settings.port}: {error.strerror}"
        raise InvalidInput(f"COPYDESK_PORT: {problem}", (FieldError("COPYDESK_PORT", problem),)) from error
    return listening


class _Server(uvicorn.Server):
    """Says when it listens, and returns when it is told to stop."""

    ready: Callable[[], None] = staticmethod(lambda: None)
    ending: Callable[[], Awaitable[None]]

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Without raising the signal again afterwards, as uvicorn does: what runs beside the hub must be ended too."""
        with super().capture_signals():
            yield
            self._captured_signals.clear()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """A poll that waits for something to happen would be waited for as an open request is."""
        await self.ending()
        await super().shutdown(sockets)

    async def startup(self, *args: object, **kwargs: object) -> None:
        await super().startup(*args, **kwargs)  # type: ignore[arg-type]
        if self.started:
            self.ready()
