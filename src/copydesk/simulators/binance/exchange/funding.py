"""What longs and shorts pay each other: rates, when they are due, what was paid before (fact sheet §2.4)."""

from dataclasses import dataclass
from decimal import Decimal

from copydesk.simulators.binance.exchange.agenda import Agenda
from copydesk.simulators.binance.exchange.instruments import INSTRUMENTS

HOUR_MS = 60 * 60 * 1_000
DEFAULT_RATE = Decimal("0.0001")
RATE_MAX = Decimal("0.02")
_KEPT = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Paid:
    symbol: str
    rate: Decimal
    at_ms: int
    mark: Decimal


class Funding:
    """The rate of a symbol stays until somebody sets another one (``/_sim/funding``)."""

    def __init__(self, agenda: Agenda, *, now_ms: int) -> None:
        self._agenda = agenda
        self.rates = dict.fromkeys(INSTRUMENTS, DEFAULT_RATE)
        self.paid: list[Paid] = []
        for symbol in INSTRUMENTS:
            self.plan(symbol, now_ms)

    def plan(self, symbol: str, now_ms: int) -> None:
        self._agenda.add(next_funding_ms(symbol, now_ms), "funding", symbol=symbol)

    def note(self, paid: Paid) -> None:
        self.paid.append(paid)
        del self.paid[:-_KEPT]


def next_funding_ms(symbol: str, now_ms: int) -> int:
    """Funding times are whole multiples of the interval, counted from midnight UTC."""
    interval = INSTRUMENTS[symbol].funding_hours * HOUR_MS
    return now_ms - now_ms % interval + interval
