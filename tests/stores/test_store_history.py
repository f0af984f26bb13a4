"""Who sees what: a follower the own, a provider what their bots did, an admin all; and nobody anything else."""

import pytest

from copydesk.domain.execution import State
from copydesk.domain.user import Role
from store_support import make_user, new_desk, new_follower


@pytest.fixture
async def world(store):
    """Two desks; the first bot has a second follower; every follower has one execution of every signal of their bot."""
    first = await store.write(new_desk)
    second = await store.write(new_desk)
    user, account, subscription = await store.write(lambda tables: new_follower(tables, first.bot))
    one, quiet, other = first.signal(), first.signal(), second.signal()
    mine = first.execution(one, state=State.FILLED)
    stop = first.execution(one, leg="stop_loss", state=State.WORKING)
    neighbours = first.execution(
        one, owner_id=user.id, account_id=account.id, subscription_id=subscription.id, state=State.SKIPPED
    )
    foreign = second.execution(other, state=State.FILLED)

    def add(tables):
        for signal in (one, quiet, other):
            tables.signals.add(signal)
        tables.executions.add([mine, stop, neighbours, foreign])

    await store.write(add)
    return {
        "first": first,
        "second": second,
        "neighbour": user,
        "signals": {"one": one, "quiet": quiet, "other": other},
        "executions": {"mine": mine, "stop": stop, "neighbours": neighbours, "foreign": foreign},
    }


def viewers(world):
    return {
        "follower": (world["first"].follower, {"one"}, {"mine", "stop"}),
        "neighbour": (world["neighbour"], {"one"}, {"neighbours"}),
        "provider": (world["first"].provider, {"one", "quiet"}, {"mine", "stop", "neighbours"}),
        "other provider": (world["second"].provider, {"other"}, {"foreign"}),
        "stranger": (make_user(), set(), set()),
        "admin": (make_user(role=Role.ADMIN), set(world["signals"]), set(world["executions"])),
    }


@pytest.mark.parametrize("who", ["follower", "neighbour", "provider", "other provider", "stranger", "admin"])
async def test_everybody_sees_what_concerns_them_and_nothing_else(store, world, who):
    viewer, signals, executions = viewers(world)[who]

    listed, _ = await store.read(lambda tables: tables.history.signals(viewer, {}, limit=50, cursor=None))
    sent, _ = await store.read(lambda tables: tables.history.executions(viewer, {}, limit=50, cursor=None))

    assert {one.id for one in listed} == {world["signals"][name].id for name in signals}
    assert {one.id for one in sent} == {world["executions"][name].id for name in executions}
    for table, count in (("bot_signals", len(signals)), ("bot_signal_executions", len(executions))):
        assert await store.read(lambda tables, name=table: tables.history.total(viewer, name, {})) == count
    for name, signal in world["signals"].items():
        found = await store.read(lambda tables, one=signal: tables.history.signal(viewer, one.id))
        assert found == (signal if name in signals else None)
    for name, execution in world["executions"].items():
        found = await store.read(lambda tables, one=execution: tables.history.execution(viewer, one.id))
        assert found == (execution if name in executions else None)


async def test_filters_narrow_and_never_widen_what_is_seen(store, world):
    viewer = world["first"].follower

    def ask(**filters):
        return store.read(lambda tables: tables.history.executions(viewer, filters, limit=50, cursor=None))

    filled, _ = await ask(state=State.FILLED)
    neighbours, _ = await ask(owner_id=world["neighbour"].id)
    count = await store.read(
        lambda tables: tables.history.total(viewer, "bot_signal_executions", {"state": State.FILLED})
    )

    assert filled == [world["executions"]["mine"]]
    assert neighbours == []
    assert count == 1


async def test_pages_of_executions_go_newest_first_to_the_end(store, world):
    admin = make_user(role=Role.ADMIN)

    first, cursor = await store.read(lambda tables: tables.history.executions(admin, {}, limit=3, cursor=None))
    rest, end = await store.read(lambda tables: tables.history.executions(admin, {}, limit=3, cursor=cursor))

    assert first + rest == list(world["executions"].values())[::-1]
    assert (len(first), end) == (3, None)


async def test_a_full_last_page_names_no_further_one(store, world):
    admin = make_user(role=Role.ADMIN)

    everything, cursor = await store.read(lambda tables: tables.history.executions(admin, {}, limit=4, cursor=None))

    assert len(everything) == len(world["executions"])
    assert cursor is None


async def test_the_states_of_a_signal_count_orders_and_not_stops(store, world):
    states = await store.read(lambda tables: tables.history.states_of_signal(world["signals"]["one"].id))

    assert states == {State.FILLED: 1, State.SKIPPED: 1}
