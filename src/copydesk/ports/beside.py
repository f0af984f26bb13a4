"""Programs of ours that stand beside a window: how one is, what it tells, how it is started and stopped.

A window knows the Master Sender or Client Copier of its machine through these alone; wiring hands it what fills them.
"""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Protocol

from msgspec import Struct

from copydesk.domain.terminal import TerminalRole


class Phase(StrEnum):
    """WAITING: it died and is started again in a moment. ENDED: it ended by itself, and only a person can help."""

    STOPPED = "stopped"
    STARTING = "starting"
    RUNNING = "running"
    STOPPING = "stopping"
    WAITING = "waiting"
    ENDED = "ended"


LIVE = frozenset({Phase.STARTING, Phase.RUNNING, Phase.STOPPING, Phase.WAITING})
"""There is something to stop."""


class Condition(Struct, frozen=True, kw_only=True):
    """How a program is since `since`; `why` says why the latest one died, in its own last words. `restarts` counts."""

    phase: Phase
    since: datetime
    pid: int | None = None
    why: str = ""
    code: int | None = None
    restarts: int = 0
    again_s: float | None = None


class Line(Struct, frozen=True, kw_only=True):
    """What a person is told; `level` is success, info, warning or error."""

    at: datetime
    text: str
    level: str = "info"


class Access(Struct, frozen=True, kw_only=True):
    """How to get in. It goes through a pipe, never through a command line, which everybody on the machine may read."""

    url: str
    username: str
    password: str
    signing_secret: str | None = None


class Known(Struct, frozen=True, kw_only=True):
    """What is known of the access before anybody signs in; with a password nobody has to."""

    url: str
    username: str = ""
    password: str | None = None
    signing_secret: str | None = None


class Holding(Struct, frozen=True, kw_only=True):
    """One position as the terminal shows it; a stop of 0 is none."""

    ticket: int
    symbol: str
    type: str
    volume: Decimal
    price: Decimal
    sl: Decimal
    tp: Decimal


class Login(Struct, frozen=True, kw_only=True):
    """The account as it was seen last, in its own currency; the margin level is percent, 0 while no margin is used."""

    login: int
    server: str
    currency: str
    balance: Decimal
    equity: Decimal
    leverage: int
    margin_level: Decimal
    trade_allowed: bool
    positions: Sequence[Holding] = ()


class OpenSignal(Struct, frozen=True, kw_only=True):
    """A ticket that the hub was told of and that is not closed."""

    ticket: int
    symbol: str
    type: str
    volume: Decimal
    price: Decimal
    told_at: datetime


class Copied(Struct, frozen=True, kw_only=True):
    """A position of this account that copies so many lots of a master's ticket."""

    master_ticket: int
    ticket: int
    bot_id: str
    symbol: str
    type: str
    volume: Decimal


class NotDone(Struct, frozen=True, kw_only=True):
    """A signal that was not sent, or a command that was not done, and why, with the numbers."""

    id: str
    at: datetime
    what: str
    ticket: int
    reason: str


class Insight(Struct, frozen=True, kw_only=True):
    """What the program beside the terminal sees now. `looked_s` ago the terminal was last read, None where it never was;
    `trouble` says why it is not read now.
    """

    login: int
    username: str
    bot: str = ""
    trouble: str | None = None
    looked_s: float | None = None
    account: Login | None = None
    sent: int = 0
    signals: Sequence[OpenSignal] = ()
    copies: Sequence[Copied] = ()
    not_done: Sequence[NotDone] = ()


class Program(Protocol):
    """A program that a window starts, watches and stops."""

    @property
    def condition(self) -> Condition: ...

    def stop(self) -> None:
        """In order; what does not end is killed after a while. Answers at once."""
        ...

    async def log_tail(self, most: int) -> Sequence[str]:
        """The newest lines of its log file, oldest first."""
        ...


class Opened(Program, Protocol):
    """One with a window or a page of its own."""

    def start(self) -> None: ...

    async def open(self) -> str | None:
        """Show it; or the address to open in a browser."""
        ...


class Worker(Program, Protocol):
    """The Master Sender or Client Copier of this machine."""

    role: TerminalRole

    @property
    def lines(self) -> Sequence[Line]:
        """What it told people, the latest, oldest first."""
        ...

    @property
    def insight(self) -> Insight | None:
        """What it told last; None where it has told nothing since it was started."""
        ...

    @property
    def heard_s(self) -> float:
        """Seconds since it told anything."""
        ...

    def start(self, access: Access) -> None: ...
