"""A follower's orders that wait: placed, moved, taken back, filled and expired, at a simulated terminal."""

import asyncio
from decimal import Decimal

import pytest
from copier_play_support import LOGIN, copiers, stamp
from terminal_support import NETTING

from copydesk.terminal.copier.work import Owner

LIMIT = {"type": "BUY_LIMIT", "price": "1.05", "volume": "0.1", "sl": "1.04", "tp": "1.2"}


@pytest.fixture
async def make(broker, tmp_path):
    broker.tell("price", symbol="EURUSD", price="1.08", hold=True)
    async with copiers(broker, tmp_path) as one:
        yield one
    broker.tell("price", symbol="EURUSD", price="1.08", hold=False)


@pytest.fixture
async def desk(make):
    return await make()


def waiting(desk):
    """Type, price, lots, stop and target of each order of ours."""
    found = desk.broker.hand(desk.login).look()["orders"]
    return [(one["type"], one["price_open"], one["volume_current"], one["sl"], one["tp"]) for one in found]


async def cycles(desk, count=6):
    for _ in range(count):
        desk.clock.ahead_s += 1
        await desk.work.cycle()


async def trade(desk, act, *values, **named):
    return await asyncio.to_thread(getattr(desk.broker.hand(desk.login), act), *values, **named)


def price(desk, bid):
    desk.broker.tell("price", symbol="EURUSD", price=bid, hold=True)


async def test_an_order_is_placed_with_its_own_lots_and_told_as_waiting(desk):
    await desk.give("OPEN", name="c1", **LIMIT)
    await cycles(desk)

    assert desk.results() == [("c1", "placed")]
    assert waiting(desk) == [(2, 1.05, 0.01, 1.04, 1.2)]
    assert desk.held() == []


async def test_what_fills_becomes_the_copy_of_its_ticket_and_closes_with_it(desk):
    await desk.give("OPEN", name="c1", **LIMIT)
    await cycles(desk)
    price(desk, "1.0499")
    await cycles(desk)

    assert desk.results() == [("c1", "placed"), ("c1", "filled")]
    assert (desk.said[-1]["volume"], desk.held()) == ("0.01", [0.01])
    assert [one.master_ticket for one in desk.journal.copies_of("b1", 7)] == [7]
    assert desk.journal.orders() == []

    await desk.give("CLOSE", name="c2")
    await cycles(desk)
    assert (desk.results()[-1], desk.held()) == (("c2", "filled"), [])


async def test_a_moved_order_moves_with_price_and_levels(desk):
    await desk.give("OPEN", name="c1", **LIMIT)
    await cycles(desk)
    await desk.give("MODIFY", name="c2", **LIMIT | {"price": "1.06", "sl": "1.03"})
    await cycles(desk)

    assert desk.results()[-1] == ("c2", "filled")
    assert waiting(desk) == [(2, 1.06, 0.01, 1.03, 1.2)]


async def test_an_order_that_cannot_follow_is_taken_back(desk):
    await desk.give("OPEN", name="c1", **LIMIT)
    await cycles(desk)
    await desk.give("MODIFY", name="c2", **LIMIT | {"price": "1.5", "sl": "0", "tp": "0"})
    await cycles(desk)

    assert waiting(desk) == []
    assert dict(desk.results()) == {"c1": "refused", "c2": "refused"}
    assert "could not follow" in next(one["reason"] for one in desk.said if one["status"] == "refused")


@pytest.mark.parametrize("event", ["CANCEL", "CLOSE"])
async def test_an_order_is_taken_back_with_the_masters(desk, event):
    await desk.give("OPEN", name="c1", **LIMIT)
    await cycles(desk)
    await desk.give(event, name="c2", type="BUY_LIMIT")
    await cycles(desk)

    assert waiting(desk) == []
    assert dict(desk.results()) == {"c1": "refused", "c2": "filled"}
    assert desk.journal.orders() == []


async def test_what_filled_here_before_the_master_took_it_back_is_closed(desk):
    await desk.give("OPEN", name="c1", **LIMIT)
    await cycles(desk)
    price(desk, "1.0499")
    await desk.give("CANCEL", name="c2", type="BUY_LIMIT")
    await cycles(desk)

    assert desk.results() == [("c1", "placed"), ("c1", "filled"), ("c2", "filled")]
    assert (desk.held(), desk.said[-1]["volume"]) == ([], "0.01")


async def test_a_cancel_of_what_never_waited_here_is_done(desk):
    await desk.give("CANCEL", name="c1", type="BUY_LIMIT")
    await cycles(desk)

    assert desk.results() == [("c1", "filled")]


async def test_a_part_closed_by_the_master_takes_back_what_still_waits(desk):
    await desk.give("OPEN", name="c1", **LIMIT)
    await cycles(desk)
    await desk.give("CLOSE", name="c2", fraction="0.5")
    await cycles(desk)

    assert (waiting(desk), dict(desk.results())) == ([], {"c1": "refused", "c2": "filled"})


async def test_an_order_that_its_owner_removes_is_told_and_not_placed_again(desk):
    await desk.give("OPEN", name="c1", **LIMIT)
    await cycles(desk)
    await trade(desk, "remove", desk.said[-1]["ticket"])
    await cycles(desk)

    assert desk.results()[-1] == ("c1", "refused")
    assert "removed in the terminal" in desk.said[-1]["reason"]
    assert waiting(desk) == []


async def test_the_desks_word_takes_back_an_order_that_waits_and_leaves_a_position_alone(desk):
    await desk.give("OPEN", name="c1", **LIMIT)
    await desk.give("OPEN", name="c2", ticket=8)
    await cycles(desk)
    for name, ticket in (("c1", 7), ("c2", 8)):
        await desk.give("CANCEL", ticket=ticket, name=f"{name}.cancel", command_id=name)
    await cycles(desk)

    assert (waiting(desk), desk.held()) == ([], [0.01])
    assert dict(desk.results()) == {"c1": "refused", "c2": "filled"}
    assert not desk.inbox.open()


async def test_positions_and_orders_count_together(desk):
    both = {"settings": {"max_slippage_points": None, "max_orders_per_symbol": 2}}
    await desk.give("OPEN", name="c1", **both)
    await desk.give("OPEN", name="c2", ticket=8, **LIMIT, **both)
    await cycles(desk)
    await desk.give("OPEN", name="c3", ticket=9, **LIMIT, **both)
    await cycles(desk)

    assert dict(desk.results()) == {"c1": "filled", "c2": "placed", "c3": "refused"}
    assert "orders_per_symbol" in desk.said[-1]["reason"]


REVERSED = {"BUY_LIMIT": ("1.05", 5), "SELL_LIMIT": ("1.11", 4), "BUY_STOP": ("1.11", 3), "SELL_STOP": ("1.05", 2)}


@pytest.mark.parametrize(("kind", "at", "own"), [(kind, *rest) for kind, rest in REVERSED.items()])
async def test_who_copies_the_other_way_waits_the_other_way_at_the_same_price(make, kind, at, own):
    desk = await make(owner=Owner(reverse=True))
    levels = ("1.02", "1.2") if kind.startswith("BUY") else ("1.2", "1.02")
    await desk.give("OPEN", name="c1", type=kind, price=at, sl=levels[0], tp=levels[1])
    await cycles(desk)

    assert waiting(desk) == [(own, float(at), 0.01, float(levels[1]), float(levels[0]))]


async def test_a_stop_limit_order_waits_as_one_and_is_not_turned_round(make):
    desk = await make()
    stop_limit = {"type": "BUY_STOP_LIMIT", "price": "1.11", "stoplimit": "1.10", "sl": "0", "tp": "0"}
    await desk.give("OPEN", name="c1", **stop_limit)
    await cycles(desk)
    assert [one[:2] for one in waiting(desk)] == [(6, 1.11)]

    reversed_one = await make(owner=Owner(reverse=True))
    await reversed_one.give("OPEN", name="c9", ticket=9, **stop_limit)
    await cycles(reversed_one)
    assert "cannot be turned round" in reversed_one.said[-1]["reason"]


async def test_an_order_ends_at_the_follower_too_when_the_master_set_an_end(desk):
    ends = desk.time.now().replace(microsecond=0)
    await desk.give("OPEN", name="c1", expiration=stamp(ends.replace(year=ends.year + 1)), **LIMIT)
    await cycles(desk)

    (order,) = desk.broker.hand(LOGIN).look()["orders"]
    server_s = desk.broker.ask("GET", "/_sim/time")["server_ms"] // 1_000
    left_s = order["time_expiration"] - server_s
    assert order["type_time"] == 2
    assert abs(left_s - (ends.replace(year=ends.year + 1) - ends).total_seconds()) < 60


async def test_an_account_that_nets_takes_no_orders_that_wait(make):
    desk = await make(login=1003, path=NETTING)
    await desk.give("OPEN", name="c1", **LIMIT)
    await cycles(desk)

    assert desk.results() == [("c1", "refused")]
    assert "this account nets" in desk.said[-1]["reason"]


@pytest.mark.parametrize("fault", ["unknown_executed", "unknown_not_executed"])
async def test_an_order_of_which_nothing_is_known_is_looked_for_and_never_placed_twice(desk, broker, fault):
    await desk.reception.welcome({"ts": stamp(desk.time.now()), "seq": 0}, desk.clock.elapsed())
    broker.fault(fault, next_n=1)
    await desk.give("OPEN", name="c1", good_for_s=60, **LIMIT)
    await cycles(desk, 1)
    assert desk.results() == [("c1", "unknown")]
    await cycles(desk, 2)
    # By then a broker would show it.
    desk.clock.ahead_s += 20
    await cycles(desk, 4)

    was_placed = fault == "unknown_executed"
    assert desk.results()[-1] == ("c1", "placed" if was_placed else "refused")
    assert len(waiting(desk)) == int(was_placed)


async def test_a_removal_of_which_nothing_is_known_is_looked_for(desk, broker):
    await desk.give("OPEN", name="c1", **LIMIT)
    await cycles(desk)
    broker.fault("unknown_executed", next_n=1)
    await desk.give("CANCEL", name="c2", type="BUY_LIMIT")
    await cycles(desk, 8)

    assert waiting(desk) == []
    assert dict(desk.results()) == {"c1": "refused", "c2": "filled"}


async def test_a_copier_that_died_finds_its_order_filled(make):
    desk = await make()
    await desk.give("OPEN", name="c1", **LIMIT)
    await cycles(desk)
    price(desk, "1.0499")
    again = await make()
    await cycles(again)

    assert again.results() == [("c1", "filled")]
    assert [one.volume for one in again.journal.copies()] == [Decimal("0.01")]


async def test_two_snapshots_without_the_masters_order_take_it_back(desk):
    await desk.give("OPEN", name="c1", **LIMIT)
    await cycles(desk)
    await desk.snapshot(orders=[7])
    desk.clock.ahead_s += 5
    await desk.snapshot(orders=[7])
    await cycles(desk)
    assert len(waiting(desk)) == 1

    await desk.snapshot()
    desk.clock.ahead_s += 5
    await desk.snapshot()
    await cycles(desk)
    assert waiting(desk) == []
