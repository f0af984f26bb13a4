"""How far the trade server's clock is from UTC: whole half hours, read off ticks that are moving."""

from datetime import UTC, datetime, timedelta

STEP_MSC = 1_800_000
LIVE_S = 5.0
"""Two different ticks within so many seconds: the market is open, and the newer one is of now."""


class ServerTime:
    """MT5's times are the server's wall clock, which stands still while markets are closed: an old tick tells nothing."""

    def __init__(self, offset_msc: int | None = None) -> None:
        self.offset_msc = offset_msc
        self._last: tuple[str, int, datetime] | None = None

    def take(self, symbol: str, time_msc: int, at: datetime) -> bool:
        """A tick and when it was read; whether the offset is another one now."""
        last, self._last = self._last, (symbol, time_msc, at)
        if last is None or last[0] != symbol or not last[1] < time_msc:
            return False
        if (at - last[2]).total_seconds() > LIVE_S:
            return False
        offset = round((time_msc - at.timestamp() * 1_000) / STEP_MSC) * STEP_MSC
        changed = offset != self.offset_msc
        self.offset_msc = offset
        return changed

    def utc(self, time_msc: int) -> datetime | None:
        """None while the offset is not known."""
        if self.offset_msc is None:
            return None
        return datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=time_msc - self.offset_msc)
