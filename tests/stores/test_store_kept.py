"""Followers are kept in memory for as long as nobody, in this program or another, has changed them; no longer."""

import sqlite3

import pytest
from sqlalchemy import text

from copydesk.domain.subscription import PositionMode
from copydesk.ports.store import Preparation
from copydesk.stores import followers, kept
from copydesk.stores.remembered import Remembered
from copydesk.stores.store import Tables
from store_support import NOW

ONLY_SQLITE = pytest.mark.parametrize("address", ["sqlite"], indirect=True)
"""PostgreSQL keeps nothing."""

MADE = Preparation(leverage=5, margin_mode="isolated", position_mode=PositionMode.ONE_WAY)

CHANGES = (
    "UPDATE bot_subscriptions SET custom_leverage = 7",
    "UPDATE bot_subscriptions SET status = 'paused'",
    "UPDATE bot_subscriptions SET deleted_at = created_at",
    "DELETE FROM bot_subscriptions",
    "UPDATE exchange_accounts SET name = 'another'",
    "UPDATE exchange_accounts SET venue = 'paper'",
    "DELETE FROM account_preparations",
    "UPDATE account_preparations SET leverage = 3",
    "INSERT INTO account_preparations SELECT account_id, 'BTCUSDT', 4, margin_mode, position_mode, verified_at FROM account_preparations",
)


@pytest.fixture
async def known(store, desk):
    """The desk's follower, set up on one symbol, and in memory."""
    await store.write(lambda tables: tables.followers.save_preparation(desk.account.id, "ETHUSDT", MADE, NOW))
    await seen(store, desk)
    return desk


def look(tables, desk):
    """Everything that is kept, as the fan-out asks for it."""
    found = tables.followers
    ids = found.subscribers(desk.bot.id)
    return (
        list(ids),
        dict(found.audience([desk.bot.id, "another"])),
        dict(found.places([desk.subscription.id])),
        [(one.subscription, one.account) for one in found.followers(desk.bot, "BTCUSDT", ids, NOW)],
        found.account(desk.account.id),
        found.subscription(desk.subscription.id),
        [found.preparations([desk.account.id], symbol) for symbol in ("BTCUSDT", "ETHUSDT")],
    )


async def seen(store, desk):
    return await store.read(lambda tables: look(tables, desk))


async def told_by_the_database(database, vault, desk):
    """By somebody who keeps nothing."""

    def read(connection):
        return look(Tables(connection, vault, kept.Kept()), desk)

    return await database.read(read)


@pytest.mark.parametrize("change", CHANGES)
async def test_what_another_program_changes_is_seen_by_the_next_transaction(
    address, database, store, vault, known, change
):
    before = await seen(store, known)
    other = address.open("another program")
    await other.start()

    await other.write(lambda connection: connection.execute(text(change)))
    await other.close()

    after = await seen(store, known)
    assert after != before
    assert after == await told_by_the_database(database, vault, known)
    assert after == await store.write(lambda tables: look(tables, known))


@pytest.mark.parametrize("change", CHANGES)
async def test_a_transaction_sees_what_it_changes_and_nobody_what_was_taken_back(store, known, change):
    before = await seen(store, known)
    within = []

    def work(tables):
        tables.unit.connection.execute(text(change))
        within.append(look(tables, known))
        raise LookupError

    with pytest.raises(LookupError):
        await store.write(work)

    assert within[0] != before
    assert await seen(store, known) == before
    assert await store.write(lambda tables: look(tables, known)) == before


async def test_what_a_change_that_was_taken_back_left_in_memory_does_not_come_back_with_the_next_one(store, known):
    def work(leverage):
        def change(tables):
            tables.unit.connection.execute(text(f"UPDATE bot_subscriptions SET custom_leverage = {leverage}"))
            look(tables, known)
            if leverage == 7:
                raise LookupError

        return change

    with pytest.raises(LookupError):
        await store.write(work(7))
    await store.write(work(8))

    assert (await seen(store, known))[5].custom_leverage == 8


@ONLY_SQLITE
async def test_nothing_is_read_again_while_nobody_changes_it(store, known, monkeypatch):
    read, asked = Remembered.read, []

    def counted(self, connection, query, **named):
        asked.append(self)
        return read(self, connection, query, **named)

    monkeypatch.setattr(Remembered, "read", counted)

    await seen(store, known)
    asked.clear()
    await seen(store, known)

    # Who is set up on no symbol has no row to be kept.
    assert set(asked) == {followers._PREPARED}


@ONLY_SQLITE
async def test_who_still_reads_an_older_state_leaves_none_of_it_behind(address, store, known):
    def work(tables):
        before = look(tables, known)
        with sqlite3.connect(address.place) as other:
            other.execute("UPDATE bot_subscriptions SET custom_leverage = 7")
            other.execute("UPDATE exchange_accounts SET name = 'another'")
        other.close()
        return before, look(tables, known)

    before, still = await store.read(work)

    assert still == before
    after = await seen(store, known)
    assert (after[5].custom_leverage, after[4].name) == (7, "another")


@ONLY_SQLITE
async def test_without_a_mark_everything_is_read(store, known):
    def work(tables):
        tables.unit.connection.execute(text("DELETE FROM table_marks"))
        tables.unit.connection.execute(text("UPDATE bot_subscriptions SET custom_leverage = 7"))

    await store.write(work)

    assert (await seen(store, known))[5].custom_leverage == 7
    await store.write(
        lambda tables: tables.unit.connection.execute(text("UPDATE bot_subscriptions SET custom_leverage = 8"))
    )
    assert (await seen(store, known))[5].custom_leverage == 8


@ONLY_SQLITE
async def test_memory_has_a_limit_and_what_is_beyond_it_is_read(store, known, monkeypatch):
    before = await seen(store, known)
    monkeypatch.setattr(kept, "KEPT_MAX", 0)

    assert await seen(store, known) == before
    assert await seen(store, known) == before


@ONLY_SQLITE
async def test_every_table_of_which_rows_are_kept_is_marked_at_every_change(database):
    query = text("SELECT tbl_name, sql FROM sqlite_master WHERE type = 'trigger'")
    found = await database.read(lambda connection: connection.execute(query).all())

    marked = {"bot_subscriptions", "exchange_accounts", "account_preparations"}
    assert {(row.tbl_name, row.sql.split(" AFTER ")[1].split()[0]) for row in found} == {
        (table, change) for table in marked for change in ("INSERT", "UPDATE", "DELETE")
    }
