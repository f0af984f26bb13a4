"""Requests with the faults around them: wait, execute or not, wait, and what the connection then does to the answer."""

import asyncio
from collections.abc import Mapping

from copydesk.simulators.clock import Clock
from copydesk.simulators.deriv.calls import reply
from copydesk.simulators.deriv.calls.call import Route
from copydesk.simulators.deriv.calls.reply import Asked
from copydesk.simulators.deriv.edge.faults import Fault, Faults
from copydesk.simulators.deriv.edge.hub import Client, Hub
from copydesk.simulators.deriv.edge.limits import Limits
from copydesk.simulators.deriv.exchange.refusals import RefusedError

Struck = Mapping[str, Fault]
_STOPPING = ("drop_before", "unknown_not_executed", "rate_limit", "ban", "refuse")


class Service:
    """``banned_until_ms``: nobody connects before, as after a ban at the provider's gate."""

    def __init__(self, hub: Hub, faults: Faults, clock: Clock) -> None:
        self._hub = hub
        self._faults = faults
        self._clock = clock
        self.limits = Limits()
        self.banned_until_ms = 0

    def hear(self, client: Client, text: str, routes: Mapping[str, Route], group: asyncio.TaskGroup) -> None:
        client.active_ms = self._clock.now_ms()
        asked = reply.read(text, routes)
        if (refusal := self._beyond_limits(client, asked)) is not None:
            client.connection.push(reply.write_refusal(asked, refusal, client.session.dialect))
            return
        struck = self._faults.hit(asked.name, client.token)
        if not struck:
            self._push(client, self._answer(client, asked, routes))
            self._hub.flush(self._clock.now_ms())
        else:
            group.create_task(self._suffer(client, asked, routes, struck))

    def _beyond_limits(self, client: Client, asked: Asked) -> RefusedError | None:
        """Counted by account, pings and whoever is not signed in by connection."""
        if not client.session.dialect.is_limited:
            return None
        who = client if client.token is None or asked.name == "ping" else client.token
        try:
            self.limits.count(who, asked.name, self._clock.now_ms())
        except RefusedError as refusal:
            return refusal
        return None

    def _answer(self, client: Client, asked: Asked, routes: Mapping[str, Route], *, skew_ms: int = 0) -> list[bytes]:
        now_ms = self._clock.now_ms()
        self._hub.catch_up(now_ms)
        return reply.answer(asked, routes, self._hub.exchange, client.session, now_ms + skew_ms)

    async def _suffer(self, client: Client, asked: Asked, routes: Mapping[str, Route], struck: Struck) -> None:
        """All faults that struck at once."""
        if "delay_before" in struck:
            await self._clock.sleep(struck["delay_before"].delay_s)
        frames: list[bytes] = []
        if not any(kind in struck for kind in _STOPPING):
            last_id = self._hub.exchange.numbers.contract
            skew_s = struck["clock_skew"].delay_s if "clock_skew" in struck else 0
            frames = self._answer(client, asked, routes, skew_ms=int(skew_s * 1_000))
            self._hide(struck, last_id)
        if "delay_after" in struck:
            self._hub.flush(self._clock.now_ms())
            await self._clock.sleep(struck["delay_after"].delay_s)
        self._damage(client, asked, struck, frames)
        self._hub.flush(self._clock.now_ms())

    def _damage(self, client: Client, asked: Asked, struck: Struck, frames: list[bytes]) -> None:
        if "ban" in struck:
            self.banned_until_ms = self._clock.now_ms() + int(struck["ban"].delay_s * 1_000)
        if {"drop_before", "drop_after", "ban"} & struck.keys():
            client.connection.cut()
        elif "truncated" in struck and frames:
            client.connection.truncate(frames[0])
        elif "empty_200" in struck:
            client.connection.push(b"")
        elif (refusal := _refusal(asked, struck)) is not None:
            client.connection.push(reply.write_refusal(asked, refusal, client.session.dialect))
        else:
            self._push(client, frames)

    def _hide(self, struck: Struck, last_id: int) -> None:
        """late_not_found: what this request bought exists, questions about it deny it for a while."""
        if (fault := struck.get("late_not_found")) is None:
            return
        until_ms = self._clock.now_ms() + int(fault.delay_s * 1_000)
        for number in range(last_id + 1, self._hub.exchange.numbers.contract + 1):
            self._hub.exchange.contracts[number].hidden_until_ms = until_ms

    def _push(self, client: Client, frames: list[bytes]) -> None:
        for frame in frames:
            client.connection.push(frame)


def _refusal(asked: Asked, struck: Struck) -> RefusedError | None:
    if {"unknown_executed", "unknown_not_executed"} & struck.keys():
        return RefusedError("WrongResponse")
    if "rate_limit" in struck:
        return RefusedError("RateLimit", f"You have reached the rate limit for {asked.name}.")
    refuse = struck.get("refuse")
    return None if refuse is None or refuse.code is None else RefusedError(refuse.code)
