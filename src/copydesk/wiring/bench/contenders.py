"""Three ways to put one order on each of many accounts: plain ccxt, bare signed sockets, and the desk itself."""

import asyncio
import hashlib
import hmac
import secrets
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import ccxt.async_support

from copydesk.domain.bot import Bot, BotStatus, MarketType, OnOpposite, PayloadSize
from copydesk.domain.errors import CopydeskError
from copydesk.domain.execution import FINAL
from copydesk.domain.ids import AccountId, BotId, SubscriptionId, UserId, new_id
from copydesk.domain.signal import Action, Instruction, SourceKind
from copydesk.domain.subscription import (
    Account,
    CopyOptions,
    Environment,
    KeyCheck,
    MarginMode,
    PositionMode,
    Subscription,
    SubscriptionStatus,
)
from copydesk.domain.user import Role, new_user
from copydesk.domain.venue import BINANCE_FUTURES
from copydesk.engine.desk import Desk
from copydesk.ports.clock import SystemClock
from copydesk.ports.store import Preparation
from copydesk.stores.sqlite import SqliteDatabase
from copydesk.stores.store import SqlStore, Tables
from copydesk.stores.vault import EnvelopeVault
from copydesk.venues.binance import BinanceFutures
from copydesk.wiring.owner import this_program

SYMBOL = "BTCUSDT"
QUANTITY = "0.002"
SOCKETS = 64
TIMEOUT_S = 60.0

Key = tuple[str, str]
"""api_key, api_secret."""


class PlainCcxt:
    """What a script writer does: one ccxt instance an account, markets shared, its limiter off, all at once."""

    def __init__(self, url: str, keys: Sequence[Key]) -> None:
        self._url = url
        self._keys = keys
        self._clients: list[Any] = []
        self._http: aiohttp.ClientSession | None = None

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

    async def warm_up(self) -> None:
        self._sockets = [socket.create_connection(self._address) for _ in range(min(SOCKETS, len(self._keys)))]
        for one in self._sockets:
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

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

    async def warm_up(self) -> None:
        database = SqliteDatabase(self._folder / "bench.db")
        await database.start()
        self._stack.push_async_callback(database.close)
        self._store = SqlStore(database, EnvelopeVault(hashlib.sha256(b"bench").digest()))
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
        self._bot = await self._store.write(self._seed)
        await self._stack.enter_async_context(_running(self._desk))
        await self.fire()

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

    def _seed(self, tables: Tables) -> Bot:
        now = self._clock.now()
        owner = new_user("bench", Role.ADMIN, at=now)
        bot = _bot(owner.id, now)
        tables.users.add(owner, "none")
        tables.bots.add(bot, "none")
        for key, secret in self._keys:
            account = _account(owner.id, now)
            tables.accounts.add(account, {"api_key": key, "api_secret": secret})
            tables.subscriptions.add(_subscription(owner.id, bot.id, account.id, now))
            made = Preparation(leverage=1, margin_mode=MarginMode.ISOLATED, position_mode=PositionMode.ONE_WAY)
            tables.followers.save_preparation(account.id, SYMBOL, made, now)
        return bot


@asynccontextmanager
async def _running(desk: Desk) -> AsyncIterator[None]:
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(desk.run())
        try:
            yield
        finally:
            running.cancel()


def _bot(owner_id: UserId, now: datetime) -> Bot:
    return Bot(
        id=BotId(new_id(now)),
        owner_id=owner_id,
        name="bench",
        description="",
        market_type=MarketType.FUTURES,
        source=SourceKind.REST,
        master_webhook_path="bench",
        default_leverage=1,
        default_margin_usd=Decimal(200),
        default_stop_loss_pct=Decimal(0),
        default_take_profit_pct=Decimal(0),
        on_opposite=OnOpposite.CLOSE,
        payload_size=PayloadSize.IGNORE,
        open_freshness_s=300,
        signature_v0=False,
        status=BotStatus.ACTIVE,
        created_at=now,
        updated_at=now,
    )


def _account(owner_id: UserId, now: datetime) -> Account:
    return Account(
        id=AccountId(new_id(now)),
        owner_id=owner_id,
        name="bench",
        venue=BINANCE_FUTURES,
        environment=Environment.SIMULATOR,
        is_active=True,
        key_hint="",
        key_check=KeyCheck.ACCEPTED,
        key_problem=None,
        created_at=now,
        updated_at=now,
    )


def _subscription(owner_id: UserId, bot_id: BotId, account_id: AccountId, now: datetime) -> Subscription:
    return Subscription(
        id=SubscriptionId(new_id(now)),
        owner_id=owner_id,
        bot_id=bot_id,
        account_id=account_id,
        status=SubscriptionStatus.ACTIVE,
        custom_leverage=None,
        custom_margin_usd=None,
        custom_stop_loss_pct=None,
        custom_take_profit_pct=None,
        max_daily_loss_usd=None,
        max_concurrent_positions=None,
        copy=CopyOptions(),
        created_at=now,
        updated_at=now,
    )


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
