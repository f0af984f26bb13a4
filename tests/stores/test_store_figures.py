"""What operators watch, read from the journal on both databases."""

from datetime import timedelta

from msgspec.structs import replace

from copydesk.domain.execution import State
from copydesk.domain.venue import BINANCE_FUTURES
from store_support import NOW, new_desk


async def two_executions(store):
    """One signal: an opening that went from SENDING to FILLED a second later, and a stop that works."""
    desk = await store.write(new_desk)
    signal = desk.signal()
    opening, stop = (
        desk.execution(signal, state=State.SENDING),
        desk.execution(signal, leg="stop_loss", state=State.WORKING),
    )

    def work(tables):
        tables.signals.add(signal)
        tables.executions.add([opening, stop])
        tables.executions.move(opening, replace(opening, state=State.FILLED), at=NOW + timedelta(seconds=1))

    await store.write(work)
    return signal


async def test_moves_come_in_order_with_where_and_since_when(store):
    before = await store.read(lambda tables: tables.figures.newest_move())
    signal = await two_executions(store)

    moves = await store.read(lambda tables: tables.figures.moves_after(before, 10))
    later = await store.read(lambda tables: tables.figures.moves_after(moves[0].number, 1))

    assert [(one.state, one.follows) for one in moves] == [
        (State.SENDING, True),
        (State.WORKING, False),
        (State.FILLED, True),
    ]
    assert {(one.venue, one.signal_id, one.received_at) for one in moves} == {(BINANCE_FUTURES, signal.id, NOW)}
    assert [one.number for one in later] == [moves[1].number]
    assert await store.read(lambda tables: tables.figures.newest_move()) == moves[-1].number


async def test_a_signal_is_open_until_its_openings_and_closes_are_final_whatever_its_stops_do(store):
    signal = await two_executions(store)
    desk = await store.write(new_desk)
    other = desk.signal()

    def add(tables):
        tables.signals.add(other)
        tables.executions.add([desk.execution(other, state=State.UNKNOWN)])

    await store.write(add)

    found = await store.read(lambda tables: tables.figures.open_signals([signal.id, other.id]))

    assert found == {other.id}


async def test_what_is_not_final_is_counted_by_venue_and_state(store):
    await two_executions(store)

    assert await store.read(lambda tables: tables.figures.unsettled()) == {(BINANCE_FUTURES, State.WORKING): 1}
    assert await store.read(lambda tables: tables.figures.waiting_signals()) == 1
