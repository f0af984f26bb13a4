"""One reader's language: words out of one catalogue, numbers and dates as they are written there."""

import tomllib
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any, Self

from babel import Locale
from babel.dates import format_date
from babel.numbers import format_decimal

UNGROUPED = 1_000
"""Smaller whole numbers are written alike in every language that we speak."""

CATALOGUE = Path(__file__).with_name("words")
"""A file a subject; `[title]` in `bots.toml` is the key `bots.title`, with a text for each language."""

Entry = Mapping[str, str | Mapping[str, str]]


class Language(StrEnum):
    """The values are what `<html lang>` says."""

    ENGLISH = "en-GB"
    PORTUGUESE = "pt-BR"

    @property
    def key(self) -> str:
        """Its name in the catalogue."""
        return self.value[:2]

    @property
    def spoken(self) -> str:
        """Its name in itself."""
        return {Language.ENGLISH: "English", Language.PORTUGUESE: "Português (Brasil)"}[self]

    @classmethod
    def chosen(cls, cookie: str | None, accepted: str = "") -> Self:
        """What the reader chose, else what their browser asks for."""
        if cookie in set(cls):
            return cls(cookie)
        return cls(Language.PORTUGUESE if accepted.lower().startswith("pt") else Language.ENGLISH)


@cache
def catalogue() -> Mapping[str, Entry]:
    """Every key with its texts."""
    return {
        f"{file.stem}.{name}": entry
        for file in sorted(CATALOGUE.glob("*.toml"))
        for name, entry in tomllib.loads(file.read_text(encoding="utf-8")).items()
    }


def rounded(value: Decimal, digits: int) -> Decimal:
    """As it is written; what rounds to nothing is zero, which has no sign."""
    return round(value, digits) + 0


class Speech:
    """`say("bots.followers", count=3)`: numbers among the values are written as the reader writes them."""

    def __init__(self, language: Language) -> None:
        self.language = language
        self._locale = Locale.parse(language.value, sep="-")

    def __call__(self, key: str, **values: object) -> str:
        text = catalogue()[key][self.language.key]
        if not isinstance(text, str):
            form = self._locale.plural_form(abs(int(str(values["count"]))))
            text = text.get(form, text["other"])
        return text.format_map({name: self._written(value) for name, value in values.items()})

    def knows(self, key: str) -> bool:
        return key in catalogue()

    def word(self, subject: str, name: str) -> str:
        """A word of the desk's own, such as a state: `word("states", "FILLED")`. One that has no entry stays as it is."""
        key = f"{subject}.{name.lower()}"
        return self(key) if self.knows(key) else name.replace("_", " ").lower()

    def number(self, value: Decimal | int) -> str:
        """With all its digits."""
        if isinstance(value, int) and abs(value) < UNGROUPED:
            return str(value)
        plain = value.normalize() if isinstance(value, Decimal) else value
        return format_decimal(plain + 0, locale=self._locale, decimal_quantization=False)

    def usd(self, value: Decimal, *, signed: bool = False) -> str:
        """To the cent, with its unit; `signed` writes the plus too. What is less than half a cent is nothing, and has no sign."""
        cents = rounded(value, 2)
        sign = "+" if signed and cents > 0 else ""
        return f"{sign}{format_decimal(cents, '#,##0.00', locale=self._locale)} USD"

    def percent(self, value: Decimal) -> str:
        """Of a value between 0 and 100."""
        return f"{format_decimal(rounded(value, 1), '#,##0.#', locale=self._locale)} %"

    def ms(self, value: float) -> str:
        return f"{format_decimal(round(value, 1) + 0, '#,##0.#', locale=self._locale)} ms"

    def day(self, value: date) -> str:
        return format_date(value, "medium", locale=self._locale)

    def group(self, prefix: str) -> dict[str, Any]:
        """All texts of one file of the catalogue, by their names in it."""
        names = (key for key in catalogue() if key.startswith(f"{prefix}."))
        return {key.removeprefix(f"{prefix}."): self(key) for key in names}

    def _written(self, value: object) -> str:
        if isinstance(value, int | Decimal) and not isinstance(value, bool):
            return self.number(value)
        return str(value)
