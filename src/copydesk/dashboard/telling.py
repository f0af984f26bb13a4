"""The desk's facts in a person's words: figures, legs, how a signal fared, why an order was (not) copied."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from decimal import Decimal

from copydesk.client.models import ExecutionAnswer

_SIZING = frozenset({"margin_usd", "leverage", "last_price", "exact_quantity", "quantity", "quantity_step"})
_FARED = {"success": "copied", "failed": "failed", "skipped": "skipped", "pending": "under way"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """How many orders of a signal went which way."""

    success: int = 0
    failed: int = 0
    skipped: int = 0
    pending: int = 0

    def shares(self) -> list[tuple[str, int]]:
        return [(status, count) for status, count in asdict(self).items() if count]

    def sentence(self) -> str:
        return " · ".join(f"{count} {_FARED[status]}" for status, count in self.shares()) or "nobody followed"


def tally(executions: Iterable[ExecutionAnswer]) -> Tally:
    """A stop that stands is part of its opening; one that failed counts for itself."""
    counts = dict.fromkeys(_FARED, 0)
    for one in executions:
        if not is_protection(one) or one.status == "failed":
            counts[one.status] += 1
    return Tally(**counts)


def is_protection(execution: ExecutionAnswer) -> bool:
    return execution.leg.startswith(("stop_loss", "take_profit"))


def tone(execution: ExecutionAnswer) -> str:
    """The outcome, as a colour; a stop taken back after its position was closed is neither good nor bad."""
    return "skipped" if execution.state == "CANCELLED" and execution.status == "success" else execution.status


def figure(value: Decimal | None) -> str:
    return "" if value is None else format(value.normalize(), "f")


def spoken(name: str) -> str:
    return name.replace("_", " ").replace(":", " ").lower()


def quantity(execution: ExecutionAnswer) -> str:
    wanted, done = execution.requested_quantity, execution.executed_quantity
    if wanted is not None and 0 < done < wanted:
        return f"{figure(done)} of {figure(wanted)}"
    return figure(done or wanted)


def price(execution: ExecutionAnswer) -> str:
    """What was paid; for a stop that has not been hit, where it stands."""
    return figure(execution.executed_price or execution.trigger_price)


def why(execution: ExecutionAnswer) -> list[str]:
    """Sentences: what stopped it, where something did, and how its size came about."""
    numbers = figures_of(execution)
    sentences = []
    if execution.reason:
        sentences.append(f"{'Not copied: ' if execution.status == 'skipped' else ''}{execution.reason}.")
    if numbers.keys() >= _SIZING:
        sentences.append(
            "{margin_usd} USD × {leverage} ÷ {last_price} = {exact_quantity}, "
            "rounded down to steps of {quantity_step}: {quantity}.".format_map(numbers)
        )
    elif execution.plan.get("rule"):
        sentences.append(f"Rule: {spoken(execution.plan['rule'])}.")
    return sentences


def figures_of(execution: ExecutionAnswer) -> Mapping[str, str]:
    return {key: str(value) for part in ("inputs", "numbers") for key, value in execution.plan.get(part, {}).items()}
