"""docs/live-api.md: its programs run as they stand, and its numbers are the code's."""

import asyncio
import contextlib
import os
import re
import sys
from pathlib import Path

import pytest

from agent_support import served
from copydesk.client.live_words import EVENTS
from copydesk.web.live import STRANGER_S
from copydesk.web.live.door import SEND_S
from copydesk.web.live.outbox import WAITING_MAX
from copydesk.web.live.server import DEAD_AFTER_S, PING_EVERY_S
from copydesk.web.live.sessions import SOCKETS_MAX
from live_support import FakeStrategyBots, strategy_bot
from peers.environments import NoRegistry, node_folder
from web_support import PASSWORD

PAGE = (Path(__file__).parent.parent.parent / "docs" / "live-api.md").read_text(encoding="utf-8")


def program(language):
    return "".join(re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL))


async def run_until(lines, *command, cwd, act, **environment):
    """Every line that the program says until the last of these came; `act` once the first did."""
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=cwd,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env=os.environ | {"PYTHONUNBUFFERED": "1"} | environment,
    )
    told = []
    try:
        async with asyncio.timeout(30):
            while not told or told[-1] != lines[-1]:
                line = (await process.stdout.readline()).decode()
                assert line, told
                told.append(line.rstrip("\n"))
                if told[-1] == lines[0]:
                    await act()
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
    return told


async def the_page_s_people(desk):
    grace, follower = await desk.person("provider", username="grace"), await desk.person()
    strategy = await strategy_bot(desk, grace)
    bot, secret = await desk.bot(grace)
    await desk.subscription(follower, bot, await desk.paper_account(follower))

    async def alert():
        assert (await desk.alert(bot, secret)).status_code == 200

    return strategy, alert


def as_here(text, base):
    return text.replace("http://127.0.0.1:8000", base.replace("ws", "http", 1)).replace("her password", PASSWORD)


async def test_the_python_program_of_the_page_works_as_it_stands(start_hub, simulator, tmp_path):
    async with start_hub(simulator_url=simulator.url, strategies=FakeStrategyBots()) as desk, served(desk) as base:
        _, alert = await the_page_s_people(desk)
        lines = ["RUNNING", "buy BTCUSDT"]
        told = await run_until(lines, sys.executable, "-c", as_here(program("python"), base), cwd=tmp_path, act=alert)

    assert told == lines


@pytest.mark.timeout(600)  # the first run installs the client
async def test_the_javascript_program_of_the_page_works_as_it_stands(start_hub, simulator, tmp_path):
    try:
        folder = await asyncio.to_thread(node_folder, "socket-io-javascript")
    except NoRegistry as reason:
        pytest.skip(f"socket.io-client cannot be installed here: {reason}")
    async with start_hub(simulator_url=simulator.url, strategies=FakeStrategyBots()) as desk, served(desk) as base:
        strategy, alert = await the_page_s_people(desk)
        told = await run_until(
            ["RUNNING", "buy BTCUSDT"],
            "node",
            "-e",
            as_here(program("js"), base),
            cwd=tmp_path,
            act=alert,
            NODE_PATH=str(folder / "node_modules"),
        )

    assert sorted(told[:-1]) == sorted(
        ["RUNNING", f"{strategy.id} RUNNING", "{ delay_threshold: 6, auto_trading: false }"]
    )


def test_the_page_s_numbers_and_names_are_the_code_s():
    assert f"| sockets of one user | {SOCKETS_MAX} |" in PAGE
    assert f"{WAITING_MAX:,} packets, or {SEND_S:.0f} seconds for one" in PAGE
    assert f"| a connection without a token | {STRANGER_S:.0f} seconds |" in PAGE
    assert f"(every {PING_EVERY_S} seconds) for {DEAD_AFTER_S} seconds" in PAGE
    [moments] = re.findall(r"in this order:\n(.*?)A trade is", PAGE, re.DOTALL)
    of_bots = {name for name, event in EVENTS.items() if event.who == "watchers of the bot"}
    assert set(re.findall(r"`(\w+)`", moments)) == of_bots
