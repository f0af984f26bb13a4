"""Numbers, amounts and moments as people write them."""

import re
from datetime import UTC, datetime
from decimal import Decimal

from copydesk.domain.signal import Size, SizeUnit

NO_VALUE = frozenset({"", "na", "nan", "null", "none"})
"""What TradingView (and who writes its alerts) puts where there is nothing to say."""

SHOWN_MAX = 40
MAGNITUDE_MAX = 30
"""Powers of ten beyond which a number is no price or size of anything."""

_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,9})?")
_DECIMAL_COMMA = re.compile(r"([+-]?[0-9]+),([0-9]{1,2}|[0-9]{4,})")
_AMOUNT = re.compile(r"(?P<before>[@$%]?) *(?P<number>[^@$%\sa-zA-Z]+) *(?P<after>a?%|)")
_UNITS = {"@": SizeUnit.BASE, "$": SizeUnit.QUOTE, "%": SizeUnit.PERCENT, "a%": SizeUnit.PERCENT}
_WHOLE = frozenset({"all", "max", "full"})
_EPOCH = re.compile(r"[0-9]{10}(?:[0-9]{3})?(?:\.[0-9]{1,9})?")
_EPOCH_MS_DIGITS = 13


def is_blank(value: object) -> bool:
    return value is None or (isinstance(value, str) and value.strip().lower() in NO_VALUE)


def dotted(text: str) -> str:
    """`45000,50` as `45000.50`; `45,000` stays: it may be either."""
    return _DECIMAL_COMMA.sub(r"\1.\2", text) if "," in text and _DECIMAL_COMMA.fullmatch(text.strip()) else text


def read_number(value: object) -> Decimal | None:
    """A number, or text that is one; TradingView's NaN, na and empty are no number. Raise ValueError otherwise."""
    if is_blank(value) or isinstance(value, bool):
        return None
    text = str(value).strip()
    if "," in text:
        problem = "is ambiguous: write numbers with a dot, and without commas between thousands"
        raise ValueError(f"{text[:SHOWN_MAX]!r} {problem}")
    if _NUMBER.fullmatch(text) is None:
        raise ValueError(f"{text[:SHOWN_MAX]!r} is not a number")
    number = Decimal(text)
    if abs(number.adjusted()) > MAGNITUDE_MAX or len(text) > 2 * MAGNITUDE_MAX:
        raise ValueError(f"{text[:SHOWN_MAX]!r} is not a number one can trade with")
    return number


def read_size(value: object, unit: SizeUnit = SizeUnit.BASE) -> Size | None:
    """`@0.006` and `0.006` coins, `$20` of the quote currency, `%50`, `50%` and `12a%`. Raise ValueError otherwise."""
    if is_blank(value) or isinstance(value, bool):
        return None
    text = str(value).strip()
    if text.lower() in _WHOLE:
        return Size(unit=SizeUnit.PERCENT, amount=Decimal(100))
    found = _AMOUNT.fullmatch(text)
    marks = [mark for mark in (found["before"], found["after"]) if mark] if found else []
    if found is None or len(marks) > 1:
        raise ValueError(f"{text[:SHOWN_MAX]!r} is no amount: write 0.5 (coins), $20 (quote currency) or 50%")
    number = read_number(found["number"])
    if number is None or number <= 0:
        raise ValueError(f"{text[:SHOWN_MAX]!r} is no amount: it must be more than 0")
    return Size(unit=_UNITS[marks[0]] if marks else unit, amount=number)


def read_moment(value: object) -> datetime | None:
    """An ISO 8601 time (UTC where it does not say), or seconds or milliseconds since 1970; None for anything else."""
    text = str(value).strip()
    if _EPOCH.fullmatch(text):
        whole = text.partition(".")[0]
        seconds = Decimal(text) / (1000 if len(whole) == _EPOCH_MS_DIGITS else 1)
        return datetime.fromtimestamp(int(seconds), UTC)
    try:
        moment = datetime.fromisoformat(text)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
