"""Steps of the machine's clock: what was too late stays too late, and no settle time comes nearer."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from copydesk.domain.execution import State
from copydesk.ports.clock import SystemClock
from desk_support import running_desk


class SteppedClock(SystemClock):
    """The production clock on a machine whose clock a test sets."""

    def __init__(self):
        self.step = timedelta(0)
        super().__init__()

    def _machine_s(self):
        return (datetime.now(UTC) + self.step).timestamp()


def test_a_clock_that_is_set_forward_is_followed():
    clock = SteppedClock()
    before = clock.now()

    clock.step = timedelta(hours=1)

    assert timedelta(hours=1) <= clock.now() - before < timedelta(hours=1, seconds=5)


def test_a_clock_that_is_set_back_is_not_and_time_goes_on():
    clock = SteppedClock()
    before = clock.now()

    clock.step = -timedelta(hours=1)
    times = [clock.now() for _ in range(100)]

    assert times == sorted(times)
    assert timedelta(0) <= times[0] - before < timedelta(seconds=5)
    assert times[-1] > times[0]


def test_a_small_correction_is_taken_over():
    clock = SteppedClock()

    clock.step = -timedelta(milliseconds=200)

    assert abs(clock.now() - datetime.now(UTC)) < timedelta(milliseconds=300)


def test_elapsed_time_knows_nothing_of_any_step():
    clock = SteppedClock()
    before = clock.elapsed()

    clock.step = timedelta(days=1)

    assert 0 <= clock.elapsed() - before < 5


@pytest.mark.parametrize("step", [timedelta(hours=1), -timedelta(hours=1)])
async def test_after_a_step_an_order_whose_answer_got_lost_is_still_waited_for(tmp_path, simulator, step):
    clock = SteppedClock()
    async with running_desk(tmp_path, simulator, clock=clock, venue_timeout_s=1.0) as desk:
        follower = await desk.follow(custom_stop_loss_pct=Decimal(0), custom_take_profit_pct=Decimal(0))
        await desk.settled(await desk.signal("open_long", received_at=clock.now()))
        await desk.settled(await desk.signal("close", received_at=clock.now()))
        # Two seconds and a half on the way: by the stepped clock its settle time would be an hour past at once.
        await simulator.tell("faults", kind="delay_before", account=follower.key, next_n=1, delay_s=2.5)
        opening = await desk.signal("open_long", received_at=clock.now())

        async def unknown():
            return [one.state for one in await desk.executions(opening)] == [State.UNKNOWN]

        await desk.until(unknown)
        clock.step = step
        (opened,) = await desk.settled(opening, within_s=40)
        timeline = await desk.store.read(lambda tables: tables.history.timeline([opened.id])[opened.id])

    assert State.ABSENT not in {event.state for event in timeline}
    assert opened.state is State.FILLED


async def test_after_a_step_orders_carry_the_venue_s_time_all_the_same(tmp_path, simulator):
    clock = SteppedClock()
    async with running_desk(tmp_path, simulator, clock=clock) as desk:
        follower = await desk.follow()
        await desk.settled(await desk.signal("open_long", received_at=clock.now()))
        clock.step = timedelta(hours=1)

        (closed,) = await desk.settled(await desk.signal("close", received_at=clock.now()))

        assert closed.state is State.FILLED
        assert closed.attempt == 1
        assert await desk.position(follower) is None
