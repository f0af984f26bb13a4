"""A master's trades by hand, through hub and copier, to a follower's account; and what each of them does when things break."""

from decimal import Decimal

import pytest
from copier_support import running_copy_desk
from master_support import eventually


@pytest.fixture
async def desk(tmp_path):
    async with running_copy_desk(tmp_path) as running:
        yield running


async def test_a_ticket_is_copied_changed_closed_in_part_and_closed_with_its_plan_and_profit(desk):
    async with desk.hub() as hub:
        await desk.seed(hub)
        ann = await desk.follower("ann", 2001, fixed_lot="0.04")
        async with desk.master() as master, ann.copier() as copier:
            await desk.until_watching(master)
            await ann.until_connected(copier)

            ticket = await desk.do("buy", "EURUSD", 0.10)
            await ann.opened(1)
            await desk.do("modify", ticket, sl=0.5)
            await eventually(lambda: "modify EURUSD" in ann.log())
            await desk.do("close", ticket, 0.05)
            await eventually(lambda: _lots(ann, "0.02"))
            await desk.do("close", ticket)
            await ann.opened(0)
            await eventually(lambda: _finished(ann, 4))
            done = {one.leg: one for one in await ann.executions()}
        assert copier.process.returncode == 0

    plan = done["open"].plan["at_venue"]
    assert (plan["mode"], plan["fixed_lot"], plan["lots"], plan["symbol"]) == ("fix", "0.04", "0.04", "EURUSD")
    assert done["close"].executed_quantity == Decimal("0.02")
    assert {one.state for one in done.values()} == {"FILLED"}, done


async def _lots(follower, lots):
    return [one[2] for one in await follower.held()] == [Decimal(lots)]


async def _finished(follower, count):
    found = await follower.executions()
    return len(found) == count and all(one.status != "pending" for one in found)
