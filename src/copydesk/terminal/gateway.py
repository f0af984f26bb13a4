"""The parent's side of the one process that owns the MetaTrader5 package: asked with a deadline, killed when it hangs."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from types import TracebackType
from typing import Any, Self, TypeVar

import msgspec
import structlog

from copydesk.domain.errors import CopydeskError
from copydesk.terminal.codec import (
    Account,
    Checked,
    Deal,
    Look,
    Order,
    OrderRequest,
    Position,
    Sent,
    Symbol,
    Terminal,
    Tick,
    write_request,
)
from copydesk.terminal.frames import (
    CHILD_ENDED,
    GREETING,
    LENGTH,
    PACKAGE_MISSING,
    REQUEST_REFUSED,
    STOPPED_ANSWERING,
    Answered,
    Call,
    Failed,
    frame_length,
    pack,
)

log = structlog.get_logger()

T = TypeVar("T")

START_S = 60.0
"""A cold Windows machine imports numpy for many seconds."""

READ_S = 5.0
"""A read comes out of the terminal's own memory: within milliseconds, unless it hangs."""

SEND_S = 40.0
"""A broker may take its time; longer than this nobody waits, and the outcome is unknown."""

CONNECT_MS = 30_000
CONNECT_SLACK_S = 10.0

# Ctrl-C is for the parent, which then ends its child.
_OWN_GROUP: dict[str, Any] = {"start_new_session": True}
if sys.platform == "win32":
    _OWN_GROUP = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}

_READ_BYTES = 64 * 1024 * 1024


class PackageMissing(CopydeskError):
    """There is no MetaTrader5 package; the text says what to install."""


def gateway_command() -> Sequence[str]:
    """This program again, as the child; a frozen one (PyInstaller) has no `-m`."""
    return [sys.executable, *(() if getattr(sys, "frozen", False) else ("-m", "copydesk")), "gateway"]


class Gateway:
    """One terminal's package, one call at a time. What fails is a Failed value; only a missing package is raised.

    After a restart the new child is connected to no terminal: every call says so (-10004) until `initialize`.
    """

    def __init__(self, command: Sequence[str] | None = None, *, read_s: float = READ_S, send_s: float = SEND_S) -> None:
        self._command = command or gateway_command()
        self._read_s, self._send_s = read_s, send_s
        self._process: asyncio.subprocess.Process | None = None
        self._number = GREETING
        self._turn = asyncio.Lock()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        await self._end()

    @property
    def pid(self) -> int | None:
        return None if self._process is None else self._process.pid

    async def initialize(self, path: str | None, **sign_in: Any) -> bool | Failed:
        """Connect to the terminal at `path`, or to any that runs; `sign_in` may hold login, password and server."""
        wait_s = CONNECT_MS / 1_000 + CONNECT_SLACK_S
        return await self._ask(bool, "initialize", path, CONNECT_MS, sign_in, wait_s=wait_s)

    async def look(self) -> Look | Failed:
        return await self._ask(Look, "look")

    async def account(self) -> Account | Failed:
        return await self._ask(Account, "account")

    async def terminal(self) -> Terminal | Failed:
        return await self._ask(Terminal, "terminal")

    async def positions(self) -> tuple[Position, ...] | Failed:
        return await self._ask(tuple[Position, ...], "positions")

    async def orders(self) -> tuple[Order, ...] | Failed:
        return await self._ask(tuple[Order, ...], "orders")

    async def deals(self, since: int, until: int) -> tuple[Deal, ...] | Failed:
        """By seconds of the server's clock, both ends included."""
        return await self._ask(tuple[Deal, ...], "deals", since, until)

    async def deals_of_position(self, identifier: int) -> tuple[Deal, ...] | Failed:
        return await self._ask(tuple[Deal, ...], "deals_of_position", identifier)

    async def past_orders(self, since: int, until: int) -> tuple[Order, ...] | Failed:
        """Those that have ended, by seconds of the server's clock."""
        return await self._ask(tuple[Order, ...], "past_orders", since, until)

    async def past_order(self, ticket: int) -> tuple[Order, ...] | Failed:
        """The one that has ended, or nothing."""
        return await self._ask(tuple[Order, ...], "past_order", ticket)

    async def symbol_names(self) -> tuple[str, ...] | Failed:
        """All that the broker has, in Market Watch or not."""
        return await self._ask(tuple[str, ...], "symbol_names")

    async def symbol(self, name: str) -> Symbol | Failed:
        return await self._ask(Symbol, "symbol", name)

    async def tick(self, symbol: str) -> Tick | Failed:
        return await self._ask(Tick, "tick", symbol)

    async def select(self, symbol: str) -> bool | Failed:
        """Into Market Watch; an invisible symbol has no prices."""
        return await self._ask(bool, "select", symbol, True)

    async def check(self, request: OrderRequest) -> Checked | Failed:
        return await self._trade(Checked, "check", request)

    async def send(self, request: OrderRequest, *, login: int) -> Sent | Failed:
        """At most once, and on this login's account only. A Failed that does not say `nothing_was_sent` has an unknown outcome:
        ask, never send again.
        """
        return await self._trade(Sent, "send", request, login)

    async def _trade(self, kind: type[T], name: str, request: OrderRequest, *more: int) -> T | Failed:
        try:
            written = write_request(request)
        except ValueError as error:
            return Failed(REQUEST_REFUSED, str(error))
        return await self._ask(kind, name, written, *more, wait_s=self._send_s)

    async def _ask(self, kind: type[T], name: str, *arguments: Any, wait_s: float | None = None) -> T | Failed:
        async with self._turn:
            if (trouble := await self._start()) is not None:
                return trouble
            self._number += 1
            return await self._exchange(kind, Call(self._number, name, arguments), wait_s or self._read_s)

    async def _exchange(self, kind: type[T], call: Call, wait_s: float) -> T | Failed:
        """A child that was asked and did not answer in full is of no more use, whatever the cause."""
        whole = False
        try:
            async with asyncio.timeout(wait_s):
                self._write(call)
                answer = await self._answer()
            whole = answer.number == call.number
        except TimeoutError:
            return Failed(STOPPED_ANSWERING, f"the terminal did not answer {call.name} within {wait_s:g} s")
        except (OSError, EOFError, ValueError, msgspec.DecodeError) as error:
            return Failed(CHILD_ENDED, f"the gateway to the terminal ended during {call.name} ({type(error).__name__})")
        finally:
            if not whole:
                await self._end()
        return answer.failure or msgspec.msgpack.decode(answer.value, type=kind)

    async def _start(self) -> Failed | None:
        """A child that is ready; None where there is one. Raise PackageMissing."""
        if self._process is not None and self._process.returncode is None:
            return None
        await self._end()
        self._process = await asyncio.create_subprocess_exec(
            *self._command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=_READ_BYTES,
            **_OWN_GROUP,
        )
        greeting = await self._exchange_greeting()
        if isinstance(greeting, Failed) and greeting.code == PACKAGE_MISSING:
            raise PackageMissing(greeting.text)
        if isinstance(greeting, Failed):
            return greeting
        log.info("gateway started", gateway_pid=self._process.pid, package=greeting)
        return None

    async def _exchange_greeting(self) -> str | Failed:
        greeted = False
        try:
            async with asyncio.timeout(START_S):
                answer = await self._answer()
            greeted = answer.failure is None
        except TimeoutError:
            return Failed(STOPPED_ANSWERING, f"the gateway did not start within {START_S:g} s")
        except (OSError, EOFError, ValueError, msgspec.DecodeError) as error:
            return Failed(CHILD_ENDED, f"the gateway ended while it started ({type(error).__name__})")
        finally:
            if not greeted:
                await self._end()
        return answer.failure or str(msgspec.msgpack.decode(answer.value))

    def _write(self, call: Call) -> None:
        if self._process is None or self._process.stdin is None:
            raise EOFError
        self._process.stdin.write(pack(call))

    async def _answer(self) -> Answered:
        if self._process is None or self._process.stdout is None:
            raise EOFError
        length = frame_length(await self._process.stdout.readexactly(LENGTH.size))
        return msgspec.msgpack.decode(await self._process.stdout.readexactly(length), type=Answered)

    async def _end(self) -> None:
        """At once: whatever it may still be doing, nobody waits for it."""
        process, self._process = self._process, None
        if process is None:
            return
        if process.returncode is None:
            await _kill(process.pid)
        await process.wait()
        if process.stdin is not None:
            process.stdin.close()


async def _kill(pid: int) -> None:
    """With its own children: a program of one file (PyInstaller) unpacks itself and runs as a child of what was started."""
    if sys.platform == "win32":
        ending = await asyncio.create_subprocess_exec(
            "taskkill", "/T", "/F", "/PID", str(pid), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        await ending.wait()
        return
    with suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)


def seconds(at: datetime) -> int:
    """A moment as the package takes it; what it means there is the server's clock."""
    return int(at.timestamp())
