"""python-binance, a client an account, all at once; run by an interpreter that has it, see driver.py."""

import asyncio
from collections.abc import Sequence
from typing import Any

from binance import AsyncClient  # type: ignore[import-not-found]  # of the peer's own environment
from driver import drive  # type: ignore[import-not-found]  # beside this script

ORDER = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.002", "newOrderRespType": "RESULT"}


async def _open_all(url: str, keys: Sequence[tuple[str, str]]) -> Sequence[Any]:
    clients = [AsyncClient(key, secret) for key, secret in keys]
    for one in clients:
        one.FUTURES_URL = f"{url}/fapi"
    return clients


async def _place(client: Any) -> Any:
    return (await client.futures_create_order(**ORDER))["orderId"]


async def _close(client: Any) -> None:
    await client.close_connection()


if __name__ == "__main__":
    asyncio.run(drive(_open_all, _place, _close))
