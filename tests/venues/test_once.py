"""The way to any venue: what could not leave in time does not leave."""

import asyncio

import pytest
from aiohttp import web

from copydesk.venues import once


@pytest.mark.parametrize(("method", "served"), [("POST", 1), ("GET", 2)])
async def test_a_change_that_waited_too_long_for_a_connection_is_not_sent(monkeypatch, method, served):
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
    assert [once.never_connected(one) for one in failures] == [True] * (2 - served)
    assert len(heard) == served
