"""A trader on spot: 10,000 USDT and half a bitcoin, BTC held at 95,200."""

import pytest
from spot_support import SpotTrader


@pytest.fixture
async def trader(venue):
    await venue.hold("BTCUSDT", "95200")
    await venue.hold("ETHUSDT", "3300")
    await venue.open_account("alice", spot={"USDT": "10000", "BTC": "0.5"})
    return SpotTrader(venue, "alice", "alice-secret")
