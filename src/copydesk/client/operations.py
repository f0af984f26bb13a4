"""What an admin looks after: whether the audit log is whole, backups, the newest log lines."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pydantic import Field

from copydesk.client.fields import Answer


class AuditVerification(Answer):
    """`first_broken`: the number of the first line that does not fit its hash or the line before it; null where all do."""

    whole: bool
    lines: int
    first_broken: int | None
    verified_at: datetime


class BackupAnswer(Answer):
    """A backup in the hub's own folder; the master key is in none."""

    name: str
    made_at: datetime
    bytes: int
    rows: int = Field(description="of all tables together, counted when it was made")


class BackupsAnswer(Answer):
    """Newest first."""

    folder: str = Field(description="on the hub's machine")
    items: list[BackupAnswer]


class LogAnswer(Answer):
    """One line of the hub's own log; `number` counts since its start."""

    number: int
    at: datetime
    level: str
    event: str
    fields: Mapping[str, Any]
