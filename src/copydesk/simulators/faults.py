"""Faults on order, as every simulator counts them: how often one strikes, and when it is spent (contract §5)."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from random import Random
from typing import Generic, TypeVar

EXECUTES = {
    "delay_before": True,
    "delay_after": True,
    "drop_before": False,
    "drop_after": True,
    "truncated": True,
    "empty_200": True,
    "html_502": False,
    "unknown_executed": True,
    "unknown_not_executed": False,
    "rate_limit": False,
    "ban": False,
    "clock_skew": True,
    "late_not_found": True,
    "refuse": False,
}
"""What a request can suffer, and whether it is carried out all the same."""

STREAM_KINDS = frozenset({"stream_disconnect", "duplicate_event", "reordered_event"})
DELAY_DEFAULT_S = 30.0


@dataclass(slots=True, kw_only=True)
class Ordered:
    """By ``probability``, or the next ``next_n`` times; what it is about, each simulator says for itself."""

    kind: str
    probability: float | None = None
    next_n: int | None = None
    delay_s: float = DELAY_DEFAULT_S
    hits: int = 0

    @property
    def is_spent(self) -> bool:
        return self.next_n is not None and self.hits >= self.next_n


F = TypeVar("F", bound=Ordered)


@dataclass(slots=True)
class Orders(Generic[F]):
    """Those that are still to strike, in the order they were asked for."""

    random: Random
    active: list[F] = field(default_factory=list)

    def add(self, fault: F) -> None:
        self.active.append(fault)

    def clear(self) -> None:
        self.active.clear()

    def strike(self, about: Iterable[F]) -> list[F]:
        """Those of ``about`` that strike now; each is counted once, and forgotten when it is spent."""
        struck = [fault for fault in about if self._strikes(fault)]
        for fault in struck:
            fault.hits += 1
        self.active = [fault for fault in self.active if not fault.is_spent]
        return struck

    def _strikes(self, fault: F) -> bool:
        if fault.is_spent:
            return False
        return fault.probability is None or self.random.random() < fault.probability
