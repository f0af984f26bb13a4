"""How long a WebSocket connection lives, how fast it may talk, how many there may be: a clock that a test can turn."""

import asyncio
import contextlib

import aiohttp
import pytest
from aiohttp import WSMsgType
from binance_simulator_support import Venue, eventually

from copydesk.simulators.binance.server import _run, make_exchange
from copydesk.simulators.clock import WallClock

MINUTE_MS = 60_000


class TurnedClock(WallClock):
    """Real time, and what a test adds to it."""

    def __init__(self):
        self.ahead_ms = 0

    def now_ms(self):
        return super().now_ms() + self.ahead_ms


@pytest.fixture
def clock():
    return TurnedClock()


@pytest.fixture
async def venue(clock):
    loop = asyncio.get_running_loop()
    ready = loop.create_future()
    exchange = make_exchange(seed=1, now_ms=clock.now_ms())
    running = _run(exchange, clock, host="127.0.0.1", port=0, seed=1, file=None, tls=None, on_ready=ready.set_result)
    task = loop.create_task(running)
    async with aiohttp.ClientSession() as session:
        yield Venue(session, await ready)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


def connect(venue, target, **options):
    return venue.session.ws_connect(f"ws://127.0.0.1:{venue.port}{target}", **options)


async def receive_control(socket):
    """The first frame that is no event."""
    while (message := await socket.receive()).type is WSMsgType.TEXT:
        pass
    return message


@pytest.mark.parametrize(
    "target",
    ["/public/ws/btcusdt@bookTicker", "/private/ws", "/ws-fapi/v1", "/streams/spot/ws/btcusdt@trade", "/ws-api/v3"],
)
async def test_a_connection_ends_after_a_day_with_a_goodbye(venue, clock, target):
    async with connect(venue, target) as socket:
        clock.ahead_ms = 24 * 60 * MINUTE_MS
        message = await receive_control(socket)

    assert (message.type, message.data) == (WSMsgType.CLOSE, 1001)


@pytest.mark.parametrize(
    ("target", "every_ms"), [("/private/ws", 3 * MINUTE_MS), ("/streams/spot/ws", 20_000), ("/ws-api/v3", 20_000)]
)
async def test_the_server_pings_and_leaves_who_never_answers(venue, clock, target, every_ms):
    async with connect(venue, target, autoping=False) as socket:
        pings = []
        for number in (1, 2, 3):
            clock.ahead_ms = number * every_ms
            pings.append((await socket.receive()).type)
        clock.ahead_ms = 4 * every_ms
        message = await socket.receive()

    assert pings == [WSMsgType.PING] * 3
    assert message.type in {WSMsgType.CLOSED, WSMsgType.CLOSE, WSMsgType.ERROR}


@pytest.mark.parametrize(("target", "every_ms"), [("/private/ws", 3 * MINUTE_MS), ("/streams/spot/ws", 20_000)])
async def test_one_who_answers_pings_stays(venue, clock, target, every_ms):
    async with connect(venue, target, autoping=False) as socket:
        for number in range(1, 6):
            clock.ahead_ms = number * every_ms
            ping = await socket.receive()
            assert ping.type is WSMsgType.PING
            await socket.pong(ping.data)
        await socket.send_json({"method": "LIST_SUBSCRIPTIONS", "params": [], "id": 1})

        assert await socket.receive_json() == {"result": [], "id": 1}


@pytest.mark.parametrize(("target", "messages"), [("/private/ws", 25), ("/streams/spot/ws", 15)])
async def test_a_stream_connection_that_talks_too_fast_is_closed(venue, target, messages):
    async with connect(venue, target) as socket:
        for number in range(messages):
            await socket.send_json({"method": "LIST_SUBSCRIPTIONS", "params": [], "id": number})
        message = await receive_control(socket)

    assert (message.type, message.data) == (WSMsgType.CLOSE, 1008)


async def test_the_api_takes_many_requests_and_few_pings(venue):
    async with connect(venue, "/ws-fapi/v1", autoping=False) as socket:
        for number in range(25):
            await socket.send_json({"id": number, "method": "ticker.price", "params": {"symbol": "BTCUSDT"}})
        answers = [await socket.receive_json() for _ in range(25)]
        for _ in range(12):
            await socket.ping(b"there")
        kinds = [(await socket.receive()).type]
        while kinds[-1] is WSMsgType.PONG:
            kinds.append((await socket.receive()).type)

    assert {answer["status"] for answer in answers} == {200}
    assert (kinds[0], kinds[-1]) == (WSMsgType.PONG, WSMsgType.CLOSE)
    assert 5 <= len(kinds) - 1 <= 10


@pytest.mark.parametrize("target", ["/private/ws", "/streams/spot/ws"])
async def test_more_than_300_connections_in_five_minutes_are_refused_until_the_next_five(venue, clock, target):
    async def attempt():
        try:
            async with connect(venue, target):
                return 101
        except aiohttp.WSServerHandshakeError as refused:
            return refused.status

    clock.ahead_ms = -clock.now_ms() % (5 * MINUTE_MS)  # the windows are calendar ones
    taken = [await attempt() for _ in range(301)]
    clock.ahead_ms += 5 * MINUTE_MS

    assert taken == [101] * 300 + [429]
    assert await attempt() == 101


@pytest.mark.parametrize("host", ["/public", "/streams/spot"])
async def test_a_connection_holds_1024_streams_and_no_more(venue, host):
    names = [f"symbol{number}@trade" for number in range(1_024)]

    async with connect(venue, f"{host}/ws") as socket:
        await socket.send_json({"method": "SUBSCRIBE", "params": names, "id": 1})
        await socket.send_json({"method": "SUBSCRIBE", "params": ["one@more"], "id": 2})
        await socket.send_json({"method": "LIST_SUBSCRIPTIONS", "params": [], "id": 3})
        taken, refused, listed = [await socket.receive_json() for _ in range(3)]

    assert (taken, refused["error"]["code"]) == ({"result": None, "id": 1}, 2)
    assert listed["result"] == sorted(names)
    with pytest.raises(aiohttp.WSServerHandshakeError, match="404"):
        await connect(venue, f"{host}/stream?streams={'/'.join([*names[:50], *(f's{n}@t' for n in range(1_000))])}")


async def test_a_listen_key_that_nobody_extends_ends_with_a_word(venue, clock):
    trader = await venue.open_account("alice")
    key = (await trader.raw("POST", "/fapi/v1/listenKey"))[1]["listenKey"]

    async with connect(venue, f"/private/stream?listenKey={key}") as socket:
        clock.ahead_ms = 61 * MINUTE_MS
        frame = await socket.receive_json()

    assert (frame["stream"], frame["data"]["e"], frame["data"]["listenKey"]) == (key, "listenKeyExpired", key)

    async def forgotten():
        return (await trader.raw("PUT", "/fapi/v1/listenKey"))[1].get("code") == -1125

    await eventually(forgotten)
