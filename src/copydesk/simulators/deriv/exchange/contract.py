"""A contract that somebody holds, from purchase to settlement."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from copydesk.simulators.deriv.exchange.feed import Tick
from copydesk.simulators.deriv.exchange.terms import Terms


class Phase(StrEnum):
    OPEN = "open"
    EXPIRED = "expired"  # its outcome is known, its money not yet moved
    WON = "won"
    LOST = "lost"
    SOLD = "sold"  # back to the house, before it expired


MOVES: Mapping[Phase, frozenset[Phase]] = {
    Phase.OPEN: frozenset({Phase.EXPIRED, Phase.SOLD}),
    Phase.EXPIRED: frozenset({Phase.WON, Phase.LOST}),
    Phase.WON: frozenset(),
    Phase.LOST: frozenset(),
    Phase.SOLD: frozenset(),
}


@dataclass(slots=True, kw_only=True)
class Contract:
    """``ticks``: from the entry on; all of them for contracts of ticks, the entry alone for the others."""

    contract_id: int
    account: str
    terms: Terms
    buy_price: Decimal
    payout: Decimal
    purchase_time: int
    buy_transaction: int
    app_id: int
    date_expiry: int
    phase: Phase = Phase.OPEN
    ticks: list[Tick] = field(default_factory=list)
    exit: Tick | None = None
    sell_price: Decimal | None = None
    sell_time: int | None = None
    sell_transaction: int | None = None
    hidden_until_ms: int = 0

    @property
    def entry(self) -> Tick | None:
        return self.ticks[0] if self.ticks else None

    @property
    def is_open(self) -> bool:
        return self.phase is Phase.OPEN

    @property
    def is_settled(self) -> bool:
        return not MOVES[self.phase]

    @property
    def ticks_left(self) -> int | None:
        """Until the exit, which is the n-th tick after the entry; None when it ends by time."""
        return None if self.terms.ticks is None else self.terms.ticks + 1 - len(self.ticks)

    def move(self, phase: Phase) -> None:
        if phase not in MOVES[self.phase]:
            raise ValueError(f"contract {self.contract_id}: {self.phase} does not become {phase}")
        self.phase = phase

    def meet(self, tick: Tick) -> None:
        if not self.ticks or self.terms.ticks is not None:
            self.ticks.append(tick)

    def is_due(self, now_s: int) -> bool:
        return now_s >= self.date_expiry if self.ticks_left is None else self.ticks_left == 0
