"""`copydesk replay`: stored signals planned again by today's code, and nothing sent."""

import pytest

from copydesk.domain.errors import NotFound
from copydesk.settings import Settings
from copydesk.wiring.replay import replay_signals
from web_support import EXECUTIONS, UNKNOWN_ID, eventually, running_hub, running_simulator


@pytest.fixture
async def told(tmp_path):
    """(settings of a stopped desk, its bot) after an opening, one that was too small, and their close."""
    async with running_simulator() as simulator, running_hub(tmp_path, simulator_url=simulator.url) as desk:
        provider, follower = await desk.person("provider"), await desk.person()
        bot, secret = await desk.bot(provider, default_leverage=5, default_margin_usd=100)
        await desk.subscription(follower, bot, await desk.paper_account(follower))
        await desk.subscription(follower, bot, await desk.paper_account(follower, name="Tiny"), custom_margin_usd=1)
        for action in ("buy", "close"):
            answer = await desk.alert(bot, secret, action=action, wait=2.5)
            assert answer.status_code == 200, answer.text
        await eventually(lambda: four(provider))
    return Settings(_env_file=None, data_dir=tmp_path, master_key_file=tmp_path / "master.key"), bot


async def four(provider):
    found = await provider.items(EXECUTIONS)
    return len(found) == 4 and all(one["status"] != "pending" for one in found)


async def test_what_the_same_code_planned_is_the_same(told):
    settings, bot = told

    found = await replay_signals(settings, bot["id"], 10, lambda _done, _total: None)

    assert (found.signals, found.same, list(found.different)) == (2, 4, [])


async def test_a_bot_that_is_not_there_is_said_so(told):
    with pytest.raises(NotFound):
        await replay_signals(told[0], UNKNOWN_ID, 10, lambda _done, _total: None)
