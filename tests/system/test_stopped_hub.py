"""A hub that is told to stop ends by itself, and takes its dashboard along."""

import asyncio

import httpx
import pytest

from copydesk.ports.clock import SystemClock
from copydesk.wiring.children import child, free_port, wait_until_ready


async def test_sigterm_ends_the_hub_with_success_and_its_dashboard_too(tmp_path):
    api, dashboard = free_port(0), free_port(0)
    settings = {
        "COPYDESK_DATA_DIR": str(tmp_path / "data"),
        "COPYDESK_MASTER_KEY_FILE": str(tmp_path / "keys" / "master.key"),
    }
    verb = ["serve", "--port", str(api), "--dashboard-port", str(dashboard)]
    async with child("hub", verb, settings, tmp_path) as hub:
        await wait_until_ready(hub, f"http://127.0.0.1:{dashboard}", SystemClock())

        hub.process.terminate()
        code = await asyncio.wait_for(hub.process.wait(), 20)

    assert code == 0, hub.log.read_text()
    async with httpx.AsyncClient() as http:
        with pytest.raises(httpx.ConnectError):
            await http.get(f"http://127.0.0.1:{dashboard}")
