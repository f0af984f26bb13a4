"""Rounds: one hub's life each, from its start at a point to its death there; and what was found of the one before."""

import asyncio
import signal
from collections import Counter, deque
from dataclasses import dataclass, field, replace

from kill_matrix.interludes import INTERLUDES
from kill_matrix.plan import plan_round
from kill_matrix.points import IN_THE_PROCESS, MISSED, NAMED, ON_THE_WIRE, RANDOM, TAKE_OVERS
from kill_matrix.town import CLOCK
from kill_matrix.watch import unsettled

LIFE_S = 4.0
"""A hub that has not met its point so long after its last alert is killed where it stands."""

TRIES_MAX = 4
"""A point that was missed gets another hub, with other alerts."""


@dataclass(slots=True)
class Found:
    """Of one point."""

    kills: int = 0
    serving_s: list = field(default_factory=list)
    sending: int = 0
    unknown: int = 0


class Rounds:
    """Plays the plan; `found` is by point, `replaced_s` how long a stopped hub's work was nobody's, `problems` what hubs may not do."""

    def __init__(self, town, seed, planned, progress):
        self._town = town
        self._seed = seed
        self._progress = progress
        self._tries = Counter()
        self._queue = deque(planned)
        self._numbers = len(self._queue)
        self.found = {}
        self.replaced_s = []
        self.problems = []

    async def run(self):
        done = 0
        while self._queue:
            planned = self._queue.popleft()
            self._progress(done, done + 1 + len(self._queue), planned.point)
            await self._play(planned)
            done += 1
        self._progress(done, done, "draining")

    async def _play(self, planned):
        await self._town.set_price(*planned.price)
        await self._town.set_faults(planned.faults)
        if planned.point in INTERLUDES:
            hub = await INTERLUDES[planned.point](self, self._town, planned)
            await self.note(planned.point, hub)
        elif not await self._kill(planned):
            self._again(planned)

    async def _kill(self, planned):
        """Whether the hub met its point."""
        town, point = self._town, planned.point
        hub = await town.start_hub(point if point in IN_THE_PROCESS else "none", planned.countdown)
        if point in ON_THE_WIRE:
            town.wire.arm(point, planned.countdown, hub.kill, forwards=planned.forwards)
        if point == RANDOM:
            asyncio.get_running_loop().call_later(planned.kill_after_s, hub.kill)
        if await town.serve(hub):
            await self.alerts(hub, planned)
        met = await self._death(hub, planned)
        town.wire.disarm()
        await self.note(point if met else MISSED, hub)
        return met

    async def alerts(self, hub, planned):
        """First what earlier hubs did not answer, with the same ids."""
        await self._town.send_again(hub)
        for volley in planned.volleys:
            if hub.is_dead:
                return
            await self._town.volley(hub, volley, planned.point)
            await asyncio.sleep(volley.pause_s)

    async def _death(self, hub, planned):
        life_s = planned.kill_after_s + LIFE_S if planned.point == RANDOM else LIFE_S
        try:
            await asyncio.wait_for(hub.process.wait(), life_s)
        except TimeoutError:
            await hub.end()
            return False
        if hub.process.returncode != -signal.SIGKILL:
            self.problems.append(f"a hub ended by itself ({hub.process.returncode}): see {hub.log}")
            return False
        return True

    def _again(self, planned):
        """A take-over needs something to take over: a hub that dies with its intents written down."""
        self._tries[planned.point] += 1
        if planned.point == RANDOM or self._tries[planned.point] >= TRIES_MAX:
            return
        points = ["intent_after_commit", planned.point] if planned.point in TAKE_OVERS else [planned.point]
        for point in points:
            self._numbers += 1
            self._queue.append(replace(plan_round(self._seed, self._numbers, point), countdown=1))

    async def note(self, point, hub):
        found = self.found.setdefault(point, Found())
        found.kills += 1
        if hub.serving_s is not None:
            found.serving_s.append(hub.serving_s)
        states = await unsettled(self._town)
        found.sending += states["SENDING"]
        found.unknown += states["UNKNOWN"]

    @property
    def missing(self):
        return [point for point in NAMED if point not in self.found]


async def drain(town, *, within_s):
    """Nothing breaks any more: whether all came to rest, and since when it was calm."""
    await town.calm_down()
    hub = await town.start_hub()
    await town.must_serve(hub)
    calm_since = CLOCK.now()
    await town.send_again(hub)
    while (CLOCK.now() - calm_since).total_seconds() < within_s:
        if await _is_at_rest(town):
            await asyncio.sleep(3)
            if await _is_at_rest(town):
                return True, calm_since
        await asyncio.sleep(0.5)
    return False, calm_since


async def _is_at_rest(town):
    return all(alert.is_answered for alert in town.alerts) and not await unsettled(town)
