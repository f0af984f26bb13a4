"""The live API over real sockets: what each hears and in which order, what may be commanded, who sees what."""

import asyncio

import pytest
import pytest_asyncio

from agent_support import agent, mt5_account, served
from copydesk.domain.bot import BotStatus
from copydesk.stores.store import SqlStore
from copydesk.web.live.news import EXECUTIONS_AT_ONCE
from live_support import FakeStrategyBots, listening, strategy_bot
from web_support import EXECUTIONS, SIGNALS, eventually, running_hub

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def desk(simulator, tmp_path_factory):
    async with running_hub(
        tmp_path_factory.mktemp("desk"), simulator_url=simulator.url, strategies=FakeStrategyBots()
    ) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def base(desk):
    async with served(desk) as address:
        yield address.replace("ws", "http", 1)


async def test_events_of_a_bot_arrive_in_their_order_with_its_id(desk, base):
    owner = await desk.person("provider")
    bot = await strategy_bot(desk, owner)
    async with listening(base, owner.token) as one:
        for number in range(200):
            desk.hub.strategies.tell(bot.id, "market_data", symbol="R_100", price=number)
        await eventually(lambda: _has(one, 201))

    assert [data["price"] for _, data in one.told[1:]] == list(range(200))
    assert {data["bot_id"] for _, data in one.told[1:]} == {bot.id}


async def _has(one, number):
    return len(one.told) >= number


async def test_a_socket_that_chose_nothing_belongs_to_its_users_oldest_bot(desk, base):
    owner = await desk.person("provider")
    oldest, newer = await strategy_bot(desk, owner), await strategy_bot(desk, owner)
    async with listening(base, owner.token) as one:
        desk.hub.strategies.tell(newer.id, "market_data", price=1)
        desk.hub.strategies.tell(oldest.id, "market_data", price=2)
        assert (await one.until("market_data"))["bot_id"] == oldest.id
        assert (await one.call("bot_command", {"command": "pause"}))["bot_id"] == oldest.id
        assert (await one.call("subscribe", {"bot_id": newer.id}))["bot_id"] == newer.id
        await one.until("market_data")
        desk.hub.strategies.tell(oldest.id, "market_data", price=3)
        desk.hub.strategies.tell(newer.id, "market_data", price=4)
        assert (await one.until("market_data"))["price"] == 4
        assert (await one.call("bot_command", {"command": "start"}))["bot_id"] == newer.id


async def test_who_comes_later_is_shown_where_things_stand_and_misses_nothing_after(desk, base):
    owner = await desk.person("provider")
    bot = await strategy_bot(desk, owner)
    bots = desk.hub.strategies
    async with listening(base, owner.token) as one:
        await one.call("unsubscribe")
        bots.tell(bot.id, "balance_update", balance=1)
        bots.tell(bot.id, "balance_update", balance=2)
        bots.slow_picture, _ = asyncio.Event(), bots.reading.clear()
        asking = asyncio.get_running_loop().create_task(one.call("subscribe", {"bot_id": bot.id}))
        await bots.reading.wait()
        bots.tell(bot.id, "balance_update", balance=3)
        await one.nothing(0.2)
        bots.slow_picture.set()
        assert (await asking) == {"success": True, "bot_id": bot.id, "may_command": True}
        bots.slow_picture = None
        bots.tell(bot.id, "balance_update", balance=4)
        await eventually(lambda: _has(one, 4))

    assert [data["balance"] for name, data in one.told if name == "balance_update"] == [2, 3, 4]


async def test_commands_are_done_written_down_answered_and_told(desk, base):
    owner, admin = await desk.person("provider"), await desk.person("admin")
    bot = await strategy_bot(desk, owner)
    async with listening(base, owner.token) as one:
        started = await one.call("bot_command", {"command": "start", "bot_id": bot.id})
        changed = await one.call("update_settings", {"delay_threshold": 6, "auto_trading": False})
        await eventually(lambda: _has(one, 5))

    assert started == {"success": True, "bot_id": bot.id, "status": "RUNNING"}
    assert changed == {"success": True, "bot_id": bot.id, "settings": {"delay_threshold": 6, "auto_trading": False}}
    assert one.names()[1:] == ["bot_status", "system_alert", "settings_updated", "system_alert"]
    lines = await admin.items("/api/v1/audit", subject=bot.id)
    assert [(line["action"], line["actor"], line["details"]) for line in lines] == [
        ("bot.change", owner.user.id, {"settings": {"delay_threshold": 6, "auto_trading": False}}),
        ("bot.start", owner.user.id, {}),
    ]


BAD = [
    ("bot_command", {"command": "explode"}, "command"),
    ("bot_command", {}, "command"),
    ("bot_command", {"command": "start", "now": True}, "now"),
    ("bot_command", {"command": "start", "bot_id": 7}, "bot_id"),
    ("update_settings", {"delay_threshold": -1}, "delay_threshold"),
    ("update_settings", {"initial_stake": float("nan")}, "initial_stake"),
    ("update_settings", {"initial_stake": [1]}, "initial_stake"),
    ("update_settings", {"initial_stake": None}, "initial_stake"),
]


@pytest.mark.parametrize(("command", "wish", "field"), BAD)
async def test_a_wish_that_cannot_be_is_refused_with_its_field_named(desk, base, command, wish, field):
    owner = await desk.person("provider")
    await strategy_bot(desk, owner)
    async with listening(base, owner.token) as one:
        answer = await one.call(command, wish)

    assert answer["success"] is False
    assert answer["error"]["code"] == "invalid_input"
    assert [told["field"] for told in answer["error"]["details"]["fields"]] == [field]
    assert field in answer["error"]["message"]


async def test_what_is_no_command_is_answered_and_forgiven(desk, base):
    owner = await desk.person("provider")
    await strategy_bot(desk, owner)
    async with listening(base, owner.token) as one:
        for name, wish in (("dance", {}), ("bot_command", "start"), ("bot_command", [1]), ("update_settings", {})):
            answer = await one.call(name, wish)
            assert answer["error"]["code"] == "invalid_input", (name, answer)
        assert (await one.call("alive"))["success"]


async def test_a_follower_of_an_active_bot_watches_it_and_may_not_command(desk, base):
    provider, follower = await desk.person("provider"), await desk.person()
    bot = await strategy_bot(desk, provider)
    subscription = await desk.subscription(follower, {"id": bot.id}, await desk.paper_account(follower))
    async with listening(base, follower.token) as one:
        assert await one.call("subscribe", {"bot_id": bot.id}) == {
            "success": True,
            "bot_id": bot.id,
            "may_command": False,
        }
        desk.hub.strategies.tell(bot.id, "market_data", price=1)
        await one.until("market_data")
        for command in ({"command": "stop", "bot_id": bot.id}, {"command": "stop"}):
            answer = await one.call("bot_command", command)
            assert (answer["success"], answer["error"]["code"]) == (False, "forbidden")
        answer = await one.call("update_settings", {"max_level": 3})
        assert answer["error"]["code"] == "forbidden"
        assert desk.hub.strategies.settings.get(bot.id) is None

        await follower.delete(f"/api/v1/bot-subscriptions/{subscription['id']}")
        await eventually(lambda: _is_deaf(desk, bot, one))
        assert (await one.call("subscribe", {"bot_id": bot.id}))["error"]["code"] == "not_found"


async def _is_deaf(desk, bot, one):
    before = len(one.told)
    desk.hub.strategies.tell(bot.id, "market_data", price=2)
    await asyncio.sleep(0.1)
    return len(one.told) == before


async def test_nobody_else_watches_a_bot_or_learns_that_it_is_there(desk, base):
    provider, other, follower = await desk.person("provider"), await desk.person("provider"), await desk.person()
    paused = await strategy_bot(desk, provider)
    await desk.subscription(follower, {"id": paused.id}, await desk.paper_account(follower))
    await desk.hub.store.write(
        lambda tables: tables.bots.change(paused.id, {"status": BotStatus.PAUSED}, desk.hub.clock.now())
    )
    no_strategy, _ = await desk.bot(provider)

    for person, bot_id in (
        (other, paused.id),
        (follower, paused.id),
        (provider, no_strategy["id"]),
        (provider, "0" * 26),
    ):
        async with listening(base, person.token) as one:
            answer = await one.call("subscribe", {"bot_id": bot_id})
            assert answer["error"]["code"] == "not_found", answer


async def test_two_users_see_nothing_of_each_other(desk, base):
    grace, ada = await desk.person("provider"), await desk.person("provider")
    hers, his = await strategy_bot(desk, grace), await strategy_bot(desk, ada)
    async with listening(base, grace.token) as one, listening(base, ada.token) as other:
        desk.hub.strategies.tell(hers.id, "market_data", price=1)
        desk.hub.strategies.tell(his.id, "market_data", price=2)
        assert (await one.until("market_data"))["price"] == 1
        assert (await other.until("market_data"))["price"] == 2
        await one.nothing(0.2)

    assert (len(one.told), len(other.told)) == (2, 2)


async def test_signals_and_executions_are_told_to_those_concerned_as_the_http_api_has_them(desk, base):
    provider, ada, bob, admin = [await desk.person(role) for role in ("provider", "follower", "follower", "admin")]
    bot, secret = await desk.bot(provider)
    for person in (ada, bob):
        await desk.subscription(person, bot, await desk.paper_account(person))
    stranger = await desk.person("provider")
    async with (
        listening(base, provider.token) as owns,
        listening(base, ada.token) as follows,
        listening(base, admin.token) as runs,
        listening(base, stranger.token) as looks,
    ):
        signal_id = (await desk.alert(bot, secret)).json()["signal_id"]
        told = await owns.until("signal")
        own = await _settled(follows)
        both = [await _settled(owns), await _settled(owns)]
        assert (await runs.until("signal"))["id"] == signal_id
        await looks.nothing(0.3)

    assert told == (await provider.get(f"{SIGNALS}/{signal_id}")).json()
    assert told["received_at"].endswith("Z")
    assert own == (await ada.get(f"{EXECUTIONS}/{own['id']}")).json()
    assert "signal" not in follows.names()
    mine = await ada.items(EXECUTIONS, signal_id=signal_id)
    assert {data["id"] for name, data in follows.told if name == "execution"} == {one["id"] for one in mine}
    assert len({one["id"] for one in both}) == 2
    moments = [(data["id"], len(data["timeline"])) for name, data in owns.told if name == "execution"]
    assert len(moments) == len(set(moments))
    assert looks.names() == ["connection_ack"]


async def _settled(one):
    while (told := await one.until("execution"))["status"] == "pending":
        pass
    return told


async def test_more_executions_than_one_look_tells_are_all_told_to_their_end(desk, base):
    provider, follower = await desk.person("provider"), await desk.person()
    bot, secret = await desk.bot(provider)
    followers = EXECUTIONS_AT_ONCE + 10
    for _ in range(followers):
        await desk.subscription(follower, bot, await desk.paper_account(follower))
    async with listening(base, provider.token) as one:
        await desk.alert(bot, secret)
        latest = {}
        while len(latest) < followers or any(told["status"] == "pending" for told in latest.values()):
            told = await one.until("execution")
            latest[told["id"]] = told

    assert {told["status"] for told in latest.values()} == {"success"}


async def test_nothing_is_read_while_a_signal_goes_out(desk, base):
    provider = await desk.person("provider")
    bot, secret = await desk.bot(provider)
    async with listening(base, provider.token) as one:
        with desk.hub.desk._rush.under_way():
            await asyncio.sleep(0.4)  # a look may be under way
            await desk.alert(bot, secret)
            await one.nothing(0.8)
        await one.until("signal")


async def test_a_terminal_that_dies_is_told_to_its_owner_and_to_admins_alone(desk, base):
    follower, other, admin = await desk.person(), await desk.person(), await desk.person("admin")
    account = await mt5_account(follower)
    login = int(account["key_hint"].split()[0])
    async with (
        listening(base, follower.token) as one,
        listening(base, other.token) as stranger,
        listening(base, admin.token) as runs,
        agent(base.replace("http", "ws", 1), follower.token, "pc") as terminal,
    ):
        for is_there in (True, False):
            await terminal.say("heartbeat", connected=is_there, login=login, server="Broker-Demo")
            told = await one.until("agent_status")
            assert (told["user_id"], told["login"], told["connected"]) == (follower.user.id, login, is_there)
            assert await runs.until("agent_status") == told
        assert stranger.names() == ["connection_ack"]


async def test_nobody_connected_means_that_nothing_is_read(start_hub, monkeypatch):
    read, plain = [], SqlStore.read

    async def counted(store, work):
        if "News." in work.__qualname__:
            read.append(work)
        return await plain(store, work)

    monkeypatch.setattr(SqlStore, "read", counted)
    async with start_hub() as hub, served(hub) as address:
        person = await hub.person("provider")
        await asyncio.sleep(0.6)
        before = len(read)
        async with listening(address.replace("ws", "http", 1), person.token):
            await asyncio.sleep(0.6)
        await asyncio.sleep(0.3)
        during = len(read)
        await asyncio.sleep(0.6)

    assert before == 0
    assert during > 0
    assert len(read) == during
