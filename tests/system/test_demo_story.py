"""`copydesk demo --once --json`, as a stranger runs it: real processes, and the two ledgers compared."""

import asyncio
import json
import sys

import pytest

pytestmark = [pytest.mark.xdist_group("heavy"), pytest.mark.timeout(250)]


async def test_the_demo_plays_its_story_and_both_ledgers_agree(tmp_path):
    ports = ["--port", "0", "--dashboard-port", "0", "--simulator-port-base", "0"]
    demo = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "copydesk", "demo", "--once", "--json", "--data-dir", str(tmp_path), *ports),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, said = await asyncio.wait_for(demo.communicate(), 240)

    assert demo.returncode == 0, said.decode()
    ready, ending = (json.loads(line) for line in out.decode().splitlines())
    assert set(ready) == {"api", "dashboard", "simulators", "users", "bots", "strategy_bots"}
    assert set(ready["simulators"]) >= {"binance", "metatrader5"}
    assert ready["bots"][0]["name"] == "EMA Cross 15m Demo"
    assert ready["bots"][0]["webhook_url"].endswith("/bot-ema-cross-15m")
    assert len(ready["users"]["followers"]) >= 5
    assert ending["ledgers_match"] is True
    assert ending["executions"]["SKIPPED"] >= 1
    assert ending["executions"]["FILLED"] >= 20
    # What a master's hand did at its terminal: gold, and an order that was filled.
    assert ending["signals"] >= 12
