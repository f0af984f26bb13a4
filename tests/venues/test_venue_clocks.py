"""How a venue's clock is read: the way there and back is measured by what no step of the machine's clock moves."""

from datetime import timedelta

import pytest

from copydesk.domain.subscription import Environment
from copydesk.venues.binance import BinanceFutures
from copydesk.venues.binance.budget import WEIGHT_A_MINUTE
from copydesk.venues.ccxt import CcxtVenue
from desk_support import CLOCK, running_simulator


class Stepping:
    """A machine whose clock is set an hour forward whenever somebody has looked at it."""

    def __init__(self):
        self.ahead = timedelta(0)

    def now(self):
        self.ahead += timedelta(hours=1)
        return CLOCK.now() + self.ahead

    def elapsed(self):
        return CLOCK.elapsed()


class Waiting:
    """Sleeping takes no real time, and is measured all the same."""

    slept_s = 0.0

    def now(self):
        return CLOCK.now() + timedelta(seconds=self.slept_s)

    def elapsed(self):
        return CLOCK.elapsed() + self.slept_s

    async def sleep(self, seconds):
        self.slept_s += seconds


@pytest.fixture
async def simulator():
    async with running_simulator() as running:
        yield running


@pytest.mark.parametrize("name", ["binance-futures", "ccxt"])
async def test_a_machine_s_clock_that_is_set_meanwhile_spoils_no_reading(simulator, name):
    clock, common = Stepping(), {"simulator_url": simulator.url, "timeout_s": 5, "allow_live": False}
    venue = BinanceFutures(clock, **common) if name == "binance-futures" else CcxtVenue("binance", clock, **common)

    reading = await venue.read_clock(Environment.SIMULATOR)

    assert 0 <= reading.uncertainty_s < 1
    await venue.close()


async def test_waiting_for_weight_is_no_part_of_the_way(simulator):
    """Else a busy minute would look like a slow venue, and nothing more would be sent there."""
    clock = Waiting()
    venue = BinanceFutures(clock, simulator_url=simulator.url, timeout_s=5, allow_live=False)
    budget = venue._place(Environment.SIMULATOR).transport.budget
    await budget.take(WEIGHT_A_MINUTE)
    clock.slept_s = 45

    reading = await venue.read_clock(Environment.SIMULATOR)

    assert clock.slept_s >= 59
    assert 0 <= reading.uncertainty_s < 1
    assert reading.offset_s == pytest.approx(-clock.slept_s, abs=1)
    await venue.close()
