"""The process around the broker: listens on loopback, lets the market move, ends cleanly."""

import asyncio
from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import Path

from aiohttp import web

from copydesk.simulators.market import read_replays
from copydesk.simulators.metatrader5.broker.account import Account
from copydesk.simulators.metatrader5.broker.instruments import INSTRUMENTS
from copydesk.simulators.metatrader5.broker.venue import Venue
from copydesk.simulators.metatrader5.broker.words import MarginMode
from copydesk.simulators.metatrader5.edge.clock import ServerClock, pause
from copydesk.simulators.metatrader5.edge.control import Control
from copydesk.simulators.metatrader5.edge.desk import Desk, Dropped
from copydesk.simulators.metatrader5.edge.state import encoded, load, restore, save
from copydesk.simulators.metatrader5.edge.terminals import FIRST_PATH
from copydesk.simulators.metatrader5.edge.wishes import InputError, read_message

STANDIN_FOLDER = Path(__file__).parent / "standin"
SERVER_OFFSET_H = 2  # what most brokers' clocks show, winter time of Eastern Europe
_TICK_S = 0.05
_SAVE_EVERY_S = 0.5
_KEEP_ALIVE_S = 24 * 3_600.0  # a pipe does not go stale, and the stand-in sends nothing twice
_SECOND_PATH = FIRST_PATH.replace("MetaTrader 5", "MetaTrader 5 Follower")
_THIRD_PATH = FIRST_PATH.replace("MetaTrader 5", "MetaTrader 5 Netting")
_BALANCE = Decimal(10_000)


async def serve(
    *,
    host: str = "127.0.0.1",
    port: int,
    seed: int = 1,
    prices: Sequence[str] = (),
    sessions: bool = False,
    virtual_time: bool = False,
    state: Path | None = None,
    on_ready: Callable[[int], None],
) -> None:
    """Run until cancelled; port 0 picks a free one, which ``on_ready`` is told. Raises CandleFileError, StateFileError, OSError.

    ``prices``: files of candles to replay, each ``SYMBOL=FILE`` or ``FILE``. ``sessions``: markets close by their hours.
    """
    kept = None if state is None else load(state)
    clock = ServerClock(offset_h=SERVER_OFFSET_H, virtual=virtual_time)
    if kept is not None:
        clock.move_to(kept.now_ms)
    sources = tuple(dict.fromkeys(each.source for each in INSTRUMENTS.values()))
    replays = read_replays(prices, sources, "EURUSD")
    venue = Venue(seed=seed, now_ms=clock.now_ms(), sessions=sessions, replays=replays)
    desk = Desk(venue, clock, seed=seed)
    if kept is None:
        furnish(desk)
    else:
        restore(desk, kept)
    await _run(desk, host=host, port=port, file=state, on_ready=on_ready)


async def _run(desk: Desk, *, host: str, port: int, file: Path | None, on_ready: Callable[[int], None]) -> None:
    if file is not None:
        save(encoded(desk), file)  # a folder that can not be written to is told before anything is served
    runner = web.AppRunner(build_app(desk), access_log=None, keepalive_timeout=_KEEP_ALIVE_S, shutdown_timeout=1.0)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        on_ready(runner.addresses[0][1])
        async with asyncio.TaskGroup() as group:
            group.create_task(_move(desk))
            if file is not None:
                group.create_task(_keep(desk, file))
    finally:
        await runner.cleanup()
        if file is not None:
            save(encoded(desk), file)


async def _move(desk: Desk) -> None:
    while True:
        await pause(_TICK_S)
        desk.advance()


async def _keep(desk: Desk, file: Path) -> None:
    """Save what changed, at most twice a second."""
    saved = b""
    while True:
        content = encoded(desk, timeless=True)
        if content != saved:
            save(encoded(desk), file)
            saved = content
        await pause(_SAVE_EVERY_S)


def furnish(desk: Desk) -> None:
    """Three terminals, each logged in: a master, a follower, a netting account."""
    start = (
        (FIRST_PATH, Account(login=1001, password="master-1001", investor="look-1001", balance=_BALANCE)),  # noqa: S106  # play money
        (_SECOND_PATH, Account(login=1002, password="follower-1002", balance=_BALANCE)),  # noqa: S106  # play money
        (
            _THIRD_PATH,
            Account(login=1003, password="netting-1003", margin_mode=MarginMode.NETTING, balance=_BALANCE),  # noqa: S106  # play money
        ),
    )
    for path, account in start:
        desk.venue.open_account(account)
        desk.terminals.sign_in(desk.terminals.install(path), account.login)


def build_app(desk: Desk) -> web.Application:
    control = Control(desk)

    async def terminal(request: web.Request) -> web.Response:
        try:
            return web.json_response(await desk.answer(read_message(await request.read())))
        except InputError as error:
            return web.json_response({"error": [-2, str(error)]}, status=400)
        except Dropped:
            if request.transport is not None:
                request.transport.abort()
            return web.Response(status=500)

    async def door(request: web.Request) -> web.Response:
        status, answer = control.answer(request.method, request.path, request.query, await request.read())
        return web.json_response(answer, status=status)

    app = web.Application()
    app.router.add_post("/terminal", terminal)
    app.router.add_route("*", "/_sim/{door:.*}", door)
    return app
