"""Three ways to put one order on each of many accounts: plain ccxt, bare signed sockets, and the desk itself."""

import asyncio
import hashlib
import hmac
import secrets
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import ccxt.async_support

from copydesk.domain.errors import CopydeskError
from copydesk.domain.execution import FINAL
from copydesk.domain.signal import Action, Instruction, SourceKind
from copydesk.domain.venue import BINANCE_FUTURES
from copydesk.engine.desk import Desk
from copydesk.ports.clock import SystemClock
from copydesk.stores.sqlite import SqliteDatabase
from copydesk.stores.store import SqlStore
from copydesk.stores.vault import EnvelopeVault
from copydesk.venues.binance import BinanceFutures
from copydesk.wiring.bench.seed import SYMBOL, Key, seed
from copydesk.wiring.owner import this_program

QUANTITY = "0.002"
SOCKETS = 64
TIMEOUT_S = 60.0


class PlainCcxt:
    """What a script writer does: one ccxt instance an account, markets shared, its limiter off, all at once."""

    def __init__(self, url: str, keys: Sequence[Key]) -> None:
        self._url = url
        self._keys = keys
        self._clients: list[Any] = []
        self._http: aiohttp.ClientSession | None = None

    async def open(self) -> None:
        """Nothing is known before."""

    async def warm_up(self) -> None:
        self._http = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=256))
        for key, secret in self._keys:
            client = ccxt.async_support.binanceusdm(
                {
                    "apiKey": key,
                    "secret": secret,
                    "session": self._http,
                    "enableRateLimit": False,
                    "timeout": int(TIMEOUT_S * 1000),
                    "options": {"fetchCurrencies": False, "fetchMarkets": {"types": ["linear"]}},
                },
            )
            urls = client.urls["api"]
            client.urls["api"] = {
                name: self._url + urlsplit(url).path if isinstance(url, str) else url for name, url in urls.items()
            }
            if self._clients:
                client.set_markets_from_exchange(self._clients[0])
            else:
                await client.load_markets()
            self._clients.append(client)

    async def prepare(self) -> None:
        """Nothing that is not measured."""

    async def fire(self) -> None:
        placed = await asyncio.gather(
            *(one.create_order("BTC/USDT:USDT", "market", "buy", float(QUANTITY)) for one in self._clients),
        )
        if not all(order["id"] for order in placed):
            raise CopydeskError("an order of plain ccxt was not placed")

    async def close(self) -> None:
        for one in self._clients:
            await one.close()
        if self._http is not None:
            await self._http.close()


class SignedSockets:
    """The floor: signing in the loop, bytes by hand, open sockets, nothing stored and nothing understood."""

    def __init__(self, url: str, keys: Sequence[Key]) -> None:
        self._keys = [(key, secret.encode()) for key, secret in keys]
        parts = urlsplit(url)
        self._address = (parts.hostname or "127.0.0.1", parts.port or 80)
        self._sockets: list[socket.socket] = []
        self._clock = SystemClock()

    async def open(self) -> None:
        """Nothing is known before."""

    async def warm_up(self) -> None:
        self._sockets = [socket.create_connection(self._address) for _ in range(min(SOCKETS, len(self._keys)))]
        for one in self._sockets:
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    async def prepare(self) -> None:
        """Nothing that is not measured."""

    async def fire(self) -> None:
        for start in range(0, len(self._keys), len(self._sockets)):
            batch = list(zip(self._sockets, self._keys[start : start + len(self._sockets)], strict=False))
            for one, (key, secret) in batch:
                one.sendall(self._request(key, secret))
            for one, _ in batch:
                _read_answer(one)

    async def close(self) -> None:
        for one in self._sockets:
            one.close()

    def _request(self, key: str, secret: bytes) -> bytes:
        now = int(self._clock.now().timestamp() * 1000)
        body = f"symbol={SYMBOL}&side=BUY&type=MARKET&quantity={QUANTITY}&newOrderRespType=RESULT&timestamp={now}"
        signature = hmac.digest(secret, body.encode(), "sha256").hex()
        signed = f"{body}&signature={signature}"
        head = (
            f"POST /fapi/v1/order HTTP/1.1\r\nHost: bench\r\nX-MBX-APIKEY: {key}\r\nContent-Length: {len(signed)}\r\n"
        )
        return f"{head}Content-Type: application/x-www-form-urlencoded\r\n\r\n{signed}".encode()


class WholeDesk:
    """Us: the whole way from an accepted signal to the last settled execution, each intent on the disk first."""

    def __init__(self, url: str, keys: Sequence[Key], folder: Path) -> None:
        self._url = url
        self._keys = keys
        self._folder = folder
        self._stack = AsyncExitStack()
        self._clock = SystemClock()

    async def open(self) -> None:
        """The desk's database is there before it starts."""
        database = SqliteDatabase(self._folder / "bench.db")
        await database.start()
        self._stack.push_async_callback(database.close)
        self._store = SqlStore(database, EnvelopeVault(hashlib.sha256(b"bench").digest()))
        self._bot = await self._store.write(lambda tables: seed(tables, self._keys, self._clock.now()))

    async def warm_up(self) -> None:
        binance = BinanceFutures(self._clock, simulator_url=self._url, timeout_s=TIMEOUT_S, allow_live=False)
        self._stack.push_async_callback(binance.close)
        venues = {BINANCE_FUTURES: binance}
        self._desk = Desk(
            self._store,
            venues,
            self._clock,
            owner=this_program(),
            venue_timeout_s=TIMEOUT_S,
            ledger_check_every_s=3_600,
        )
        await self._stack.enter_async_context(_running(self._desk))

    async def prepare(self) -> None:
        """Nothing that is not measured."""

    async def fire(self) -> None:
        instruction = Instruction(
            ticker=SYMBOL,
            symbol=SYMBOL,
            action=Action.OPEN_LONG,
            key=secrets.token_hex(),
            key_ttl_s=60,
            payload={},
        )
        now = self._clock.now()
        accepted = await self._desk.intake.accept(self._bot.id, instruction, source=SourceKind.REST, received_at=now)
        while True:
            found = await self._store.read(lambda tables: tables.history.states_of_signal(accepted.signal_id))
            if sum(found.values()) >= len(self._keys) and FINAL.issuperset(found):
                return
            await self._clock.sleep(0.02)

    async def close(self) -> None:
        await self._stack.aclose()


@asynccontextmanager
async def _running(desk: Desk) -> AsyncIterator[None]:
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(desk.run())
        try:
            yield
        finally:
            running.cancel()


def _read_answer(one: socket.socket) -> None:
    """One HTTP answer with a Content-Length; raise where it is not a success."""
    head, _, rest = _receive(one).partition(b"\r\n\r\n")
    length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
    while len(rest) < length:
        rest += one.recv(65536)
    if not head.startswith(b"HTTP/1.1 200"):
        raise CopydeskError(f"the floor's order was refused: {rest[:200]!r}")


def _receive(one: socket.socket) -> bytes:
    told = b""
    while b"\r\n\r\n" not in told:
        part = one.recv(65536)
        if not part:
            raise CopydeskError("the exchange hung up on the floor")
        told += part
    return told
