"""Faults on order: which calls they hit, how often, and what each kind does (contract §5, in a terminal's words)."""

from dataclasses import asdict, dataclass
from typing import Any

from copydesk.simulators.faults import Ordered, Orders
from copydesk.simulators.metatrader5.broker.words import Retcode

REFUSALS = {
    "requote": Retcode.REQUOTE,
    "price_off": Retcode.PRICE_OFF,
    "reject": Retcode.REJECT,
    "rate_limit": Retcode.TOO_MANY_REQUESTS,
    "disconnect": Retcode.CONNECTION,
    "autotrading_off": Retcode.CLIENT_DISABLES_AT,
    "unknown_not_executed": Retcode.TIMEOUT,
}
LAST_ERRORS = {
    -1: "Terminal: Call failed",
    -2: "Terminal: Invalid params",
    -3: "Terminal: Out of memory",
    -4: "Terminal: Not found",
    -5: "Terminal: Incompatible versions, please install the latest version of Terminal and Python module",
    -6: "Terminal: Authorization failed",
    -7: "Terminal: Unsupported function",
    -8: "Auto-Trading using Python API disabled in Terminal",
    -10000: "IPC call failed",
    -10001: "IPC send failed",
    -10002: "IPC recv failed",
    -10004: "No IPC connection",
    -10005: "IPC timeout",
}
_CALL_FAILED = -1
_OTHERS = ("delay_before", "delay_after", "drop_before", "drop_after", "unknown_executed", "retcode", "none", "partial")
READS = frozenset({"positions_get", "orders_get", "history_orders_get", "history_deals_get"})
TRADING_KINDS = frozenset({*REFUSALS, "retcode", "unknown_executed", "partial"})
KINDS = frozenset({*REFUSALS, *_OTHERS, "late_not_found"})
NOT_OF_A_TERMINAL = frozenset(
    {
        "truncated",
        "empty_200",
        "html_502",
        "ban",
        "clock_skew",
        "duplicate_event",
        "reordered_event",
        "stream_disconnect",
    }
)


@dataclass(slots=True, kw_only=True)
class Fault(Ordered):
    """Without ``function`` it hits order_send, late_not_found the calls that read; ``*`` hits all."""

    account: int | None = None
    function: str | None = None
    code: int | None = None

    def is_about(self, call: str, login: int | None) -> bool:
        if self.account is not None and self.account != login:
            return False
        if self.kind == "late_not_found" and call not in READS:
            return False
        if self.function is not None:
            return self.function in {"*", call}
        return self.kind == "late_not_found" or call == "order_send"

    @property
    def error(self) -> tuple[int, str]:
        """What ``last_error`` tells after the fault ``none``."""
        code = _CALL_FAILED if self.code is None else self.code
        return code, LAST_ERRORS[code]

    @property
    def retcode(self) -> Retcode | None:
        """The answer this fault gives instead of trading; None where it lets the order through."""
        return Retcode(self.code or 0) if self.kind == "retcode" else REFUSALS.get(self.kind)


class Faults(Orders[Fault]):
    def hit(self, call: str, login: int | None) -> dict[str, Fault]:
        """The faults this call suffers, by kind."""
        return {each.kind: each for each in self.strike(each for each in self.active if each.is_about(call, login))}

    def shown(self) -> list[dict[str, Any]]:
        return [asdict(each) for each in self.active]
