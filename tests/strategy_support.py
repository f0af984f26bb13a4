"""Strategy bots on candles that a test writes: a market that shows them one by one, and a clock that is moved to each close."""

import asyncio
from datetime import datetime, timedelta
from decimal import Decimal

from copydesk.domain.candle import Candle
from copydesk.domain.errors import InvalidInput, VenueUnavailable
from web_support import MovableClock, eventually

MINUTE_MS = 60_000


class BriskClock(MovableClock):
    """Nobody waits long on it, and it creeps: however slow the machine, a candle is as fresh as the test says."""

    def __init__(self):
        super().__init__()
        self._began = self._clock.now()

    def now(self):
        return self._began + (self._clock.now() - self._began) / 100 + self.offset

    async def sleep(self, seconds):
        await self._clock.sleep(min(seconds, 0.1))


def candles_of(closes, *, start_ms, first_open=None):
    """Each opens where the one before it closed."""
    made, opened = [], Decimal(str(first_open if first_open is not None else closes[0]))
    for index, close in enumerate(map(Decimal, map(str, closes))):
        made.append(
            Candle(
                start_ms=start_ms + index * MINUTE_MS,
                open=opened,
                high=max(opened, close),
                low=min(opened, close),
                close=close,
                volume=Decimal(1),
            )
        )
        opened = close
    return made


class ScriptedMarket:
    """Shows `shown` closed candles and the open one behind them; `missing` of them it has lost."""

    name = "scripted"

    def __init__(self, closes, clock, *, shown, symbols=None):
        # The newest has closed a second ago.
        now_ms = int(clock.now().timestamp() * 1_000) - 1_000
        self.clock = clock
        self.candles_made = candles_of(closes, start_ms=now_ms - shown * MINUTE_MS)
        self.shown = shown
        self.symbols = symbols
        self.missing = set()
        self.is_away = False
        self.asked = 0

    async def candles(self, symbol, timeframe_s, *, since_ms, most):
        self.asked += 1
        if self.is_away:
            raise VenueUnavailable("the exchange does not answer")
        if self.symbols is not None and symbol not in self.symbols:
            raise InvalidInput(f"symbols: {symbol} is not traded at scripted")
        shown = [one for index, one in enumerate(self.candles_made[: self.shown]) if index not in self.missing]
        last = self.candles_made[self.shown - 1]
        still_open = Candle(
            start_ms=last.start_ms + MINUTE_MS, open=last.close, high=last.close, low=last.close, close=last.close
        )
        shown.append(still_open)
        if since_ms is None:
            return shown[-most:]
        return [one for one in shown if one.start_ms >= since_ms][:most]

    @property
    def newest(self):
        return self.candles_made[self.shown - 1]

    def close_one(self, *people):
        """One minute goes by; these people stay signed in."""
        self.shown += 1
        self.clock.forward(seconds=60)
        for person in people:
            person.token = person.running.hub.tokens.access(person.user, self.clock.now())


async def start(owner, bot):
    answer = await owner.post(f"/api/v1/bots/{bot['id']}/run", json={"command": "start"})
    assert answer.status_code == 200, answer.text
    return answer.json()["status"]


async def analyses(owner, bot, limit=500):
    answer = await owner.get("/api/analysis", params={"bot_id": bot["id"], "limit": limit})
    assert answer.status_code == 200, answer.text
    return answer.json()


async def decided_on(owner, bot, candle, count=1):
    """The decisions of a bot once it has decided on this candle for each of its symbols."""
    at = candle.opened_at

    async def look():
        found = await analyses(owner, bot)
        mine = [one for one in found if datetime.fromisoformat(one["candle_at"]) == at]
        return mine if len(mine) >= count else None

    return await eventually(look)


async def status_of(owner, bot):
    answer = await owner.get("/api/status", params={"bot_id": bot["id"]})
    assert answer.status_code == 200, answer.text
    return answer.json()["bot"]


async def stands(owner, bot, status):
    async def look():
        found = await status_of(owner, bot)
        return found if found["status"] == status else None

    return await eventually(look)


async def at_rest(running):
    """Every order of every book has come to its end."""

    async def look():
        def work(tables):
            waits = tables.signals.waiting()
            return not waits

        return await running.hub.store.read(work)

    await eventually(look)
    await asyncio.sleep(0)


def heard(running):
    """Every event that bots tell from here on."""
    events = []
    running.hub.strategies.listeners.append(events.append)
    return events


LATE = timedelta(minutes=5)
