"""The programs beside MetaTrader 5 terminals: their connections, and the book of what each was told."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from msgspec import Struct

from copydesk.domain.frames import Closing, Command, Result
from copydesk.domain.ids import AccountId, UserId
from copydesk.domain.terminal import Terminal

CANCEL_MARK = ".cancel"
"""Ends the id of the word that takes a command back: that command's id stands before it."""


class Line(Protocol):
    """One open connection to an agent."""

    def write(self, frame: bytes) -> bool:
        """Never waits; False where so much waits for the other side already that it must be cut off."""
        ...

    def end(self, why: Closing) -> None:
        """Told with its close code, as soon as what was written before is through or has had its time."""
        ...


def agent_id_of(user_id: UserId, role: str, name: str) -> str:
    """An agent is a user, a role and a name."""
    return f"{user_id}:{role}:{name}"


class Agent(Struct, frozen=True, kw_only=True):
    """A program that is known by name, and the number of the latest command it was told."""

    id: str
    user_id: UserId
    role: str
    name: str
    last_seq: int
    seen_at: datetime


class Numbered(NamedTuple):
    """A command in an agent's own count."""

    agent_id: str
    seq: int


class Kept(Struct, frozen=True, kw_only=True):
    """A command as the book has it: safe in an agent's journal since `received_at`, ended since `ended_at` (expired where it
    has no result).
    """

    command: Command
    received_at: datetime | None
    result: Result | None
    ended_at: datetime | None


class CommandBook(Protocol):
    """Every command and what became of it; what is written here is durable when the call returns."""

    async def connect(self, user_id: UserId, role: str, name: str, at: datetime) -> Agent:
        """Known from now on, and told whatever comes; its count goes on. Raise Conflict where a user has too many names."""
        ...

    async def seen(self, agents: Collection[str], at: datetime) -> None: ...

    async def add(self, command: Command, *, seen_since: datetime) -> tuple[Command, Sequence[Numbered]]:
        """With the owner's settings filled in, and its number for each of the owner's agents that were seen since then."""
        ...

    async def after(self, agent_id: str, seq: int, most: int) -> tuple[Sequence[tuple[int, Kept]], int]:
        """The latest that an agent was told after a number, in order; and its newest number."""
        ...

    async def counts(self, agents: Collection[str]) -> Mapping[str, int]:
        """The newest number of each."""
        ...

    async def unheard(self, owner_id: UserId, at: datetime) -> Sequence[Command]:
        """What nobody has received, and may still be done."""
        ...

    async def number_unheard(self, agent_id: str, owner_id: UserId, at: datetime) -> None:
        """Give an agent numbers for it, whatever it was told before."""
        ...

    async def unwanted(self, ids: Collection[str]) -> frozenset[str]:
        """Openings among these that must not be begun any more."""
        ...

    async def receive(self, ids: Collection[str], owner_id: UserId, at: datetime) -> None: ...

    async def finish(self, result: Result, owner_id: UserId, at: datetime) -> Command | None:
        """The command, where this is the first definite word about it."""
        ...

    async def find(self, command_id: str) -> Kept | None: ...

    async def withdraw(self, command_id: str, at: datetime) -> bool:
        """End what nobody has received; False where somebody has, or it has ended."""
        ...

    async def terminal(self, owner_id: UserId, login: int) -> Terminal | None:
        """What the program beside a terminal reported last."""
        ...

    async def expire(self, at: datetime) -> Sequence[Command]:
        """End what nobody received in time; each is told once."""
        ...

    async def forget(self, before: datetime) -> None:
        """Counts older than that cannot be resumed any more."""
        ...

    async def snapshot(self, owner_id: UserId, account_id: AccountId | None) -> Mapping[str, Any]:
        """What the masters of an owner's (or one account's) subscriptions have open, the owner's settings, and which commands
        have no result yet.
        """
        ...
