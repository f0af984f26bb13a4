"""Rows of values without names: `AAPL,buy,150.25,10` is symbol, action, price, quantity."""

import csv
import re
from typing import Any

from copydesk.domain.instrument import canonical_symbol
from copydesk.sources.tradingview.figures import dotted
from copydesk.sources.tradingview.json_shapes import Reading
from copydesk.sources.tradingview.problems import shown
from copydesk.sources.tradingview.sentences import COMMA
from copydesk.sources.tradingview.words import read_words

_NAMES = ("symbol", "action", "price", "quantity")
_FIELDS_MIN = 2
_DIGITS = re.compile(r"[0-9]+")


def read_rows(text: str) -> Reading | None:
    """None where the lines are no rows that begin with a symbol."""
    lines = [line.strip() for line in text.split("\n") if line.strip()]
    separator = "," if all("," in line for line in lines) else "|"
    rows = [_fields(line, separator) for line in lines]
    if not rows or not all(len(row) >= _FIELDS_MIN and canonical_symbol(row[0]) for row in rows):
        return None
    problem = next((found for row in rows if (found := _problem(row, separator))), None)
    return Reading(problem=problem, field="action") if problem else Reading([_document(row) for row in rows])


def _fields(line: str, separator: str) -> list[str]:
    try:
        rows = list(csv.reader([line], delimiter=separator, strict=True, skipinitialspace=True))
    except csv.Error:
        return []
    return [dotted(field.strip()) for row in rows for field in row]


def _problem(row: list[str], separator: str) -> str | None:
    action, *numbers = row[1:]
    if not read_words(action):
        return f"{shown(action)} names no action: a row is symbol,action,price,quantity"
    if separator == "|" and numbers:
        return "of a row with | only symbol and action are known: write symbol,action,price,quantity"
    if len(row) > len(_NAMES) or (len(row) == len(_NAMES) and all(_DIGITS.fullmatch(one) for one in numbers)):
        return f'{COMMA} (symbol,action,45000.50,1), or quote it ("45000,50")'
    return None


def _document(row: list[str]) -> dict[str, Any]:
    return dict(zip(_NAMES, row, strict=False))
