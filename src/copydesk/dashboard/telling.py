"""The desk's facts in a person's words: legs and states, why an order was (not) copied, what it cost in time and price."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal, InvalidOperation

from copydesk.client.models import ExecutionAnswer, FaredAnswer, SignalAnswer
from copydesk.dashboard.speech import Language, Speech, rounded

STATUSES = ("success", "failed", "skipped", "pending")
_SIZING = frozenset({"margin_usd", "leverage", "last_price", "exact_quantity", "quantity", "quantity_step"})
_BPS = Decimal(10_000)


def shares(fared: FaredAnswer) -> list[tuple[str, int]]:
    """How a signal's orders fared: what there is none of is left out."""
    return [(status, count) for status in STATUSES if (count := getattr(fared, status))]


def sentence(say: Speech, fared: FaredAnswer) -> str:
    told = [say(f"outcomes.{status}_count", count=count) for status, count in shares(fared)]
    return " · ".join(told) or say("outcomes.nobody")


def tally(executions: Iterable[ExecutionAnswer]) -> FaredAnswer:
    """A stop that stands is part of its opening; one that failed counts for itself."""
    counts = dict.fromkeys(STATUSES, 0)
    for one in executions:
        if not is_protection(one) or one.status == "failed":
            counts[one.status] += 1
    return FaredAnswer(**counts)


def is_protection(execution: ExecutionAnswer) -> bool:
    return execution.leg.startswith(("stop_loss", "take_profit"))


def tone(execution: ExecutionAnswer) -> str:
    """The outcome, as a colour; a stop taken back after its position was closed is neither good nor bad."""
    return "skipped" if execution.state == "CANCELLED" and execution.status == "success" else execution.status


def tone_of(value: Decimal | None, digits: int = 2) -> str:
    """The colour of a result that is written with so many digits: what rounds to nothing has none."""
    shown = 0 if value is None else rounded(value, digits)
    return "up" if shown > 0 else "down" if shown < 0 else ""


def leg(say: Speech, name: str) -> str:
    """`take_profit:2` is the second one."""
    kind, _, number = name.partition(":")
    return f"{say.word('legs', kind)} {number}".strip()


def action(say: Speech, signal: SignalAnswer) -> str:
    """What a signal says, as a heading."""
    return f"{say.word('actions', signal.action)} {signal.symbol}"


def quantity(say: Speech, execution: ExecutionAnswer) -> str:
    wanted, done = execution.requested_quantity, execution.executed_quantity
    if wanted is not None and 0 < done < wanted:
        return say("orders.part", done=done, wanted=wanted)
    return say.number(done or wanted or Decimal(0))


def price(execution: ExecutionAnswer) -> Decimal | None:
    """What was paid; for a stop that has not been hit, where it stands."""
    return execution.executed_price or execution.trigger_price


def slippage_bps(execution: ExecutionAnswer) -> Decimal | None:
    """How much worse (> 0) than the last price that it was planned with, in hundredths of a percent."""
    planned, paid = _decimal(figures_of(execution).get("last_price")), execution.executed_price
    if planned is None or paid is None or planned == 0:
        return None
    worse = paid - planned if execution.side == "BUY" else planned - paid
    return worse / planned * _BPS


def why(say: Speech, execution: ExecutionAnswer) -> list[str]:
    """Sentences: what stopped it, where something did, and how its size came about."""
    numbers = figures_of(execution)
    sentences = []
    if execution.reason:
        told = reason(say, execution)
        sentences.append(say("orders.not_copied", why=told) if execution.status == "skipped" else f"{told}.")
    if numbers.keys() >= _SIZING:
        sentences.append(say("orders.sizing", **_spoken(numbers)))
    return sentences


def reason(say: Speech, execution: ExecutionAnswer) -> str:
    """The hub's own sentence, which is English; in another language where the rule and its numbers are known. A venue's stay as they are."""
    key = f"rules.{execution.plan.get('rule', '')}"
    if execution.status == "skipped" and say.language is not Language.ENGLISH and say.knows(key):
        try:
            return say(key, **_spoken(figures_of(execution)))
        except KeyError:
            pass  # an earlier version of the desk stored other numbers
    return execution.reason or ""


def figures_of(execution: ExecutionAnswer) -> Mapping[str, str]:
    return {key: str(value) for part in ("inputs", "numbers") for key, value in execution.plan.get(part, {}).items()}


def figures_spoken(say: Speech, execution: ExecutionAnswer) -> Sequence[tuple[str, str]]:
    """Each number of the plan with its name."""
    return [
        (say.word("figures", name), value if (number := _decimal(value)) is None else say.number(number))
        for name, value in figures_of(execution).items()
    ]


def _spoken(numbers: Mapping[str, str]) -> dict[str, object]:
    return {name: value if (number := _decimal(value)) is None else number for name, value in numbers.items()}


def _decimal(text: str | None) -> Decimal | None:
    try:
        value = None if text is None else Decimal(text)
    except InvalidOperation:
        return None
    return value if value is not None and value.is_finite() else None
