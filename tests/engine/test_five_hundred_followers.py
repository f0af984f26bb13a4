"""Five hundred followers on one address: neither of the venue's limits is ever met, on its own count."""

import asyncio
from collections import Counter
from decimal import Decimal

import httpx
import pytest

from copydesk.domain.execution import State
from copydesk.wiring.children import child, free_port, wait_until_ready
from desk_support import CALM, CLOCK, Simulator, running_desk

FOLLOWERS = 500


@pytest.fixture
async def simulator(tmp_path):
    """In a process of its own: five hundred accounts' venue would hold up the desk's loop, and let its orders grow stale."""
    port = free_port(0)
    async with child("binance", ["simulate", "binance", "--port", str(port)], {}, tmp_path) as venue:
        await wait_until_ready(venue, f"http://127.0.0.1:{port}/fapi/v1/ping", CLOCK)
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=20) as http:
            yield Simulator(http, f"http://127.0.0.1:{port}")


@pytest.fixture
async def patient_desk(tmp_path, simulator):
    """A slow machine may take its time: what is asked here is how much, not how fast."""
    async with running_desk(tmp_path, simulator, bot={"open_freshness_s": 300}) as running:
        yield running


@pytest.mark.timeout(300)
@pytest.mark.xdist_group("heavy")
async def test_five_hundred_followers_stay_under_the_address_and_the_account_limits(patient_desk):
    desk = patient_desk
    for _ in range(FOLLOWERS):
        await desk.follow(custom_margin_usd=Decimal(20), custom_take_profit_pct=Decimal(0))
    used = []
    watching = asyncio.get_running_loop().create_task(watch(desk, used))

    acceptance = await desk.signal("buy")
    while (counted := await ended(desk, acceptance)) is None:
        await CLOCK.sleep(2)
    watching.cancel()

    # A machine so slow that requests grow stale before they leave loses some openings to that, and none to a limit.
    stale = counted.pop("stale", 0)
    assert counted == {("open", State.FILLED): FOLLOWERS - stale, ("stop_loss", State.WORKING): FOLLOWERS - stale}
    assert stale <= FOLLOWERS / 10
    assert max(used) < 2_400
    assert max(used) > FOLLOWERS, "most accounts were set up within a minute, or this proves nothing"


async def ended(desk, acceptance):
    """Leg and state of everything, once all is calm: looked at seldom, a thousand rows are no small read."""
    found = await desk.executions(acceptance)
    opened = [one for one in found if one.leg == "open"]
    stopped = [one for one in found if one.leg == "stop_loss"]
    filled = [one for one in opened if one.state is State.FILLED]
    if len(opened) < FOLLOWERS or len(stopped) < len(filled) or not all(one.state in CALM for one in found):
        return None
    return Counter("stale" if is_stale(one) else (one.leg, one.state) for one in found)


def is_stale(execution):
    reason = execution.reason or ""
    return execution.state is State.REJECTED and ("recvWindow" in reason or reason.startswith("Not sent"))


async def watch(desk, used):
    """The venue's own count of the address, as it tells everybody who asks."""
    while True:
        answer = await desk.simulator.http.get("/fapi/v1/time")
        used.append(int(answer.headers["X-MBX-USED-WEIGHT-1M"]))
        assert answer.status_code == 200
        await CLOCK.sleep(0.5)
