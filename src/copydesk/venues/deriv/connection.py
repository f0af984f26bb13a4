"""One WebSocket: a request leaves once, its answer is known by its `req_id`, and what a cut leaves unanswered is unknown."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
import picows
import structlog

from copydesk.domain.errors import OutcomeUnknown, VenueUnavailable
from copydesk.ports.clock import Clock
from copydesk.venues.deriv.refusals import refusal_of

log = structlog.get_logger()

PING_AFTER_S = 10.0
"""Silence until the other end is asked whether it is there, and until a silent one counts as gone."""

QUIET_S = 30.0
"""The venue ends a connection on which nothing was asked for two minutes; its own client asks as often."""

WAITING_MAX = 200
"""Requests that may wait for their answers on one connection."""

Answer = Mapping[str, Any]

_encode = msgspec.json.Encoder(decimal_format="number").encode
_decode = msgspec.json.Decoder().decode


class Connection(picows.WSListener):
    """From its handshake to its end. `told` hears each message of a stream, `ended` once that it is over."""

    def __init__(
        self, clock: Clock, timeout_s: float, told: Callable[[Answer], object], ended: Callable[[], object]
    ) -> None:
        self._clock = clock
        self._timeout_s = timeout_s
        self._told = told
        self._ended = ended
        self._transport: picows.WSTransport | None = None
        self._waiting: dict[int, asyncio.Future[Answer]] = {}
        self._number = 0
        self._parts: list[bytes] = []
        self._asked_s = clock.elapsed()

    @property
    def is_open(self) -> bool:
        return self._transport is not None

    @property
    def is_quiet(self) -> bool:
        """Whether it is time to say something, whatever it is."""
        return self.is_open and self._clock.elapsed() - self._asked_s > QUIET_S

    async def open(self, url: str) -> None:
        """Raise VenueUnavailable."""
        try:
            async with asyncio.timeout(self._timeout_s):
                await picows.ws_connect(
                    lambda: self,
                    url,
                    enable_auto_ping=True,
                    auto_ping_idle_timeout=PING_AFTER_S,
                    auto_ping_reply_timeout=PING_AFTER_S,
                    max_redirects=0,
                )
        except (OSError, TimeoutError, picows.WSError) as error:
            raise VenueUnavailable(f"Deriv cannot be reached: {type(error).__name__}") from error

    async def ask(self, request: Mapping[str, Any]) -> Answer:
        """The answer that is no error. Raise what an error means; OutcomeUnknown where there is no answer to be had,
        VenueUnavailable where nothing left.
        """
        if self._transport is None:
            raise VenueUnavailable("the connection to Deriv has ended")
        if len(self._waiting) >= WAITING_MAX:
            raise VenueUnavailable("too many requests wait for Deriv's answers")
        self._number = number = self._number + 1
        self._asked_s = self._clock.elapsed()
        answered: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answered
        try:
            self._transport.send(picows.WSMsgType.TEXT, _encode({**request, "req_id": number}))
            async with asyncio.timeout(self._timeout_s):
                answer = await answered
        except TimeoutError as error:
            raise OutcomeUnknown("Deriv did not answer in time") from error
        finally:
            self._waiting.pop(number, None)
        if (refused := answer.get("error")) is not None:
            raise refusal_of(refused if isinstance(refused, dict) else {})
        return answer

    def close(self) -> None:
        if self._transport is not None:
            self._transport.disconnect()
            self._end("it was closed")

    def on_ws_connected(self, transport: picows.WSTransport) -> None:
        self._transport = transport

    def on_ws_frame(self, transport: picows.WSTransport, frame: picows.WSFrame) -> None:
        match frame.msg_type:
            case picows.WSMsgType.TEXT | picows.WSMsgType.CONTINUATION:
                self._parts.append(frame.get_payload_as_bytes())
                if frame.fin:
                    text, self._parts = b"".join(self._parts), []
                    self._hear(text)
            case picows.WSMsgType.PING | picows.WSMsgType.PONG:
                return
            case _:
                transport.disconnect()
                self._end("Deriv ended it")

    def on_ws_disconnected(self, _transport: picows.WSTransport) -> None:
        self._end("it broke off")

    def _hear(self, text: bytes) -> None:
        try:
            message = _decode(text)
        except msgspec.DecodeError:
            message = None
        if not isinstance(message, dict):
            self._doubt("an answer that cannot be read")
            return
        number = message.get("req_id")
        answered = self._waiting.pop(number, None) if isinstance(number, int) else None
        if answered is not None and not answered.done():
            answered.set_result(message)
        elif "subscription" in message:
            self._told(message)
        elif number is None:
            self._doubt("an answer that does not say to what")

    def _end(self, why: str) -> None:
        if self._transport is None:
            return
        self._transport = None
        self._doubt(f"the connection is gone: {why}")
        self._ended()

    def _doubt(self, why: str) -> None:
        """It may be about any request that waits here."""
        for answered in list(self._waiting.values()):
            if not answered.done():
                answered.set_exception(OutcomeUnknown(f"Deriv: {why}"))
        self._waiting.clear()
