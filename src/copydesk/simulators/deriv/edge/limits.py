"""How often the new API may be asked (facts §5.1, documented in August 2026); the legacy API's limits are not published."""

from collections.abc import Hashable
from dataclasses import dataclass, field
from decimal import Decimal

from copydesk.simulators.deriv.exchange.refusals import RefusedError

_SECOND_MS, _MINUTE_MS, _HOUR_MS = 1_000, 60_000, 3_600_000
_TRADING = ((_MINUTE_MS, 360), (_HOUR_MS, 14_400))
_MONEY = ((_MINUTE_MS, 100), (_HOUR_MS, 2_000))
_LISTS = ((_MINUTE_MS, 30), (_HOUR_MS, 1_500))
_REST = ((_MINUTE_MS, 220), (_HOUR_MS, 14_400))
_PING = ((_SECOND_MS, 10),)
_OTP = ((_MINUTE_MS, 80),)
# Requests that share a budget, and how many of them fit into each span of time.
_BUDGETS = {
    "balance": ("money", _MONEY),
    "buy": ("trading", _TRADING),
    "otp": ("otp", _OTP),
    "ping": ("ping", _PING),
    "portfolio": ("lists", _LISTS),
    "profit_table": ("lists", _LISTS),
    "proposal": ("trading", _TRADING),
    "proposal_open_contract": ("trading", _TRADING),
    "sell": ("trading", _TRADING),
    "statement": ("money", _MONEY),
}
_OTHERS = ("rest", _REST)


@dataclass(slots=True)
class _Span:
    began_ms: int
    count: int = 0


@dataclass(slots=True)
class Limits:
    """``factor``: times the documented numbers, for measuring."""

    factor: Decimal = Decimal(1)
    _spans: dict[tuple[Hashable, str, int], _Span] = field(default_factory=dict)

    def count(self, who: Hashable, name: str, now_ms: int) -> None:
        """Raises RefusedError when the budget is spent; what was refused counts, too. A span begins with its first request."""
        budget, allowances = _BUDGETS.get(name, _OTHERS)
        for length_ms, most in allowances:
            span = self._spans.get((who, budget, length_ms))
            if span is None or now_ms - span.began_ms >= length_ms:
                span = self._spans[who, budget, length_ms] = _Span(now_ms)
            span.count += 1
            if span.count > most * self.factor:
                raise RefusedError("RateLimit", f"You have reached the rate limit for {name or 'requests'}.")

    def forget(self, who: Hashable) -> None:
        """Whoever is gone does not come back as the same one."""
        for key in [key for key in self._spans if key[0] == who]:
            del self._spans[key]
