"""Holding on to the right terminal: connects, and looks only where the account is the one that the hub allows."""

import asyncio
import random
import sys

import structlog
from msgspec import Struct

from copydesk.ports.clock import Clock
from copydesk.terminal.backoff import back_off
from copydesk.terminal.codec import Look
from copydesk.terminal.console import Tell
from copydesk.terminal.frames import Failed
from copydesk.terminal.gateway import Gateway

log = structlog.get_logger()

PROGRAM = "terminal64.exe"
ASK_WINDOWS_S = 10.0
TELL_AGAIN_S = 60.0


class Wanted(Struct, frozen=True, kw_only=True):
    """The account that the hub allows; `server` is the first it was seen at, None before that."""

    login: int
    path: str | None
    server: str | None = None


class Trouble(Struct, frozen=True, kw_only=True):
    """Why there is nothing to look at. `foreign`: another account is logged in, so nothing at all may be done."""

    reason: str
    foreign: bool = False


class Attachment:
    """`connections` counts: what the first look of a new connection shows is doubtful. `seen` is the newest look that was a
    right one, of `seen_at` by the clock's `elapsed`.
    """

    def __init__(self, gateway: Gateway, wanted: Wanted, *, clock: Clock, chance: random.Random, tell: Tell) -> None:
        self._gateway = gateway
        self._clock = clock
        self._chance = chance
        self._tell = tell
        self._failures = 0
        self._next_try = 0.0
        self._is_connected = False
        self._told_at = 0.0
        self.wanted = wanted
        self.connections = 0
        self.trouble: Trouble | None = None
        self.seen: Look | None = None
        self.seen_at = 0.0

    async def look(self) -> Look | Trouble:
        """One cycle. Raise PackageMissing."""
        found = await self._look()
        self._note(found if isinstance(found, Trouble) else None)
        if isinstance(found, Look):
            self.seen, self.seen_at = found, self._clock.elapsed()
        return found

    async def _look(self) -> Look | Trouble:
        if not self._is_connected and (trouble := await self._connect()) is not None:
            return trouble
        look = await self._gateway.look()
        if isinstance(look, Failed):
            self._lose()
            return Trouble(reason=f"the terminal cannot be read: {look}")
        if (foreign := self._foreign(look)) is not None:
            self._doubt()
            return foreign
        if not look.terminal.connected:
            self._doubt()
            return Trouble(reason="the terminal has no connection to its broker")
        self._failures = 0
        return look

    async def _connect(self) -> Trouble | None:
        if self._clock.elapsed() < self._next_try:
            return self.trouble or Trouble(reason="not connected yet")
        path = self.wanted.path
        if path is None and not await terminal_runs():
            return self._failed(f"waiting for a running terminal ({PROGRAM}): start MetaTrader 5 and log in")
        log.info("connecting to the terminal", path=path or "any that runs", login=self.wanted.login)
        answer = await self._gateway.initialize(path)
        if isinstance(answer, Failed):
            return self._failed(f"no terminal{'' if path is None else f' at {path}'}: {answer}")
        self._is_connected = True
        self.connections += 1
        return None

    def _failed(self, reason: str) -> Trouble:
        self._failures += 1
        self._next_try = self._clock.elapsed() + back_off(self._failures, self._chance)
        return Trouble(reason=reason)

    def _lose(self) -> None:
        """The first try to connect again comes at once, the next ones later and later."""
        self._is_connected = False
        if self._failures:
            self._next_try = self._clock.elapsed() + back_off(self._failures, self._chance)
        self._failures += 1

    def _doubt(self) -> None:
        """What is seen afterwards counts as seen by a new connection."""
        if self.trouble is None:
            self.connections += 1

    def _foreign(self, look: Look) -> Trouble | None:
        """On every cycle: whoever logs in to another account must not have its trades copied."""
        login, server = look.account.login, look.account.server
        if login != self.wanted.login:
            reason = (
                f"the terminal is logged in to {login}, and the hub allows {self.wanted.login} only: nothing is sent"
            )
            return Trouble(reason=reason, foreign=True)
        if self.wanted.server not in {None, server}:
            reason = f"{login} is at server {server} now, and was watched at {self.wanted.server}: nothing is sent"
            return Trouble(reason=reason, foreign=True)
        return None

    def _note(self, trouble: Trouble | None) -> None:
        """When it begins, again every minute, and when it is over."""
        before, self.trouble = self.trouble, trouble
        if trouble is None:
            if before is not None:
                log.info("terminal is back", login=self.wanted.login)
                self._tell(f"the terminal is back, logged in to {self.wanted.login}", level="success")
            return
        now = self._clock.elapsed()
        if before is None or before.reason != trouble.reason or now - self._told_at >= TELL_AGAIN_S:
            self._told_at = now
            log.warning("not watching", problem=trouble.reason, foreign=trouble.foreign)
            self._tell(trouble.reason, level="error" if trouble.foreign else "warning")


async def terminal_runs() -> bool:
    """Whether a terminal's process is there: `initialize` without a path would start one. Only Windows can be asked."""
    if sys.platform == "win32":
        return await _is_listed_by_windows()
    return True


async def _is_listed_by_windows() -> bool:
    process = await asyncio.create_subprocess_exec(
        "tasklist", "/FI", f"IMAGENAME eq {PROGRAM}", "/NH", "/FO", "CSV", stdout=asyncio.subprocess.PIPE
    )
    try:
        async with asyncio.timeout(ASK_WINDOWS_S):
            output, _ = await process.communicate()
    except TimeoutError:
        process.kill()
        return False
    return PROGRAM.encode() in output.lower()
