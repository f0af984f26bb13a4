"""How time reaches the venue: by the wall's clock, or only when told."""

from copydesk.simulators.binance.clockwork import engine
from copydesk.simulators.binance.edge.sockets import Sockets
from copydesk.simulators.binance.exchange.exchange import Exchange
from copydesk.simulators.clock import Clock, VirtualClock
from copydesk.simulators.market import STEP_MS

_TICK_S = 0.05  # finer than the market's step, so that the fastest streams (100 ms) keep their pace
_STEP_BY_STEP_MS = 60_000  # a longer jump is crossed in longer steps, and streams hear of its end only


class Pace:
    def __init__(self, exchange: Exchange, streams: Sockets, clock: Clock) -> None:
        self._exchange = exchange
        self._streams = streams
        self._clock = clock

    @property
    def is_virtual(self) -> bool:
        return isinstance(self._clock, VirtualClock)

    async def run(self) -> None:
        """For ever, by the wall's clock."""
        while True:
            await self._clock.sleep(_TICK_S)
            self._move()

    def move_to(self, target_ms: int) -> None:
        """Virtual time only: when this returns, everything up to then has happened."""
        if not isinstance(self._clock, VirtualClock):
            raise TypeError("the time on the wall can not be moved")
        if target_ms - self._clock.now_ms() <= _STEP_BY_STEP_MS:
            while self._clock.now_ms() + STEP_MS < target_ms:
                self._clock.move_to(self._clock.now_ms() + STEP_MS)
                self._move()
        self._clock.move_to(target_ms)
        self._move()

    def _move(self) -> None:
        now_ms = self._clock.now_ms()
        steps = engine.advance(self._exchange, now_ms)
        self._streams.flush()
        self._streams.publish(steps, now_ms)
