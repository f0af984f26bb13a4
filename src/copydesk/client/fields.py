"""What fields may hold, and the two kinds of model; decimals go out as plain text."""

from decimal import Decimal
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, StringConstraints

from copydesk.domain.instrument import plain
from copydesk.domain.venue import VenueName

Number = Annotated[Decimal, PlainSerializer(plain, return_type=str, when_used="json")]
"""A decimal of an answer."""

Given = Annotated[Number, Field(max_digits=30, decimal_places=18)]
"""A decimal of a request: bounded, so that no exponent becomes a gigabyte of digits."""

Usd = Annotated[Given, Field(ge=0, le=1_000_000_000, description="USD")]
Percent = Annotated[Given, Field(ge=0, le=1_000, description="percent; 0 = none")]
StopPercent = Annotated[Given, Field(ge=0, lt=100, description="percent; 0 = none")]
Leverage = Annotated[int, Field(ge=1, le=125, description="a factor")]
Name = Annotated[str, Field(min_length=1, max_length=120, pattern=r"^[^\x00-\x1f\x7f]+$")]
Username = Annotated[str, Field(min_length=3, max_length=64, pattern=r"^[A-Za-z0-9._@+-]+$")]
Password = Annotated[str, Field(min_length=10, max_length=200, description="at least 10 characters")]
Venue = Annotated[
    VenueName,
    Field(
        pattern=r"^(binance-futures|paper|ccxt:[a-z0-9]{2,40})$",
        description="binance-futures, paper, or ccxt:<id> with the id of any exchange that ccxt knows",
    ),
]
WebhookPath = Annotated[str, Field(min_length=3, max_length=100, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
Secret = Annotated[str, Field(min_length=16, max_length=200, description="at least 16 characters")]
Key = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500, pattern=r"^[\x21-\x7e]+$")]
Text = Annotated[str, Field(max_length=2_000, pattern=r"^[^\x00]*$")]


class Request(BaseModel):
    """A field that is not known is refused: it would be a wish silently ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Answer(BaseModel):
    """Built from domain values by their attributes."""

    model_config = ConfigDict(from_attributes=True, frozen=True)
