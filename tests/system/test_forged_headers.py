"""A real hub on a real socket: what somebody claims of where they are is not believed."""

import httpx

from copydesk.ports.clock import SystemClock
from copydesk.wiring.children import child, free_port, wait_until_ready

FORGED = {"X-Forwarded-For": "52.89.214.238", "Forwarded": "for=52.89.214.238", "X-Real-IP": "52.89.214.238"}
"""An address of TradingView's; the requests come from this machine."""


async def test_a_forged_address_is_not_believed_even_on_the_same_machine(tmp_path):
    """The HTTP server of the hub would believe anybody on this machine if it were left to its own habits."""
    port = free_port(0)
    settings = {
        "COPYDESK_DATA_DIR": str(tmp_path / "data"),
        "COPYDESK_MASTER_KEY_FILE": str(tmp_path / "keys" / "master.key"),
        "COPYDESK_WEBHOOK_SOURCES": "tradingview",
    }
    async with child("hub", ["serve", "--no-dashboard", "--port", str(port)], settings, tmp_path) as hub:
        await wait_until_ready(hub, f"http://127.0.0.1:{port}/ready", SystemClock())
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as http:
            answer = await http.post("/api/v1/bots/webhook/master/any", headers=FORGED, json={"secret": "any"})

        assert answer.status_code == 401
        assert "127.0.0.1 is not among webhook_sources" in hub.log.read_text()
