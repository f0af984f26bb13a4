"""Models of the desk itself: health, readiness, the audit log, and the one page shape of every list."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Generic, Literal, TypeVar

from pydantic import BaseModel, Field

from copydesk.client.fields import Answer

T = TypeVar("T")


class Page(BaseModel, Generic[T]):
    """Newest first; `total` is there when it was asked for."""

    items: Sequence[T]
    next: str | None = Field(description="the `cursor` of the next page; null on the last one")
    total: int | None = Field(None, exclude_if=lambda total: total is None, description="only with `?total=1`")


class HealthAnswer(Answer):
    success: Literal[True] = True
    healthy: Literal[True] = True
    active_bots: int
    active_subscriptions: int
    last_signal_at: datetime | None
    ledger_discrepancies: int = Field(description="what the newest comparisons with the venues' ledgers found")
    ledger_checked_at: datetime | None = Field(description="when the newest of them was made")


class SickAnswer(Answer):
    success: Literal[False] = False
    healthy: Literal[False] = False
    error: str = Field(description="the cause, in a few words")


class AliveAnswer(Answer):
    status: Literal["ok"] = "ok"


class ReadyAnswer(Answer):
    status: Literal["ready"] = "ready"


class AuditAnswer(Answer):
    """`hash` covers the line and `previous_hash`: a change anywhere shows."""

    number: int
    at: datetime
    actor: str = Field(description="a user's id, or the program that did it")
    action: str
    subject: str
    details: Mapping[str, Any]
    previous_hash: str
    hash: str
