"""`copydesk master` with its window as people start it, where there is no screen: a page for one look, one program a folder."""

import asyncio
import re
import socket

import httpx
import pytest
from copier_support import children_of
from master_support import CLOCK, PASSWORD, eventually, is_alive, running_desk

from copydesk.client.api import signed_in
from copydesk.client.errors import Missing
from copydesk.ports.beside import Phase
from copydesk.settings import read_settings
from copydesk.wiring.children import child
from copydesk.wiring.launcher import LaunchedServer

pytestmark = pytest.mark.xdist_group("heavy")

NO_SCREEN = {"DISPLAY": "", "WAYLAND_DISPLAY": ""}
ADDRESS = re.compile(r"http://127\.0\.0\.1:\d+/\?key=\S+")


@pytest.fixture
async def desk(tmp_path):
    async with running_desk(tmp_path) as running:
        yield running


async def test_without_a_screen_the_page_is_for_who_reads_its_address_and_a_second_start_gets_another(desk, tmp_path):
    async with desk.hub() as hub, httpx.AsyncClient(follow_redirects=True) as mine, httpx.AsyncClient() as stranger:
        await desk.seed(hub)
        settings = desk.settings | NO_SCREEN
        async with child("first", ["master"], settings, tmp_path) as first:
            address = await _address(first)
            front = address.partition("?")[0]
            assert re.search("extra `desktop` is not installed|there is no window system here", first.log.read_text())
            assert (await stranger.get(front)).status_code == 403
            page = await mine.get(address)
            assert (page.status_code, "Master Sender" in page.text) == (200, True)
            assert (await stranger.get(address)).status_code == 403
            await eventually(_is_connected(desk), 60)

            async with child("second", ["master"], settings, tmp_path) as second:
                assert await asyncio.wait_for(second.process.wait(), 60) == 0
            assert "it runs already: http://127.0.0.1" in second.log.read_text()
            another = ADDRESS.search(second.log.read_text())[0]
            assert another.startswith(front)
            assert (await stranger.get(another)).status_code == 303
            announced = tmp_path / "master" / "desktop" / "master.json"
            assert announced.stat().st_mode & 0o777 == 0o600
            workers = children_of(first.process.pid)
            assert len(workers) == 1

    assert first.process.returncode == 0, first.log.read_text()
    assert not announced.exists()
    assert not any(is_alive(one) for one in workers)


async def test_the_launchers_server_starts_and_stops_and_a_taken_port_is_told(tmp_path, monkeypatch):
    monkeypatch.setenv("COPYDESK_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("COPYDESK_MASTER_KEY_FILE", str(tmp_path / "keys" / "master.key"))
    settings = read_settings()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        server = LaunchedServer(["serve", "--no-dashboard", "--port", port], settings, clock=CLOCK)
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(server.run())
            server.start()
            await eventually(lambda: server.condition.phase is Phase.WAITING, 60)
            assert "address already in use" in server.condition.why.lower()
            taken.close()
            await eventually(lambda: _serves(tmp_path), 60)
            assert (server.condition.phase, server.condition.restarts) == (Phase.RUNNING, 1)
            server.stop()
            await eventually(lambda: server.condition.phase is Phase.STOPPED)
            running.cancel()


async def _address(program):
    def found():
        program.check()
        return ADDRESS.search(program.log.read_text())

    await eventually(found, 60)
    return found()[0]


def _is_connected(desk):
    async def is_connected():
        async with signed_in(desk.url, "paula", PASSWORD) as paula:
            return await _answers(paula, (await paula.profile()).id)

    return is_connected


async def _answers(api, user_id):
    try:
        return (await api.terminals(user_id)).connected
    except Missing:
        return False


def _serves(folder):
    log = folder / "data" / "logs" / "launcher-server.log"
    return log.exists() and "copydesk serves on" in log.read_text()
