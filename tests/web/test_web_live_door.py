"""The way in to the live API and its bounds: tokens, origins, floods, and sockets that do not read."""

import asyncio
from functools import partial

import httpx
import pytest
import pytest_asyncio
from socketio.exceptions import ConnectionError as NotConnected

from agent_support import served
from copydesk.domain.user import UserStatus
from copydesk.web.limits import Limits
from live_support import FakeStrategyBots, Listener, listening, sockets_of, strategy_bot, token_for
from web_support import assert_error, eventually, running_hub

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


async def refused(base, auth, **how):
    one = Listener()
    with pytest.raises(NotConnected):
        await one.client.connect(base, auth=auth, transports=["websocket"], wait_timeout=3, **how)
    await one.client.disconnect()
    return one.refusal


@pytest.mark.parametrize("auth", [None, {}, {"token": None}, {"token": "nonsense"}, {"token": 7}, "a token", ["x"]])
async def test_without_a_token_there_is_no_socket(base, auth):
    assert await refused(base, auth) == "unauthorized"


async def test_an_expired_token_and_a_disabled_user_are_refused(desk, base):
    person = await desk.person("provider")
    gone = await desk.person("provider", status=UserStatus.DISABLED)

    assert await refused(base, {"token": token_for(desk, person, -1)}) == "unauthorized"
    assert await refused(base, {"token": gone.token}) == "unauthorized"


@pytest.mark.parametrize("transports", [("websocket",), ("polling",), ("polling", "websocket")])
async def test_who_shows_a_token_is_told_so_first_of_all(desk, base, transports):
    person = await desk.person("provider")
    async with listening(base, person.token, transports) as one:
        answer = await one.call("alive")

    assert one.told[0] == ("connection_ack", {"status": "connected"})
    assert answer == {"success": True}


async def test_a_page_of_another_origin_is_kept_out_whatever_it_shows(desk, base):
    person = await desk.person("provider")
    auth = {"token": person.token}

    await refused(base, auth, headers={"Origin": "https://evil.example"})
    async with listening(base, person.token, headers={"Origin": "https://desk.example"}) as own:
        assert (await own.call("alive"))["success"]


async def test_what_would_pass_by_the_list_of_origins_is_refused_in_the_contract_s_shape(base):
    async with httpx.AsyncClient(base_url=base, trust_env=False) as http:
        answers = [
            await http.get("/socket.io/", params={"EIO": "4", "transport": "polling", "j": "0"}),
            await http.get("/socket.io/?EIO=4&transport=polling", headers={"Origin": "https://evil.example"}),
        ]

    for answer in answers:
        assert_error(answer, 403, "forbidden")


async def _has(one, number):
    return len(one.told) >= number


async def test_a_token_that_expires_ends_the_socket_and_a_new_one_keeps_it(desk, base):
    person, other = await desk.person("provider"), await desk.person("provider")
    async with (
        listening(base, token_for(desk, person, 2)) as kept,
        listening(base, token_for(desk, person, 2)) as ended,
    ):
        await kept.until("reauth")
        wrong = await kept.call("reauth", {"token": other.token})
        assert wrong["error"]["code"] == "invalid_input"
        assert (await kept.call("reauth", {"token": person.token}))["success"]
        await asyncio.wait_for(ended.ended.wait(), 6)
        assert (await kept.call("alive"))["success"]


async def test_a_user_who_is_disabled_loses_every_socket(desk, base):
    person, admin = await desk.person("provider"), await desk.person("admin")
    async with listening(base, person.token) as one:
        await admin.patch(f"/api/v1/users/{person.user.id}", json={"status": "disabled"})
        await asyncio.wait_for(one.ended.wait(), 10)


async def test_a_packet_cannot_play_a_connections_beginning_or_end(desk, base):
    owner, other = await desk.person("provider"), await desk.person("provider")
    bot, foreign = await strategy_bot(desk, owner), await strategy_bot(desk, other)
    async with listening(base, token_for(desk, owner, 3)) as one:
        await one.client.emit("disconnect", "me")
        await one.client.emit("connect", ({}, {"token": other.token}))
        assert (await one.call("alive"))["success"]
        desk.hub.strategies.tell(foreign.id, "market_data", price=1)
        desk.hub.strategies.tell(bot.id, "market_data", price=2)
        assert (await one.until("market_data"))["price"] == 2
        await asyncio.wait_for(one.ended.wait(), 6)


async def test_a_socket_that_does_not_read_is_cut_off_and_nobody_else_is(desk, base):
    owner = await desk.person("provider")
    bot = await strategy_bot(desk, owner)
    async with listening(base, owner.token) as one, listening(base, owner.token) as deaf:
        transport = deaf.client.eio.ws._conn.transport if hasattr(deaf.client.eio.ws, "_conn") else None
        transport = transport or deaf.client.eio.ws._response.connection.transport
        transport.pause_reading()
        told = 0
        async with asyncio.timeout(60):
            while len(sockets_of(desk)) == 2:
                for _ in range(20):
                    desk.hub.strategies.tell(bot.id, "market_data", price=told, much="x" * 60_000)
                    told += 1
                await eventually(partial(_has, one, told + 1))
        await eventually(lambda: _has(one, told + 1))
        transport.resume_reading()

    assert [data["price"] for _, data in one.told[1:]] == list(range(told))
    assert [data["price"] for _, data in deaf.told[1:]] == list(range(len(deaf.told) - 1))
    assert len(deaf.told) < len(one.told)


async def test_who_asks_too_often_is_told_to_wait(start_hub):
    async with start_hub(limits=Limits(), strategies=FakeStrategyBots()) as hub, served(hub) as address:
        owner = await hub.person("provider")
        await strategy_bot(hub, owner)
        async with listening(address.replace("ws", "http", 1), owner.token) as one:
            answers = [await one.call("bot_command", {"command": "pause"}) for _ in range(40)]

    refusals = [one["error"] for one in answers if not one["success"]]
    assert refusals
    assert {one["code"] for one in refusals} == {"too_many_requests"}
    assert refusals[0]["details"]["retry_after_s"] >= 1
    assert len(answers) - len(refusals) >= 15


async def test_a_flood_of_packets_or_one_too_deep_ends_the_socket(start_hub):
    async with start_hub(limits=Limits(), strategies=FakeStrategyBots()) as hub, served(hub) as address:
        owner = await hub.person("provider")
        base = address.replace("ws", "http", 1)
        async with listening(base, owner.token) as one:
            deep = {}
            for _ in range(30):
                deep = {"more": deep}
            await one.client.emit("alive", deep)
            await asyncio.wait_for(one.ended.wait(), 5)
        async with listening(base, owner.token) as one:
            for _ in range(400):
                if not one.client.connected:
                    break
                await one.client.emit("alive", {})
            await asyncio.wait_for(one.ended.wait(), 5)
