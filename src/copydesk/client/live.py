"""A small typed client of the live API: connects, stays connected, tells what it hears.

async with signed_in(URL, "ada", "her password") as api, live(URL, api.access_token) as desk:
    async for event in desk.events():
        print(event.name, event.data)
"""

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Protocol

import aiohttp
import httpx
import socketio
from socketio.exceptions import SocketIOError

from copydesk.client.errors import SignInNeeded, Unavailable, error_of_answer
from copydesk.client.live_words import LiveEvent
from copydesk.ports.clock import Clock, SystemClock
from copydesk.ports.live import BotCommand, RunStatus

CONNECTED, DISCONNECTED, MISSED = "connected", "disconnected", "missed"

ALIVE_EVERY_S, ALIVE_WITHIN_S = 0.6, 1.2
"""A hub that stands still is known within two seconds; one that dies, at once."""

SILENT_S = 10.0
"""After that a connection is given up and made anew."""

CONNECT_WITHIN_S = 10.0
ANSWER_WITHIN_S = 20.0
BACK_OFF_S, BACK_OFF_S_MAX = 1.0, 30.0
EVENTS_MAX = 10_000

UNAUTHORIZED = "unauthorized"


class TokenSource(Protocol):
    """An access token, or a new one where the last was refused; None where nobody is signed in. Connection has one."""

    async def __call__(self, *, fresh: bool = False) -> str | None: ...


class LiveClient:
    """`run` keeps one connection; `events` is read by one reader. Bots that are watched are watched again after a cut."""

    def __init__(self, base_url: str, token: TokenSource, clock: Clock | None = None) -> None:
        self._base_url = base_url
        self._token = token
        self._clock = clock or SystemClock()
        self._events: asyncio.Queue[LiveEvent] = asyncio.Queue(EVENTS_MAX)
        self._bots: list[str] = []
        self._wire: _Wire | None = None
        self.is_connected = False

    async def events(self) -> AsyncIterator[LiveEvent]:
        """The hub's (docs/live-api.md), and our own: `connected`, `disconnected`, and `missed` where the reader was so slow
        that what waited was dropped. After `connected` and `missed`, what was read before may be old.
        """
        while True:
            yield await self._events.get()

    async def watch(self, bot_id: str) -> bool:
        """Whether the bot may be commanded, too. Raise one of ApiError's kinds."""
        answer = await self._call("subscribe", {"bot_id": bot_id})
        if bot_id not in self._bots:
            self._bots.append(bot_id)
        return bool(answer["may_command"])

    async def unwatch(self, bot_id: str) -> None:
        if bot_id in self._bots:
            self._bots.remove(bot_id)
        await self._call("unsubscribe", {"bot_id": bot_id})

    async def command(self, bot_id: str, command: BotCommand) -> RunStatus:
        """Raise one of ApiError's kinds."""
        return RunStatus((await self._call("bot_command", {"bot_id": bot_id, "command": command.value}))["status"])

    async def change_settings(self, bot_id: str, changes: Mapping[str, Any]) -> Mapping[str, Any]:
        """All settings as they are now. Raise one of ApiError's kinds."""
        answer = await self._call("update_settings", {**changes, "bot_id": bot_id})
        settings: Mapping[str, Any] = answer["settings"]
        return settings

    async def _call(self, name: str, wish: Mapping[str, Any]) -> Mapping[str, Any]:
        if self._wire is None:
            raise Unavailable(503, "not_connected", "the hub is not connected")
        try:
            answer = await self._wire.call(name, wish, ANSWER_WITHIN_S)
        except SocketIOError as error:
            raise Unavailable(503, "not_connected", f"the hub did not answer: {type(error).__name__}") from error
        if not answer["success"]:
            raise error_of_answer(answer["error"])
        return answer

    async def run(self) -> None:
        """Until cancelled; raise SignInNeeded where a fresh token is refused, too."""
        wait_s, fresh = BACK_OFF_S, False
        while True:
            began_s = self._clock.elapsed()
            was_refused = await self._connect_once(fresh=fresh)
            if was_refused and fresh:
                raise SignInNeeded(401, UNAUTHORIZED, "the live API refused a fresh token: sign in again")
            lasted = self._clock.elapsed() - began_s > BACK_OFF_S_MAX
            wait_s = BACK_OFF_S if lasted else wait_s
            if was_refused:
                fresh = True
                continue
            fresh = False
            await self._clock.sleep(wait_s * random.uniform(0.5, 1))  # noqa: S311  only spreads the load
            wait_s = min(wait_s * 2, BACK_OFF_S_MAX)

    async def _connect_once(self, *, fresh: bool) -> bool:
        """One connection until it ends; whether its token was refused."""
        try:
            token = await self._token(fresh=fresh)
        except httpx.HTTPError:
            return False
        if token is None:
            raise SignInNeeded(401, UNAUTHORIZED, "nobody is signed in")
        async with aiohttp.ClientSession() as http:
            wire = _Wire(http, self._hear, lambda: self._tell_connected(is_connected=False))
            if not await wire.connect(self._base_url, token):
                return wire.refusal == UNAUTHORIZED
            try:
                self._wire = wire
                await self._keep(wire)
            except (SocketIOError, httpx.HTTPError):
                pass  # it ended in the middle of something: a new one is made
            finally:
                self._wire = None
                self._tell_connected(is_connected=False)
                await wire.close()
        return False

    async def _keep(self, wire: "_Wire") -> None:
        """Until the connection ends, or is silent for too long."""
        for bot_id in self._bots:
            await wire.call("subscribe", {"bot_id": bot_id}, ALIVE_WITHIN_S)
        heard_s = self._clock.elapsed()
        while wire.is_open:
            try:
                await wire.call("alive", {}, ALIVE_WITHIN_S)
            except SocketIOError:
                self._tell_connected(is_connected=False)
                if self._clock.elapsed() - heard_s > SILENT_S:
                    return
                continue
            heard_s = self._clock.elapsed()
            self._tell_connected(is_connected=wire.is_open)
            if wire.wants_token and (token := await self._token(fresh=True)) is not None:
                wire.wants_token = False
                await wire.call("reauth", {"token": token}, ANSWER_WITHIN_S)
            await self._clock.sleep(ALIVE_EVERY_S)

    def _tell_connected(self, *, is_connected: bool) -> None:
        if is_connected != self.is_connected:
            self.is_connected = is_connected
            self._hear(CONNECTED if is_connected else DISCONNECTED, {})

    def _hear(self, name: str, data: Mapping[str, Any]) -> None:
        if self._events.full():
            while not self._events.empty():
                self._events.get_nowait()
            self._events.put_nowait(LiveEvent(MISSED, {}))
        self._events.put_nowait(LiveEvent(name, data))


class _Wire:
    """One connection of the library's client, which neither comes again by itself nor says more than is asked."""

    def __init__(self, http: aiohttp.ClientSession, hear: Any, ended: Any) -> None:
        log = logging.getLogger(__name__)
        log.setLevel(logging.ERROR)  # below that whole packets are told, tokens included
        self._client = socketio.AsyncClient(reconnection=False, http_session=http, logger=log, engineio_logger=log)
        self._hear, self._ended = hear, ended
        self.refusal: str | None = None
        self.wants_token = False
        self._client.on("*", self._take)
        self._client.on("disconnect", self._end)
        self._client.on("connect_error", self._refuse)

    @property
    def is_open(self) -> bool:
        return bool(self._client.connected)

    async def connect(self, base_url: str, token: str) -> bool:
        try:
            await self._client.connect(
                base_url, auth={"token": token}, transports=["websocket"], wait_timeout=CONNECT_WITHIN_S
            )
        except SocketIOError:
            await self.close()
            return False
        return True

    async def call(self, name: str, wish: Mapping[str, Any], within_s: float) -> Mapping[str, Any]:
        answer: Mapping[str, Any] = await self._client.call(name, wish, timeout=within_s)
        return answer

    async def close(self) -> None:
        await self._client.disconnect()

    async def _take(self, name: str, data: Any = None) -> None:
        if name == "reauth":
            self.wants_token = True
        self._hear(name, data if isinstance(data, dict) else {})

    async def _end(self, _reason: str) -> None:
        self._ended()

    async def _refuse(self, why: Any) -> None:
        self.refusal = why.get("message") if isinstance(why, dict) else str(why)


@asynccontextmanager
async def live(base_url: str, token: TokenSource) -> AsyncIterator[LiveClient]:
    """A client that runs as long as the block; it is there at once, and `connected` is its first event."""
    client = LiveClient(base_url, token)
    try:
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(client.run())
            try:
                yield client
            finally:
                running.cancel()
    except BaseExceptionGroup as group:
        raise group.exceptions[0] from None  # the block's own, or why there is no connection any more
