"""SQLite locked by another program, and SQLite full: nothing acknowledged is lost, nothing is done twice, and it goes on."""

import asyncio
import sqlite3

import pytest

from copydesk.domain.errors import StoreUnavailable
from copydesk.domain.execution import State

pytestmark = pytest.mark.timeout(240)


async def opened_and_closed(desk, followers):
    """A first story, so that accounts are set up."""
    await desk.settled(await desk.signal("open_long"), count=followers)
    await desk.settled(await desk.signal("close"), count=followers)


async def market_orders(desk):
    return [one for one in await desk.simulator.orders() if one["type"] == "MARKET"]


async def test_a_database_that_another_program_locks_delays_a_signal_and_doubles_nothing(desk, tmp_path):
    for _ in range(4):
        await desk.follow()
    await opened_and_closed(desk, 4)
    before = len(await market_orders(desk))
    opening = await desk.signal("open_long")
    other = sqlite3.connect(tmp_path / "copydesk.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        await asyncio.sleep(6)  # longer than the desk's own patience with a lock
        with pytest.raises(StoreUnavailable):
            await desk.signal("close", key="while it is locked")
    finally:
        other.execute("ROLLBACK")
        other.close()

    opened = await desk.settled(opening, within_s=60)
    closed = await desk.settled(await desk.signal("close", key="while it is locked"), within_s=60)

    assert {one.state for one in [*opened, *closed]} <= {State.FILLED, State.SKIPPED, State.NOT_PLACED, State.REJECTED}
    filled = [one for one in [*opened, *closed] if one.state is State.FILLED]
    assert len(await market_orders(desk)) == before + len(filled)
    assert await desk.simulator.positions() == {}


async def test_a_full_disk_takes_no_signal_and_loses_none_that_was_taken(desk):
    for _ in range(3):
        await desk.follow()
    await opened_and_closed(desk, 3)
    before = len(await market_orders(desk))
    pages = await desk.store.write(lambda tables: ask(tables, "PRAGMA page_count"))
    opening = await desk.signal("open_long")
    await desk.store.write(lambda tables: ask(tables, f"PRAGMA max_page_count = {pages + 2}"))

    refused = 0
    for number in range(40):
        try:
            await desk.signal("open_long", "ETHUSDT", key=f"number {number}")
        except StoreUnavailable:
            refused += 1
    await make_room(desk)
    after = await desk.signal("close")
    opened = await desk.settled(opening, within_s=60)
    closed = await desk.settled(after, within_s=60)

    assert refused > 0
    assert {one.state for one in closed} <= {State.FILLED, State.SKIPPED}
    mine = [one for one in await market_orders(desk) if one["symbol"] == "BTCUSDT"]
    filled = [one for one in [*opened, *closed] if one.state is State.FILLED]
    assert len(mine) == before + len(filled)
    assert ("BTCUSDT" in {symbol for _, symbol in await desk.simulator.positions()}) is False


async def make_room(desk):
    """Before anything else is written: the store would file first what is only intended."""
    await desk.store.write_ahead(lambda tables: ask(tables, "PRAGMA max_page_count = 1000000"))


def ask(tables, pragma):
    return tables.unit.connection.exec_driver_sql(pragma).scalar()
