"""A simulator with held prices, and a desk over it."""

import pytest

from desk_support import running_desk, running_simulator


@pytest.fixture
async def simulator():
    async with running_simulator() as running:
        await running.hold("BTCUSDT", "95200")
        await running.hold("ETHUSDT", "3300")
        yield running


@pytest.fixture
async def desk(tmp_path, simulator):
    async with running_desk(tmp_path, simulator) as running:
        yield running
