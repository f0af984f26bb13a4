"""The migrations make the tables that the code believes in, once, however often and by however many hubs they are run."""

import asyncio
import sys

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import inspect

from copydesk.stores.migrate import upgrade
from copydesk.stores.schema import metadata

HUB = """
import asyncio, pathlib, sys
from copydesk.stores.postgres import PostgresDatabase
from copydesk.stores.sqlite import SqliteDatabase

async def start(kind, place):
    database = SqliteDatabase(pathlib.Path(place)) if kind == "sqlite" else PostgresDatabase(place)
    print("ready", flush=True)
    sys.stdin.readline()
    await database.start()
    await database.close()

asyncio.run(start(*sys.argv[1:]))
"""


def differences(connection):
    context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
    return compare_metadata(context, metadata)


async def test_migrations_make_exactly_the_tables_of_the_code(empty_address):
    database = empty_address.open()

    await database.start()
    found = await database.read(differences)
    names = await database.read(lambda connection: set(inspect(connection).get_table_names()))
    await database.close()

    assert found == []
    assert names == {*metadata.tables, "alembic_version"}


async def test_unique_and_foreign_keys_are_those_of_the_code(empty_address):
    database = empty_address.open()
    await database.start()

    def constraints(connection):
        seen = inspect(connection)
        return {
            name: (
                {tuple(one["column_names"]) for one in seen.get_unique_constraints(name)},
                {(tuple(one["constrained_columns"]), one["referred_table"]) for one in seen.get_foreign_keys(name)},
                tuple(seen.get_pk_constraint(name)["constrained_columns"]),
            )
            for name in metadata.tables
        }

    found = await database.read(constraints)
    await database.close()

    assert (("signal_id", "subscription_id", "leg")) in found["bot_signal_executions"][0]
    assert found["exchange_accounts"][0] == {("key_fingerprint",)}
    assert found["bots"][0] == {("master_webhook_path",)}
    assert found["paper_orders"][0] == {("account_id", "client_order_id")}
    assert found["bot_signal_keys"][2] == ("bot_id", "key")
    assert {table for _, table in found["bot_signal_executions"][1]} == {
        "bot_signals",
        "bot_subscriptions",
        "exchange_accounts",
        "bots",
        "users",
    }


async def test_upgrading_again_changes_nothing_and_keeps_the_rows(database, store, desk):
    await database.write(upgrade)
    await database.write(upgrade)

    kept = await store.read(lambda tables: tables.bots.get(desk.bot.id))

    assert kept == desk.bot
    assert await database.read(differences) == []


async def test_two_hubs_may_migrate_an_empty_database_at_once(empty_address):
    hubs = [
        await asyncio.create_subprocess_exec(
            *(sys.executable, "-W", "error", "-c", HUB, empty_address.kind, empty_address.place),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        for _ in range(2)
    ]
    for hub in hubs:
        assert await hub.stdout.readline() == b"ready\n"

    told = await asyncio.gather(*(hub.communicate(b"\n") for hub in hubs))

    assert [(hub.returncode, errors) for hub, (_, errors) in zip(hubs, told, strict=True)] == [(0, b""), (0, b"")]
    database = empty_address.open()
    await database.start()
    assert await database.read(differences) == []
    await database.close()


@pytest.mark.parametrize("empty_address", ["sqlite"], indirect=True)
async def test_the_folder_of_a_sqlite_file_is_made_when_missing(tmp_path, empty_address):
    place = type(empty_address)("sqlite", str(tmp_path / "deep" / "down" / "desk.db"))
    database = place.open()

    await database.start()
    await database.close()

    assert (tmp_path / "deep" / "down" / "desk.db").stat().st_size > 0
