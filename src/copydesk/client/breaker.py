"""The breaker's words in the API."""

from datetime import datetime

from pydantic import Field, ValidationInfo, field_validator

from copydesk.client.fields import Answer, Request
from copydesk.domain.breaker import BreakerMode, BreakerScope


class BreakerWish(Request):
    """`id` names the account, bot or venue; with scope `all` there is none."""

    scope: BreakerScope
    id: str | None = Field(None, min_length=1, max_length=60, pattern=r"^[^\x00]*$", validate_default=True)
    mode: BreakerMode

    @field_validator("id")
    @classmethod
    def _names_whom(cls, value: str | None, told: ValidationInfo) -> str | None:
        if "scope" in told.data and (value is None) != (told.data["scope"] is BreakerScope.ALL):
            raise ValueError("needed for account, bot and venue, and only there")
        return value


class BreakerAnswer(Answer):
    scope: BreakerScope
    id: str | None
    mode: BreakerMode
    in_force_since: datetime


class PulledAnswer(BreakerAnswer):
    """How many openings were cancelled (or are being cancelled at the venue) and positions are being closed."""

    cancelled: int
    closing: int
