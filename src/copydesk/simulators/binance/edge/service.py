"""The desk with its faults around it: wait, execute or not, wait, and what the connection then does to the answer."""

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil

from copydesk.simulators.binance.edge.asked import Asked, is_spot
from copydesk.simulators.binance.edge.desk import Answer, Desk, Newest
from copydesk.simulators.binance.edge.faults import Fault, Faults
from copydesk.simulators.binance.exchange import errors
from copydesk.simulators.binance.exchange.errors import RefusedError, refused
from copydesk.simulators.binance.rest.call import Call, Route
from copydesk.simulators.binance.spot import refusals
from copydesk.simulators.clock import Clock

Struck = dict[str, Fault]
# What spoils the answer on its way, the worst first.
_DAMAGES = ("drop_before", "drop_after", "truncated", "html_502", "empty_200")


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """``damage``: which of the faults above spoils it; without one there is always an answer."""

    answer: Answer | None
    damage: str | None = None


class Service:
    def __init__(self, desk: Desk, faults: Faults, clock: Clock, flush: Callable[[], None]) -> None:
        self._desk = desk
        self._faults = faults
        self._clock = clock
        self._flush = flush

    def struck(self, asked: Asked) -> Struck:
        """The faults this request suffers; they are counted by asking."""
        sent = asked.payloads[0] if asked.payloads else ""
        return {fault.kind: fault for fault in self._faults.hit(asked.method, asked.path, asked.api_key, sent)}

    def answer(self, asked: Asked, *, skew_ms: int = 0, route: Route[Call] | None = None) -> Answer:
        answer = self._desk.answer(asked, self._clock.now_ms(), skew_ms=skew_ms, route=route)
        self._flush()
        return answer

    async def suffer(self, asked: Asked, faults: Struck, *, route: Route[Call] | None = None) -> Served:
        """All faults that struck at once."""
        if "delay_before" in faults:
            await self._clock.sleep(faults["delay_before"].delay_s)
        answer: Answer | None = None
        if all(fault.executed for fault in faults.values()):
            before = self._desk.newest()
            answer = self.answer(asked, skew_ms=_skew_ms(faults), route=route)
            self._hide(faults, asked, before)
        if "delay_after" in faults:
            await self._clock.sleep(faults["delay_after"].delay_s)
        damage = next((kind for kind in _DAMAGES if kind in faults), None)
        refusal = self._refusal(asked, faults)
        if damage is None and refusal is not None:
            answer = self._desk.refusal(asked, refusal, self._clock.now_ms())
        return Served(answer=answer, damage=damage)

    def _refusal(self, asked: Asked, faults: Struck) -> RefusedError | None:
        limits = self._desk.limits_of(asked.path)
        if {"unknown_executed", "unknown_not_executed"} & faults.keys():
            return refused(-1007)
        refuse = faults.get("refuse")
        if refuse is not None and refuse.code is not None:
            provoked = refusals.provoked if is_spot(asked.path) else errors.provoked
            return provoked(refuse.code, refuse.details, status=refuse.status)
        if "rate_limit" in faults:
            seconds = ceil(faults["rate_limit"].delay_s)
            return limits.refused(-1003, limits.weight_per_minute, retry_after_s=seconds)
        if "ban" in faults:
            seconds = ceil(faults["ban"].delay_s)
            return limits.banned(self._clock.now_ms() + seconds * 1_000, seconds)
        return None

    def _hide(self, faults: Struck, asked: Asked, before: Newest) -> None:
        """late_not_found: what this request placed exists, queries deny it for a while."""
        fault = faults.get("late_not_found")
        if fault is not None:
            self._desk.hide(asked.api_key, before, self._clock.now_ms() + int(fault.delay_s * 1_000))


def _skew_ms(faults: Struck) -> int:
    fault = faults.get("clock_skew")
    return 0 if fault is None else int(fault.delay_s * 1_000)
