"""A hub that is told to stop ends by itself, and takes its dashboard along; one that is started too early waits."""

import asyncio
import sqlite3
from contextlib import closing

import httpx
import pytest

from copydesk.ports.clock import SystemClock
from copydesk.wiring.children import child, free_port, wait_until_ready
from web_support import eventually


@pytest.fixture
def settings(tmp_path):
    return {
        "COPYDESK_DATA_DIR": str(tmp_path / "data"),
        "COPYDESK_MASTER_KEY_FILE": str(tmp_path / "keys" / "master.key"),
    }


async def test_sigterm_ends_the_hub_with_success_and_its_dashboard_too(tmp_path, settings):
    api, dashboard = free_port(0), free_port(0)
    verb = ["serve", "--port", str(api), "--dashboard-port", str(dashboard)]
    async with child("hub", verb, settings, tmp_path) as hub:
        await wait_until_ready(hub, f"http://127.0.0.1:{dashboard}", SystemClock())

        hub.process.terminate()
        code = await asyncio.wait_for(hub.process.wait(), 20)

    assert code == 0, hub.log.read_text()
    async with httpx.AsyncClient() as http:
        with pytest.raises(httpx.ConnectError):
            await http.get(f"http://127.0.0.1:{dashboard}")


async def test_a_hub_that_finds_the_database_locked_says_so_and_waits(tmp_path, settings):
    """A hub that was stopped in the middle of a commit holds the lock until it goes on or is killed."""
    port = free_port(0)
    (tmp_path / "data").mkdir()
    with closing(sqlite3.connect(tmp_path / "data" / "copydesk.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        async with child("hub", ["serve", "--no-dashboard", "--port", str(port)], settings, tmp_path) as hub:

            async def waits():
                return "waiting for the database" in hub.log.read_text()

            await eventually(waits, within_s=30)
            other.execute("ROLLBACK")
            await wait_until_ready(hub, f"http://127.0.0.1:{port}/ready", SystemClock())
