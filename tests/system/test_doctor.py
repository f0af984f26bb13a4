"""`copydesk doctor`: every account is looked at, and two of them on one connection of the venue's WebSocket API."""

import pytest

from copydesk.settings import Settings
from copydesk.wiring.doctor import examine
from web_support import running_hub, running_simulator


@pytest.fixture
async def simulator():
    async with running_simulator() as running:
        yield running


@pytest.fixture
async def settings(tmp_path, simulator):
    """Of a desk with two followers."""
    async with running_hub(tmp_path, simulator_url=simulator.url) as desk:
        for _ in range(2):
            await desk.futures_account(await desk.person("follower"), simulator)
        yield Settings(
            _env_file=None,
            data_dir=tmp_path,
            master_key_file=tmp_path / "master.key",
            port=0,
            dashboard_port=0,
            simulator={"binance_url": simulator.url},
        )


async def findings(settings):
    return {one.name.partition(" (")[0]: one async for one in examine(settings)}


async def test_a_desk_where_everything_is_fine_is_told_so_shared_connections_too(settings):
    found = await findings(settings)

    assert [one.detail for one in found.values() if not one.ok] == []
    assert "each got the answer to their own key" in found["Shared connection"].detail


async def test_a_venue_that_does_not_take_two_keys_on_a_connection_is_found_out(settings, simulator):
    await simulator.tell("faults", kind="refuse", code=-2015, next_n=1, path="GET /fapi/v2/account")

    shared = (await findings(settings))["Shared connection"]

    assert not shared.ok
    assert "ACCOUNTS_PER_CONNECTION=1" in shared.advice


async def test_a_connection_for_each_account_leaves_nothing_to_prove(settings):
    alone = settings.model_copy(update={"binance": settings.binance.model_copy(update={"accounts_per_connection": 1})})

    assert "Shared connection" not in await findings(alone)
