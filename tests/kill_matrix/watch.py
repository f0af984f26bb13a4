"""How much is not settled yet, read from the database beside the hub; and whether the file is locked."""

import asyncio
import sqlite3
from collections import Counter

import asyncpg

_OPEN = """SELECT state, count(*) FROM bot_signal_executions
WHERE state NOT IN ('SKIPPED', 'EXPIRED', 'CANCELLED', 'REJECTED', 'FILLED', 'NOT_PLACED', 'REVIEW')
AND NOT (state = 'WORKING' AND leg NOT IN ('open', 'close') AND NOT cancel_wanted)
GROUP BY state UNION ALL SELECT 'waiting signal', count(*) FROM bot_signals WHERE fanned_out_at IS NULL"""


async def unsettled(town):
    """By state; empty where everything is at rest."""
    if town.database_url is None:
        rows = await asyncio.to_thread(_read_sqlite, town.folder / "data" / "copydesk.db")
    else:
        connection = await asyncpg.connect(town.database_url)
        rows = [tuple(row) for row in await connection.fetch(_OPEN)]
        await connection.close()
    return Counter({state: number for state, number in rows if number})


async def is_locked(town):
    """Whether somebody is in the middle of a transaction on the file; a server's database is never locked as a whole."""
    return town.database_url is None and await asyncio.to_thread(_is_locked, town.folder / "data" / "copydesk.db")


def _read_sqlite(path):
    connection = sqlite3.connect(path, timeout=10)
    try:
        return connection.execute(_OPEN).fetchall()
    finally:
        connection.close()


def _is_locked(path):
    connection = sqlite3.connect(path, timeout=0.05, isolation_level=None)
    try:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("ROLLBACK")
    except sqlite3.OperationalError:
        return True
    finally:
        connection.close()
    return False
