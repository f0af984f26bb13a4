"""Socket.IO's official JavaScript client, unmodified, against the live API of a hub on a real socket."""

import asyncio
import json

import pytest

from agent_support import served
from live_support import FakeStrategyBots, strategy_bot
from peers.environments import NoRegistry, node_folder
from web_support import running_hub

PEER = "socket-io-javascript"
pytestmark = pytest.mark.timeout(600)  # the first run installs it


async def tell(base, story, told):
    """What the story saw; skipped where the client cannot be had."""
    try:
        folder = await asyncio.to_thread(node_folder, PEER)
    except NoRegistry as reason:
        pytest.skip(f"{PEER} cannot be installed here: {reason}")
    process = await asyncio.create_subprocess_exec(
        "node", story, base, folder, json.dumps(told), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, err = await asyncio.wait_for(process.communicate(), 120)
    assert process.returncode == 0, err.decode()[-4_000:]
    return json.loads(out.splitlines()[-1])


async def test_the_official_javascript_client_is_let_in_told_and_answered(tmp_path, request):
    story = request.path.parent / "stories" / "live_javascript_story.js"
    async with running_hub(tmp_path, strategies=FakeStrategyBots()) as desk, served(desk) as base:
        people = [await desk.person("provider") for _ in range(2)]
        bots = [await strategy_bot(desk, one) for one in people]
        told = [
            {"token": person.token, "bot": own.id, "foreign": other.id}
            for person, own, other in zip(people, bots, reversed(bots), strict=True)
        ]
        seen = await tell(base.replace("ws", "http", 1), story, {"people": told})

    assert seen["refused"] == ["unauthorized"] * 3
    for way, transport in (("websocket", "websocket"), ("polling", "polling"), ("upgraded", "websocket")):
        found = seen[way]
        assert found["transport"] == transport
        assert found["events"][0] == ["connection_ack", {"status": "connected"}]
        assert found["watched"] == {"success": True, "bot_id": bots[0].id, "may_command": True}
        started, changed, unknown, absurd, foreign = found["answers"]
        assert started == {"success": True, "bot_id": bots[0].id, "status": "RUNNING"}
        assert changed == {"success": True, "bot_id": bots[0].id, "settings": {"max_level": 5}}
        assert [one["error"]["code"] for one in (unknown, absurd, foreign)] == [
            "invalid_input",
            "invalid_input",
            "not_found",
        ]
        assert absurd["error"]["details"] == {"fields": [{"field": "max_level", "problem": "-5 is below zero"}]}
        assert [name for name, _ in found["events"]][-4:] == [
            "bot_status",
            "system_alert",
            "settings_updated",
            "system_alert",
        ]
    for own, events in zip(bots, seen["together"], strict=True):
        assert {data["bot_id"] for name, data in events if name != "connection_ack"} == {own.id}
