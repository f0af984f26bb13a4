"""The audit log: whoever changes or takes out a line is found out."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import text

from store_support import NOW


async def add_lines(store, count):
    for number in range(count):
        await store.write(
            lambda tables, n=number: tables.audit.add(
                actor="admin",
                action="bot.change",
                subject=f"bot {n}",
                details={"ü": [n, None, True, "0.10"], "a": {"z": 1, "b": 2.5}},
                at=NOW + timedelta(seconds=n),
            )
        )


def first_broken(store):
    return store.read(lambda tables: tables.audit.first_broken())


async def test_an_untouched_log_verifies_and_reads_newest_first(store):
    assert await first_broken(store) is None

    await add_lines(store, 3)

    assert await first_broken(store) is None
    lines = await store.read(lambda tables: tables.audit.lines(limit=2))
    older = await store.read(lambda tables: tables.audit.lines(limit=2, before=2))
    assert [line.number for line in lines] == [3, 2]
    assert [line.subject for line in older] == ["bot 0"]
    assert lines[0].details == {"ü": [2, None, True, "0.10"], "a": {"z": 1, "b": "2.5"}}
    assert lines[0].previous_hash == lines[1].hash


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ("UPDATE audit_log SET actor = 'nobody' WHERE number = 2", 2),
        ("UPDATE audit_log SET action = 'bot.look' WHERE number = 2", 2),
        ("UPDATE audit_log SET subject = 'bot 7' WHERE number = 4", 4),
        ("UPDATE audit_log SET details = '{}' WHERE number = 3", 3),
        ("UPDATE audit_log SET at = (SELECT at FROM audit_log WHERE number = 1) WHERE number = 2", 2),
        ("UPDATE audit_log SET hash = 'x' WHERE number = 4", 4),
        ("UPDATE audit_log SET previous_hash = 'x' WHERE number = 1", 1),
        ("UPDATE audit_log SET number = 9 WHERE number = 4", 4),
        ("DELETE FROM audit_log WHERE number = 1", 1),
        ("DELETE FROM audit_log WHERE number = 3", 3),
        ("DELETE FROM audit_log WHERE number IN (1, 2)", 1),
    ],
)
async def test_a_changed_or_removed_line_is_found(store, database, change, found):
    await add_lines(store, 4)

    await database.write(lambda connection: connection.execute(text(change)).rowcount)

    assert await first_broken(store) == found


async def test_lines_written_at_once_make_one_chain(store):
    def add(tables):
        tables.audit.add(actor="a", action="b", subject="c", details={}, at=NOW)

    await asyncio.gather(*(store.write(add) for _ in range(25)))

    assert await first_broken(store) is None
    lines = await store.read(lambda tables: tables.audit.lines(limit=100))
    assert [line.number for line in lines] == list(range(25, 0, -1))


async def test_a_line_of_work_that_failed_is_not_in_the_log(store):
    def fail(tables):
        tables.audit.add(actor="a", action="b", subject="c", details={}, at=NOW)
        raise LookupError("changed its mind")

    with pytest.raises(LookupError):
        await store.write(fail)

    assert await store.read(lambda tables: tables.audit.lines(limit=9)) == []


async def test_any_number_in_the_details_verifies_afterwards(store):
    await store.write(
        lambda tables: tables.audit.add(actor="a", action="b", subject="c", details={"size": 1e22}, at=NOW)
    )

    assert await first_broken(store) is None
