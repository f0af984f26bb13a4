"""Which of this broker's symbols a master's symbol is: by the owner's map, by name, by name without decoration. Pure.

Never guessed: where two fit, a person says which (MT5 fact sheet §2.4).
"""

import re
from collections.abc import Iterable, Mapping

from copydesk.terminal.codec import Symbol
from copydesk.terminal.copier.commands import Skipped
from copydesk.terminal.events import Contract

# #XAUUSD, EURUSD.m, EURUSD-ECN, EURUSD_i, EURUSDpro: a ticker in capitals and figures, with something before or behind it.
_DECORATED = re.compile(r"^[#._]*([A-Z0-9]{2,}?)(?:[a-z]+|[._#+-].*)?$")


def find_symbol(wanted: str, available: Iterable[str], chosen: Mapping[str, str]) -> str | Skipped:
    """`chosen` is the owner's own map, from the master's name to one of this broker's."""
    names = set(available)
    if (own := chosen.get(wanted)) is not None:
        return own if own in names else _skipped(f"{wanted} is mapped to {own}, which this broker does not have")
    if wanted in names:
        return wanted
    alike = sorted(one for one in names if core(one) == core(wanted))
    if not alike:
        return _skipped(f"this broker has nothing like {wanted}: map it to one of its symbols")
    if len(alike) > 1:
        return _skipped(f"{wanted} may be {', '.join(alike)} here: say which one in the symbol map")
    return alike[0]


def core(name: str) -> str:
    """The name without what brokers put around it."""
    found = _DECORATED.match(name)
    return found[1] if found else name


def check_symbol(own: Symbol, contract: Contract | None) -> Skipped | None:
    """Two symbols of one name may be different things: the currencies must be the same. Where nothing was told, the name counts."""
    if contract is None:
        return None
    theirs, ours = (contract.currency_base, contract.currency_profit), (own.currency_base, own.currency_profit)
    if theirs != ours:
        return _skipped(
            f"{own.name} is {'/'.join(ours)} here and {'/'.join(theirs)} at the master's: map the right symbol"
        )
    return None


def _skipped(reason: str) -> Skipped:
    return Skipped(rule="symbol", reason=reason)
