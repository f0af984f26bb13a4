"""Executions: one a signal, subscription and leg; every move names the version it saw, and leaves a line in the journal."""

import asyncio
from datetime import timedelta
from decimal import Decimal

import pytest
from msgspec.structs import replace

from copydesk.domain.errors import IllegalMove, StaleWrite
from copydesk.domain.execution import FINAL, MOVES, State
from copydesk.stores.executions import DUE_MAX
from copydesk.stores.history import Event
from store_support import NOW, new_desk

LATER = NOW + timedelta(seconds=3)


@pytest.fixture
async def signal(store, desk):
    made = desk.signal()
    await store.write(lambda tables: tables.signals.add(made))
    return made


@pytest.fixture
async def planned(store, desk, signal):
    made = desk.execution(signal)
    await store.write(lambda tables: tables.executions.add([made], note="planned"))
    return made


async def timeline(store, execution):
    return (await store.read(lambda tables: tables.history.timeline([execution.id])))[execution.id]


async def test_an_execution_exists_once_for_a_signal_subscription_and_leg(store, desk, signal, planned):
    again = desk.execution(signal)
    harmless = desk.execution(signal, leg="close")

    with pytest.raises(StaleWrite):
        await store.write(lambda tables: tables.executions.add([harmless, again]))

    assert await store.read(lambda tables: tables.executions.of_signal(signal.id)) == [planned]
    assert await timeline(store, harmless) == []


async def test_two_fan_outs_at_once_make_each_execution_once(store, desk, signal):
    tries = [desk.execution(signal) for _ in range(8)]

    async def attempt(execution):
        try:
            await store.write(lambda tables: tables.executions.add([execution]))
        except StaleWrite:
            return None
        return execution

    made = [one for one in await asyncio.gather(*map(attempt, tries)) if one is not None]

    assert len(made) == 1
    assert await store.read(lambda tables: tables.executions.of_signal(signal.id)) == made


@pytest.mark.parametrize(
    ("leg", "state", "settled"),
    [("open", State.SENDING, False), ("open", State.FILLED, True), ("stop_loss", State.WORKING, True)],
)
async def test_a_signal_is_settled_when_nothing_of_it_but_stops_is_under_way(store, desk, signal, leg, state, settled):
    await store.write(lambda tables: tables.executions.add([desk.execution(signal, leg=leg, state=state)]))

    assert await store.read(lambda tables: tables.executions.is_settled(signal.id)) is settled


async def test_adding_nothing_is_no_work(store, signal):
    await store.write(lambda tables: tables.executions.add([]))

    assert await store.read(lambda tables: tables.executions.of_signal(signal.id)) == []


async def test_a_move_raises_the_version_and_leaves_its_line(store, planned):
    queued = replace(planned, state=State.QUEUED, reason="waits for its turn")

    moved = await store.write(
        lambda tables: tables.executions.move(planned, queued, at=LATER, evidence={"seen": ["x"]})
    )

    assert moved == replace(queued, version=2, updated_at=LATER)
    assert await store.read(lambda tables: tables.executions.get(planned.id)) == moved
    assert await timeline(store, planned) == [
        Event(at=NOW, state=State.PLANNED, note="planned", evidence=None),
        Event(at=LATER, state=State.QUEUED, note="waits for its turn", evidence={"seen": ["x"]}),
    ]


async def test_a_move_from_a_version_that_is_gone_changes_nothing(store, planned):
    queued = replace(planned, state=State.QUEUED)
    kept = await store.write(lambda tables: tables.executions.move(planned, queued, at=LATER))
    skipped = replace(planned, state=State.SKIPPED, reason="too late")

    with pytest.raises(StaleWrite):
        await store.write(lambda tables: tables.executions.move(planned, skipped, at=LATER))

    assert await store.read(lambda tables: tables.executions.get(planned.id)) == kept
    assert [line.state for line in await timeline(store, planned)] == [State.PLANNED, State.QUEUED]


@pytest.mark.parametrize("before", [State.PLANNED, State.QUEUED, State.SENDING, State.FILLED, State.SKIPPED])
async def test_an_illegal_move_is_refused_and_changes_nothing(store, desk, signal, before):
    execution = desk.execution(signal, state=before)
    await store.write(lambda tables: tables.executions.add([execution]))

    for after in set(State) - MOVES[before] - {before}:
        illegal = replace(execution, state=after)
        with pytest.raises(IllegalMove, match=f"{before} may not become {after}"):
            await store.write(lambda tables, to=illegal: tables.executions.move(execution, to, at=LATER))

    assert await store.read(lambda tables: tables.executions.get(execution.id)) == execution
    assert len(await timeline(store, execution)) == 1


async def test_one_of_many_movers_wins_and_the_others_are_told(store, planned):
    async def attempt(number):
        queued = replace(planned, state=State.QUEUED, reason=str(number))
        try:
            return await store.write(lambda tables: tables.executions.move(planned, queued, at=LATER))
        except StaleWrite:
            return None

    won = [one for one in await asyncio.gather(*map(attempt, range(20))) if one is not None]

    assert len(won) == 1
    assert await store.read(lambda tables: tables.executions.get(planned.id)) == won[0]
    assert len(await timeline(store, planned)) == 2


async def test_more_filled_of_the_same_state_is_a_line_and_a_mere_note_is_none(store, desk, signal):
    part = desk.execution(signal, state=State.PARTIAL, executed_quantity=Decimal("0.0004"))
    await store.write(lambda tables: tables.executions.add([part]))

    more = replace(part, executed_quantity=Decimal("0.0007"))
    more = await store.write(lambda tables: tables.executions.move(part, more, at=LATER))
    looked = await store.write(lambda tables: tables.executions.move(more, replace(more, next_look_at=LATER), at=LATER))

    assert (more.version, looked.version) == (2, 3)
    assert [line.at for line in await timeline(store, part)] == [NOW, LATER]


async def test_the_journal_keeps_the_order_of_moves_made_in_one_moment(store, planned):
    path = [State.QUEUED, State.SENDING, State.UNKNOWN, State.ABSENT, State.NOT_PLACED, State.FILLED]

    def walk(tables):
        execution = planned
        for state in path:
            execution = tables.executions.move(execution, replace(execution, state=state), at=NOW)
        return execution

    last = await store.write(walk)

    assert [line.state for line in await timeline(store, planned)] == [State.PLANNED, *path]
    assert last.version == 1 + len(path)


async def test_rows_are_due_at_their_time_or_when_they_have_none(store, desk, signal):
    looks = {"open": None, "close": NOW, "stop_loss": NOW + timedelta(microseconds=1)}
    made = [desk.execution(signal, leg=leg, state=State.WORKING, next_look_at=at) for leg, at in looks.items()]
    await store.write(lambda tables: tables.executions.add(made))

    due = await store.read(lambda tables: tables.executions.to_poll(NOW, DUE_MAX))
    all_of_them = await store.read(lambda tables: tables.executions.in_state([State.WORKING, State.FILLED]))
    others = await store.read(lambda tables: tables.executions.in_state(FINAL))

    assert {one.leg for one in due} == {"open", "close"}
    assert {one.leg for one in all_of_them} == set(looks)
    assert others == []


async def test_what_was_moved_lately_can_be_left_out(store, desk, signal):
    old, fresh = (
        desk.execution(signal, leg=leg, state=State.SENDING, updated_at=at)
        for leg, at in (("open", NOW), ("close", LATER))
    )
    await store.write(lambda tables: tables.executions.add([old, fresh]))

    found = await store.read(lambda tables: tables.executions.in_state([State.SENDING], unmoved_since=NOW))

    assert found == [old]


async def test_what_nobody_moved_is_taken_as_it_was_known_and_anything_else_is_read_again(store, desk, signal):
    still, moved = (desk.execution(signal, leg=leg, state=State.SENDING) for leg in ("open", "close"))
    await store.write(lambda tables: tables.executions.add([still, moved]))
    now = await store.write(lambda tables: tables.executions.move(moved, replace(moved, state=State.WORKING), at=LATER))

    def work(tables):
        tables.executions.read_ahead([still, moved])
        return tables.executions.get(still.id), tables.executions.get(moved.id)

    assert await store.write(work) == (still, now)


async def test_an_execution_comes_back_equal_to_what_was_written(store, desk, signal):
    """What was written down is used again as it was known: it must be what the database would have told."""
    made = desk.execution(signal, state=State.SENDING)
    await store.write(lambda tables: tables.executions.add([made]))

    assert await store.read(lambda tables: tables.executions.get(made.id)) == made


async def test_rows_that_were_never_looked_at_come_first(store, desk, signal):
    looked = desk.execution(signal, state=State.WORKING, next_look_at=NOW)
    never = desk.execution(signal, leg="close", state=State.WORKING)
    await store.write(lambda tables: tables.executions.add([looked, never]))

    due = await store.read(lambda tables: tables.executions.to_poll(LATER, DUE_MAX))

    assert due == [never, looked]


async def test_one_look_takes_the_oldest_thousand(store, desk, signal):
    made = [
        desk.execution(
            signal, leg=f"take_profit:{n}", state=State.WORKING, next_look_at=NOW + timedelta(seconds=DUE_MAX - n)
        )
        for n in range(DUE_MAX + 2)
    ]
    await store.write(lambda tables: tables.executions.add(made))

    due = await store.read(lambda tables: tables.executions.in_state([State.WORKING]))

    assert [one.id for one in due] == [one.id for one in made[:1:-1]]


async def test_orders_stops_and_what_is_settled_are_told_apart(store, desk, signal):
    def make(leg, state, order_id, symbol="BTCUSDT"):
        return desk.execution(signal, leg=leg, state=state, exchange_order_id=order_id, symbol=symbol)

    made = {
        "open": make("open", State.WORKING, "1"),
        "close": make("close", State.BLOCKED, None),
        "stop_loss": make("stop_loss", State.WORKING, "2"),
        "take_profit:2": make("take_profit:2", State.CANCELLED, "3"),
        "stop_loss:2": make("stop_loss:2", State.WORKING, "4", symbol="ETHUSDT"),
    }
    await store.write(lambda tables: tables.executions.add(made.values()))
    account, subscription = desk.account.id, desk.subscription.id

    unsettled = await store.read(lambda tables: tables.executions.unsettled([account, "other"], "BTCUSDT"))
    elsewhere = await store.read(lambda tables: tables.executions.unsettled(["other"], "BTCUSDT"))
    protections = await store.read(lambda tables: tables.executions.protections(subscription, "BTCUSDT"))
    orders = await store.read(lambda tables: tables.executions.order_ids(account, "BTCUSDT"))

    assert unsettled == [made["open"], made["close"]]
    assert elsewhere == []
    assert protections == [made["stop_loss"]]
    assert set(orders) == {"1", "2", "3"}


async def test_openings_whose_order_a_close_names_are_closed_and_the_others_are_not(store, desk, signal):
    def make(leg, state, order_id, minutes=0):
        frozen_at = NOW - timedelta(minutes=minutes)
        return desk.execution(signal, leg=leg, state=state, exchange_order_id=order_id, frozen_at=frozen_at)

    made = [
        make("open", State.FILLED, "7"),
        make("open:2", State.FILLED, "8"),
        make("open:3", State.UNKNOWN, "9"),
        make("open:4", State.FILLED, "6", minutes=9),
        make("close", State.FILLED, "7"),
        make("close:2", State.WORKING, "8"),
    ]
    await store.write(lambda tables: tables.executions.add(made))

    recent, all_of_them, nobodys = await store.read(
        lambda tables: [
            tables.executions.unclosed_openings(account, NOW - timedelta(minutes=minutes))
            for account, minutes in ((desk.account.id, 1), (desk.account.id, 10), ("nobody", 10))
        ]
    )

    assert [one.exchange_order_id for one in recent] == ["8"]
    assert [one.exchange_order_id for one in all_of_them] == ["8", "6"]
    assert nobodys == []


async def test_executions_of_other_signals_are_not_mixed_in(store, desk, signal, planned):
    other = await store.write(new_desk)
    foreign_signal = other.signal()
    foreign = other.execution(foreign_signal)
    await store.write(lambda tables: (tables.signals.add(foreign_signal), tables.executions.add([foreign])))

    assert await store.read(lambda tables: tables.executions.of_signal(signal.id)) == [planned]
    assert await store.read(lambda tables: tables.executions.get(foreign.id)) == foreign
    assert await store.read(lambda tables: tables.executions.get("no such execution")) is None
