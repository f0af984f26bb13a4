"""A Deriv venue on a free port per test; time stands still at 2026-01-01 00:00 UTC until the test moves it."""

import pytest
from deriv_simulator_support import running_deriv


@pytest.fixture
def start_deriv():
    return running_deriv


@pytest.fixture
async def venue():
    async with running_deriv(virtual_time=True) as running:
        yield running


@pytest.fixture
async def alice(venue):
    """1,000 USD, signed in; 1HZ100V held at 1,500.00."""
    await venue.hold("1500")
    await venue.pass_time(1)
    return await venue.trader()
