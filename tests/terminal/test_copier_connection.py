"""A copier's line to the hub: who it says it is, how it comes back, and what ends it for good."""

import asyncio
import json
import random
from contextlib import asynccontextmanager

import pytest
from master_support import eventually
from websockets.asyncio.server import serve

from copydesk.ports.clock import SystemClock
from copydesk.terminal.copier.connection import Link, TakenOver
from copydesk.terminal.copier.reception import OutOfStep

WELCOME = {"event": "WELCOME", "seq": 4, "id": None, "ts": "2026-11-29T10:15:00.120Z", "expires_at": None, "data": {}}
SNAPSHOT = {**WELCOME, "event": "SNAPSHOT", "data": {"as_of": 4, "positions": [], "bots": []}}
OPEN = {**WELCOME, "event": "OPEN", "seq": 5, "id": "c5"}


class Hub:
    """Plays what each connection is told, one after another, and keeps what is said."""

    def __init__(self, *scripts):
        self.scripts = list(scripts)
        self.paths, self.said, self.changed = [], [], asyncio.Event()

    async def serve(self, line):
        self.paths.append(line.request.path)
        script = self.scripts.pop(0) if self.scripts else []
        for one in script:
            if isinstance(one, int):
                await line.close(one, "as told")
                return
            await line.send(one if isinstance(one, str) else json.dumps(one))
        async for text in line:
            self.said.append(json.loads(text))
            self.changed.set()

    async def hears(self, action, within_s=5):
        async with asyncio.timeout(within_s):
            while not (found := [one for one in self.said if one["action"] == action]):
                self.changed.clear()
                await self.changed.wait()
        return found[-1]


class Reception:
    doubts = False

    def __init__(self):
        self.taken, self.welcomed, self.out_of_step = [], 0, False

    async def welcome(self, frame, asked_at_s):
        self.welcomed += 1

    async def take(self, frame):
        if self.out_of_step:
            self.out_of_step = False
            raise OutOfStep("5 came after 3")
        self.taken.append(frame["id"])
        return [{"action": "received", "ids": [frame["id"]]}]

    async def compare(self, frame):
        return [{"action": "result", "id": "old", "status": "filled"}]


class HastyClock(SystemClock):
    """Long waits are noted, and short."""

    def __init__(self):
        super().__init__()
        self.waits = []

    async def sleep(self, seconds):
        if seconds >= 1:
            self.waits.append(seconds)
        await super().sleep(min(seconds, 0.02))


class Line:
    """A link to a played hub."""

    def __init__(self, port):
        self.reception, self.clock = Reception(), HastyClock()
        self.tokens, self.forbidden, self.lines, self.is_alive = [], [], [], True
        self.link = Link(
            f"http://127.0.0.1:{port}",
            "2001",
            self.reception,
            token=self.token,
            hello=lambda: {"action": "hello", "last_seq": 4, "login": 2001, "server": "S"},
            heartbeat=lambda: {"action": "heartbeat", "connected": self.is_alive, "login": 2001, "server": "S"},
            forbid=self.forbidden.append,
            clock=self.clock,
            chance=random.Random(1),
            tell=self.tell,
        )

    def tell(self, line, *, level="info"):
        self.lines.append(line)

    async def token(self, fresh):
        self.tokens.append(fresh)
        return f"token{len(self.tokens)}"


@asynccontextmanager
async def played(*scripts):
    hub = Hub(*scripts)
    async with serve(hub.serve, "127.0.0.1", 0) as server:
        line = Line(server.sockets[0].getsockname()[1])
        running = asyncio.get_running_loop().create_task(line.link.run())
        try:
            yield hub, line, running
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)


async def test_it_says_who_it_is_hands_on_commands_and_tells_old_results_after_the_snapshot():
    async with played([WELCOME, SNAPSHOT, "not JSON", '{"event": "OPEN"}', OPEN]) as (hub, line, _):
        assert await hub.hears("received") == {"action": "received", "ids": ["c5"]}
        assert (await hub.hears("result"))["id"] == "old"
        assert (await hub.hears("heartbeat"))["connected"] is True
        line.is_alive = False
        while (await hub.hears("heartbeat"))["connected"]:
            hub.said.clear()

    assert hub.paths == ["/ws?token=token1&agent=2001"]
    assert (line.reception.welcomed, line.reception.taken) == (1, ["c5"])


async def test_cuts_are_followed_by_longer_and_longer_waits_until_a_snapshot_comes():
    async with played([1001], [1001], [1001], [WELCOME, SNAPSHOT, 1001], [WELCOME, SNAPSHOT]) as (hub, line, _):
        await eventually(lambda: len(hub.paths) == 5)
        await hub.hears("result")

    first, second, third, fourth = line.clock.waits[:4]
    assert 1 <= first <= 2
    assert second <= 4 <= third <= 8
    assert fourth <= 2, "the wait begins anew after a snapshot"
    assert all(one <= 30 for one in line.clock.waits)
    assert line.lines.count("connected to the hub") == 2


async def test_another_copier_that_takes_over_ends_this_one():
    async with played([WELCOME, 4001]) as (_, _, running):
        with pytest.raises(ExceptionGroup) as ended:
            await asyncio.wait_for(running, 5)

    assert ended.group_contains(TakenOver)


async def test_a_login_that_may_not_trade_stops_trading_until_the_hub_takes_it_again():
    async with played([WELCOME, 4005], [WELCOME, SNAPSHOT]) as (hub, line, _):
        await hub.hears("result")

    assert line.forbidden[0] == "the hub does not let you trade from login 2001"
    assert line.forbidden[-1] is None


async def test_a_token_that_ends_is_renewed_on_the_line_and_an_expired_one_before_the_next():
    async with played([WELCOME, {**WELCOME, "event": "REAUTH"}], [WELCOME]) as (hub, _, _):
        assert await hub.hears("reauth") == {"action": "reauth", "token": "token2"}
    async with played([WELCOME, 4003], [WELCOME, SNAPSHOT]) as (hub, line, _):
        await hub.hears("result")

    assert line.tokens == [False, True]


async def test_a_number_that_is_missing_makes_it_connect_again():
    async with played([WELCOME, SNAPSHOT, OPEN], [WELCOME, SNAPSHOT, OPEN]) as (hub, line, _):
        line.reception.out_of_step = True
        assert await hub.hears("received") == {"action": "received", "ids": ["c5"]}

    assert len(hub.paths) == 2
