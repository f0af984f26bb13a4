"""Rounds: one hub's life each, from its start at a point to its death there; and what was found of the one before."""

import asyncio
import os
import signal
from collections import Counter
from dataclasses import dataclass, field
from itertools import cycle, islice

from kill_matrix.points import IN_THE_PROCESS, NAMED, ON_THE_WIRE, RANDOM, STOPPED
from kill_matrix.town import CLOCK, free_port
from kill_matrix.watch import unsettled

LIFE_S = 4.0
"""A hub that has not met its point by then is killed where it stands."""

STANDBY_S = 45.0


@dataclass(slots=True)
class Found:
    """Of one point."""

    kills: int = 0
    serving_s: list = field(default_factory=list)
    sending: int = 0
    unknown: int = 0


class Rounds:
    """`plan` is made from the seed; `missed` counts hubs that did not meet their point in their life."""

    def __init__(self, town, kills, progress):
        self._town = town
        self._random = town.random
        self._progress = progress
        self.found = {}
        self.missed = Counter()
        self.plan = self._plan(kills)

    def _plan(self, kills):
        """Every named point in turn, in an order of its own each time; a random instant after every third."""
        named = [one for _ in range(kills) for one in self._random.sample(NAMED, len(NAMED))]
        mixed = (one for point in named for one in ((point, RANDOM) if self._random.random() < 0.25 else (point,)))
        if kills < len(NAMED):
            mixed = cycle(named)
        return list(islice(mixed, kills))

    async def run(self):
        for number, point in enumerate(self.plan, 1):
            if number % 25 == 10:
                await self._stop_and_wake()
            if number % 25 == 20:
                await self._pull_the_breaker()
            await self._round(point)
            self._progress(number, point)

    async def _round(self, point):
        town = self._town
        await town.stir()
        if point.startswith("take_over"):
            await self._leave_something_behind()
        hub = await town.start_hub(point if point in IN_THE_PROCESS else "none", self._countdown(point))
        if point in ON_THE_WIRE:
            town.wire.arm(point, self._countdown(point), hub.kill)
        serving = asyncio.ensure_future(town.serve(hub))
        if point is RANDOM:
            asyncio.get_running_loop().call_later(self._random.uniform(0.5, 2 * LIFE_S), hub.kill)
        if await serving:
            await self._alerts(hub)
        met = await self._death(hub, point)
        self._note(point if met else RANDOM, hub)
        await self._count(point if met else RANDOM)

    def _countdown(self, point):
        return self._random.randint(
            1, 2 if point.startswith(("signal", "take_over", "unknown", "settled", "cancel")) else 6
        )

    async def _leave_something_behind(self):
        """A take-over needs something to take over: a hub that dies with its intents written down."""
        hub = await self._town.start_hub("intent_after_commit", 1)
        if await self._town.serve(hub):
            await self._alerts(hub)
        met = await self._death(hub, "intent_after_commit")
        self._note("intent_after_commit" if met else RANDOM, hub)

    async def _alerts(self, hub):
        town = self._town
        await town.send_again(hub)
        for _ in range(self._random.randint(3, 5)):
            if hub.is_dead:
                return
            alert = town.new_alert()
            await town.send(hub, alert, times=self._random.choice((1, 1, 1, 4)))
            await asyncio.sleep(self._random.uniform(0.02, 0.5))

    async def _death(self, hub, point):
        """Whether it met its point; killed otherwise."""
        try:
            await asyncio.wait_for(hub.process.wait(), LIFE_S)
        except TimeoutError:
            self.missed[point] += point is not RANDOM
            hub.kill()
            await hub.process.wait()
            self._town.wire.disarm()
            return False
        self._town.wire.disarm()
        if hub.process.returncode != -signal.SIGKILL:
            raise RuntimeError(f"a hub ended by itself ({hub.process.returncode}): see {hub.log}")
        return True

    def _note(self, point, hub):
        found = self.found.setdefault(point, Found())
        found.kills += 1
        if hub.serving_s is not None:
            found.serving_s.append(hub.serving_s)

    async def _count(self, point):
        states = await unsettled(self._town)
        self.found[point].sending += states["SENDING"]
        self.found[point].unknown += states["UNKNOWN"]

    async def _stop_and_wake(self):
        """SIGSTOP with orders on their way; another hub takes over; the first one wakes and must do nothing any more."""
        town = self._town
        first = await town.start_hub()
        if not await town.serve(first):
            raise RuntimeError(f"a hub without a point died: see {first.log}")
        sending = asyncio.ensure_future(self._alerts(first))
        await asyncio.sleep(self._random.uniform(0.1, 1.0))
        os.kill(first.process.pid, signal.SIGSTOP)
        second = await town.start_hub(port=free_port(0))
        if not await town.serve(second, within_s=STANDBY_S):
            raise RuntimeError(f"nobody took over from a stopped hub: see {second.log}")
        await sending
        await self._alerts(second)
        os.kill(first.process.pid, signal.SIGCONT)
        await asyncio.sleep(2)
        for hub in (first, second):
            hub.kill()
            await hub.process.wait()
        second.serving_s = None  # it stood by for as long as the lease of the stopped one ran
        self._note(STOPPED, second)
        await self._count(STOPPED)

    async def _pull_the_breaker(self):
        """While alerts come in as fast as they can."""
        town = self._town
        hub = await town.start_hub()
        if not await town.serve(hub):
            raise RuntimeError(f"a hub without a point died: see {hub.log}")
        alerts = asyncio.ensure_future(self._alerts(hub))
        await asyncio.sleep(self._random.uniform(0.1, 0.6))
        await town.pull_breaker(hub, "stop_opens")
        await alerts
        await self._alerts(hub)
        await asyncio.sleep(1)
        await town.pull_breaker(hub, "release")
        hub.kill()
        await hub.process.wait()
        self._note(RANDOM, hub)


async def drain(town, *, within_s):
    """Nothing breaks any more: whether all came to rest, and since when it was calm."""
    await town.calm_down()
    hub = await town.start_hub()
    if not await town.serve(hub):
        raise RuntimeError(f"a hub without a point died: see {hub.log}")
    calm_since = CLOCK.now()
    await town.send_again(hub)
    while (CLOCK.now() - calm_since).total_seconds() < within_s:
        states = await unsettled(town)
        if not states and all(alert.is_answered for alert in town.alerts):
            await asyncio.sleep(3)
            if not await unsettled(town):
                return True, calm_since
        await asyncio.sleep(0.5)
    return False, calm_since
