"""The same seed and the same requests in virtual time: two processes answer the same bytes, by REST and by every stream."""

import asyncio
import contextlib
import os
import sys
from urllib.parse import urlencode

import aiohttp
from binance_simulator_support import Trader, Venue
from yarl import URL

HOUR = 3_600_000
SYMBOLS = ("BTCUSDT", "ETHUSDT")
MARKET = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.3"}
LIMIT = {
    "symbol": "BTCUSDT",
    "side": "BUY",
    "type": "LIMIT",
    "timeInForce": "GTC",
    "quantity": "0.01",
    "price": "94000",
}
STOP = {
    "algoType": "CONDITIONAL",
    "symbol": "BTCUSDT",
    "side": "SELL",
    "type": "STOP_MARKET",
    "quantity": "0.1",
    "triggerPrice": "94500",
    "reduceOnly": "true",
}
LEGS = {"aboveType": "LIMIT_MAKER", "abovePrice": "99000", "belowType": "STOP_LOSS", "belowStopPrice": "94200"}
PAIR = {"symbol": "BTCUSDT", "side": "SELL", "quantity": "0.4", **LEGS}
REPLACE = {**LIMIT, "cancelReplaceMode": "STOP_ON_FAILURE", "cancelOrigClientOrderId": "spot-1", "price": "93500"}
STREAMS = (
    "/public/stream?streams=btcusdt@depth@100ms/btcusdt@bookTicker/ethusdt@trade/!bookTicker/btcusdt@depth20",
    "/market/stream?streams=btcusdt@kline_1m/!ticker@arr/!markPrice@arr@1s/btcusdt@aggTrade/btcusdt@forceOrder",
    "/streams/spot/stream?streams=btcusdt@depth@100ms/btcusdt@trade/ethusdt@kline_1m/!miniTicker@arr/ethbtc@ticker",
    "/streams/spot/ws/btcusdt@bookTicker/btcusdc@avgPrice/btcusdt@depth5/ethusdt@aggTrade",
)


@contextlib.asynccontextmanager
async def process(seed, hash_seed):
    """One simulator of its own; ``hash_seed`` turns the order in which Python's sets are walked."""
    command = (
        sys.executable,
        "-m",
        "copydesk.simulators.binance",
        "--port",
        "0",
        "--virtual-time",
        "--seed",
        str(seed),
    )
    environment = {**os.environ, "PYTHONHASHSEED": str(hash_seed)}
    child = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE, env=environment)
    try:
        ready = await child.stdout.readline()
        async with aiohttp.ClientSession() as session:
            yield Venue(session, int(ready.rpartition(b":")[2]), virtual=True)
    finally:
        child.terminate()
        await child.wait()


class Day:
    """Writes down every answer and every frame, in the order in which its story asks for them."""

    def __init__(self, venue):
        self.venue = venue
        self.seen = []
        self.sockets = []

    async def ask(self, trader, method, path, **params):
        query = urlencode({**params, "timestamp": self.venue.now_ms()})
        target = f"{path}?{query}&signature={trader.sign(query)}"
        await self.get(method, target, headers={"X-MBX-APIKEY": trader.key})

    async def get(self, method, target, **options):
        url = URL(self.venue.base + target, encoded=True)
        try:
            async with self.venue.session.request(method, url, **options) as answer:
                told = {name: value for name, value in answer.headers.items() if name.startswith(("X-MBX", "Retry"))}
                self.seen.append((method, target, answer.status, told, await answer.read()))
        except aiohttp.ClientError as error:
            self.seen.append((method, target, type(error).__name__))

    async def listen(self, target, question):
        """``question`` has the id 99: all frames before its answer have come when it comes."""
        socket = await self.venue.session.ws_connect(self.venue.base + target)
        self.sockets.append((target, socket, question))
        await self.gather()

    async def gather(self):
        """All frames so far, from every socket; time goes on first, because clients may only say so much a second."""
        await self.venue.advance(1_000)
        for target, socket, question in self.sockets:
            await socket.send_json({**question, "id": 99})
            while (frame := await socket.receive()).type is aiohttp.WSMsgType.TEXT:
                self.seen.append((target, frame.data))
                if '"id":99' in frame.data:
                    break


def signed(day, trader, request_id, method, **params):
    params = {**params, "apiKey": trader.key, "timestamp": day.venue.now_ms()}
    signature = trader.sign(urlencode(sorted(params.items())))
    return {"id": request_id, "method": method, "params": {**params, "signature": signature}}


async def open_everything(day, trader):
    listed = {"method": "LIST_SUBSCRIPTIONS", "params": []}
    for target in STREAMS:
        await day.listen(target, listed)
    for path, address in (("/fapi/v1/listenKey", "/private/ws/"), ("/api/v3/userDataStream", "/streams/spot/ws/")):
        _, body = await trader.send("POST", path)
        day.seen.append((path, body["listenKey"]))
        await day.listen(address + body["listenKey"], listed)
    await day.listen("/ws-api/v3", {"method": "time"})
    await day.listen("/ws-fapi/v1", {"method": "session.status"})


async def trade(day, trader):
    """Orders of both surfaces: filled, resting, conditional, refused, replaced, changed, by HTTP and by socket."""
    for path, name in (("/fapi/v1/order", "futures"), ("/api/v3/order", "spot")):
        await day.ask(trader, "POST", path, **MARKET)
        await day.ask(trader, "POST", path, **LIMIT, newClientOrderId=f"{name}-1")
        await day.ask(trader, "POST", path, **{**LIMIT, "quantity": "0.0000001"})
    await day.ask(trader, "POST", "/fapi/v1/algoOrder", **STOP)
    await day.ask(trader, "PUT", "/fapi/v1/order", **{**LIMIT, "price": "93800"}, origClientOrderId="futures-1")
    await day.ask(trader, "POST", "/api/v3/orderList/oco", **PAIR)
    await day.ask(trader, "POST", "/api/v3/order/cancelReplace", **REPLACE)
    sockets = {target: socket for target, socket, _ in day.sockets}
    await sockets["/ws-fapi/v1"].send_json(signed(day, trader, 1, "order.place", **MARKET))
    await sockets["/ws-api/v3"].send_json(signed(day, trader, 2, "userDataStream.subscribe.signature"))
    await day.gather()


async def move(day):
    """Prices that fill, trigger and liquidate; a thin book; funding; a price that runs free again."""
    for price, hold in (("94100", True), ("93400", True), ("97000", False)):
        await day.venue.sim("POST", "price", {"symbol": "BTCUSDT", "price": price, "hold": hold})
        await day.gather()
    await day.venue.sim("POST", "liquidity", {"symbol": "BTCUSDT", "share": "0.002"})
    await day.venue.sim("POST", "funding", {"symbol": "BTCUSDT", "rate": "0.0005"})
    await day.gather()


async def break_things(day, trader):
    """Chance is of the seed too."""
    await day.venue.fault("unknown_executed", probability="0.5")
    await day.venue.fault("duplicate_event", probability="0.3")
    for _ in range(4):
        await day.ask(trader, "POST", "/fapi/v1/order", **{**MARKET, "quantity": "0.002"})
        await day.ask(trader, "POST", "/api/v3/order", **{**MARKET, "quantity": "0.002"})
    await day.gather()
    await day.venue.sim("DELETE", "faults")


async def read(day, trader):
    for symbol in SYMBOLS:
        for path in ("/fapi/v1/depth", "/fapi/v1/trades", "/fapi/v1/ticker/24hr", "/fapi/v1/premiumIndex"):
            await day.get("GET", f"{path}?symbol={symbol}")
        for path in ("depth", "trades", "ticker/24hr", "avgPrice", "klines"):
            await day.get("GET", f"/api/v3/{path}?symbol={symbol}{'&interval=1m' if path == 'klines' else ''}")
        for path in ("/fapi/v1/allOrders", "/fapi/v1/userTrades", "/api/v3/allOrders", "/api/v3/myTrades"):
            await day.ask(trader, "GET", path, symbol=symbol)
    for path in ("/fapi/v3/account", "/fapi/v1/income", "/api/v3/account", "/api/v3/allOrderList"):
        await day.ask(trader, "GET", path)
    for door in ("ledger", "health"):
        await day.get("GET", f"/_sim/{door}")


async def play(seed, hash_seed):
    async with process(seed, hash_seed) as venue:
        day = Day(venue)
        await venue.hold("BTCUSDT", "95200")
        trader = await venue.open_account("alice", spot={"USDT": "100000", "BTC": "1"})
        await venue.open_account("bold", balance="1000")
        await open_everything(day, trader)
        await day.ask(Trader(venue, "bold", "bold-secret"), "POST", "/fapi/v1/order", **{**MARKET, "quantity": "0.2"})
        for hours in (1, 7, 9):  # a connection lives for a day
            await trade(day, trader)
            await move(day)
            await break_things(day, trader)
            await read(day, trader)
            await venue.advance(hours * HOUR)
            await day.gather()
    return day.seen


async def test_two_processes_live_the_same_day_to_the_byte_and_a_third_with_another_seed_does_not():
    one, two, other = await asyncio.gather(play(5, hash_seed=1), play(5, hash_seed=2), play(6, hash_seed=1))

    differing = [pair for pair in zip(one, two, strict=False) if pair[0] != pair[1]]
    assert differing[:1] == []
    assert len(one) == len(two)
    assert one != other
    told = " ".join(frame[1] for frame in one if frame[0].startswith("/") and len(frame) == 2)
    for kind in (
        "ORDER_TRADE_UPDATE",
        "FUNDING_FEE",
        "forceOrder",
        "executionReport",
        "listStatus",
        "listenKeyExpired",
    ):
        assert kind in told, kind
