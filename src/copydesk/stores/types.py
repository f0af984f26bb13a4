"""Column types that hand rows to the domain as they are: exact decimals, aware times, words."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache
from typing import Any, TypeVar

import msgspec
from sqlalchemy import JSON, DateTime, Dialect, Numeric, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import TypeDecorator, TypeEngine

TIME_FORMAT = "%Y-%m-%dT%H:%M:%S.%fZ"
"""Fixed width, so that SQLite's text comparison is time comparison."""


T = TypeVar("T")

Binder = Callable[[Any], Any]
"""Makes what the driver takes of a value that is not None."""


@lru_cache(maxsize=1024)
def _moment_text(moment: datetime) -> str:
    """The rows of a batch share most of theirs."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")[: -len("+00:00")] + "Z"


def _money_text(value: Decimal) -> str:
    return format(value, "f")


def _json_text(value: Any) -> str:
    try:
        return _encode(value).decode()
    except (OverflowError, UnicodeError):
        # People's own messages hold numbers of any size, and half characters.
        return json.dumps(value, default=str, separators=(",", ":"))


_encode = msgspec.json.Encoder(enc_hook=str).encode
_word_text = lru_cache(maxsize=1024)(str)


class Quick(TypeDecorator[T]):
    """Tells the function itself that makes a parameter, for whoever binds rows by the thousand (rows.py, `execute_all`)."""

    impl: type[TypeEngine[Any]] = Text
    cache_ok = True

    to_text: Binder
    """For SQLite, which knows texts only. PostgreSQL's driver takes what is not a word as it is."""

    def binder(self, dialect: Dialect) -> Binder | None:
        """None where the driver takes the value as it is."""
        return None if dialect.name == "postgresql" else self.to_text

    def process_bind_param(self, value: T | None, dialect: Dialect) -> Any:
        binder = self.binder(dialect)
        return value if value is None or binder is None else binder(value)


class Money(Quick[Decimal]):
    """NUMERIC on PostgreSQL, exact text on SQLite (whose numbers are floats). Not for SQL arithmetic."""

    cache_ok = True
    to_text = staticmethod(_money_text)

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(Numeric() if dialect.name == "postgresql" else Text())

    def process_result_value(self, value: Any, dialect: Dialect) -> Decimal | None:
        del dialect
        return None if value is None else Decimal(value)


class Moment(Quick[datetime]):
    """TIMESTAMP WITH TIME ZONE on PostgreSQL, ISO 8601 text in UTC on SQLite."""

    cache_ok = True
    to_text = staticmethod(_moment_text)

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(DateTime(timezone=True) if dialect.name == "postgresql" else Text())

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if dialect.name == "postgresql":
            moment: datetime = value
            return moment.astimezone(UTC)
        return datetime.fromisoformat(value)


class Json(Quick[Any]):
    """JSONB on PostgreSQL, JSON text on SQLite; decimals become text."""

    impl = JSON
    cache_ok = True
    to_text = staticmethod(_json_text)

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(JSONB(none_as_null=True) if dialect.name == "postgresql" else Text())

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        return json.loads(value) if value is not None and dialect.name != "postgresql" else value


class Word(Quick[StrEnum]):
    """A word out of a StrEnum, as text."""

    cache_ok = True
    to_text = staticmethod(_word_text)

    def __init__(self, words: type[StrEnum]) -> None:
        super().__init__()
        self.words = words

    def binder(self, dialect: Dialect) -> Binder | None:
        del dialect
        return self.to_text

    def process_result_value(self, value: str | None, dialect: Dialect) -> StrEnum | None:
        del dialect
        return None if value is None else self.words(value)
