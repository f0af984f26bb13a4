"""What fields may hold, and the two kinds of model; decimals go out as plain text."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    PlainSerializer,
    Strict,
    StringConstraints,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from copydesk.domain.instrument import plain
from copydesk.domain.venue import VenueName


@dataclass(frozen=True)
class Written:
    """How a decimal is described where it is text; pydantic's own pattern also fits the empty text."""

    pattern: str
    mode: Literal["validation", "serialization"] = "validation"

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        told = handler(schema)
        for one in (told, *told.get("anyOf", ())):
            if one.get("type") == "string" and handler.mode == self.mode:
                one["pattern"] = self.pattern
        return told


Number = Annotated[
    Decimal,
    PlainSerializer(plain, return_type=str, when_used="json"),
    Written(r"^-?[0-9]+(\.[0-9]+)?$", mode="serialization"),
]
"""A decimal of an answer."""

Given = Annotated[Number, Field(max_digits=30, decimal_places=18)]
"""A decimal of a request: bounded, so that no exponent becomes a gigabyte of digits."""

_DECIMALS = r"(\.[0-9]{1,18})?$"
ABOVE_ZERO = rf"^([1-9][0-9]{{0,2}}{_DECIMALS[:-1]}|0\.[0-9]{{0,17}}[1-9])$"

Usd = Annotated[Given, Field(ge=0, le=1_000_000_000, description="USD"), Written(rf"^[0-9]{{1,9}}{_DECIMALS}")]
Percent = Annotated[
    Given, Field(ge=0, le=1_000, description="percent; 0 = none"), Written(rf"^[0-9]{{1,3}}{_DECIMALS}")
]
StopPercent = Annotated[
    Given, Field(ge=0, lt=100, description="percent; 0 = none"), Written(rf"^[0-9]{{1,2}}{_DECIMALS}")
]
Lots = Annotated[Given, Field(gt=0, le=1_000), Written(ABOVE_ZERO)]
LotsInAll = Annotated[Given, Field(ge=0, le=100_000), Written(rf"^[0-9]{{1,5}}{_DECIMALS}")]
Flag = Annotated[bool, Strict()]
Mt5Login = Annotated[int, Field(ge=1, le=2**53 - 1, description="an MT5 login")]
DerivLogin = Annotated[str, Field(pattern=r"^[A-Z]{2,8}[0-9]{1,15}$", description="an account's id at Deriv")]
Login = Mt5Login | DerivLogin
Leverage = Annotated[int, Field(ge=1, le=125, description="a factor")]
Name = Annotated[str, Field(min_length=1, max_length=120, pattern=r"^[^\x00-\x1f\x7f]+$")]
Username = Annotated[str, Field(min_length=3, max_length=64, pattern=r"^[A-Za-z0-9._@+-]+$")]
Password = Annotated[str, Field(min_length=10, max_length=200, description="at least 10 characters")]
Venue = Annotated[
    VenueName,
    Field(
        pattern=r"^(binance-futures|deriv|mt5|paper|ccxt:[a-z0-9]{2,40})$",
        description="binance-futures, deriv, mt5, paper, or ccxt:<id> with the id of any exchange that ccxt knows",
    ),
]
WebhookPath = Annotated[str, Field(min_length=3, max_length=100, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
Secret = Annotated[str, Field(min_length=16, max_length=200, description="at least 16 characters")]
Key = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500, pattern=r"^[\x21-\x7e]+$")]
Text = Annotated[str, Field(max_length=2_000, pattern=r"^[^\x00]*$")]


class Request(BaseModel):
    """A field that is not known is refused: it would be a wish silently ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True)


ABSENT: Any = None
"""Stands where a change does not tell a field; a null that was told is refused unless the field may be null."""


def _hide_absent(schema: dict[str, Any]) -> None:
    """A default of null would tell callers that null may be sent."""
    for told in schema["properties"].values():
        if told.get("default", "") is None:
            del told["default"]


class Change(Request):
    """Fields that are not told stay as they are."""

    model_config = ConfigDict(json_schema_extra=_hide_absent)

    def told(self) -> dict[str, Any]:
        """The fields that were told, as they were read."""
        return {name: getattr(self, name) for name in self.model_fields_set}


class Answer(BaseModel):
    """Built from domain values by their attributes."""

    model_config = ConfigDict(from_attributes=True, frozen=True)
