"""How time reaches the venue: by the wall's clock, or only when told."""

from copydesk.simulators.clock import Clock, VirtualClock
from copydesk.simulators.deriv.edge.hub import Hub

_LOOK_S = 0.05  # ticks come with the second; this is how late one may be


class Pace:
    def __init__(self, hub: Hub, clock: Clock) -> None:
        self._hub = hub
        self._clock = clock

    @property
    def is_virtual(self) -> bool:
        return isinstance(self._clock, VirtualClock)

    async def run(self) -> None:
        """For ever, by the wall's clock."""
        while True:
            await self._clock.sleep(_LOOK_S)
            self._hub.catch_up(self._clock.now_ms())
            self._hub.end_idle(self._clock.now_ms())

    def move_to(self, target_ms: int) -> None:
        """Virtual time only: when this returns, everything up to then has happened. Nobody is idle in it."""
        if not isinstance(self._clock, VirtualClock):
            raise TypeError("the time on the wall can not be moved")
        self._clock.move_to(target_ms)
        self._hub.catch_up(target_ms)
