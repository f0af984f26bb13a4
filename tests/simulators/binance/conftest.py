"""A venue on a free port per test, and traders who sign by hand."""

import asyncio
import contextlib

import aiohttp
import pytest
from binance_simulator_support import Venue

from copydesk.simulators.binance import serve


@contextlib.asynccontextmanager
async def running_venue(**options):
    loop = asyncio.get_running_loop()
    ready = loop.create_future()
    task = loop.create_task(serve(port=0, on_ready=ready.set_result, **options))
    try:
        await asyncio.wait({ready, task}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            await task
        async with aiohttp.ClientSession() as session:
            yield Venue(session, ready.result(), virtual=options.get("virtual_time", False))
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


@pytest.fixture
def start_venue():
    return running_venue


@pytest.fixture
async def venue():
    async with running_venue() as running:
        yield running


@pytest.fixture
async def trader(venue):
    """10,000 USDT, one-way, BTC held at 95,200 and ETH at 3,300."""
    await venue.hold("BTCUSDT", "95200")
    await venue.hold("ETHUSDT", "3300")
    return await venue.open_account("alice")


@pytest.fixture
async def virtual_venue():
    """Time stands still at 2026-01-01 00:00 UTC until the test moves it; BTC held at 95,200 and ETH at 3,300."""
    async with running_venue(virtual_time=True) as running:
        await running.hold("BTCUSDT", "95200")
        await running.hold("ETHUSDT", "3300")
        yield running


@pytest.fixture
async def clients_of(venue):
    """Unmodified ccxt classes on an account of their own, with nothing but the address changed."""
    clients = []

    async def make(exchange, key="alice", **options):
        await venue.open_account(key, **options)
        client = exchange({"apiKey": key, "secret": f"{key}-secret", "enableRateLimit": False})
        client.urls["api"] = venue.rewritten(client.urls["api"])
        client.options["warnOnFetchOpenOrdersWithoutSymbol"] = False
        clients.append(client)
        await client.load_markets()
        return client

    yield make
    for client in clients:
        await client.close()
