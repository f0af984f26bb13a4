"""The hub is killed with -9 in the middle of a fan-out and started again: nothing lost, nothing doubled."""

import asyncio

import pytest

from system_support import FOLLOWERS, running_world


@pytest.fixture
async def world(tmp_path):
    async with running_world(tmp_path) as running:
        yield running


async def test_a_hub_killed_while_orders_are_on_the_wire_settles_every_execution(world):
    async with world.hub() as hub:
        await world.seed(hub)
        await world.alert("open_long")
        first = (await world.executions())[0].signal_id
        await world.until_settled(first)
        await world.alert("close")
        # Half of what leaves now is executed with its answer lost, half waits and dies with the hub.
        await world.tell("faults", kind="delay_after", probability=0.5, delay_s=2)
        answer = await world.alert("open_long")
        await asyncio.sleep(0.15)
        hub.process.kill()
        await hub.process.wait()
    (await world.market.delete("/_sim/faults")).raise_for_status()

    async with world.hub():
        opened = await world.until_settled(answer.signal_id)
        differences = await world.differences()

    assert {one.state for one in opened} <= {"FILLED", "NOT_PLACED", "EXPIRED"}
    assert len({(one.subscription_id, one.leg) for one in opened}) == FOLLOWERS
    assert differences == []


async def test_a_hub_killed_right_after_the_answer_still_fans_the_signal_out(world):
    async with world.hub() as hub:
        await world.seed(hub)
        await world.alert("open_long")
        await world.until_settled((await world.executions())[0].signal_id)
        answer = await world.alert("close")
        hub.process.kill()
        await hub.process.wait()

    async with world.hub():
        closed = await world.until_settled(answer.signal_id)
        differences = await world.differences()

    assert {one.state for one in closed} == {"FILLED"}
    assert (await world.market.get("/_sim/ledger")).json()["positions"] == []
    assert differences == []
