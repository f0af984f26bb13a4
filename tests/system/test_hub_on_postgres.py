"""The same hub on PostgreSQL: one alert, every follower, both books."""

from decimal import Decimal

import pytest

from system_support import FOLLOWERS, running_world


@pytest.fixture
async def world(tmp_path, postgres):
    name = await postgres.new_database(migrated=False)
    async with running_world(tmp_path, database_url=postgres.url(name)) as running:
        yield running


async def test_a_desk_on_postgres_copies_a_story_and_both_books_agree(world):
    async with world.hub() as hub:
        await world.seed(hub)
        for action in ("open_long", "open_short", "close"):
            answer = await world.alert(action)
            legs = await world.until_settled(answer.signal_id, legs=2 if action == "open_short" else 1)
        differences = await world.differences()
        executions = await world.executions()

    assert {one.state for one in legs} == {"FILLED"}
    assert len(legs) == FOLLOWERS
    assert differences == []
    opened = [one for one in executions if one.leg == "open"]
    assert {one.executed_quantity for one in opened} == {Decimal("0.005")}
