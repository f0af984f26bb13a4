"""Our own client of the live API: it tells when it is connected, comes again, and shows a token that holds."""

import asyncio

import pytest
import pytest_asyncio

from agent_support import served
from copydesk.client.errors import Missing, NotAllowed, NotUnderstood, SignInNeeded
from copydesk.client.live import live
from copydesk.client.live_words import EVENTS
from copydesk.ports.live import BotCommand, RunStatus
from live_support import FakeStrategyBots, gated, strategy_bot, token_for
from web_support import eventually, running_hub

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


class Tokens:
    """A source that keeps whether a fresh one was wanted."""

    def __init__(self, first, fresh=None):
        self.first, self.fresh, self.asked = first, fresh or first, []

    async def __call__(self, *, fresh=False):
        self.asked.append(fresh)
        return self.fresh if fresh else self.first


class Reader:
    def __init__(self, client):
        self._events = client.events()

    async def until(self, *names, within_s=8.0):
        async with asyncio.timeout(within_s):
            async for event in self._events:
                if event.name in names:
                    return event
        raise AssertionError(names)


async def test_events_arrive_as_the_models_say_and_commands_are_answered(desk, base):
    owner = await desk.person("provider")
    bot = await strategy_bot(desk, owner)
    async with live(base, Tokens(owner.token)) as client:
        reader = Reader(client)
        await reader.until("connected")
        assert await client.watch(bot.id) is True
        assert await client.command(bot.id, BotCommand.START) is RunStatus.RUNNING
        told = await reader.until("bot_status")
        assert EVENTS["bot_status"].data.model_validate(told.data).status is RunStatus.RUNNING
        assert await client.change_settings(bot.id, {"max_level": 4}) == {"max_level": 4}
        with pytest.raises(NotUnderstood) as refusal:
            await client.change_settings(bot.id, {"max_level": -4})
        with pytest.raises(Missing):
            await client.watch("0" * 26)

    assert refusal.value.fields == {"max_level": "-4 is below zero"}


async def test_who_may_only_watch_is_told_so(desk, base):
    owner, follower = await desk.person("provider"), await desk.person()
    bot = await strategy_bot(desk, owner)
    await desk.subscription(follower, {"id": bot.id}, await desk.paper_account(follower))
    async with live(base, Tokens(follower.token)) as client:
        await Reader(client).until("connected")
        assert await client.watch(bot.id) is False
        with pytest.raises(NotAllowed):
            await client.command(bot.id, BotCommand.STOP)


async def test_a_hub_that_stands_still_shows_and_a_cut_is_mended_with_the_bots_watched_again(desk, base):
    owner = await desk.person("provider")
    await strategy_bot(desk, owner)
    second = await strategy_bot(desk, owner)
    async with gated(base) as (gate, address), live(address, Tokens(owner.token)) as client:
        reader = Reader(client)
        await reader.until("connected")
        await client.watch(second.id)
        gate.hold()
        await reader.until("disconnected")
        gate.let_go()
        await reader.until("connected")
        gate.cut()
        await reader.until("disconnected")
        await reader.until("connected")
        desk.hub.strategies.tell(second.id, "market_data", price=7)
        assert (await reader.until("market_data")).data["price"] == 7


async def test_a_refused_token_is_asked_for_afresh_once(desk, base):
    owner = await desk.person("provider")
    source = Tokens(token_for(desk, owner, -1), owner.token)
    async with live(base, source) as client:
        await Reader(client).until("connected")
    assert source.asked == [False, True]

    with pytest.raises(SignInNeeded):
        async with live(base, Tokens("nonsense")) as client:
            await Reader(client).until("connected")


async def test_a_token_that_ends_soon_is_renewed_without_a_cut(desk, base):
    owner = await desk.person("provider")
    source = Tokens(token_for(desk, owner, 4), owner.token)
    async with live(base, source) as client:
        reader = Reader(client)
        await reader.until("connected")
        await reader.until("reauth")
        with pytest.raises(TimeoutError):
            await reader.until("disconnected", within_s=5)
        assert client.is_connected
    assert source.asked == [False, True]


async def test_a_reader_that_sleeps_is_told_that_it_missed_something(desk, base, monkeypatch):
    monkeypatch.setattr("copydesk.client.live.EVENTS_MAX", 50)
    owner = await desk.person("provider")
    bot = await strategy_bot(desk, owner)
    async with live(base, Tokens(owner.token)) as client:
        reader = Reader(client)
        await reader.until("connected")
        for number in range(120):
            desk.hub.strategies.tell(bot.id, "market_data", price=number)
        await eventually(lambda: _has_price(client, 119))
        await reader.until("missed")
        told = [(await reader.until("market_data")).data["price"]]
        while told[-1] != 119:
            told.append((await reader.until("market_data")).data["price"])

    assert told == list(range(told[0], 120))


async def _has_price(client, price):
    waiting = client._events._queue
    return bool(waiting) and waiting[-1].data.get("price") == price
