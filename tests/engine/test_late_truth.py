"""The venue shows an order after the book was closed on it: it is right, it is protected, and somebody is told."""

from datetime import timedelta
from decimal import Decimal

import pytest
from msgspec.structs import replace

from copydesk.domain.execution import State
from copydesk.domain.ids import client_order_id
from copydesk.domain.life import LATE, Rules, Shown
from copydesk.domain.order import OrderReport, OrderStatus
from copydesk.engine.settlement import settle
from copydesk.stores import tables as schema
from copydesk.stores.rows import dump
from desk_support import CLOCK, running_desk


@pytest.fixture
async def desk(tmp_path, simulator):
    async with running_desk(tmp_path, simulator, venue_timeout_s=1.0) as desk:
        yield desk


async def believed_absent(desk, follower):
    """An opening that was executed, and that the desk was made to believe was never placed."""
    await desk.settled(await desk.signal("open_long", "ETHUSDT"))
    await desk.simulator.tell("faults", kind="late_not_found", account=follower.key, next_n=1, delay_s=30)
    await desk.simulator.tell("faults", kind="stream_disconnect", probability=1)
    await desk.simulator.tell("faults", kind="drop_after", account=follower.key, next_n=1)
    acceptance = await desk.signal("open_long")

    async def unknown():
        return [one.state for one in await desk.executions(acceptance)] == [State.UNKNOWN]

    await desk.until(unknown)
    (execution,) = await desk.executions(acceptance)

    def work(tables):
        found = tables.executions.get(execution.id)
        absent = tables.executions.move(found, replace(found, state=State.ABSENT), at=CLOCK.now())
        due = CLOCK.now() + timedelta(seconds=1)
        ended = replace(absent, state=State.NOT_PLACED, reason="believed", next_look_at=due)
        tables.executions.move(absent, ended, at=CLOCK.now())

    await desk.store.write(work)
    await desk.simulator.http.delete("/_sim/faults")
    return acceptance, execution


async def adopted(desk, execution):
    async def late():
        found = await desk.store.read(lambda tables: tables.executions.get(execution.id))
        return found.state is State.FILLED

    await desk.until(late, within_s=100)
    return await desk.store.read(lambda tables: tables.executions.get(execution.id))


@pytest.mark.timeout(240)
async def test_a_late_opening_is_adopted_and_gets_its_stop(desk, monkeypatch):
    monkeypatch.setattr("copydesk.domain.life.LATE_LOOKS", (timedelta(seconds=2),) * 30)
    follower = await desk.follow(custom_take_profit_pct=Decimal(0))
    acceptance, execution = await believed_absent(desk, follower)

    late = await adopted(desk, execution)
    await desk.settled(acceptance, legs=("stop_loss",))

    assert late.reason.startswith(LATE)
    held = await desk.position(follower)
    assert held.quantity == late.executed_quantity
    (stop,) = [one for one in await desk.executions(acceptance) if one.leg == "stop_loss"]
    assert (stop.state, stop.requested_quantity) == (State.WORKING, held.quantity)


@pytest.mark.timeout(240)
async def test_a_late_opening_that_the_bot_has_closed_meanwhile_is_closed_as_well(desk, monkeypatch):
    monkeypatch.setattr("copydesk.domain.life.LATE_LOOKS", (timedelta(seconds=2),) * 30)
    follower = await desk.follow(custom_take_profit_pct=Decimal(0))
    _, execution = await believed_absent(desk, follower)
    (skipped,) = await desk.settled(await desk.signal("close"))

    await adopted(desk, execution)

    async def flat():
        return await desk.position(follower) is None

    await desk.until(flat, within_s=30)
    assert skipped.state is State.SKIPPED
    assert not any(symbol == "BTCUSDT" for _, symbol in await desk.simulator.positions())


@pytest.mark.timeout(240)
async def test_a_stop_s_earlier_attempt_that_stands_after_all_is_taken_back_when_the_later_one_is_not_there(desk):
    follower = await desk.follow(custom_take_profit_pct=Decimal(0))
    acceptance = await desk.signal("open_long")
    (stop,) = await desk.settled(acceptance, legs=("stop_loss",))
    unsure = replace(
        stop,
        state=State.UNKNOWN,
        attempt=2,
        client_order_id=client_order_id(stop.id, 2),
        exchange_order_id=None,
        next_look_at=CLOCK.now(),
    )
    await desk.store.write(lambda tables: force(tables, stop, unsure))

    async def taken_back():
        first = client_order_id(stop.id, 1)
        (ours,) = [one for one in await desk.simulator.orders() if one["client_order_id"] == first]
        return ours["status"] == "CANCELED"

    await desk.until(taken_back, within_s=30)

    async def flat():  # without a stop the position is closed, as its follower chose
        return await desk.position(follower) is None

    await desk.until(flat, within_s=60)


@pytest.mark.timeout(240)
async def test_a_stop_that_closed_an_opening_before_that_was_known_waits_for_it(desk):
    """An old stop may still stand when the next position is opened; the hub that opened it was killed before the answer."""
    follower = await desk.follow(custom_take_profit_pct=Decimal(0))
    acceptance = await desk.signal("open_long")
    (opened,) = await desk.settled(acceptance, legs=("open",))
    (stop,) = await desk.settled(acceptance, legs=("stop_loss",))
    told = OrderReport(
        status=OrderStatus.FILLED,
        exchange_order_id="1",
        client_order_id=stop.client_order_id,
        executed_quantity=stop.requested_quantity,
        average_price=Decimal(93_000),
    )

    def work(tables):
        held = tables.positions.get(follower.subscription.id, "BTCUSDT")
        unknown = replace(opened, state=State.UNKNOWN, executed_quantity=Decimal(0), executed_price=None)
        force(tables, opened, unknown)
        tables.positions.put(opened, None, CLOCK.now())
        early = settle_shown(tables, stop, told)
        force(tables, unknown, opened)
        tables.positions.put(opened, held, CLOCK.now())
        return early, settle_shown(tables, early, told)

    early, after = await desk.store.write(work)

    assert (early.state, early.executed_quantity) == (State.WORKING, 0)
    assert early.next_look_at is not None
    assert (after.state, after.executed_quantity) == (State.FILLED, stop.requested_quantity)
    assert await desk.position(follower) is None


def settle_shown(tables, execution, report):
    rules = Rules(repeatable=True)
    return settle(
        tables,
        execution,
        Shown(report=report),
        at=CLOCK.now(),
        rules=rules,
        freezer=lambda: pytest.fail("nothing is sent"),
    ).execution


def force(tables, before, after):
    """Past the table of moves: a stop that stands cannot become unknown in two attempts."""
    rows = schema.bot_signal_executions
    tables.unit.connection.execute(rows.update().where(rows.c.id == before.id).values(dump(after)))
