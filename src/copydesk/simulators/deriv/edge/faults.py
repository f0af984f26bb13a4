"""Faults on order: which requests and messages they hit, how often, and what each kind does (contract §5)."""

from dataclasses import dataclass, field
from random import Random

ORDER_CALLS = frozenset({"buy", "sell"})
PRIVATE_MESSAGES = frozenset({"balance", "proposal_open_contract", "transaction"})
HANDSHAKE = "connect"
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
STREAM_KINDS = frozenset({"stream_disconnect", "duplicate_event", "reordered_event"})
KINDS = frozenset(EXECUTES) | STREAM_KINDS
_ORDINARY = {"clock_skew": frozenset({"time"}), "html_502": frozenset({HANDSHAKE})}
DELAY_DEFAULT_S = 30.0


@dataclass(slots=True, kw_only=True)
class Fault:
    """``call``: the request it is about instead of `buy` and `sell`; of a stream's faults, the type of message."""

    kind: str
    probability: float | None = None
    next_n: int | None = None
    account: str | None = None
    call: str | None = None
    delay_s: float = DELAY_DEFAULT_S
    code: str | None = None
    hits: int = 0

    @property
    def is_spent(self) -> bool:
        return self.next_n is not None and self.hits >= self.next_n

    def is_about(self, name: str, token: str | None) -> bool:
        usual = PRIVATE_MESSAGES if self.kind in STREAM_KINDS else _ORDINARY.get(self.kind, ORDER_CALLS)
        return self.account in {None, token} and (name == self.call if self.call is not None else name in usual)


@dataclass(slots=True)
class Faults:
    random: Random
    active: list[Fault] = field(default_factory=list)

    def add(self, fault: Fault) -> None:
        self.active.append(fault)

    def clear(self) -> None:
        self.active.clear()

    def hit(self, name: str, token: str | None) -> dict[str, Fault]:
        """The faults this request (or the handshake) suffers, by kind; each is counted once."""
        return self._struck(name, token, frozenset(EXECUTES))

    def hit_message(self, name: str, token: str | None) -> dict[str, Fault]:
        """The faults one message of a stream suffers."""
        return self._struck(name, token, STREAM_KINDS)

    def _struck(self, name: str, token: str | None, kinds: frozenset[str]) -> dict[str, Fault]:
        if not self.active:
            return {}
        about = [each for each in self.active if each.kind in kinds and each.is_about(name, token)]
        struck = [fault for fault in about if self._strikes(fault)]
        for fault in struck:
            fault.hits += 1
        self.active = [fault for fault in self.active if not fault.is_spent]
        return {fault.kind: fault for fault in struck}

    def _strikes(self, fault: Fault) -> bool:
        if fault.is_spent:
            return False
        return fault.probability is None or self.random.random() < fault.probability
