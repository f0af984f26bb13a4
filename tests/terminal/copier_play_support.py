"""A copier at a simulated terminal, whose hub's half a test plays: it hands in frames, and reads what was said."""

import asyncio
import random
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

from terminal_support import FOLLOWER, child_of

from copydesk.ports.clock import SystemClock
from copydesk.terminal.attachment import Attachment, Wanted
from copydesk.terminal.copier.arrivals import Arrivals
from copydesk.terminal.copier.booking import Booking
from copydesk.terminal.copier.ends import Ends
from copydesk.terminal.copier.hands import Hands
from copydesk.terminal.copier.hub_time import HubTime
from copydesk.terminal.copier.inbox import Inbox
from copydesk.terminal.copier.journal import CopierJournal
from copydesk.terminal.copier.reception import Choices, Reception
from copydesk.terminal.copier.reconcile import Reconciler
from copydesk.terminal.copier.requests import is_ours
from copydesk.terminal.copier.work import Owner, Work
from copydesk.terminal.gateway import Gateway

LOGIN = 1002


class HurriedClock(SystemClock):
    """Waiting costs nothing."""

    ahead_s = 0.0

    def elapsed(self):
        return super().elapsed() + self.ahead_s


class Desk:
    """The hub's half is played by the test: it hands in frames, and reads what was said."""

    def __init__(self, broker, gateway, folder, *, login=LOGIN, path=FOLLOWER, owner=None, **choices):
        self.login = login
        self.broker, self.said, self.lines, self.seq = broker, [], [], 0
        self.clock = HurriedClock()
        self.time = HubTime(self.clock)
        self.path = folder / "copier.db"
        self.journal, self.inbox = CopierJournal(self.path), Inbox(self.path)
        wanted = Wanted(login=login, path=path)
        attachment = Attachment(gateway, wanted, clock=self.clock, chance=random.Random(1), tell=self.tell)
        self.work = Work(
            attachment,
            self.inbox,
            self.journal,
            hands=Hands(gateway, self.journal, clock=self.time),
            reconciler=Reconciler(gateway, self.journal, clock=self.time),
            ends=Ends(gateway, self.journal, clock=self.clock, tell=self.tell),
            arrivals=Arrivals(gateway, self.journal, clock=self.clock, tell=self.tell),
            booking=Booking(gateway, self.journal, clock=self.clock),
            owner=owner or Owner(),
            time=self.time,
            tell=self.tell,
        )
        self.work.say = self.hear
        self.reception = Reception(
            self.inbox,
            self.journal,
            time=self.time,
            choices=Choices(**choices),
            wake=lambda: None,
            tell=self.tell,
        )

    def tell(self, line, *, level="info"):
        self.lines.append(line)

    async def hear(self, frame):
        self.said.append(frame)

    async def give(self, event, ticket=7, name=None, *, good_for_s=30, **data):
        self.seq += 1
        name = name or f"{event.lower()}-{self.seq}"
        return await self.reception.take(self.frame(event, self.seq, name, ticket, good_for_s, data))

    def frame(self, event, seq, name, ticket=7, good_for_s=30, data=None):
        now = self.time.now()
        told = {"account_id": "a1", "bot_id": "b1", "master_ticket": ticket, "symbol": "EURUSD", "type": "BUY"}
        told |= {
            "fraction": "1",
            "volume": "0.1",
            "price": "0",
            "settings": {"max_slippage_points": None},
            **(data or {}),
        }
        ends = now + timedelta(seconds=good_for_s)
        return {"event": event, "seq": seq, "id": name, "ts": stamp(now), "expires_at": stamp(ends), "data": told}

    async def snapshot(self, *tickets, orders=(), bots=("b1",), as_of=None, unanswered=(), **settings):
        at = self.seq if as_of is None else as_of
        held = [
            {"account_id": "a1", "bot_id": "b1", "bot": "B", "master_ticket": one, "symbol": "EURUSD", "type": "BUY"}
            | {"volume": "0.1", "price": "1.08", "sl": "0", "tp": "0"}
            for one in tickets
        ]
        followed = [{"account_id": "a1", "bot_id": one, "bot": "B"} for one in bots]
        waiting = [
            {"account_id": "a1", "bot_id": "b1", "bot": "B", "master_ticket": one, "symbol": "EURUSD"}
            | {"type": "BUY_LIMIT", "volume": "0.1", "price": "1.05", "sl": "0", "tp": "0"}
            for one in orders
        ]
        data = {
            "as_of": at,
            "positions": held,
            "orders": waiting,
            "bots": followed,
            "settings": settings,
            "unanswered": unanswered,
        }
        return await self.reception.compare({"event": "SNAPSHOT", "seq": at, "data": data})

    def results(self):
        return [(one["id"], one["status"]) for one in self.said if one["action"] == "result"]

    def held(self):
        found = self.broker.hand(self.login).look()["positions"]
        return [one["volume"] for one in found if is_ours(one["magic"])]


def stamp(at: datetime) -> str:
    return at.astimezone(UTC).isoformat()


@asynccontextmanager
async def copiers(broker, folder):
    """Makes copiers; afterwards the account is as it was."""
    async with Gateway(child_of(broker), read_s=5, send_s=5) as gateway:
        made = []

        async def one(**choices):
            made.append(Desk(broker, gateway, folder, **choices))
            # The first look of a connection is not believed.
            await made[-1].work.cycle()
            return made[-1]

        yield one
        for desk in made:
            desk.journal.close()
            desk.inbox.close()
    broker.heal()
    broker.tell("terminals", path=FOLLOWER, login=LOGIN, connected=True, trade_allowed=True)
    for hand in (broker.hand(LOGIN), broker.hand(1003)):
        look = await asyncio.to_thread(hand.look)
        for held in look["positions"]:
            await asyncio.to_thread(hand.close, held["ticket"])
        for waiting in look["orders"]:
            await asyncio.to_thread(hand.remove, waiting["ticket"])
