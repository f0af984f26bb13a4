"""A position keeps its stop, whatever happens around it; each case here once went wrong."""

import asyncio
from decimal import Decimal

from msgspec.structs import replace

from copydesk.domain.execution import State
from copydesk.domain.order import OrderRef
from copydesk.domain.signal import Direction, Target
from copydesk.engine import protection
from desk_support import CLOCK

STOPS_ONLY = {"custom_take_profit_pct": Decimal(0)}


async def stops(desk, follower):
    found = await desk.executions(follower=follower)
    return [one for one in found if one.is_protection and one.state is State.WORKING and not one.cancel_wanted]


async def test_a_reversal_that_overtakes_its_stop_leaves_the_new_position_alone(desk):
    follower = await desk.follow(**STOPS_ONLY)
    await desk.settled(await desk.signal("open_long"), legs=("stop_loss",))
    await desk.settled(await desk.signal("close"))
    await desk.simulator.tell("faults", kind="delay_after", next_n=1, delay_s=2, path="/fapi/v1/algoOrder")

    first = await desk.signal("open_long")
    second = await desk.signal("open_short")
    await desk.settled(second, count=2)
    await desk.until(lambda: stop_is(desk, first, State.CANCELLED), within_s=10)

    assert (await desk.position(follower)).direction is Direction.SHORT
    assert [one.symbol for one in await stops(desk, follower)].count("BTCUSDT") == 1


async def stop_is(desk, acceptance, state):
    return [one.state for one in await desk.executions(acceptance) if one.is_protection] == [state]


async def test_rounding_never_leaves_a_part_of_the_position_without_a_stop(desk):
    follower = await desk.follow(custom_leverage=5, custom_margin_usd=Decimal(20), **STOPS_ONLY)
    for _ in range(2):
        await desk.settled(await desk.signal("open_long"), legs=("stop_loss",))
    half = Target(direction=Direction.LONG, size=Decimal(1), previous_size=Decimal(2))

    partial = await desk.signal("sell", target=half)
    await desk.settled(partial)
    await desk.settled(partial, legs=("stop_loss",))

    held = await desk.position(follower)
    assert held.quantity == Decimal("0.001")
    assert sum(one.requested_quantity for one in await stops(desk, follower)) == held.quantity


async def test_the_fill_of_one_stop_leaves_the_stop_of_the_rest(desk):
    follower = await desk.follow(**STOPS_ONLY)
    await desk.settled(await desk.signal("open_long"), legs=("stop_loss",))
    await desk.simulator.hold("BTCUSDT", "99000")
    await CLOCK.sleep(1.1)
    await desk.settled(await desk.signal("open_long"), legs=("stop_loss",))
    part = Target(direction=Direction.LONG, size=Decimal(4), previous_size=Decimal(5))
    partial = await desk.signal("sell", target=part)
    await desk.settled(partial, legs=("stop_loss",), count=2)
    await desk.until(lambda: cancelled(desk, 2))

    await desk.simulator.hold("BTCUSDT", "96000")
    await desk.until(lambda: one_stop_left(desk, follower))
    await asyncio.sleep(1)

    (left,) = await stops(desk, follower)
    assert left.requested_quantity == (await desk.position(follower)).quantity


async def cancelled(desk, count):
    return [one.state for one in await desk.executions() if one.is_protection].count(State.CANCELLED) == count


async def one_stop_left(desk, follower):
    return len(await stops(desk, follower)) == 1


async def test_a_stop_that_somebody_cancels_at_the_venue_closes_the_position(desk):
    follower = await desk.follow(**STOPS_ONLY)
    opened = await desk.signal("open_long")
    (stop,) = await desk.settled(opened, legs=("stop_loss",))
    session = await desk.desk.sessions.of(follower.account)

    await session.cancel(
        OrderRef(symbol="BTCUSDT", client_order_id=stop.client_order_id, conditional=True, placed_at=stop.frozen_at)
    )
    await desk.until(lambda: flat(desk, follower))

    closing = [one for one in await desk.executions(follower=follower) if one.leg == "close"]
    assert [one.state for one in closing] == [State.FILLED]


async def flat(desk, follower):
    return await desk.position(follower) is None


async def test_a_reversal_s_opening_gets_its_stop_beside_those_that_its_close_left(desk):
    follower = await desk.follow(**STOPS_ONLY)
    await desk.settled(await desk.signal("open_long"), legs=("stop_loss",))
    (opened,) = [one for one in await desk.executions(follower=follower) if one.leg == "open"]

    def once_more(tables):
        tables.executions.read_ahead([opened])
        freezer = desk.desk.sessions.freezer(tables, follower.account, opened.symbol)
        return [
            leg
            for _ in range(2)
            for leg in protection.protect(
                tables, opened, opened.executed_quantity, at=CLOCK.now(), freezer=lambda: freezer
            )
        ]

    made = await desk.store.write(once_more)

    assert [one.leg for one in made] == ["stop_loss:2", "stop_loss:3"]


async def test_an_opening_that_used_up_the_opposite_position_takes_its_stop_away_and_needs_none(desk):
    follower = await desk.follow(**STOPS_ONLY)
    await desk.settled(await desk.signal("open_long"), legs=("stop_loss",))
    (opened,) = [one for one in await desk.executions(follower=follower) if one.leg == "open"]
    short = replace(opened, direction=Direction.SHORT)

    def met(tables):
        tables.positions.put(opened, None, CLOCK.now())
        made = protection.protect(tables, short, short.executed_quantity, at=CLOCK.now(), freezer=None)
        return made, tables.executions.protections(opened.subscription_id, opened.symbol)

    made, standing = await desk.store.write(met)

    assert made == []
    assert [one.cancel_wanted for one in standing] == [True]
