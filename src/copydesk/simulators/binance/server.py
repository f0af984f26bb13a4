"""The process around the venue: listens, lets the market move, keeps the state file, ends cleanly."""

import asyncio
import ssl
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from random import Random

from aiohttp import web

from copydesk.simulators.binance.edge.connections import Connections
from copydesk.simulators.binance.edge.control import Control
from copydesk.simulators.binance.edge.desk import Desk
from copydesk.simulators.binance.edge.faults import Faults
from copydesk.simulators.binance.edge.front import Front
from copydesk.simulators.binance.edge.pace import Pace
from copydesk.simulators.binance.edge.service import Service
from copydesk.simulators.binance.edge.socket_api import SocketApi
from copydesk.simulators.binance.edge.sockets import Sockets
from copydesk.simulators.binance.edge.spot_streams import SpotStreams
from copydesk.simulators.binance.edge.streams import Streams
from copydesk.simulators.binance.exchange import state
from copydesk.simulators.binance.exchange.exchange import Exchange
from copydesk.simulators.binance.exchange.instruments import INSTRUMENTS
from copydesk.simulators.binance.spot import clockwork
from copydesk.simulators.binance.spot import state as spot_state
from copydesk.simulators.binance.spot.symbols import OWN_STARTS
from copydesk.simulators.binance.spot.venue import Spot
from copydesk.simulators.clock import Clock, VirtualClock, WallClock
from copydesk.simulators.market import Market, Start, read_replays

_SAVE_EVERY_S = 0.5
_KEEP_ALIVE_S = 600.0
_SHUTDOWN_S = 1.0


async def serve(
    *,
    host: str = "127.0.0.1",
    port: int,
    seed: int = 1,
    prices: Sequence[str] = (),
    state: Path | None = None,
    virtual_time: bool = False,
    tls: ssl.SSLContext | None = None,
    on_ready: Callable[[int], None],
) -> None:
    """Run until cancelled; port 0 picks a free one, which ``on_ready`` is told. Raises CandleFileError, OSError.

    ``prices``: files of candles to replay, each ``SYMBOL=FILE`` or ``FILE``. ``virtual_time``: it moves only when told.
    """
    clock = VirtualClock() if virtual_time else WallClock()
    exchange = make_exchange(seed=seed, prices=prices, now_ms=clock.now_ms())
    await _run(exchange, clock, host=host, port=port, seed=seed, file=state, tls=tls, on_ready=on_ready)


def tls_context(certificate: Path | None, key: Path | None) -> ssl.SSLContext | None:
    """None without a certificate; a key may be in the same file. Raises OSError when they can not be read."""
    if certificate is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    return context


def make_exchange(*, seed: int, now_ms: int, prices: Sequence[str] = ()) -> Exchange:
    starts = [Start(symbol=each.symbol, price=each.start_price, tick=each.tick) for each in INSTRUMENTS.values()]
    starts += OWN_STARTS
    replays = read_replays(prices, tuple(INSTRUMENTS), "BTCUSDT")
    return Exchange(Market(seed=seed, starts=starts, now_ms=now_ms, replays=replays), seed=seed)


def make_spot(exchange: Exchange, *, seed: int) -> Spot:
    """Spot on the same market: what moves the futures' prices moves these."""
    spot = Spot(exchange.market, seed=seed)
    exchange.after_step.append(partial(clockwork.follow, spot))
    return spot


async def _run(
    exchange: Exchange,
    clock: Clock,
    *,
    host: str,
    port: int,
    seed: int,
    file: Path | None,
    tls: ssl.SSLContext | None,
    on_ready: Callable[[int], None],
) -> None:
    spot = make_spot(exchange, seed=seed)
    if file is not None:
        spot_state.restore(spot, state.load(exchange, file))
    desk = Desk(exchange, spot, seed=seed)
    faults = Faults(Random(f"{seed}:faults"))  # noqa: S311  # chance on order
    connections, spot_connections = Connections(desk.limits, clock), Connections(desk.spot_limits, clock)
    streams = Sockets(
        futures=Streams(desk, faults, clock, connections),
        spot=SpotStreams(desk, faults, clock, spot_connections),
        surfaces=(connections, spot_connections),
    )
    pace = Pace(exchange, streams, clock)
    front = _front(desk, faults, clock, connections, streams, pace)
    runner = web.ServerRunner(
        web.Server(front.handle, access_log=None, keepalive_timeout=_KEEP_ALIVE_S), shutdown_timeout=_SHUTDOWN_S
    )
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port, backlog=1_024, ssl_context=tls)
        await site.start()
        on_ready(runner.addresses[0][1])
        async with asyncio.TaskGroup() as group:
            group.create_task(_idle() if pace.is_virtual else pace.run())
            if file is not None:
                group.create_task(_keep(exchange, spot, file))
    finally:
        streams.cut_all()
        await runner.cleanup()
        if file is not None:
            state.save(exchange, file, spot=spot_state.stored(spot))


def _front(desk: Desk, faults: Faults, clock: Clock, connections: Connections, streams: Sockets, pace: Pace) -> Front:
    service = Service(desk, faults, clock, streams.flush)
    api = SocketApi(desk, service, clock, connections)
    control = Control(desk, faults, streams.cut, pace)
    return Front(service=service, control=control, sockets=(api.open, streams.open), clock=clock, flush=streams.flush)


async def _idle() -> None:
    """Virtual time moves by a door, not by a task; this one only waits for the end."""
    await asyncio.get_running_loop().create_future()


async def _keep(exchange: Exchange, spot: Spot, file: Path) -> None:
    """Save what changed, at most twice a second by the wall's clock."""
    clock = WallClock()
    saved = exchange.changes + spot.changes
    while True:
        await clock.sleep(_SAVE_EVERY_S)
        if exchange.changes + spot.changes != saved:
            saved = exchange.changes + spot.changes
            state.save(exchange, file, spot=spot_state.stored(spot))
