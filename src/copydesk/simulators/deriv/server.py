"""The process around the venue: listens, lets time pass, keeps the state file, ends cleanly."""

import asyncio
from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import Path
from random import Random
from uuid import UUID

from aiohttp import web

from copydesk.simulators.clock import Clock, VirtualClock, WallClock
from copydesk.simulators.deriv.edge.control import Control
from copydesk.simulators.deriv.edge.faults import Faults
from copydesk.simulators.deriv.edge.front import Front
from copydesk.simulators.deriv.edge.hub import Hub
from copydesk.simulators.deriv.edge.pace import Pace
from copydesk.simulators.deriv.edge.service import Service
from copydesk.simulators.deriv.exchange import state
from copydesk.simulators.deriv.exchange.exchange import Exchange, make_exchange
from copydesk.simulators.deriv.exchange.pricing import MARGIN
from copydesk.simulators.deriv.exchange.symbols import SYMBOLS
from copydesk.simulators.market import read_replays

_SAVE_EVERY_S = 0.5
_KEEP_ALIVE_S = 600.0
_SHUTDOWN_S = 1.0
_REPLAYED = "R_100"  # what a candle file is about when it does not say


async def serve(
    *,
    host: str = "127.0.0.1",
    port: int,
    seed: int = 1,
    prices: Sequence[str] = (),
    state: Path | None = None,
    virtual_time: bool = False,
    margin: Decimal = MARGIN,
    on_ready: Callable[[int], None],
) -> None:
    """Run until cancelled; port 0 picks a free one, which ``on_ready`` is told. Raises CandleFileError, StateFileError, OSError.

    ``prices``: files of candles to replay, each ``SYMBOL=FILE`` or ``FILE``. ``margin``: the house's, in parts of the payout.
    """
    clock = VirtualClock() if virtual_time else WallClock()
    longest_first = sorted(SYMBOLS, key=len, reverse=True)  # a file r_100.csv begins with R_10, too
    replays = read_replays(prices, longest_first, _REPLAYED)
    exchange = make_exchange(seed=seed, now_ms=clock.now_ms(), margin=margin, replays=replays)
    await _run(exchange, clock, host=host, port=port, seed=seed, file=state, on_ready=on_ready)


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
    if file is not None:
        state.load(exchange, file)
    faults = Faults(Random(f"{seed}:faults"))  # noqa: S311  # chance on order
    hub = Hub(exchange, faults)
    pace = Pace(hub, clock)
    front = _front(hub, faults, clock, pace, seed)
    runner = web.ServerRunner(
        web.Server(front.handle, access_log=None, keepalive_timeout=_KEEP_ALIVE_S), shutdown_timeout=_SHUTDOWN_S
    )
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port, backlog=1_024)
        await site.start()
        on_ready(runner.addresses[0][1])
        async with asyncio.TaskGroup() as group:
            group.create_task(_idle() if pace.is_virtual else pace.run())
            if file is not None:
                group.create_task(_keep(exchange, file))
    finally:
        hub.cut(None)
        await runner.cleanup()
        if file is not None:
            state.save(exchange, file)


def _front(hub: Hub, faults: Faults, clock: Clock, pace: Pace, seed: int) -> Front:
    service = Service(hub, faults, clock)
    ids = Random(f"{seed}:ids")  # noqa: S311  # names that differ, not secrets
    return Front(
        hub=hub,
        service=service,
        control=Control(hub, faults, service.limits, pace),
        faults=faults,
        clock=clock,
        new_id=lambda: UUID(int=ids.getrandbits(128), version=4),
    )


async def _idle() -> None:
    """Virtual time moves by a door, not by a task; this one only waits for the end."""
    await asyncio.get_running_loop().create_future()


async def _keep(exchange: Exchange, file: Path) -> None:
    """Save what changed, at most twice a second by the wall's clock."""
    clock = WallClock()
    saved = exchange.changes
    while True:
        await clock.sleep(_SAVE_EVERY_S)
        if exchange.changes != saved:
            saved = exchange.changes
            state.save(exchange, file)
