"""A follower's daily loss limit: by choice it closes what is held, open losses counted in, and opens nothing more that day."""

from decimal import Decimal

import pytest

from copydesk.domain.execution import State
from copydesk.domain.subscription import CopyOptions, OnDailyLoss

FLATTEN = CopyOptions(on_daily_loss=OnDailyLoss.FLATTEN)
ALONE = {"custom_stop_loss_pct": Decimal(0), "custom_take_profit_pct": Decimal(0)}


async def flat(desk, follower):
    return await desk.position(follower) is None


async def test_an_open_loss_at_the_limit_closes_the_position_and_ends_the_day(desk):
    leaves = await desk.follow(max_daily_loss_usd=Decimal(5), copy=FLATTEN, **ALONE)
    stays = await desk.follow(max_daily_loss_usd=Decimal(5), **ALONE)
    await desk.settled(await desk.signal("buy"))

    await desk.simulator.hold("BTCUSDT", 93_900)  # 0.005 BTC × 1,300 = 6.5 USD
    await desk.until(lambda: flat(desk, leaves))

    found = await desk.executions(follower=leaves)
    (closing,) = [one for one in found if one.leg == "close"]
    assert closing.state is State.FILLED
    assert await desk.position(stays) is not None

    again = {one.subscription_id: one for one in await desk.settled(await desk.signal("open_long", "ETHUSDT"))}
    refused, opened = again[leaves.subscription.id], again[stays.subscription.id]
    assert (refused.state, refused.reason) == (State.SKIPPED, "Daily loss limit reached")
    assert opened.state is State.FILLED


@pytest.mark.parametrize("price", [94_400, 96_000])
async def test_below_the_limit_nothing_is_closed(desk, price):
    follower = await desk.follow(max_daily_loss_usd=Decimal(5), copy=FLATTEN, **ALONE)
    await desk.settled(await desk.signal("buy"))

    await desk.simulator.hold("BTCUSDT", price)
    await desk.desk._daily_loss.look()

    assert await desk.position(follower) is not None


async def test_what_was_lost_before_counts_together_with_what_is_open(desk):
    follower = await desk.follow(max_daily_loss_usd=Decimal(5), copy=FLATTEN, **ALONE)
    await desk.settled(await desk.signal("buy"))
    await desk.simulator.hold("BTCUSDT", 94_600)  # 3 USD and fees
    await desk.settled(await desk.signal("close"))
    await desk.settled(await desk.signal("buy"))

    await desk.simulator.hold("BTCUSDT", 94_000)  # 3 USD more

    await desk.until(lambda: flat(desk, follower))


async def test_without_a_price_nothing_is_closed(desk, monkeypatch):
    follower = await desk.follow(max_daily_loss_usd=Decimal(5), copy=FLATTEN, **ALONE)
    await desk.settled(await desk.signal("buy"))
    await desk.simulator.tell("faults", kind="html_502", probability=1, path="GET /fapi/v1/ticker/price")
    await desk.simulator.hold("BTCUSDT", 90_000)

    await desk.desk._daily_loss.look()
    assert await desk.position(follower) is not None

    await desk.simulator.http.delete("/_sim/faults")
    await desk.until(lambda: flat(desk, follower))
