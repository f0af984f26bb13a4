"""Orders over the venue's WebSocket API: a few connections carry those of all accounts, and nothing is ever sent twice.

A request is on one connection only. When that ends, or says something that cannot be understood, the outcome of all that
waits on it is unknown; the next connection begins with nothing.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

import msgspec
import picows
import structlog

from copydesk.domain.errors import OutcomeUnknown, VenueUnavailable
from copydesk.ports.clock import Clock
from copydesk.venues.binance.budget import Budget
from copydesk.venues.binance.cork import Cork
from copydesk.venues.binance.frames import Answer, Limit, read_answer, write_request
from copydesk.venues.binance.websocket import connect
from copydesk.venues.once import LEAVES_WITHIN_S

log = structlog.get_logger()

ACCOUNTS_EACH = 200
"""Accounts that share a connection where the settings say nothing else."""

HANDSHAKE_WEIGHT = 5

OPEN_WITHIN_S = 2.0
"""Ahead of orders, when accounts are set up and when the venue's clock is read."""

ORDER_WAITS_S = 0.25
"""For a connection that is not open: then the order goes over REST. Whatever was asked before it left must still be true."""

OPEN_AGAIN_S = 5.0

LIVES_S = 23 * 3_600.0
"""The venue ends a connection after 24 hours; one that has nothing under way is renewed before."""

IN_FLIGHT_MAX = 256
"""Requests that may wait on one connection; more wait for their turn on it."""


Told = Callable[[Answer | OutcomeUnknown], None]
"""Hears what came of a request, once: its answer, or that there is none to be had."""


class _Waits(NamedTuple):
    """A request on its way: who hears its answer, whose it is, and until when it is waited for (by the clock's `elapsed`)."""

    told: Told
    api_key: str
    until_s: float


class OrderSocket(picows.WSListener):
    """One connection, from its handshake to its end."""

    def __init__(self, note: Callable[[str, Answer], None], clock: Clock, timeout_s: float) -> None:
        self._note = note
        self._timeout_s = timeout_s
        self._transport: picows.WSTransport | None = None
        self._cork: Cork | None = None
        self._waiting: dict[int, _Waits] = {}
        self._turns: deque[asyncio.Future[None]] = deque()
        self._late: asyncio.TimerHandle | None = None
        self._number = 0
        self._clock = clock
        self._opened_s = clock.elapsed()

    @property
    def is_open(self) -> bool:
        return self._transport is not None

    @property
    def has_room(self) -> bool:
        """Whether a request would leave at once."""
        return self._transport is not None and len(self._waiting) < IN_FLIGHT_MAX

    @property
    def is_old(self) -> bool:
        return not self._waiting and self._clock.elapsed() - self._opened_s > LIVES_S

    async def ask(self, method: str, params: Mapping[str, str], api_key: str, secret: bytes) -> Answer | None:
        """The answer to a request; None where the connection had ended before anything left. Raise OutcomeUnknown."""
        asked_s = self._clock.elapsed()
        while len(self._waiting) >= IN_FLIGHT_MAX:
            await self._turn()
        _refuse_late(self._clock, asked_s)
        if not self.is_open:
            return None
        answered: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self.begin(method, params, api_key, secret, partial(_settle, answered))
        return await answered

    def begin(self, method: str, params: Mapping[str, str], api_key: str, secret: bytes, told: Told) -> None:
        """On the wire when this returns; the connection must be open."""
        if self._transport is None:
            raise VenueUnavailable("the connection has ended")
        self._number = number = self._number + 1
        request = write_request(number, method, params, api_key, secret)
        loop = asyncio.get_running_loop()
        self._waiting[number] = _Waits(told, api_key, self._clock.elapsed() + self._timeout_s)
        if self._late is None:
            self._late = loop.call_later(self._timeout_s, self._give_up)
        if self._cork is not None:
            self._cork.put_in(loop)
        self._transport.send(picows.WSMsgType.TEXT, request)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.disconnect()
            self._end("the connection was closed")

    def on_ws_connected(self, transport: picows.WSTransport) -> None:
        self._transport = transport
        self._cork = Cork(transport.underlying_transport)

    def on_ws_frame(self, transport: picows.WSTransport, frame: picows.WSFrame) -> None:
        match frame.msg_type:
            case picows.WSMsgType.TEXT if frame.fin:
                self._hear(frame.get_payload_as_bytes())
            case picows.WSMsgType.PING | picows.WSMsgType.PONG:
                return
            case _:
                transport.disconnect()
                self._end("Binance ended the connection")

    def on_ws_disconnected(self, _transport: picows.WSTransport) -> None:
        self._end("the connection ended")

    def _hear(self, text: bytes) -> None:
        try:
            answer = read_answer(text)
        except msgspec.DecodeError:
            self._doubt("an answer that cannot be read")
            return
        if answer.id is None:
            self._doubt("an answer that does not say to what")
            return
        waits = self._waiting.pop(answer.id, None) if isinstance(answer.id, int) else None
        if waits is None:
            return  # nobody waits for it any more: it is being asked about
        self._note(waits.api_key, answer)
        self._next_turn()
        waits.told(answer)

    def _end(self, why: str) -> None:
        self._transport = None
        self._doubt(why)
        while self._turns:
            self._next_turn()

    def _doubt(self, why: str) -> None:
        """It may be about any request that waits here."""
        for number in list(self._waiting):
            self._doubt_one(number, why)

    def _doubt_one(self, number: int, why: str) -> None:
        told = self._waiting.pop(number).told
        self._next_turn()
        told(OutcomeUnknown(f"Binance: {why}"))

    def _give_up(self) -> None:
        """On those that have waited long enough, which are the oldest."""
        self._late, now_s = None, self._clock.elapsed()
        for number, waits in list(self._waiting.items()):
            if waits.until_s > now_s:
                left_s = waits.until_s - now_s
                self._late = asyncio.get_running_loop().call_later(left_s, self._give_up)
                return
            self._doubt_one(number, "no answer in time")

    async def _turn(self) -> None:
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._turns.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled():
                self._next_turn()  # it was ours already
            raise

    def _next_turn(self) -> None:
        while self._turns:
            turn = self._turns.popleft()
            if not turn.done():
                turn.set_result(None)
                return


def _settle(answered: asyncio.Future[Answer], told: Answer | OutcomeUnknown) -> None:
    if answered.done():
        return  # nobody waits for it any more
    if isinstance(told, Answer):
        answered.set_result(told)
    else:
        answered.set_exception(told)


def _refuse_late(clock: Clock, asked_s: float) -> None:
    """Raise VenueUnavailable: this program was stopped, or so busy that what it was to send may not be wanted any more."""
    if clock.elapsed() - asked_s > LEAVES_WITHIN_S:
        raise VenueUnavailable("Not sent: it could not leave in time")


class OrderSockets:
    """An environment's connections; each key has its place on one of them, `accounts_each` at most."""

    def __init__(self, url: str, clock: Clock, budget: Budget, *, accounts_each: int, timeout_s: float) -> None:
        self._url = url
        self._timeout_s = timeout_s
        self._clock = clock
        self._budget = budget
        self._accounts_each = accounts_each
        self._places: dict[str, int] = {}
        self._open: dict[int, OrderSocket] = {}
        self._opening: dict[int, asyncio.Lock] = {}
        self._again_s: dict[int, float] = {}
        self._elsewhere: set[str] = set()

    @property
    def are_shared(self) -> bool:
        return self._accounts_each > 1

    async def ask(self, method: str, params: Mapping[str, str], api_key: str, secret: str) -> Answer | None:
        """As OrderSocket.ask; None too where there is no connection, and the request has to go another way."""
        if api_key in self._elsewhere:
            return None
        asked_s = self._clock.elapsed()
        socket = await self._socket(self._place(api_key), within_s=ORDER_WAITS_S)
        _refuse_late(self._clock, asked_s)
        return None if socket is None else await socket.ask(method, params, api_key, secret.encode())

    def ready(self, api_key: str) -> OrderSocket | None:
        """The connection of this key, where a request would leave over it at once."""
        if api_key in self._elsewhere:
            return None
        found = self._open.get(self._place(api_key))
        return found if found is not None and found.has_room else None

    async def warm(self, api_key: str) -> None:
        """Open the connection that this key's orders will take."""
        if api_key not in self._elsewhere:
            await self._socket(self._place(api_key), within_s=OPEN_WITHIN_S)

    def leave(self, api_key: str) -> None:
        """The venue takes this key elsewhere, and not on a connection with others: its orders go another way."""
        log.warning("an account's orders go over REST: Binance refuses its key on a shared connection")
        self._elsewhere.add(api_key)

    async def keep_open(self) -> None:
        """Those that had ended open again before the next order needs them; old ones are renewed."""
        for number in range(-(-len(self._places) // self._accounts_each)):
            found = self._open.get(number)
            if found is not None and found.is_old:
                found.close()
            await self._socket(number, within_s=OPEN_WITHIN_S)

    def close(self) -> None:
        for socket in self._open.values():
            socket.close()

    def _place(self, api_key: str) -> int:
        return self._places.setdefault(api_key, len(self._places)) // self._accounts_each

    async def _socket(self, number: int, *, within_s: float) -> OrderSocket | None:
        """The open one, or None; whoever comes while it is being opened waits for that as long as for opening it."""
        found = self._open.get(number)
        if found is None or not found.is_open:
            try:
                async with asyncio.timeout(within_s), self._opening.setdefault(number, asyncio.Lock()):
                    await self._open_again(number)
            except TimeoutError:
                self._again_s[number] = self._clock.elapsed() + OPEN_AGAIN_S
        found = self._open.get(number)
        return found if found is not None and found.is_open else None

    async def _open_again(self, number: int) -> None:
        found = self._open.get(number)
        if (found is not None and found.is_open) or self._clock.elapsed() < self._again_s.get(number, 0.0):
            return
        opened = await self._connect()
        if opened is None:
            self._again_s[number] = self._clock.elapsed() + OPEN_AGAIN_S
        else:
            self._open[number] = opened

    async def _connect(self) -> OrderSocket | None:
        if not self._budget.takes_at_once(HANDSHAKE_WEIGHT):
            return None
        socket = OrderSocket(self._budget_notes, self._clock, self._timeout_s)
        try:
            is_open = await connect(self._url, socket, without="orders go over REST")
        except asyncio.CancelledError:
            socket.close()
            raise
        return socket if is_open else None

    def _budget_notes(self, api_key: str, answer: Answer) -> None:
        for limit in answer.rate_limits:
            self._note(api_key, limit)

    def _note(self, api_key: str, limit: Limit) -> None:
        match limit.rate_limit_type, limit.interval, limit.interval_num:
            case "REQUEST_WEIGHT", "MINUTE", 1:
                self._budget.note_weight(limit.count)
            case "ORDERS", "SECOND", 10:
                self._budget.note_orders(api_key, in_10_s=limit.count)
            case "ORDERS", "MINUTE", 1:
                self._budget.note_orders(api_key, a_minute=limit.count)
            case _:
                return  # a limit that we do not count


def result_of(answer: Answer) -> Any:
    """What a success shows; raise what a refusal means."""
    refusal = answer.refusal()
    if refusal is not None:
        raise refusal
    return answer.result
