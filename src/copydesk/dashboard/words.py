"""The desk's facts in a person's words: figures, legs, how a signal fared, why an order was (not) copied."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from copydesk.client.models import ExecutionAnswer

PROTECTION = ("stop_loss", "take_profit")
_UNITS = {"_usd": "USD", "_pct": "%", "_ms": "ms", "_s": "s"}
_SIZING = frozenset({"margin_usd", "leverage", "last_price", "exact_quantity", "quantity", "quantity_step"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """How many orders of a signal went which way."""

    success: int = 0
    failed: int = 0
    skipped: int = 0
    pending: int = 0

    def sentence(self) -> str:
        counted = (
            (self.success, "copied"),
            (self.failed, "failed"),
            (self.skipped, "skipped"),
            (self.pending, "under way"),
        )
        return " · ".join(f"{count} {word}" for count, word in counted if count) or "nobody followed"


def is_protection(execution: ExecutionAnswer) -> bool:
    return execution.leg.startswith(PROTECTION)


def tally(executions: Iterable[ExecutionAnswer]) -> Tally:
    """A stop that stands is part of its opening; one that failed counts for itself."""
    counts = dict.fromkeys(("success", "failed", "skipped", "pending"), 0)
    for one in executions:
        if not is_protection(one) or one.status == "failed":
            counts[one.status] += 1
    return Tally(**counts)


def figure(value: Decimal | None) -> str:
    return "" if value is None else format(value.normalize(), "f")


def spoken(name: str) -> str:
    return name.replace("_", " ").replace(":", " ")


def quantity(execution: ExecutionAnswer) -> str:
    wanted, done = execution.requested_quantity, execution.executed_quantity
    if wanted is not None and 0 < done < wanted:
        return f"{figure(done)} of {figure(wanted)}"
    return figure(done or wanted)


def price(execution: ExecutionAnswer) -> str:
    """What was paid; for a stop that has not been hit, where it stands."""
    if execution.executed_price is None and execution.trigger_price is not None:
        return f"at {figure(execution.trigger_price)}"
    return figure(execution.executed_price)


def why(execution: ExecutionAnswer) -> list[str]:
    """Sentences: what stopped it, where something did, and how its size came about."""
    figures = figures_of(execution)
    rule = str(execution.plan.get("rule", ""))
    sentences = []
    if execution.reason:
        sentences.append(
            f"Not copied: {execution.reason}." if execution.status == "skipped" else f"{execution.reason}."
        )
    if figures.keys() >= _SIZING:
        sentences.append(
            "{margin_usd} USD × {leverage} ÷ {last_price} = {exact_quantity}, "
            "rounded down to steps of {quantity_step}: {quantity}.".format_map(figures)
        )
    elif rule and " " in rule:
        sentences.append(f"{rule[0].upper()}{rule[1:]}.")
    return sentences


def figures_of(execution: ExecutionAnswer) -> Mapping[str, str]:
    plan = execution.plan
    return {key: str(value) for part in ("inputs", "numbers") for key, value in plan.get(part, {}).items()}


def labelled(key: str, value: str) -> tuple[str, str]:
    """`margin_usd`, `50` → `margin`, `50 USD`."""
    unit = next((ending for ending in _UNITS if key.endswith(ending)), "")
    return spoken(key.removesuffix(unit)), f"{value} {_UNITS[unit]}" if unit else value
