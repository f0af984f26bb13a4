"""Faults on order: which requests and messages they hit, how often, and what each kind does (contract §5)."""

from dataclasses import dataclass

from copydesk.simulators.faults import EXECUTES, STREAM_KINDS, Ordered, Orders

ORDER_CALLS = frozenset({"buy", "sell"})
PRIVATE_MESSAGES = frozenset({"balance", "proposal_open_contract", "transaction"})
HANDSHAKE = "connect"
KINDS = frozenset(EXECUTES) | STREAM_KINDS
_ORDINARY = {"clock_skew": frozenset({"time"}), "html_502": frozenset({HANDSHAKE})}


@dataclass(slots=True, kw_only=True)
class Fault(Ordered):
    """``call``: the request it is about instead of `buy` and `sell`; of a stream's faults, the type of message."""

    account: str | None = None
    call: str | None = None
    code: str | None = None

    def is_about(self, name: str, token: str | None) -> bool:
        usual = PRIVATE_MESSAGES if self.kind in STREAM_KINDS else _ORDINARY.get(self.kind, ORDER_CALLS)
        return self.account in {None, token} and (name == self.call if self.call is not None else name in usual)


class Faults(Orders[Fault]):
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
        return {fault.kind: fault for fault in self.strike(about)}
