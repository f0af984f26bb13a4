"""The breaker's words in the API."""

from datetime import datetime
from typing import Self

from pydantic import Field, model_validator

from copydesk.client.fields import Answer, Request
from copydesk.domain.breaker import BreakerMode, BreakerScope


class BreakerWish(Request):
    """`id` names the account, bot or venue; with scope `all` there is none."""

    scope: BreakerScope
    id: str | None = Field(None, min_length=1, max_length=60)
    mode: BreakerMode

    @model_validator(mode="after")
    def _names_whom(self) -> Self:
        if (self.id is None) != (self.scope is BreakerScope.ALL):
            raise ValueError("id: needed for account, bot and venue, and only there")
        return self


class BreakerAnswer(Answer):
    scope: BreakerScope
    id: str | None
    mode: BreakerMode
    in_force_since: datetime


class PulledAnswer(BreakerAnswer):
    """How many openings were cancelled (or are being cancelled at the venue) and positions are being closed."""

    cancelled: int
    closing: int
