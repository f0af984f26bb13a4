"""The window as it is on a screen: a virtual display, a real browser engine, the simulated terminal, which then dies."""

import os
import signal
from pathlib import Path

import pytest
from display_support import GREEN, RED, virtual_display
from master_support import CLOCK, Desk, eventually

from copydesk.wiring.children import child, free_port, wait_until_ready

pytestmark = [pytest.mark.timeout(300), pytest.mark.xdist_group("heavy")]

CARD_EDGE = 200
"""Pixels: the card's coloured edge is 4 wide, and higher than 50."""


async def test_the_card_on_the_screen_turns_from_green_to_red_when_the_terminal_dies(tmp_path):
    with virtual_display() as screen:
        port = free_port(0)
        url = f"http://127.0.0.1:{port}"
        async with child("broker", ["simulate", "metatrader5", "--port", str(port)], {}, tmp_path) as broker:
            await wait_until_ready(broker, f"{url}/_sim/health", CLOCK)
            desk = Desk(tmp_path, None, url)
            async with desk.hub() as hub:
                await desk.seed(hub)
                shown = {"DISPLAY": screen.name, "QTWEBENGINE_DISABLE_SANDBOX": "1", "WAYLAND_DISPLAY": ""}
                async with child("window", ["master"], desk.settings | shown, tmp_path) as window:
                    await eventually(lambda: screen.count(GREEN) > CARD_EDGE and screen.count(RED) == 0, 120)
                    spoken = _command_lines_of(window.process.pid)

                    os.kill(broker.process.pid, signal.SIGKILL)
                    await eventually(lambda: screen.count(RED) > CARD_EDGE, 30)
                assert window.process.returncode == 0, window.log.read_text()

    assert any(" window" in one for one in spoken)
    assert not any("key=" in one or desk.settings["COPYDESK_MASTER__PASSWORD"] in one for one in spoken)


def _command_lines_of(pid):
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [Path(f"/proc/{one}/cmdline").read_text().replace("\0", " ") for one in children]
