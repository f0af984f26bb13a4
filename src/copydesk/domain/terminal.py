"""MetaTrader 5 terminals as the programs beside them report them."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum

from msgspec import Struct

from copydesk.domain.ids import UserId

SILENT_AFTER = timedelta(seconds=90)
"""One missed report (they come every 60 s) and half of the next one's time: then a terminal counts as disconnected."""


class TerminalRole(StrEnum):
    """What stands beside the terminal: a Master Sender watches it, a Client Copier trades on it."""

    MASTER = "master"
    COPIER = "copier"


class Terminal(Struct, frozen=True, kw_only=True):
    """One login of one user, as it was last heard of; `login` is 0 while nobody is logged in.

    `figures` are what the report told beside this: balance, equity, margin, positions (client/terminals.py names them).
    """

    user_id: UserId
    role: TerminalRole
    login: int
    server: str
    connected: bool
    figures: Mapping[str, object]
    reported_at: datetime

    def is_connected(self, now: datetime) -> bool:
        return self.connected and now - self.reported_at <= SILENT_AFTER
