"""One desk at a time: a second one stands by, takes over from one that is gone, and one that was replaced writes nothing."""

import asyncio
import contextlib

import pytest

from copydesk.domain.errors import LeaseLost
from copydesk.domain.execution import State
from copydesk.engine import lease as lease_room
from copydesk.engine.desk import Desk
from copydesk.engine.lease import Lease, Owner
from copydesk.engine.reconcile import Reconciler
from desk_support import CLOCK
from store_support import make_execution

NOT_GONE = Owner(name="another program", is_gone=lambda _name: False)
SURVIVOR = Owner(name="another program", is_gone=lambda name: name == "a test")


@contextlib.asynccontextmanager
async def another(desk, owner):
    """A second desk over the same database and venues."""
    second = Desk(
        desk.store,
        desk.desk.sessions._venues,
        CLOCK,
        owner=owner,
        venue_timeout_s=10,
        ledger_check_every_s=3_600,
    )
    running = asyncio.ensure_future(second.run())
    try:
        yield second
    finally:
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running


async def until(condition):
    for _ in range(400):
        if condition():
            return
        await asyncio.sleep(0.05)
    raise AssertionError("it did not happen in time")


@pytest.mark.parametrize("begins", [True, False])
def test_a_look_that_ended_before_it_began_does_not_stand_in_the_way_of_the_next(begins):
    begun = []

    def spawn(work):
        begun.append(work)
        work.close()
        return begins

    reconciler, execution = Reconciler(None, None, CLOCK, spawn=spawn), make_execution(state=State.UNKNOWN)

    reconciler.look_soon(execution)
    if begins:
        reconciler.forget()
    reconciler.look_soon(execution)

    assert len(begun) == 2


async def test_a_second_desk_stands_by_as_long_as_the_first_one_lives(desk):
    await until(lambda: desk.desk.is_running)

    async with another(desk, NOT_GONE) as second:
        await asyncio.sleep(1.5)

        assert desk.desk.is_running
        assert not second.is_running


async def test_a_desk_that_is_known_to_be_gone_is_replaced_at_once_and_stops_itself(desk):
    follower = await desk.follow()
    await until(lambda: desk.desk.is_running)

    async with another(desk, SURVIVOR) as second:
        await until(lambda: second.is_running)
        await until(lambda: not desk.desk.is_running)
        (opened,) = await desk.settled(await desk.signal("buy"))

    assert opened.state is State.FILLED
    assert (await desk.position(follower)).quantity == opened.executed_quantity


async def test_a_desk_that_was_replaced_writes_nothing_more(desk):
    await until(lambda: desk.desk.is_running)
    await Lease(desk.store, CLOCK, SURVIVOR).take()

    with pytest.raises(LeaseLost):
        await desk.desk._store.write(lambda tables: tables.signals.waiting())
    await until(lambda: not desk.desk.is_running)


async def test_a_desk_that_is_stopped_in_the_moment_it_is_replaced_stops(desk):
    await until(lambda: desk.desk.is_running)
    async with asyncio.timeout(10), another(desk, SURVIVOR) as second:
        await until(lambda: second.is_running)
        second._lease._lost.set()


async def test_a_desk_that_lost_its_lease_takes_it_again_and_goes_on(desk):
    follower = await desk.follow()
    await until(lambda: desk.desk.is_running)

    desk.desk._lease._lost.set()
    await until(lambda: desk.desk._lease._epoch == 2 and desk.desk.is_running)
    (opened,) = await desk.settled(await desk.signal("buy"))

    assert opened.state is State.FILLED
    assert await desk.position(follower) is not None


async def test_a_desk_that_stops_gives_its_lease_back(desk):
    await until(lambda: desk.desk.is_running)
    await desk.desk._lease.give_up()

    async with another(desk, NOT_GONE) as second:
        await until(lambda: second.is_running)


async def test_a_lease_that_cannot_be_renewed_is_given_up_before_it_ends(desk, monkeypatch):
    monkeypatch.setattr(lease_room, "TTL_S", 3.0)
    monkeypatch.setattr(lease_room, "STOP_BEFORE_S", 2.0)
    monkeypatch.setattr(lease_room, "RENEW_EVERY_S", 0.2)
    lease = Lease(desk.store, CLOCK, SURVIVOR)
    await lease.take()

    async def away(_write, _ttl_s):
        raise lease_room.StoreUnavailable("away")

    monkeypatch.setattr(lease, "_renew", away)
    async with asyncio.timeout(5):
        with pytest.raises(LeaseLost, match="in time"):
            await lease.keep()
