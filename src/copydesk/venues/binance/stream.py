"""The user-data stream: many accounts on one connection, each by its listen key.

Source: the venue's change notice on the split stream hosts (`/private/stream?listenKey=A&listenKey=B`), User Data Streams.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from typing import Any

import aiohttp
import msgspec
import structlog

from copydesk.domain.errors import CredentialsRefused, OutcomeUnknown, VenueError, VenueUnavailable
from copydesk.domain.ids import CLIENT_ORDER_PREFIX, AccountId
from copydesk.domain.order import OrderReport
from copydesk.ports.clock import Clock
from copydesk.ports.venue import OrderNews, StreamOpened
from copydesk.venues.binance import codec
from copydesk.venues.binance.refusals import NO_LISTEN_KEY
from copydesk.venues.binance.session import BinanceSession

log = structlog.get_logger()

KEEP_EVERY_S = 30 * 60.0
"""A listen key lives 60 minutes from the last time it was kept."""

KEEP_AGAIN_S = 60.0
"""Until a key is tried again that could not be kept."""

KEEP_WITHIN_S = 5.0
"""So long, at most, a key that is being kept holds up the news."""

OPENING_AT_ONCE = 5

EVENTS = "ORDER_TRADE_UPDATE/ALGO_UPDATE/listenKeyExpired"

FORCED = ("autoclose-", "adl_autoclose", "settlement_autoclose-")
"""Client ids of what the venue does by itself: liquidation, deleveraging, delisting."""

_ENDED = frozenset(
    {aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSING, aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR}
)

Listeners = Mapping[str, Sequence[AccountId]]
"""By listen key: the venue gives one to each of its accounts, and two keys of ours may be of the same one."""


async def listen(
    sessions: Mapping[AccountId, BinanceSession], clock: Clock
) -> AsyncGenerator[StreamOpened | OrderNews, None]:
    """One connection to its end, which is a VenueError; an account whose key is refused is left out."""
    listeners = await _open_listen_keys(sessions)
    heard = [account_id for accounts in listeners.values() for account_id in accounts]
    turn = deque(sessions[account_id] for account_id in heard)
    if not turn:
        raise VenueUnavailable("none of these accounts has a stream")
    names = "&".join(f"listenKey={key}&events={EVENTS}" for key in listeners)
    socket = await turn[0].transport.connect(f"/private/stream?{names}")
    pause_s = KEEP_EVERY_S / len(turn)
    keep_at_s = clock.elapsed() + pause_s
    try:
        yield StreamOpened(accounts=frozenset(heard))
        while True:
            wait_s = keep_at_s - clock.elapsed()
            if wait_s <= 0:
                keep_at_s += pause_s if await _keep_next(turn) else KEEP_AGAIN_S
                continue
            try:
                message = await socket.receive(timeout=wait_s)
            except TimeoutError:
                continue
            for news in _read(message, listeners):
                yield news
    finally:
        await socket.close()


async def _open_listen_keys(sessions: Mapping[AccountId, BinanceSession]) -> Listeners:
    """A few at a time; raise what went wrong with one of them, unless it is its own key."""
    listeners: dict[str, list[AccountId]] = {}
    failures: list[VenueError] = []
    places = asyncio.Semaphore(OPENING_AT_ONCE)

    async def open_one(account_id: AccountId, session: BinanceSession) -> None:
        async with places:
            try:
                if not failures:
                    listeners.setdefault(await session.open_listen_key(), []).append(account_id)
            except CredentialsRefused as error:
                log.warning("no stream for this account", account_id=account_id, problem=error.text)
            except VenueError as error:
                failures.append(error)

    async with asyncio.TaskGroup() as group:
        for account_id, session in sessions.items():
            group.create_task(open_one(account_id, session))
    if failures:
        raise failures[0]
    return listeners


async def _keep_next(turn: deque[BinanceSession]) -> bool:
    """Keep the key whose turn it is; False where it has to be tried again. Raise VenueError for one that is lost.

    One at a time, all over the half hour: no bunch of requests, and a venue that takes none silences nobody at once.
    """
    try:
        async with asyncio.timeout(KEEP_WITHIN_S):
            await turn[0].keep_listen_key()
    except (VenueError, TimeoutError) as error:
        if isinstance(error, CredentialsRefused) or getattr(error, "code", None) == NO_LISTEN_KEY:
            raise
        log.info("listen key not kept", problem=str(error))
        return False
    turn.rotate(-1)
    return True


def _read(message: aiohttp.WSMessage, listeners: Listeners) -> Iterator[OrderNews]:
    """What one frame tells of orders. What cannot be read ends the connection: the next one begins with asking."""
    if message.type in _ENDED:
        raise VenueUnavailable("Binance ended the stream")
    try:
        frame = msgspec.json.decode(message.data)
        event, accounts = frame["data"], listeners.get(frame["stream"], ())
        kind, order = event["e"], event.get("o", {})
        if kind == "listenKeyExpired":
            raise VenueUnavailable("a listen key has expired")
        if kind not in {"ORDER_TRADE_UPDATE", "ALGO_UPDATE"}:
            return
        client_id = str(order["caid"] if kind == "ALGO_UPDATE" else order["c"])
    except (msgspec.DecodeError, KeyError, TypeError, AttributeError) as error:
        raise VenueUnavailable("Binance's stream told something that cannot be read") from error
    if client_id.startswith((CLIENT_ORDER_PREFIX, *FORCED)):
        report = _report(kind, client_id, order)
        yield from (OrderNews(account_id=one, client_order_id=client_id, report=report) for one in accounts)


def _report(kind: str, client_id: str, order: Mapping[str, Any]) -> OrderReport | None:
    """None: it has to be looked up."""
    with contextlib.suppress(OutcomeUnknown):
        if client_id.startswith(CLIENT_ORDER_PREFIX):
            return codec.read_algo_news(order) if kind == "ALGO_UPDATE" else codec.read_order_news(order)
    return None
