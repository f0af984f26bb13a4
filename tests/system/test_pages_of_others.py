"""A real hub and web pages of other origins: those on the list get in, no other does."""

import httpx
import pytest

from copydesk.domain.errors import InvalidInput
from copydesk.ports.clock import SystemClock
from copydesk.settings import read_settings
from copydesk.wiring.children import child, free_port, wait_until_ready

HANDSHAKE = "/socket.io/?EIO=4&transport=polling"


async def test_only_pages_on_the_list_use_the_desk_from_a_browser(tmp_path):
    port = free_port(0)
    settings = {
        "COPYDESK_DATA_DIR": str(tmp_path / "data"),
        "COPYDESK_MASTER_KEY_FILE": str(tmp_path / "keys" / "master.key"),
        "COPYDESK_ORIGINS": "https://my.page, https://other.page/",
    }
    own = f"http://127.0.0.1:{port}"
    async with child("hub", ["serve", "--no-dashboard", "--port", str(port)], settings, tmp_path) as hub:
        await wait_until_ready(hub, f"{own}/ready", SystemClock())
        async with httpx.AsyncClient(base_url=own, trust_env=False) as http:
            told = {}
            for origin in ("https://my.page", "https://other.page", own, "https://evil.page", "null"):
                live, plain = [await http.get(path, headers={"Origin": origin}) for path in (HANDSHAKE, "/health")]
                allowed = {answer.headers.get("access-control-allow-origin") for answer in (live, plain)}
                told[origin] = live.status_code, allowed
            preflight = await http.options(
                "/api/v1/bots",
                headers={
                    "Origin": "https://my.page",
                    "Access-Control-Request-Method": "POST",
                    "Access-Control-Request-Headers": "authorization, content-type",
                },
            )

    assert told == {
        "https://my.page": (200, {"https://my.page"}),
        "https://other.page": (200, {"https://other.page"}),
        own: (200, {None}),
        "https://evil.page": (403, {None}),
        "null": (403, {None}),
    }
    assert preflight.status_code == 200


@pytest.mark.parametrize("given", ["*", "https://*.page", "my.page", "https://my.page/there", "ftp://my.page"])
def test_what_is_no_origin_stops_the_start_by_its_name(given):
    with pytest.raises(InvalidInput, match="COPYDESK_ORIGINS"):
        read_settings(origins=given)
