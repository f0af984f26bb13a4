"""The line to the hub: connects, says who it is, hands on what it is told, and says how the terminal is. docs/agents.md."""

import asyncio
import json
import random
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

import msgspec
import structlog
from msgspec import Struct
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, InvalidURI, WebSocketException

from copydesk.domain.errors import CopydeskError
from copydesk.domain.frames import CLOSE_CODES, Closing
from copydesk.ports.clock import Clock
from copydesk.terminal.backoff import back_off
from copydesk.terminal.console import Tell
from copydesk.terminal.copier.reception import OutOfStep, Reception
from copydesk.terminal.hub import Later

log = structlog.get_logger()

HEARTBEAT_S = 5.0
LOOK_EVERY_S = 0.25
SNAPSHOT_EVERY_S = 60.0
DOUBTED_EVERY_S = 1.5
"""While a copy seems to have no master's position any more."""

OPEN_S, SEND_S = 10.0, 10.0
PING_S = 15.0
FRAME_BYTES_MAX = 32 * 1024 * 1024
UNAUTHORIZED = 401

COMMANDS = frozenset({"OPEN", "MODIFY", "CLOSE", "CANCEL", "GAPFILL"})

Frame = Mapping[str, Any]


CONNECTED = "connected to the hub"


class TakenOver(CopydeskError):
    """Another copier signed in for this login: there must be only one."""


class Link:
    """`token` gives one, a fresh one where True is asked; `hello` and `heartbeat` are the frames to say."""

    def __init__(
        self,
        url: str,
        agent: str,
        reception: Reception,
        *,
        token: Callable[[bool], Awaitable[str | Later]],
        hello: Callable[[], Frame],
        heartbeat: Callable[[], Frame],
        forbid: Callable[[str | None], None],
        clock: Clock,
        chance: random.Random,
        tell: Tell,
    ) -> None:
        self._url = url
        self._agent = agent
        self._reception = reception
        self._token = token
        self._hello = hello
        self._heartbeat = heartbeat
        self._forbid = forbid
        self._clock = clock
        self._chance = chance
        self._tell = tell
        self._line: ClientConnection | None = None
        self._failures = 0
        self._is_stale = False
        self._is_up: bool | None = None

    async def run(self) -> None:
        """Until cancelled. Raise TakenOver, SignInRefused, StoreUnavailable."""
        while True:
            problem = await self._connect()
            self._line = None
            self._failures += 1
            wait_s = back_off(self._failures, self._chance)
            log.warning("no line to the hub", problem=problem, again_s=round(wait_s, 1))
            if self._is_up is not False:
                self._is_up = False
                self._tell(f"the hub is away ({problem}); connecting again", level="warning")
            await self._clock.sleep(wait_s)

    async def say(self, frame: Frame) -> None:
        """Where there is a line. What is lost is told again after the next snapshot."""
        line = self._line
        if line is None:
            return
        try:
            async with asyncio.timeout(SEND_S):
                await line.send(json.dumps(frame, default=str))
        except TimeoutError:
            # A hub that reads nothing for so long is as good as away.
            line.transport.abort()
        except ConnectionClosed:
            log.info("not said, the line is cut", action=frame["action"])

    async def _connect(self) -> str:
        """One connection, to its end; why it ended."""
        token = await self._token(self._is_stale)
        if isinstance(token, Later):
            return token.reason
        self._is_stale = False
        asked_at_s = self._clock.elapsed()
        address = f"{_websocket(self._url)}/ws?token={quote(token)}&agent={quote(self._agent)}"
        try:
            async with connect(
                address,
                open_timeout=OPEN_S,
                ping_interval=PING_S,
                ping_timeout=PING_S,
                close_timeout=1,
                max_size=FRAME_BYTES_MAX,
                compression=None,
            ) as line:
                self._line = line
                return await self._serve(line, asked_at_s)
        except InvalidStatus as error:
            self._is_stale = error.response.status_code == UNAUTHORIZED
            return f"HTTP {error.response.status_code}"
        except InvalidURI:
            # Its text holds the token.
            return f"{self._url} is no address of a hub"
        except (OSError, TimeoutError, WebSocketException) as error:
            return str(error) or type(error).__name__

    async def _serve(self, line: ClientConnection, asked_at_s: float) -> str:
        await self.say(self._hello())
        async with asyncio.TaskGroup() as tasks:
            beside = [tasks.create_task(self._beat()), tasks.create_task(self._ask_for_snapshots())]
            why = await self._listen(line, asked_at_s)
            for one in beside:
                one.cancel()
        return why

    async def _listen(self, line: ClientConnection, asked_at_s: float) -> str:
        with suppress(ConnectionClosed):
            async for text in line:
                try:
                    frame = read_whole(text)
                    await self._take(frame, asked_at_s)
                except OutOfStep as error:
                    await line.close()
                    return str(error)
                except msgspec.DecodeError as error:
                    log.warning("frame not understood", problem=str(error))
        return self._ended(line.close_code, line.close_reason or "cut")

    async def _take(self, frame: Frame, asked_at_s: float) -> None:
        event = frame["event"]
        if event in COMMANDS:
            await self._say_all(await self._reception.take(frame))
        elif event == "SNAPSHOT":
            await self._say_all(await self._reception.compare(frame))
            self._arrived()
        elif event == "WELCOME":
            await self._reception.welcome(frame, asked_at_s)
        elif event == "REAUTH":
            await self._reauthorize()
        elif event == "ERROR":
            log.warning("the hub did not take it", code=frame["data"].get("code"))
            self._tell(f"the hub says: {frame['data'].get('message')}", level="warning")

    async def _say_all(self, frames: Any) -> None:
        for one in frames:
            await self.say(one)

    def _arrived(self) -> None:
        """Only now: a hub that lets in and says nothing is none."""
        if not self._is_up:
            self._tell(CONNECTED, level="success")
        self._failures, self._is_up = 0, True
        self._forbid(None)

    async def _reauthorize(self) -> None:
        token = await self._token(True)
        if isinstance(token, Later):
            log.warning("no fresh token", problem=token.reason)
            return
        await self.say({"action": "reauth", "token": token})

    def _ended(self, code: int | None, reason: str) -> str:
        if code == CLOSE_CODES[Closing.REPLACED]:
            raise TakenOver(f"another copier signed in for login {self._agent}: only one may trade, so this one stops")
        if code == CLOSE_CODES[Closing.FOREIGN]:
            self._forbid(f"the hub does not let you trade from login {self._agent}")
        self._is_stale = code == CLOSE_CODES[Closing.EXPIRED]
        return f"{reason} ({code})"

    async def _beat(self) -> None:
        """Every few seconds, and as soon as something is otherwise."""
        told: Any = None
        told_at = float("-inf")
        while True:
            frame = self._heartbeat()
            standing = _standing(frame)
            if standing != told or self._clock.elapsed() - told_at >= HEARTBEAT_S:
                told, told_at = standing, self._clock.elapsed()
                await self.say(frame)
            await self._clock.sleep(LOOK_EVERY_S)

    async def _ask_for_snapshots(self) -> None:
        asked_at = self._clock.elapsed()
        while True:
            await self._clock.sleep(LOOK_EVERY_S)
            every_s = DOUBTED_EVERY_S if self._reception.doubts else SNAPSHOT_EVERY_S
            if self._clock.elapsed() - asked_at >= every_s:
                asked_at = self._clock.elapsed()
                await self.say({"action": "get_snapshot"})


class _Whole(Struct, frozen=True, kw_only=True):
    """What every frame has."""

    event: str
    seq: int
    ts: datetime
    id: str | None
    data: dict[str, Any]


_check = msgspec.json.Decoder(_Whole).decode


def read_whole(text: str | bytes) -> Frame:
    """Raise msgspec.DecodeError for what is no frame."""
    found = _check(text)
    if found.event in COMMANDS - {"GAPFILL"} and not found.id:
        raise msgspec.ValidationError(f"{found.event} without an id")
    frame: Frame = json.loads(text)
    return frame


def _websocket(url: str) -> str:
    parts = urlsplit(url)
    scheme = "wss" if parts.scheme == "https" else "ws"
    return urlunsplit((scheme, parts.netloc, parts.path.rstrip("/"), "", ""))


def _standing(frame: Frame) -> Any:
    """Prices and equity move all the time; this is what is told at once."""
    figures = frame.get("figures") or {}
    told = (figures.get("trade_allowed"), figures.get("open_positions"), figures.get("balance"))
    return frame["connected"], frame["login"], frame["server"], told
