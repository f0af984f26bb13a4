"""The user-data stream: many accounts on one connection, each by its listen key.

Source: the venue's change notice on the split stream hosts (`/private/stream?listenKey=A&listenKey=B`), User Data Streams.
"""

import asyncio
from collections.abc import AsyncGenerator, Iterable, Mapping

import aiohttp
import msgspec
import structlog

from copydesk.domain.errors import CredentialsRefused, OutcomeUnknown, VenueUnavailable
from copydesk.domain.ids import CLIENT_ORDER_PREFIX, AccountId
from copydesk.ports.clock import Clock
from copydesk.ports.venue import OrderNews, StreamOpened
from copydesk.venues.binance import codec
from copydesk.venues.binance.session import BinanceSession

log = structlog.get_logger()

KEEP_EVERY_S = 30 * 60.0
"""A listen key lives 60 minutes from the last time it was kept."""

EVENTS = "ORDER_TRADE_UPDATE/ALGO_UPDATE/listenKeyExpired"

FORCED = ("autoclose-", "adl_autoclose", "settlement_autoclose-")
"""Client ids of what the venue does by itself: liquidation, deleveraging, delisting."""

_ENDED = frozenset(
    {aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSING, aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR}
)


async def listen(
    sessions: Mapping[AccountId, BinanceSession], clock: Clock
) -> AsyncGenerator[StreamOpened | OrderNews, None]:
    """One connection to its end, which is a VenueUnavailable; an account whose key is refused is left out."""
    keys = await _listen_keys(sessions)
    if not keys:
        raise VenueUnavailable("none of these accounts has a stream")
    transport = next(iter(sessions.values())).transport
    names = "&".join(f"listenKey={key}&events={EVENTS}" for key in keys)
    socket = await transport.connect(f"/private/stream?{names}")
    keep_at_s = clock.elapsed() + KEEP_EVERY_S
    try:
        yield StreamOpened()
        while True:
            try:
                message = await socket.receive(timeout=max(keep_at_s - clock.elapsed(), 0.1))
            except TimeoutError:
                await asyncio.gather(*(sessions[account_id].keep_listen_key() for account_id in keys.values()))
                keep_at_s = clock.elapsed() + KEEP_EVERY_S
                continue
            if message.type in _ENDED:
                raise VenueUnavailable("Binance ended the stream")
            for news in _read(message, keys):
                yield news
    finally:
        await socket.close()


async def _listen_keys(sessions: Mapping[AccountId, BinanceSession]) -> dict[str, AccountId]:
    keys = {}
    for account_id, session in sessions.items():
        try:
            keys[await session.open_listen_key()] = account_id
        except CredentialsRefused as error:
            log.warning("no stream for this account", account_id=account_id, problem=error.text)
    return keys


def _read(message: aiohttp.WSMessage, keys: Mapping[str, AccountId]) -> Iterable[OrderNews]:
    """What one frame tells of orders. What cannot be read ends the connection: the next one begins with asking."""
    try:
        frame = msgspec.json.decode(message.data)
        event, account_id = frame["data"], keys.get(frame["stream"])
        kind, order = event["e"], event.get("o", {})
        if kind == "listenKeyExpired":
            raise VenueUnavailable("a listen key has expired")
        if account_id is None or kind not in {"ORDER_TRADE_UPDATE", "ALGO_UPDATE"}:
            return
        client_id = str(order["caid"] if kind == "ALGO_UPDATE" else order["c"])
    except (msgspec.DecodeError, KeyError, TypeError, AttributeError) as error:
        raise VenueUnavailable("Binance's stream told something that cannot be read") from error
    if client_id.startswith(FORCED):
        yield OrderNews(account_id=account_id, client_order_id=client_id)
    if not client_id.startswith(CLIENT_ORDER_PREFIX):
        return
    try:
        report = codec.read_algo_news(order) if kind == "ALGO_UPDATE" else codec.read_order_news(order)
    except OutcomeUnknown:
        report = None
    yield OrderNews(account_id=account_id, client_order_id=client_id, report=report)
