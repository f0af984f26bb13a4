"""How somebody wants to be told: what `GET` and `PUT /users/me/notifications` speak."""

from datetime import time
from typing import Annotated

from pydantic import Field

from copydesk.client.fields import Answer, Request
from copydesk.domain.notice import DEFAULT_KINDS, NoticeKind

Address = Annotated[str, Field(min_length=4, max_length=2_000, description="in Apprise's form: tgram://…, mailto://…")]
Kinds = Annotated[list[NoticeKind], Field(max_length=len(NoticeKind))]


class QuietHoursWish(Request):
    """`end` before `start` goes past midnight."""

    start: time = Field(examples=["22:00"])
    end: time = Field(examples=["07:00"])
    time_zone: str = Field(max_length=64, examples=["Europe/Lisbon"])


class NotificationsWish(Request):
    """Everything but the addresses is replaced; those too where they are given."""

    addresses: list[Address] | None = Field(None, max_length=5, description="absent: they stay as they are")
    kinds: Kinds = Field(default_factory=lambda: sorted(DEFAULT_KINDS))
    quiet_hours: QuietHoursWish | None = None


class DestinationAnswer(Answer):
    """An address is never shown again: only its scheme, and enough to tell two apart."""

    scheme: str
    hint: str


class QuietHoursAnswer(Answer):
    start: time
    end: time
    time_zone: str


class NotificationsAnswer(Answer):
    addresses: list[DestinationAnswer]
    kinds: list[NoticeKind]
    quiet_hours: QuietHoursAnswer | None


class TestedAnswer(DestinationAnswer):
    """`problem` says why it was not sent."""

    sent: bool
    problem: str | None


class NotificationTestAnswer(Answer):
    success: bool
    results: list[TestedAnswer]
