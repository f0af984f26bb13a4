"""The database fails while orders go out: what was acknowledged is done once, what was not is said so, and it all goes on."""

import asyncio

import pytest

from copydesk.client.errors import Unavailable
from system_support import running_world

pytestmark = pytest.mark.timeout(240)


@pytest.fixture
async def world(tmp_path, postgres):
    name = await postgres.new_database(migrated=False)
    async with running_world(tmp_path, database_url=postgres.url(name)) as running:
        yield running


async def stubbornly(world, action):
    """As TradingView does it: again after a 5xx."""
    async with asyncio.timeout(60):
        while True:
            try:
                return await world.alert(action)
            except Unavailable:
                await asyncio.sleep(0.5)


@pytest.mark.parametrize("after_s", [0.0, 0.08, 0.3])
async def test_postgres_restarted_in_the_middle_of_a_fan_out_loses_and_doubles_nothing(world, postgres, after_s):
    async with world.hub() as hub:
        await world.seed(hub)
        first = await world.alert("open_long")
        await world.until_settled(first.signal_id)
        closing = await world.alert("close")

        await asyncio.sleep(after_s)
        await asyncio.to_thread(postgres.restart)

        closed = await world.until_settled(closing.signal_id)
        opening = await stubbornly(world, "open_long")
        opened = await world.until_settled(opening.signal_id)
        differences = await world.differences()

    assert {one.state for one in closed} == {"FILLED"}
    assert {one.state for one in opened} <= {"FILLED", "SKIPPED"}
    assert differences == []
