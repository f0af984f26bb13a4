"""What a person writes behind `--set`, `--sweep` and the terms of a backtest."""

from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import NoReturn

from copydesk.domain.errors import FieldError, InvalidInput
from copydesk.domain.instrument import plain
from copydesk.engine.backtest.terms import Terms, demand_sensible

VALUES_MAX = 1_000


def read_sets(words: Sequence[str]) -> Mapping[str, str]:
    """`name=value`, each name once."""
    found: dict[str, str] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or not name.strip():
            _refuse("set", f"'{word}' is not name=value")
        if name.strip() in found:
            _refuse("set", f"{name.strip()} is given twice")
        found[name.strip()] = value.strip()
    return found


def read_sweep(text: str) -> Mapping[str, Sequence[str]]:
    """`name=low:high` or `name=low:high:step`, several with commas between; both ends are meant, a step is 1."""
    axes: dict[str, Sequence[str]] = {}
    for word in text.split(","):
        name, equals, span = word.partition("=")
        if not equals or not name.strip():
            _refuse("sweep", f"'{word}' is not name=low:high or name=low:high:step")
        if name.strip() in axes:
            _refuse("sweep", f"{name.strip()} is given twice")
        axes[name.strip()] = _values(name.strip(), span)
    return axes


def read_terms(*, balance: str, size: str | None, fee: str, slippage: str, funding: str, payout: str) -> Terms:
    """Each a number as text. Raises InvalidInput, naming the one that is none or makes no sense."""
    terms = Terms(
        balance=_number("balance", balance),
        size_usd=None if size is None else _number("size", size),
        fee_pct=_number("fee", fee),
        slippage_pct=_number("slippage", slippage),
        funding_pct=_number("funding", funding),
        payout=_number("payout", payout),
    )
    demand_sensible(terms)
    return terms


def _number(name: str, text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:
        _refuse(name, f"'{text}' is not a number")


def _values(name: str, span: str) -> Sequence[str]:
    try:
        low, high, *rest = (Decimal(part.strip()) for part in span.split(":"))
        (step,) = rest or (Decimal(1),)
    except (ValueError, InvalidOperation):
        _refuse("sweep", f"{name}: '{span}' is not low:high or low:high:step")
    if not (low.is_finite() and high.is_finite() and step.is_finite() and step > 0 and low <= high):
        _refuse("sweep", f"{name}: {span} does not lead from a low value up to a high one")
    count = int((high - low) / step) + 1
    if count > VALUES_MAX:
        _refuse("sweep", f"{name}: {count} values, at most {VALUES_MAX}")
    return [plain(low + step * number) for number in range(count)]


def _refuse(name: str, problem: str) -> NoReturn:
    raise InvalidInput(f"{name}: {problem}", (FieldError(name, problem),))
