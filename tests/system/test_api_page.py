"""docs/api.md, and the program on the first page, run as they stand against a real hub: what people copy works."""

import asyncio
import re
import shutil
import sys
from pathlib import Path

import httpx
import pytest

from copydesk.client.api import signed_in
from system_support import running_world

ROOT = Path(__file__).parent.parent.parent
PAGE = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
FIRST_PAGE = (ROOT / "README.md").read_text(encoding="utf-8")
HUB_OF_THE_PAGE = "http://127.0.0.1:8000"
ADMIN = {"username": "admin", "password": "correct horse battery", "role": "admin"}


def blocks(page, language):
    return re.findall(rf"^```{language}\n(.*?)^```", page, re.MULTILINE | re.DOTALL)


async def run(world, *command):
    process = await asyncio.create_subprocess_exec(
        *command, cwd=world.folder, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    told = (await process.communicate())[0].decode()
    assert process.returncode == 0, told
    return told


async def make_admin(world, hub):
    link = re.search(r"/setup/[\w-]+", hub.log.read_text()).group()
    async with httpx.AsyncClient(base_url=world.url) as http:
        (await http.post(link, json=ADMIN)).raise_for_status()


@pytest.mark.skipif(
    not (shutil.which("curl") and shutil.which("bash")), reason="the page's commands need curl and bash"
)
async def test_every_command_and_program_of_the_page_works_as_it_stands(tmp_path):
    async with running_world(tmp_path) as world, world.hub() as hub:
        await make_admin(world, hub)
        script = "set -euo pipefail\n" + "".join(blocks(PAGE, "sh"))

        told = await run(world, "bash", "-c", script.replace(HUB_OF_THE_PAGE, world.url))
        programs = [*blocks(PAGE, "python"), *blocks(FIRST_PAGE, "python")]
        programs = [
            one.replace(HUB_OF_THE_PAGE, world.url).replace("her password", ADMIN["password"]) for one in programs
        ]
        follow, refused, look = [await run(world, sys.executable, "-c", one) for one in programs]

        async with signed_in(world.url, "ada", ADMIN["password"]) as ada:
            assert [one.state for one in await ada.executions(leg="open")] == ["FILLED", "FILLED"]
        assert told.endswith("1\n['name', 'default_leverage']\n")
        assert follow.startswith("open FILLED 0.001 ")
        assert refused == "invalid_input {'bot_id': 'no such bot'}\n"
        assert look.splitlines() == ["BTCUSDT open FILLED None"] * 2
