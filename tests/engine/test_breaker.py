"""The breaker: from its commit on nothing is opened; what has not filled is cancelled, what is held is closed."""

from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from copydesk.domain.breaker import Breaker, BreakerMode, BreakerScope, Reach
from copydesk.domain.execution import State
from copydesk.domain.venue import BINANCE_FUTURES
from copydesk.engine.breaker import pull
from desk_support import CLOCK

EVERYBODY = Reach(scope=BreakerScope.ALL)
ALONE = {"custom_stop_loss_pct": Decimal(0), "custom_take_profit_pct": Decimal(0)}
FLOOD = [("open_long", "BTCUSDT"), ("open_long", "ETHUSDT"), ("open_short", "BTCUSDT"), ("open_short", "ETHUSDT")]


async def pulled(desk, reach, mode):
    breaker = Breaker(reach=reach, mode=mode, set_by=desk.bot.owner_id, set_at=CLOCK.now())
    done = await desk.store.write(lambda tables: pull(tables, breaker))
    desk.desk.intake.arrived.set()
    return done


@pytest.mark.parametrize("scope", list(BreakerScope))
async def test_whatever_its_reach_a_pulled_breaker_stops_openings_and_says_so(desk, scope):
    follower = await desk.follow()
    target = {
        BreakerScope.ACCOUNT: follower.account.id,
        BreakerScope.BOT: desk.bot.id,
        BreakerScope.VENUE: BINANCE_FUTURES,
        BreakerScope.ALL: "",
    }[scope]

    await pulled(desk, Reach(scope=scope, target=target), BreakerMode.STOP_OPENS)
    (skipped,) = await desk.settled(await desk.signal("buy"))

    assert (skipped.state, skipped.plan["rule"]) == (State.SKIPPED, "breaker")
    assert str(scope) in skipped.reason
    assert await desk.simulator.orders(follower.key) == []


async def test_it_stops_only_whom_it_reaches(desk):
    stopped, free = await desk.follow(), await desk.follow()

    await pulled(desk, Reach(scope=BreakerScope.ACCOUNT, target=stopped.account.id), BreakerMode.STOP_OPENS)
    found = {one.subscription_id: one.state for one in await desk.settled(await desk.signal("buy"))}

    assert found == {stopped.subscription.id: State.SKIPPED, free.subscription.id: State.FILLED}


async def test_a_close_passes_a_pulled_breaker(desk):
    follower = await desk.follow()
    await desk.settled(await desk.signal("buy"))

    await pulled(desk, EVERYBODY, BreakerMode.STOP_OPENS)
    (closed,) = await desk.settled(await desk.signal("close"))

    assert closed.state is State.FILLED
    assert await desk.position(follower) is None


async def test_once_released_openings_pass_again(desk):
    await desk.follow()
    await pulled(desk, EVERYBODY, BreakerMode.STOP_OPENS)

    await pulled(desk, EVERYBODY, BreakerMode.RELEASE)
    (opened,) = await desk.settled(await desk.signal("buy"))

    assert opened.state is State.FILLED


async def test_flatten_closes_what_is_held_and_takes_the_stops_away(desk):
    one, other = await desk.follow(), await desk.follow()
    acceptance = await desk.signal("buy")
    await desk.settled(acceptance, legs=("open", "stop_loss", "take_profit"), count=6)

    done = await pulled(desk, EVERYBODY, BreakerMode.FLATTEN)

    async def flat():
        held = await desk.simulator.positions()
        orders = await desk.simulator.orders()
        standing = [order for order in orders if order["status"] in {"NEW", "PARTIALLY_FILLED"}]
        return not any(held.values()) and not standing

    await desk.until(flat)
    assert done.closing == 2
    assert await desk.position(one) is None
    assert await desk.position(other) is None


async def test_flatten_again_later_closes_what_was_opened_since(desk):
    follower = await desk.follow()
    await desk.settled(await desk.signal("buy"))
    await pulled(desk, EVERYBODY, BreakerMode.FLATTEN)

    async def flat():
        return await desk.position(follower) is None

    await desk.until(flat)
    await pulled(desk, EVERYBODY, BreakerMode.RELEASE)
    await desk.settled(await desk.signal("open_long"))

    await pulled(desk, EVERYBODY, BreakerMode.FLATTEN)

    await desk.until(flat)


async def test_an_opening_that_has_not_left_is_cancelled(desk):
    follower = await desk.follow(custom_margin_usd=Decimal(100))
    await desk.simulator.tell("faults", kind="delay_before", next_n=1, account=follower.key, delay_s=2)
    first = await desk.signal("buy")
    second = await desk.signal("open_long")

    async def one_left_and_one_waits():
        states = [[one.state for one in await desk.executions(each)] for each in (first, second)]
        return states == [[State.SENDING], [State.BLOCKED]]

    await desk.until(one_left_and_one_waits)
    done = await pulled(desk, EVERYBODY, BreakerMode.CANCEL_WORKING)
    (opened,), (cancelled,) = await desk.settled(first), await desk.settled(second)

    assert done.cancelled == 1
    assert (opened.state, cancelled.state) == (State.FILLED, State.CANCELLED), opened.reason


async def test_flatten_closes_what_an_order_on_its_way_becomes_too(desk):
    follower = await desk.follow()
    await desk.simulator.tell("faults", kind="delay_before", next_n=1, account=follower.key, delay_s=2)
    acceptance = await desk.signal("buy")

    async def sending():
        return [one.state for one in await desk.executions(acceptance)] == [State.SENDING]

    await desk.until(sending)
    done = await pulled(desk, EVERYBODY, BreakerMode.FLATTEN)
    (opened,) = await desk.settled(acceptance)

    async def flat():
        held = await desk.simulator.positions()
        return await desk.position(follower) is None and not any(held.values())

    assert (opened.state, done.closing) == (State.FILLED, 1)
    await desk.until(flat)


@pytest.mark.timeout(240)
@pytest.mark.xdist_group("heavy")
async def test_at_full_load_no_opening_leaves_more_than_a_second_after_it(desk):
    for _ in range(120):
        await desk.follow(**ALONE)
    await desk.settled(await desk.signal("open_long"), within_s=60)
    await desk.settled(await desk.signal("close"), within_s=60)
    before = len(await desk.simulator.orders())

    acceptances = [await desk.signal(action, symbol) for action, symbol in FLOOD]

    async def under_way():
        return len(await desk.simulator.orders()) > before + 30

    await desk.until(under_way)
    await pulled(desk, EVERYBODY, BreakerMode.STOP_OPENS)
    at = CLOCK.now()
    for acceptance in acceptances:
        await desk.settled(acceptance, within_s=60)

    opened = [one for one in await desk.simulator.orders() if one["type"] == "MARKET" and not one["reduce_only"]]
    late = [one["time"] for one in opened if datetime.fromisoformat(one["time"]) > at + timedelta(seconds=1)]
    skipped = [one for each in acceptances for one in await desk.executions(each) if one.state is State.SKIPPED]
    assert late == []
    assert skipped
