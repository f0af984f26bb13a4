"""Sixty steps by a master's hand while hub, copiers, gateways and lines die: what followers hold is what their settings imply."""

import asyncio
import os
import random
import signal
from contextlib import AsyncExitStack
from decimal import Decimal

import pytest
from copier_support import Cable, children_of, implied, running_copy_desk
from master_support import eventually

STEPS = 60
SYMBOLS = ("EURUSD", "XAUUSD")
FAR = {
    "EURUSD": (("buy-limit", 0.8), ("sell-limit", 1.5), ("buy-stop", 1.5), ("sell-stop", 0.8)),
    "XAUUSD": (("buy-limit", 1_500.0), ("sell-limit", 4_500.0), ("buy-stop", 4_500.0), ("sell-stop", 1_500.0)),
}
MIDDLE = {"EURUSD": 1.1, "XAUUSD": 2_600.0}

pytestmark = [pytest.mark.xdist_group("heavy"), pytest.mark.timeout(240)]


class Session:
    """What a person does at the master's terminal, by a seed; `open` is what is held there: {ticket: (symbol, side, lots)}, and
    `waiting` what waits there: {ticket: (symbol, price)}.
    """

    def __init__(self, desk, seed, followers):
        self.desk, self.chance, self.open, self.waiting = desk, random.Random(seed), {}, {}
        self.followers, self.done = followers, []

    async def step(self):
        choices = [self.opens] * (6 - len(self.open))
        if self.open:
            choices += [self.moves, self.closes_a_part, self.closes, self.reverses, self.flashes]
        if self._pair() is not None:
            choices += [self.closes_by] * 3
        choices += [self.places] if len(self.waiting) < 3 else []
        choices += [self.moves_an_order, self.takes_back] if self.waiting else []
        if "fills" not in self.done[-12:]:
            choices += [self.fills, self.lets_expire]
        act = self.chance.choice(choices or [self.closes])
        self.done.append(act.__name__)
        await act()

    async def opens(self, symbol=None, side=None):
        symbol, side = symbol or self.chance.choice(SYMBOLS), side or self.chance.choice(("buy", "sell"))
        lots = self.chance.choice((Decimal("0.10"), Decimal("0.20"), Decimal("0.30")))
        ticket = await self.desk.do(side, symbol, float(lots))
        self.open[ticket] = (symbol, side, lots)

    async def moves(self):
        ticket = self.chance.choice(list(self.open))
        symbol, side, _ = self.open[ticket]
        far = {"EURUSD": (0.5, 2.5), "XAUUSD": (900.0, 5_000.0)}[symbol]
        await self.desk.do("modify", ticket, sl=far[side == "sell"] + self.chance.random() / 10)

    async def closes_a_part(self):
        ticket = self.chance.choice(list(self.open))
        symbol, side, lots = self.open[ticket]
        part = (lots / self.chance.choice((2, 3))).quantize(Decimal("0.01"))
        if not 0 < part < lots:
            return await self.closes(ticket)
        await self.desk.do("close", ticket, float(part))
        self.open[ticket] = (symbol, side, lots - part)
        return None

    async def closes(self, ticket=None):
        ticket = ticket or self.chance.choice(list(self.open))
        await self.desk.do("close", ticket)
        return self.open.pop(ticket)

    async def reverses(self):
        symbol, side, _ = await self.closes()
        await self.opens(symbol, "sell" if side == "buy" else "buy")

    async def flashes(self):
        await self.opens()
        await self.closes(list(self.open)[-1])

    async def closes_by(self):
        one, other = self._pair()
        await self.desk.do("close_by", one, other)
        (symbol, side, lots), (_, other_side, other_lots) = self.open.pop(one), self.open.pop(other)
        if lots > other_lots:
            self.open[one] = (symbol, side, lots - other_lots)
        elif other_lots > lots:
            self.open[other] = (symbol, other_side, other_lots - lots)

    async def places(self):
        symbol = self.chance.choice(SYMBOLS)
        kind, at = self.chance.choice(FAR[symbol])
        lots = self.chance.choice((0.1, 0.2))
        self.waiting[await self.desk.do("pend", kind, symbol, lots, at)] = (symbol, at)

    async def moves_an_order(self):
        ticket = self.chance.choice(list(self.waiting))
        symbol, at = self.waiting[ticket]
        at = round(at * (0.99 if at < MIDDLE[symbol] else 1.01), 2)
        await self.desk.do("modify", ticket, price=at)
        self.waiting[ticket] = (symbol, at)

    async def takes_back(self):
        ticket = self.chance.choice(list(self.waiting))
        await self.desk.do("remove", ticket)
        del self.waiting[ticket]

    async def fills(self):
        """Its price comes once it waits everywhere: a market that has passed is another matter."""
        bid = (await self.desk.look())["quotes"]["EURUSD"][0]
        await self._hold("EURUSD", bid)
        kind, side, step = self.chance.choice((("buy-limit", "buy", -0.002), ("sell-stop", "sell", -0.002)))
        ticket = await self.desk.do("pend", kind, "EURUSD", 0.1, round(bid + step, 5))
        for one in self.followers:
            await eventually(lambda one=one: _is_waiting(one, ticket), within_s=60)
        await self._hold("EURUSD", round(bid + 1.5 * step, 5))
        self.open[ticket] = ("EURUSD", side, Decimal("0.10"))
        await eventually(lambda: self._is_held(ticket))

    async def lets_expire(self):
        server_s = (await self.desk.broker.get("/_sim/time")).json()["server_ms"] // 1_000
        ends = {"type_time": 2, "expiration": server_s + 3}
        await self.desk.do("pend", "buy-limit", "EURUSD", 0.1, 0.9, **ends)

    async def _hold(self, symbol, price):
        held = {"symbol": symbol, "price": str(price), "hold": True}
        (await self.desk.broker.post("/_sim/price", json=held)).raise_for_status()

    async def _is_held(self, ticket):
        return ticket in {one["ticket"] for one in (await self.desk.look())["positions"]}

    def _pair(self):
        for one, (symbol, side, _) in self.open.items():
            for other, (other_symbol, other_side, _) in self.open.items():
                if symbol == other_symbol and side == "buy" and other_side == "sell":
                    return one, other
        return None


class Programs:
    """The hub and both copiers, which die and come back."""

    def __init__(self, desk, stack, followers):
        self.desk, self.stack, self.followers = desk, stack, followers
        self.hub, self.copiers = None, {}

    async def start_copier(self, follower, url=None):
        self.copiers[follower.name] = await self.stack.enter_async_context(follower.copier(url=url))

    async def kill_hub(self, hub):
        hub.process.kill()
        await hub.process.wait()
        return await self.stack.enter_async_context(self.desk.hub())

    async def kill_copier(self, follower, url=None):
        running = self.copiers[follower.name]
        running.process.kill()
        await running.process.wait()
        await asyncio.sleep(1)
        await self.start_copier(follower, url)

    async def kill_gateway(self, follower):
        for pid in children_of(self.copiers[follower.name].process.pid):
            os.kill(pid, signal.SIGKILL)


@pytest.fixture
async def desk(tmp_path):
    async with running_copy_desk(tmp_path) as running:
        yield running


async def test_sixty_steps_while_everything_dies_leave_followers_with_what_their_settings_imply(desk):
    cable = Cable(desk.port)
    async with AsyncExitStack() as stack, cable.laid():
        hub = await stack.enter_async_context(desk.hub())
        await desk.seed(hub)
        ann = await desk.follower("ann", 2001, fixed_lot="0.06")
        bob = await desk.follower("bob", 2002, mode="multiplier", multiplier="0.5")
        bob.config = '[copier.symbols]\nEURUSD = "EURUSD.m"\nXAUUSD = "XAUUSD.m"\n'
        own = (await asyncio.to_thread(ann.hand.buy, "EURUSD", 0.5))["order"]
        programs = Programs(desk, stack, (ann, bob))
        master = await stack.enter_async_context(desk.master())
        await programs.start_copier(ann)
        await programs.start_copier(bob, cable.url)
        await desk.until_watching(master)
        for one in (ann, bob):
            await one.until_connected(programs.copiers[one.name])

        session = Session(desk, 11, (ann, bob))
        trouble = {
            8: cable.cut,
            14: lambda: programs.kill_copier(ann),
            20: lambda: programs.kill_gateway(bob),
            26: lambda: programs.kill_hub(hub),
            34: lambda: programs.kill_copier(bob, cable.url),
            38: cable.cut,
            42: lambda: programs.kill_gateway(ann),
            48: lambda: programs.kill_copier(ann),
        }
        beside = []
        for step in range(STEPS):
            if (happens := trouble.get(step)) is not None and (work := happens()) is not None:
                beside.append(asyncio.create_task(work))
            await session.step()
            await asyncio.sleep(0.15)
        for one in beside:
            await one

        ledger = await desk.ledger(desk.login)
        wanted = {
            "ann": implied(ledger, lambda _, lots: Decimal("0.06")),
            "bob": implied(ledger, _bobs_lots, _bobs_step),
        }
        for one in (ann, bob):
            await eventually(lambda one=one: _holds(one, wanted[one.name], ledger), within_s=60)
        await eventually(lambda: ann.is_idle() and bob.is_idle(), within_s=30)
        await asyncio.sleep(2)

        assert set(session.done) >= {
            "opens",
            "moves",
            "closes_a_part",
            "closes",
            "reverses",
            "closes_by",
            "flashes",
            "places",
            "moves_an_order",
            "takes_back",
            "fills",
            "lets_expire",
        }
        for one in (ann, bob):
            assert await _holds(one, wanted[one.name], ledger), one.log()
            assert await _waiting(one) == await _should_wait(desk, one.name), one.log()
            assert await _doubled(one) == []
        assert own in {one["ticket"] for one in (await asyncio.to_thread(ann.hand.look))["positions"]}


async def _is_waiting(follower, ticket):
    return ticket in await _waiting(follower)


async def _waiting(follower):
    """{the master's ticket: (kind, price, lots)} of what waits at a follower's."""
    orders = (await follower.desk.ledger(follower.login))["orders"]
    own = [one for one in orders if one["status"] == "PLACED" and one["client_order_id"].startswith("copydesk")]
    told = {int(one["client_order_id"].split()[1]): _order(one, Decimal(one["quantity"])) for one in own}
    assert len(told) == len(own)
    return told


async def _should_wait(desk, name):
    orders = (await desk.ledger(desk.login))["orders"]
    lots = {"ann": lambda _, __: Decimal("0.06"), "bob": _bobs_lots}[name]
    return {
        int(one["order_id"]): _order(one, lots(one["symbol"], Decimal(one["quantity"])))
        for one in orders
        if one["status"] == "PLACED"
    }


def _order(one, lots):
    return one["side"], one["type"], Decimal(one["price"]), lots


def _bobs_lots(symbol, lots):
    """Half of the master's, and ten of his lots of gold are one of the master's."""
    return lots * Decimal("0.5") * (10 if symbol == "XAUUSD" else 1)


def _bobs_step(symbol):
    """Of XAUUSD.m and EURUSD.m."""
    return Decimal("0.1") if symbol == "XAUUSD" else Decimal("0.01")


async def _holds(follower, wanted, ledger):
    tickets = {int(one["ticket"]): one for one in ledger["positions"]}
    held = await follower.held()
    sides = all(side == tickets[ticket]["side"] for _, side, _, ticket in held if ticket in tickets)
    return sides and {ticket: lots for _, _, lots, ticket in held} == wanted and len(held) == len(wanted)


async def _doubled(follower):
    """Masters' tickets that were opened here more than once."""
    orders = (await follower.desk.ledger(follower.login))["orders"]
    fills = (await follower.desk.ledger(follower.login))["fills"]
    comments = {one["order_id"]: one["client_order_id"] for one in orders}
    opened = [comments[one["order_id"]] for one in fills if one["entry"] == "IN"]
    return [one for one in set(opened) if one and opened.count(one) > 1]
