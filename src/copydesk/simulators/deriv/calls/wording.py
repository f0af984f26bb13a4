"""How a contract is told in words and in short; the forms are the venue's own examples."""

from decimal import Decimal

from copydesk.simulators.deriv.exchange.contract import Contract
from copydesk.simulators.deriv.exchange.pricing import RISING
from copydesk.simulators.deriv.exchange.terms import Terms

_MICRO = 1_000_000
_STEPS = ((86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second"))


def longcode(terms: Terms) -> str:
    name, way = terms.market.display_name, _way(terms)
    if terms.ticks is not None:
        return f"Win payout if {name} after {_counted(terms.ticks, 'tick')} is {way} {_barrier(terms)}."
    return f"Win payout if {name} is {way} {_barrier(terms)} at {_span(terms)}."


def shortcode(contract: Contract) -> str:
    terms = contract.terms
    ends = str(contract.date_expiry) if terms.ticks is None else f"{terms.ticks}T"
    head = f"{terms.contract_type}_{terms.symbol}_{contract.payout}_{contract.purchase_time}_{ends}"
    return f"{head}_{_short_barrier(terms)}_0"


def _way(terms: Terms) -> str:
    word = "higher than" if terms.contract_type in RISING else "lower than"
    return f"{word} or equal to" if terms.contract_type.endswith("E") else f"strictly {word}"


def _barrier(terms: Terms) -> str:
    match terms.barrier:
        case None:
            return "entry spot"
        case str(text) if text[0] == "+":
            return f"entry spot plus {text[1:]}"
        case str(text) if text[0] == "-":
            return f"entry spot minus {text[1:]}"
        case text:
            return text


def _span(terms: Terms) -> str:
    if terms.unit == "d":
        return f"close of the day, {_counted(terms.duration, 'day')} after contract start"
    if terms.unit == "at":
        return f"epoch {terms.duration}"
    size, unit = next((size, unit) for size, unit in _STEPS if terms.duration % size == 0)
    return f"{_counted(terms.duration // size, unit)} after contract start time"


def _counted(count: int, unit: str) -> str:
    return f"{count} {unit}" if count == 1 else f"{count} {unit}s"


def _short_barrier(terms: Terms) -> str:
    if terms.barrier is None:
        return "S0P"
    if terms.barrier[0] in "+-":
        return f"S{int(Decimal(terms.barrier) / terms.market.pip)}P"
    return str(int(Decimal(terms.barrier) * _MICRO))
