"""The venue's stream: stops are noticed when they trigger, gaps are asked about, and what is told late or twice does no harm."""

from decimal import Decimal

import pytest

from copydesk.domain.execution import State
from desk_support import CLOCK, running_desk


@pytest.fixture
async def watched(tmp_path, simulator):
    """A desk that listens to its one follower's account."""
    async with running_desk(tmp_path, simulator) as desk:
        follower = await desk.follow(custom_take_profit_pct=Decimal(0), custom_stop_loss_pct=Decimal("2.5"))
        await desk.until(lambda: listens(desk, follower))
        yield desk, follower


async def listens(desk, follower):
    return desk.desk._watching.is_watched(follower.account.id)


async def stop_of(desk, acceptance):
    (stop,) = [one for one in await desk.executions(acceptance) if one.leg == "stop_loss"]
    return stop


async def test_a_stop_that_triggers_is_noticed_at_once_and_closes_the_book(watched):
    desk, follower = watched
    acceptance = await desk.signal("buy")
    await desk.settled(acceptance, legs=("stop_loss",))

    await desk.simulator.hold("BTCUSDT", 92_000)

    async def noticed():
        return (await stop_of(desk, acceptance)).state is State.FILLED

    await desk.until(noticed, within_s=5)  # by polling alone it could take a minute
    assert await desk.position(follower) is None


async def test_an_order_whose_answer_was_lost_is_known_from_the_stream(watched):
    desk, follower = watched
    await desk.settled(await desk.signal("buy"))
    await desk.settled(await desk.signal("close"))
    lookups = {"kind": "html_502", "probability": 1, "path": "GET /fapi/v1/order"}
    await desk.simulator.tell("faults", **lookups)
    await desk.simulator.tell("faults", kind="drop_after", account=follower.key, next_n=1)

    (opened,) = await desk.settled(await desk.signal("buy"))

    assert opened.state is State.FILLED
    assert (await desk.position(follower)).quantity == opened.executed_quantity


@pytest.mark.parametrize("kind", ["duplicate_event", "reordered_event"])
async def test_events_that_come_twice_or_out_of_order_change_nothing(watched, kind):
    desk, follower = watched
    await desk.simulator.tell("faults", kind=kind, probability=1)

    for action in ("buy", "close", "open_short", "close"):
        done = await desk.settled(await desk.signal(action))
        assert {one.state for one in done} == {State.FILLED}

    assert await desk.position(follower) is None
    assert await desk.simulator.positions() == {}


async def test_what_happened_while_the_stream_was_cut_is_asked_about_when_it_is_back(watched, monkeypatch):
    desk, follower = watched
    acceptance = await desk.signal("buy")
    await desk.settled(acceptance, legs=("stop_loss",))
    await desk.simulator.tell("faults", kind="stream_disconnect", probability=1)

    await desk.simulator.hold("BTCUSDT", 92_000)
    await desk.simulator.http.delete("/_sim/faults")

    async def noticed():
        return (await stop_of(desk, acceptance)).state is State.FILLED

    await desk.until(noticed, within_s=15)
    assert await desk.position(follower) is None
    await desk.until(lambda: listens(desk, follower))


async def test_a_new_follower_is_listened_to_as_well(watched):
    desk, first = watched

    second = await desk.follow()

    await desk.until(lambda: listens(desk, second))
    await desk.until(lambda: listens(desk, first))


async def test_an_account_that_is_switched_off_is_not_listened_to_any_more(watched):
    desk, follower = watched

    def switch_off(tables):
        account = tables.accounts.get(follower.account.id, follower.account.owner_id)
        tables.accounts.change(account, {"is_active": False}, {}, CLOCK.now())

    await desk.store.write(switch_off)

    async def deaf():
        return not await listens(desk, follower)

    await desk.until(deaf)
