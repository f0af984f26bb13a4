"""What the routes of backups expect: a folder of them, and a way to make one."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Protocol

from msgspec import Struct


class Made(Struct, frozen=True, kw_only=True):
    """A backup, by what it says of itself."""

    name: str
    made_at: datetime
    bytes: int
    rows: int


class Backups(Protocol):
    """The hub's own folder of backups."""

    @property
    def folder(self) -> Path: ...

    async def make(self) -> Made:
        """Verified. Raise Conflict while another is being made."""
        ...

    async def known(self) -> Sequence[Made]:
        """Newest first."""
        ...
