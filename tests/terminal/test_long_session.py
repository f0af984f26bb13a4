"""Sixty steps by hand on a hedging and on a netting account, with the gateway killed in between."""

import asyncio
import os
import random
import signal
from decimal import Decimal

import pytest
from observer_support import believed
from terminal_support import MASTER, NETTING, watched

from copydesk.simulators.metatrader5 import HandError
from copydesk.terminal.codec import exact

STEPS = 60


@pytest.mark.parametrize(("login", "path"), [(1001, MASTER), (1003, NETTING)])
async def test_sixty_steps_by_hand_end_with_what_the_terminal_shows(broker, tmp_path, login, path):
    chance = random.Random(login)
    async with watched(broker, tmp_path, login=login, path=path) as eye:
        await eye.look(3)
        for step in range(STEPS):
            await _trade(eye, chance)
            await eye.look(chance.randint(0, 3))
            if step % 20 == 10:
                os.kill(eye.gateway.pid, signal.SIGKILL)
        await eye.look(3)
        await asyncio.sleep(1.1)
        await eye.until(lambda: not eye.attachment.trouble)
        await eye.look(3)

        held = (await asyncio.to_thread(broker.hand(login).look))["positions"]
        names = {one.number: one.identifier for one in eye.events()}
        copied = {names[number]: what for number, what in believed(eye.events()).items()}
        assert copied == {one["identifier"]: _listed(one) for one in held}
        assert "alarm" not in eye.kinds()


async def _trade(eye, chance):
    """Whatever the broker refuses is no step."""
    found = await asyncio.to_thread(eye.broker.hand(eye.attachment.wanted.login).look)
    held, waiting = found["positions"], found["orders"]
    symbol, lots = chance.choice(["EURUSD", "XAUUSD.m"]), chance.randint(1, 30) / 100
    wishes = [("buy", symbol, lots), ("sell", symbol, lots), ("pend", "buy-limit", "EURUSD", lots, 0.5)]
    if held:
        one = chance.choice(held)
        part = max(0.01, round(one["volume"] * chance.random(), 2))
        wishes += [
            ("close", one["ticket"], part),
            ("close", one["ticket"]),
            ("close_by", one["ticket"], held[0]["ticket"]),
        ]
    if waiting:
        wishes += [("remove", waiting[0]["ticket"])]
    wish = chance.choice(wishes)
    try:
        await eye.do(*wish)
        if held and chance.random() < 0.3:
            await asyncio.to_thread(eye.broker.hand(eye.attachment.wanted.login).modify, held[0]["ticket"], sl=0.01)
    except HandError:
        return


def _listed(one):
    return one["symbol"], "SELL" if one["type"] else "BUY", exact(one["volume"]), Decimal(str(one["sl"]))
