"""The process around the venue: listens, lets the market move, keeps the state file, ends cleanly."""

import asyncio
from collections.abc import Callable
from functools import partial
from pathlib import Path
from random import Random

from aiohttp import web

from copydesk.simulators.binance.edge.clock import Clock, WallClock
from copydesk.simulators.binance.edge.control import Control
from copydesk.simulators.binance.edge.desk import Desk
from copydesk.simulators.binance.edge.faults import Faults
from copydesk.simulators.binance.edge.front import Front
from copydesk.simulators.binance.edge.sockets import Sockets
from copydesk.simulators.binance.edge.spot_streams import SpotStreams
from copydesk.simulators.binance.edge.streams import Streams
from copydesk.simulators.binance.exchange import engine, state
from copydesk.simulators.binance.exchange.exchange import Exchange
from copydesk.simulators.binance.exchange.instruments import INSTRUMENTS
from copydesk.simulators.binance.spot import clockwork
from copydesk.simulators.binance.spot import state as spot_state
from copydesk.simulators.binance.spot.symbols import OWN_STARTS
from copydesk.simulators.binance.spot.venue import Spot
from copydesk.simulators.market import STEP_MS, Market, Start, read_candles

_SAVE_EVERY_S = 0.5
_KEEP_ALIVE_S = 600.0
_SHUTDOWN_S = 1.0


async def serve(
    *,
    host: str = "127.0.0.1",
    port: int,
    seed: int = 1,
    prices: Path | None = None,
    state: Path | None = None,
    on_ready: Callable[[int], None],
) -> None:
    """Run until cancelled; port 0 picks a free one, which ``on_ready`` is told. Raises CandleFileError, OSError."""
    clock = WallClock()
    exchange = make_exchange(seed=seed, prices=prices, now_ms=clock.now_ms())
    await _run(exchange, clock, host=host, port=port, seed=seed, file=state, on_ready=on_ready)


def make_exchange(*, seed: int, prices: Path | None, now_ms: int) -> Exchange:
    starts = [Start(symbol=each.symbol, price=each.start_price, tick=each.tick) for each in INSTRUMENTS.values()]
    starts += OWN_STARTS
    replays = {} if prices is None else {"BTCUSDT": read_candles(prices)}
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
    on_ready: Callable[[int], None],
) -> None:
    spot = make_spot(exchange, seed=seed)
    if file is not None:
        spot_state.restore(spot, state.load(exchange, file))
    desk = Desk(exchange, spot, seed=seed)
    faults = Faults(Random(f"{seed}:faults"))  # noqa: S311  # chance on order
    streams = Sockets(SpotStreams(desk, faults, clock), Streams(desk, faults, clock))
    control = Control(desk, faults, streams.cut)
    front = Front(desk=desk, faults=faults, control=control, streams=streams.open, clock=clock, flush=streams.flush)
    runner = web.ServerRunner(
        web.Server(front.handle, access_log=None, keepalive_timeout=_KEEP_ALIVE_S), shutdown_timeout=_SHUTDOWN_S
    )
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port, backlog=1_024)
        await site.start()
        on_ready(runner.addresses[0][1])
        async with asyncio.TaskGroup() as group:
            group.create_task(_move(exchange, streams, clock))
            if file is not None:
                group.create_task(_keep(exchange, spot, clock, file))
    finally:
        streams.cut(None)
        await runner.cleanup()
        if file is not None:
            state.save(exchange, file, spot=spot_state.stored(spot))


async def _move(exchange: Exchange, streams: Sockets, clock: Clock) -> None:
    while True:
        await clock.sleep(STEP_MS / 1_000)
        now_ms = clock.now_ms()
        steps = engine.advance(exchange, now_ms)
        if steps:
            streams.flush()
            streams.publish(steps, now_ms)


async def _keep(exchange: Exchange, spot: Spot, clock: Clock, file: Path) -> None:
    """Save what changed, at most twice a second."""
    saved = exchange.changes + spot.changes
    while True:
        await clock.sleep(_SAVE_EVERY_S)
        if exchange.changes + spot.changes != saved:
            saved = exchange.changes + spot.changes
            state.save(exchange, file, spot=spot_state.stored(spot))
