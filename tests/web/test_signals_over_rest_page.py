"""What docs/signals-over-rest.md tells people to paste does what the page says."""

import asyncio
import contextlib
import os
import re
import shutil
import socket
import sys
from pathlib import Path

import pytest
import uvicorn

from web_support import PASSWORD, SIGNALS

PAGE = (Path(__file__).parents[2] / "docs" / "signals-over-rest.md").read_text(encoding="utf-8")
TOOLS = [name for name in ("bash", "curl", "openssl", "base64", "od") if shutil.which(name) is None]

pytestmark = pytest.mark.asyncio(loop_scope="module")


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


@contextlib.asynccontextmanager
async def listening(app):
    """The hub on a socket, for programs that know nothing of this process."""
    bound = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, lifespan="off", log_config=None))
    serving = asyncio.get_running_loop().create_task(server.serve(sockets=[bound]))
    try:
        yield f"http://127.0.0.1:{bound.getsockname()[1]}"
    finally:
        server.should_exit = True
        await serving


async def run(program, *arguments, **environment):
    child = await asyncio.create_subprocess_exec(
        program,
        *arguments,
        env={"PATH": os.environ["PATH"], **environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    said, complained = await asyncio.wait_for(child.communicate(), 60)
    assert child.returncode == 0, complained.decode()
    return said.decode()


@pytest.mark.skipif(bool(TOOLS), reason=f"the page's tools are not installed: {TOOLS}")
async def test_the_shell_and_the_python_of_the_page_trade_a_ticket_each(desk):
    provider = await desk.person("provider")
    async with listening(desk.app) as hub:
        world = {"HUB": hub, "NAME": provider.user.username, "PASSWORD": PASSWORD}

        told = await run("bash", "-euo", "pipefail", "-c", "\n".join([*blocks("sh"), 'echo "$SECRET"']), **world)
        *answers, secret = told.strip().splitlines()
        python = await run(sys.executable, "-c", *blocks("python"), SECRET=secret, **world)

    assert [re.search(r'"duplicate":(\w+)', one)[1] for one in answers] == ["false"] * 8
    assert python.count("success=True") == 2
    signals = reversed(await provider.items(SIGNALS))
    assert [(one["action"], [step["fraction"] for step in one["steps"]]) for one in signals] == [
        ("open_long", ["1"]),
        ("modify", []),
        ("close_long", ["0.25"]),
        ("close_long", ["1"]),
        ("pending", []),
        ("modify", []),
        ("open_long", ["1"]),
        ("close_long", ["1"]),
        ("open_short", ["1"]),
        ("close_short", ["1"]),
    ]
