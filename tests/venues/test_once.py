"""The way to any venue: what could not leave in time does not leave."""

import asyncio

import aiohttp
import pytest
from aiohttp import web

from copydesk.domain.errors import VenueUnavailable
from copydesk.domain.subscription import Environment
from copydesk.venues import once
from desk_support import CLOCK
from venue_support import futures_session, purchase


@pytest.mark.parametrize("method", ["POST", "GET"])
async def test_what_waited_too_long_for_a_connection_is_not_sent(monkeypatch, method):
    monkeypatch.setattr(once, "LEAVES_WITHIN_S", 0.1)
    heard = []

    async def serve(request):
        heard.append(request.method)
        await asyncio.sleep(0.3)
        return web.Response()

    app = web.Application()
    app.router.add_route("*", "/", serve)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    http = once.open_http(1)
    try:
        url = f"http://127.0.0.1:{runner.addresses[0][1]}/"
        told = await asyncio.gather(*(http.request(method, url) for _ in range(2)), return_exceptions=True)
    finally:
        await http.close()
        await runner.cleanup()

    failures = [one for one in told if isinstance(one, Exception)]
    assert [once.never_connected(one) for one in failures] == [True]
    assert heard == [method]


async def test_an_order_that_came_too_late_onto_a_connection_was_certainly_never_sent(market, binance, monkeypatch):
    since, session = CLOCK.now(), await futures_session(market, binance)
    binance._place(Environment.SIMULATOR).transport.sockets._url = "ws://127.0.0.1:1/ws-fapi/v1"
    monkeypatch.setattr(once, "LEAVES_WITHIN_S", 1.0)

    async def slowly(*args):
        connection = await connect(*args)
        await asyncio.sleep(1.1)
        return connection

    connect = aiohttp.TCPConnector.connect
    monkeypatch.setattr(aiohttp.TCPConnector, "connect", slowly)
    with pytest.raises(VenueUnavailable, match="no connection"):
        await session.place(purchase(binance))

    monkeypatch.undo()
    assert await session.orders_since("BTCUSDT", since) == []
