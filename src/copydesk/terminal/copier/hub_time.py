"""The hub's clock, by which commands expire: what it told, carried on by this machine's own reckoning."""

from datetime import datetime, timedelta

from copydesk.ports.clock import Clock


class HubTime:
    """A Clock. Until the hub has told its time, this machine's with the difference of the last run.

    Never behind the hub's: the time a message took is counted as if all of it had passed since it was written.
    """

    def __init__(self, clock: Clock, offset_s: float | None = None) -> None:
        self._clock = clock
        self._offset = timedelta(seconds=offset_s or 0.0)
        self._told: tuple[datetime, float] | None = None

    def take(self, told: datetime, asked_at_s: float) -> float:
        """`asked_at_s` is of `elapsed`, before the hub could have written it; the difference of the two clocks in seconds."""
        self._told = told, asked_at_s
        return (self.now() - self._clock.now()).total_seconds()

    def now(self) -> datetime:
        if self._told is None:
            return self._clock.now() + self._offset
        told, since_s = self._told
        return told + timedelta(seconds=self._clock.elapsed() - since_s)

    def elapsed(self) -> float:
        return self._clock.elapsed()

    async def sleep(self, seconds: float) -> None:
        await self._clock.sleep(seconds)
