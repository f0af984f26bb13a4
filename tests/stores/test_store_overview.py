"""The desk at a glance and the leaderboard, on both databases: right sums, and nothing of another's in them."""

from datetime import timedelta
from decimal import Decimal

import pytest
from msgspec.structs import replace

from copydesk.domain.execution import Outcome, State
from copydesk.domain.ids import first_id, new_id
from copydesk.domain.ledgers import Discrepancy
from copydesk.domain.user import Role
from copydesk.ports.store import LedgerCheck
from store_support import NOW, make_position, make_trade, make_user, new_desk, new_follower

BEFORE = NOW - timedelta(hours=1)


@pytest.fixture
async def world(store):
    """A bot with two followers: one gained and holds, one was skipped; and another desk that has nothing to do with it."""
    first, second = await store.write(new_desk), await store.write(new_desk)
    user, account, subscription = await store.write(lambda tables: new_follower(tables, first.bot))
    signal = first.signal()
    opened = replace(first.execution(signal, state=State.FILLED), execution_time_ms=40)
    stop = first.execution(signal, leg="stop_loss", state=State.REJECTED)
    neighbours = first.execution(
        signal, owner_id=user.id, account_id=account.id, subscription_id=subscription.id, state=State.SKIPPED
    )

    def add(tables):
        tables.signals.add(signal)
        tables.executions.add([opened, stop, neighbours])
        tables.positions.put(opened, make_position(), NOW)
        tables.positions.add_trade(opened, make_trade(net_usd=Decimal("2.8"), fees_usd=Decimal("0.2")))
        tables.positions.add_trade(neighbours, make_trade(net_usd=Decimal("-1.1"), fees_usd=Decimal("0.1")))

    await store.write(add)
    admin = make_user(role=Role.ADMIN)
    who = {"provider": first.provider, "follower": first.follower, "neighbour": user, "other": second.provider}
    return {"who": who | {"admin": admin}, "first": first, "signal": signal, "stop": stop}


def test_the_first_id_of_a_moment_stands_between_those_before_and_after():
    assert new_id(NOW - timedelta(milliseconds=1)) < first_id(NOW) <= new_id(NOW)


@pytest.mark.parametrize(
    ("who", "outcomes", "nets", "held"),
    [
        ("admin", {Outcome.SUCCESS: 1, Outcome.FAILED: 1, Outcome.SKIPPED: 1}, ["2.8", "-1.1"], 1),
        ("provider", {Outcome.SUCCESS: 1, Outcome.FAILED: 1, Outcome.SKIPPED: 1}, ["2.8", "-1.1"], 1),
        ("follower", {Outcome.SUCCESS: 1, Outcome.FAILED: 1}, ["2.8"], 1),
        ("neighbour", {Outcome.SKIPPED: 1}, ["-1.1"], 0),
        ("other", {}, [], 0),
    ],
)
async def test_a_day_counts_what_concerns_the_viewer(store, world, who, outcomes, nets, held):
    viewer = world["who"][who]

    day = await store.read(lambda tables: tables.overview.day(viewer, BEFORE))
    later = await store.read(lambda tables: tables.overview.day(viewer, NOW + timedelta(days=1)))
    fared = await store.read(lambda tables: tables.overview.fared(viewer, [world["signal"].id]))
    positions, following = await store.read(lambda tables: tables.overview.positions(viewer, {}, limit=5, cursor=None))

    assert day.outcomes == fared[world["signal"].id] == outcomes
    assert sorted(day.nets) == sorted(Decimal(net) for net in nets)
    assert (day.open_positions, len(positions), following) == (held, held, None)
    assert day.answered == ({40: 1} if Outcome.SUCCESS in outcomes else {})
    assert (later.signals, later.outcomes, later.nets) == ({}, {}, [])


async def test_a_stop_that_could_not_be_placed_is_told_to_whom_it_concerns(store, world):
    seen = {
        name: [one.id for one in await store.read(lambda tables, who=who: tables.overview.unprotected(who, BEFORE))]
        for name, who in world["who"].items()
    }

    stop = [world["stop"].id]
    assert seen == {"admin": stop, "provider": stop, "follower": stop, "neighbour": [], "other": []}


async def test_a_ledger_that_differs_makes_an_account_sick_for_its_owner(store, world):
    found = Discrepancy(what="order", client_order_id="cd-1", symbol="BTCUSDT", ours="FILLED", venues="CANCELED")
    account = world["first"].account
    check = LedgerCheck(
        account_id=account.id, checked_at=NOW, since=BEFORE, orders=3, discrepancies=(found,), problem=None
    )
    await store.write(lambda tables: tables.checks.save(check))

    mine = await store.read(lambda tables: tables.overview.sick_accounts(world["first"].follower))
    others = await store.read(lambda tables: tables.overview.sick_accounts(world["first"].provider))

    assert [(one.id, one.differences, one.key_problem) for one in mine] == [(account.id, 1, None)]
    assert list(others) == []


async def test_the_leaderboard_s_rows_are_the_viewer_s_own_or_their_bots(store, world):
    bot = world["first"].bot.id

    async def seen(who):
        viewer = world["who"][who]
        trades = await store.read(lambda tables: tables.leaderboard.trades(viewer, BEFORE, bot))
        followers = await store.read(lambda tables: tables.leaderboard.followers(viewer))
        following = await store.read(lambda tables: tables.leaderboard.following(viewer, bot))
        return sorted(one.net_usd for one in trades), followers.get(bot, 0), [one.open_positions for one in following]

    assert await seen("provider") == ([Decimal("-1.1"), Decimal("2.8")], 2, [1, 0])
    assert await seen("follower") == ([Decimal("2.8")], 1, [1])
    assert await seen("neighbour") == ([Decimal("-1.1")], 1, [0])
    assert await seen("other") == ([], 0, [])


async def test_the_duties_of_the_desk_are_told_with_whether_they_are_kept(store):
    await store.write(lambda tables: tables.leases.take("desk", "hub-1", 15, lambda _owner: False))
    await store.write(lambda tables: tables.leases.take("clean", "hub-2", -1, lambda _owner: False))

    duties = await store.read(lambda tables: tables.leases.duties())

    assert [(one.duty, one.owner, one.epoch, one.is_kept) for one in duties] == [
        ("clean", "hub-2", 1, False),
        ("desk", "hub-1", 1, True),
    ]
