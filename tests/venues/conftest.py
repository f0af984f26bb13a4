"""A simulated Binance with Bitcoin held still, and the venue that trades on it."""

import pytest

from copydesk.venues.binance import BinanceFutures
from desk_support import CLOCK, running_simulator


@pytest.fixture
async def market():
    async with running_simulator() as running:
        await running.hold("BTCUSDT", "95200")
        yield running


@pytest.fixture
async def binance(market):
    venue = BinanceFutures(CLOCK, simulator_url=market.url, timeout_s=10, allow_live=False)
    yield venue
    await venue.close()
