"""Last trade prices: told by the venue's stream where there is one, asked for where there is none, never older than a second."""

import asyncio
import json
from decimal import Decimal

import pytest
from aiohttp import WSMsgType, web

from copydesk.domain.errors import OutcomeUnknown
from copydesk.venues.binance.prices import PRICE_AGE_S, Prices
from desk_support import CLOCK, running_simulator


class Rest:
    """What REST tells, and how often it was asked."""

    def __init__(self, price="95200"):
        self.price = price
        self.asked = 0

    async def ask(self, symbol):
        del symbol
        self.asked += 1
        return self.price


class Stream:
    """The other end; `tells` are the texts that a SUBSCRIBE is followed by."""

    def __init__(self, *tells):
        self.tells = tells
        self.wishes = []
        self.sockets = []

    async def serve(self, request):
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self.sockets.append(socket)
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                self.wishes.append(json.loads(message.data))
                for text in self.tells:
                    await socket.send_str(text)
        return socket


@pytest.fixture
async def serve():
    runners = []

    async def start(stream):
        app = web.Application()
        app.router.add_get("/market/stream", stream.serve)
        runners.append(web.AppRunner(app, shutdown_timeout=0.1))
        await runners[-1].setup()
        await web.TCPSite(runners[-1], "127.0.0.1", 0).start()
        return f"ws://127.0.0.1:{runners[-1].addresses[0][1]}/market/stream"

    yield start
    for one in runners:
        await one.cleanup()


def trade(price, symbol="BTCUSDT", at_ms=1_790_000_000_000):
    told = {"e": "aggTrade", "s": symbol, "p": price, "T": at_ms}
    return json.dumps({"stream": f"{symbol.lower()}@aggTrade", "data": told})


async def until(condition):
    for _ in range(500):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it did not happen in time")


async def test_the_simulator_s_stream_tells_what_rest_does_not():
    async with running_simulator() as market:
        prices = Prices(market.url.replace("http", "ws", 1) + "/market/stream", CLOCK, Rest("1").ask)
        assert await prices.last("BTCUSDT") == 1
        prices.keep_open()

        await until(lambda: prices._known["BTCUSDT"].text != "1")
        found = await prices.last("BTCUSDT")
        prices.close()

    assert 90_000 < found < 100_000


async def test_a_symbol_is_subscribed_to_once_it_was_asked_for(serve):
    stream = Stream(trade("95300.5"))
    prices = Prices(await serve(stream), CLOCK, Rest().ask)
    prices.keep_open()
    assert stream.sockets == []

    await prices.last("BTCUSDT")
    prices.keep_open()
    await until(lambda: stream.wishes)
    await prices.last("ETHUSDT")
    await until(lambda: len(stream.wishes) == 2)
    await asyncio.sleep(0.1)

    assert [one["params"] for one in stream.wishes] == [["btcusdt@aggTrade"], ["ethusdt@aggTrade"]]
    assert await prices.last("BTCUSDT") == Decimal("95300.5")
    prices.close()


async def test_a_silent_stream_s_price_is_asked_for_after_a_second(serve):
    rest = Rest("95100")
    prices = Prices(await serve(Stream(trade("95300"))), CLOCK, rest.ask)
    await prices.last("BTCUSDT")
    prices.keep_open()
    await until(lambda: prices._known["BTCUSDT"].text == "95300")

    await asyncio.sleep(PRICE_AGE_S + 0.1)

    assert await prices.last("BTCUSDT") == 95_100
    assert rest.asked == 2
    prices.close()


async def test_a_trade_that_comes_late_is_as_old_as_it_says(serve):
    rest, first, late = Rest("95100"), trade("95300", "ETHUSDT", at_ms=1_790_000_002_000), trade("90000")
    stream = Stream(first, late)
    prices = Prices(await serve(stream), CLOCK, rest.ask)
    await prices.last("BTCUSDT")
    prices.keep_open()
    await until(lambda: "ETHUSDT" in prices._known)
    await asyncio.sleep(0.2)

    assert await prices.last("ETHUSDT") == 95_300
    assert await prices.last("BTCUSDT") == 95_100
    prices.close()


@pytest.mark.parametrize("text", ['{"result":null,"id":1}', '{"data":{"s":"BTCUSDT"}}', "no json", '{"data":[1]}'])
async def test_what_tells_no_price_changes_nothing(serve, text):
    stream = Stream(text)
    prices = Prices(await serve(stream), CLOCK, Rest().ask)
    await prices.last("BTCUSDT")
    prices.keep_open()
    await until(lambda: stream.wishes)
    await asyncio.sleep(0.1)

    assert await prices.last("BTCUSDT") == 95_200
    prices.close()


async def test_a_stream_that_ended_is_opened_again(serve):
    stream = Stream()
    prices = Prices(await serve(stream), CLOCK, Rest().ask)
    await prices.last("BTCUSDT")
    prices.keep_open()
    await until(lambda: stream.wishes)
    await stream.sockets[0].close()

    prices.keep_open()
    await until(lambda: len(stream.wishes) == 2)

    assert stream.wishes[1]["params"] == ["btcusdt@aggTrade"]
    prices.close()


async def test_without_a_stream_prices_are_asked_for():
    rest = Rest()
    prices = Prices("ws://127.0.0.1:1/market/stream", CLOCK, rest.ask)

    found = await asyncio.gather(*(prices.last("BTCUSDT") for _ in range(5)))
    prices.keep_open()

    assert found == [95_200] * 5
    assert rest.asked == 1


@pytest.mark.parametrize("price", ["0", "-1", "NaN", "", "none"])
async def test_what_is_no_price_is_none(price):
    with pytest.raises(OutcomeUnknown):
        await Prices("ws://127.0.0.1:1/", CLOCK, Rest(price).ask).last("BTCUSDT")
