"""Plain ccxt as a script writer uses it: an instance an account, markets shared, its limiter off, all at once; see driver.py."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import ccxt.async_support
from driver import drive  # type: ignore[import-not-found]  # beside this script

try:
    from uvloop import run
except ImportError:  # there is none on Windows
    from asyncio import run  # type: ignore[assignment]

TIMEOUT_MS = 60_000


async def _open_all(url: str, keys: Sequence[tuple[str, str]]) -> Sequence[Any]:
    http = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=256))
    clients: list[Any] = []
    for key, secret in keys:
        client = ccxt.async_support.binanceusdm(
            {
                "apiKey": key,
                "secret": secret,
                "session": http,
                "enableRateLimit": False,
                "timeout": TIMEOUT_MS,
                "options": {"fetchCurrencies": False, "fetchMarkets": {"types": ["linear"]}},
            },
        )
        urls = client.urls["api"]
        client.urls["api"] = {
            name: url + urlsplit(one).path if isinstance(one, str) else one for name, one in urls.items()
        }
        if clients:
            client.set_markets_from_exchange(clients[0])
        else:
            await client.load_markets()
        clients.append(client)
    return clients


async def _place(client: Any) -> Any:
    return (await client.create_order("BTC/USDT:USDT", "market", "buy", 0.002))["id"]


async def _close(client: Any) -> None:
    await client.close()
    if not client.session.closed:
        await client.session.close()


if __name__ == "__main__":
    run(drive(_open_all, _place, _close))
