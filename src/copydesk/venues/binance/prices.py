"""Last trade prices: a stream tells them once a symbol has been asked for, so that no signal waits for an answer.

Source: the venue's "Aggregate Trade Streams" (`/market/stream`), Symbol Price Ticker.
"""

import asyncio
import itertools
import math
from collections.abc import Awaitable, Callable
from decimal import Decimal, InvalidOperation
from typing import NamedTuple

import msgspec
import picows
import structlog

from copydesk.domain.errors import OutcomeUnknown
from copydesk.ports.clock import Clock
from copydesk.venues.binance.websocket import connect

log = structlog.get_logger()

PRICE_AGE_S = 1.0
"""All followers of one signal are sized with one price. An older one is asked for: nobody has traded, or the stream is silent."""

SYMBOLS_MAX = 200
"""Names that one connection is asked for; the venue lets it have 200."""


class _Price(NamedTuple):
    """As it was told, and of when it is (by the clock's `elapsed`)."""

    text: str
    at_s: float


class _Trade(msgspec.Struct, frozen=True):
    symbol: str | None = msgspec.field(default=None, name="s")
    price: str | None = msgspec.field(default=None, name="p")
    at_ms: int | None = msgspec.field(default=None, name="T")


class _Frame(msgspec.Struct, frozen=True):
    """A trade; or the answer to a SUBSCRIBE, which has no data."""

    data: _Trade | None = None


_read = msgspec.json.Decoder(_Frame).decode


class Prices:
    """One environment's. `ask` tells a symbol's price over REST."""

    def __init__(self, url: str, clock: Clock, ask: Callable[[str], Awaitable[str]]) -> None:
        self._url = url
        self._clock = clock
        self._ask = ask
        self._known: dict[str, _Price] = {}
        self._asking: dict[str, asyncio.Lock] = {}
        self._stream: _Stream | None = None
        self._opening: asyncio.Task[None] | None = None

    async def last(self, symbol: str) -> Decimal:
        """At most a second old. Raise VenueError."""
        asking = self._asking.get(symbol)
        if asking is None:
            asking = self._asking[symbol] = asyncio.Lock()
            if self._stream is not None:
                self._stream.ask_for([symbol])
        found = self._fresh(symbol)
        if found is None:
            async with asking:
                found = self._fresh(symbol)
                if found is None:
                    found = await self._ask(symbol)
                    self._known[symbol] = _Price(found, self._clock.elapsed())
        return _price(found)

    def keep_open(self) -> None:
        """Where there is something to hear, and nothing is heard: connect, again if need be. Nobody waits for that."""
        is_heard = self._stream is not None and self._stream.is_open
        if self._asking and not is_heard and self._opening is None:
            self._opening = asyncio.get_running_loop().create_task(self._open())
            self._opening.add_done_callback(self._opened)

    def close(self) -> None:
        if self._opening is not None:
            self._opening.cancel()
        if self._stream is not None:
            self._stream.close()

    def _fresh(self, symbol: str) -> str | None:
        known = self._known.get(symbol)
        return None if known is None or self._clock.elapsed() - known.at_s > PRICE_AGE_S else known.text

    def _take(self, symbol: str, price: _Price) -> None:
        known = self._known.get(symbol)
        if known is None or price.at_s >= known.at_s:
            self._known[symbol] = price

    async def _open(self) -> None:
        stream = self._stream = _Stream(self._take, self._clock)
        if await connect(self._url, stream, without="prices are asked for"):
            stream.ask_for(list(self._asking))

    def _opened(self, opening: asyncio.Task[None]) -> None:
        self._opening = None
        if not opening.cancelled() and (error := opening.exception()) is not None:
            log.error("opening the stream of prices broke", exc_info=error)


class _Stream(picows.WSListener):
    """One connection to its end.

    A trade is as old as it says itself, by the venue's clock: what lay in a buffer while this program was stopped is not new. How
    the two clocks stand to each other, the quickest trade so far tells.
    """

    def __init__(self, take: Callable[[str, _Price], None], clock: Clock) -> None:
        self._take = take
        self._clock = clock
        self._ahead_s = math.inf
        self._transport: picows.WSTransport | None = None
        self._asked: set[str] = set()
        self._numbers = itertools.count(1)

    @property
    def is_open(self) -> bool:
        return self._transport is not None

    def ask_for(self, symbols: list[str]) -> None:
        new = [one for one in symbols if one not in self._asked][: SYMBOLS_MAX - len(self._asked)]
        if new and self._transport is not None:
            self._asked.update(new)
            names = [f"{one.lower()}@aggTrade" for one in new]
            wish = {"method": "SUBSCRIBE", "params": names, "id": next(self._numbers)}
            self._transport.send(picows.WSMsgType.TEXT, msgspec.json.encode(wish))

    def close(self) -> None:
        if self._transport is not None:
            self._transport.disconnect()
            self._transport = None

    def on_ws_connected(self, transport: picows.WSTransport) -> None:
        self._transport = transport

    def on_ws_frame(self, _transport: picows.WSTransport, frame: picows.WSFrame) -> None:
        match frame.msg_type:
            case picows.WSMsgType.TEXT if frame.fin:
                self._hear(frame.get_payload_as_bytes())
            case picows.WSMsgType.PING | picows.WSMsgType.PONG:
                return
            case _:
                self.close()

    def on_ws_disconnected(self, _transport: picows.WSTransport) -> None:
        self._transport = None

    def _hear(self, text: bytes) -> None:
        """What cannot be read tells no price."""
        try:
            trade = _read(text).data
        except msgspec.DecodeError:
            log.info("a price that cannot be read")
            return
        if trade is not None and trade.symbol is not None and trade.price is not None and trade.at_ms is not None:
            self._ahead_s = min(self._ahead_s, self._clock.elapsed() - trade.at_ms / 1000)
            self._take(trade.symbol, _Price(trade.price, trade.at_ms / 1000 + self._ahead_s))


def _price(text: str) -> Decimal:
    try:
        price = Decimal(text)
        if price.is_finite() and price > 0:
            return price
    except InvalidOperation:
        pass
    raise OutcomeUnknown(f"Binance tells no price: {text!r}")
