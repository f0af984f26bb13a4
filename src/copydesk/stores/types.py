"""Column types that hand rows to the domain as they are: exact decimals, aware times, words."""

import json
from collections.abc import Callable, Collection
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache
from typing import Any, TypeVar

import msgspec
from sqlalchemy import JSON, DateTime, Dialect, Numeric, Text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.types import TypeDecorator, TypeEngine

TIME_FORMAT = "%Y-%m-%dT%H:%M:%S.%fZ"
"""Fixed width, so that SQLite's text comparison is time comparison."""


T = TypeVar("T")

Binder = Callable[[Any], Any]
"""Makes what the driver takes of a value that is not None."""

Reader = Callable[[Any], Any]
"""Makes the value of what the driver hands out, None among it."""


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


def read_json(text: str | None) -> Any:
    """A document out of its text."""
    if text is None:
        return None
    try:
        return _decode(text)
    except msgspec.DecodeError:
        # What only Python's own JSON writes: NaN, and half characters.
        return json.loads(text)


def _money(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


@lru_cache(maxsize=4096)
def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _in_utc(moment: datetime | None) -> datetime | None:
    return None if moment is None else moment.astimezone(UTC)


_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder(enc_hook=str).encode
_word_text = lru_cache(maxsize=1024)(str)


class Quick(TypeDecorator[T]):
    """Tells the function itself that makes a parameter, for whoever binds rows by the thousand (statements.py, `execute_all`)."""

    impl: type[TypeEngine[Any]] = Text
    cache_ok = True

    to_text: Binder
    """For SQLite, which knows texts only. PostgreSQL's driver takes what is not a word as it is."""

    def reader(self, dialect: Dialect) -> Reader | None:
        """None where the driver hands the value out as it is."""
        del dialect
        return None

    def result_processor(self, dialect: Dialect, coltype: object) -> Reader | None:
        del coltype
        return self.reader(dialect)

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

    def reader(self, dialect: Dialect) -> Reader | None:
        return None if dialect.name == "postgresql" else _money


class Moment(Quick[datetime]):
    """TIMESTAMP WITH TIME ZONE on PostgreSQL, ISO 8601 text in UTC on SQLite."""

    cache_ok = True
    to_text = staticmethod(_moment_text)

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(DateTime(timezone=True) if dialect.name == "postgresql" else Text())

    def reader(self, dialect: Dialect) -> Reader:
        return _in_utc if dialect.name == "postgresql" else _moment


class Json(Quick[Any]):
    """JSONB on PostgreSQL, JSON text on SQLite; decimals become text."""

    impl = JSON
    cache_ok = True
    to_text = staticmethod(_json_text)

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(JSONB(none_as_null=True) if dialect.name == "postgresql" else Text())

    def reader(self, dialect: Dialect) -> Reader | None:
        return None if dialect.name == "postgresql" else read_json


class Word(Quick[StrEnum]):
    """A word out of a StrEnum, as text."""

    cache_ok = True
    to_text = staticmethod(_word_text)

    def __init__(self, words: type[StrEnum]) -> None:
        super().__init__()
        self.words = words
        self._known: dict[str | None, StrEnum | None] = {None: None, **{one.value: one for one in words}}

    def binder(self, dialect: Dialect) -> Binder | None:
        del dialect
        return self.to_text

    def reader(self, dialect: Dialect) -> Reader:
        del dialect
        return self._known.__getitem__


class Texts(TypeDecorator[Collection[str]]):
    """A list as a parameter: text[] on PostgreSQL, a JSON array on SQLite. Not for columns."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(ARRAY(Text()) if dialect.name == "postgresql" else Text())

    def process_bind_param(self, value: Collection[str] | None, dialect: Dialect) -> Any:
        texts = list(value or ())
        return texts if dialect.name == "postgresql" else _encode(texts).decode()


class Pairs(TypeDecorator[Collection[tuple[str, str]]]):
    """A list of pairs as a parameter, a JSON array of arrays on both databases. Not for columns."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(JSONB() if dialect.name == "postgresql" else Text())

    def process_bind_param(self, value: Collection[tuple[str, str]] | None, dialect: Dialect) -> Any:
        pairs = [list(one) for one in value or ()]
        return pairs if dialect.name == "postgresql" else _encode(pairs).decode()
