"""A Deriv venue under test, and a client that speaks its JSON by hand."""

import asyncio
import contextlib
from decimal import Decimal

import aiohttp
import msgspec

from copydesk.simulators.deriv import serve

PATIENCE_S = 10
CALL_5T = {
    "contract_type": "CALL",
    "currency": "USD",
    "symbol": "1HZ100V",
    "amount": 1,
    "basis": "stake",
    "duration": 5,
    "duration_unit": "t",
}


class Socket:
    """One connection; what comes unasked waits in ``heard``."""

    def __init__(self, ws):
        self.ws = ws
        self.heard = []
        self._req_id = 0

    async def ask(self, **request):
        """The answer to this request, which is the first message with its req_id."""
        if "req_id" not in request:
            self._req_id += 1
            request["req_id"] = self._req_id
        await self.ws.send_json(request)
        return await self.next(lambda message: message.get("req_id") == request["req_id"])

    async def tell(self, text):
        await self.ws.send_str(text)
        return await self.read()

    async def read(self):
        message = await asyncio.wait_for(self.ws.receive(), PATIENCE_S)
        assert message.type is aiohttp.WSMsgType.TEXT, message
        return msgspec.json.decode(message.data)

    async def next(self, wanted):
        """The first message that is, or has the type of, what is wanted."""
        fits = wanted if callable(wanted) else lambda message: message["msg_type"] == wanted
        for message in self.heard:
            if fits(message):
                self.heard.remove(message)
                return message
        while not fits(message := await self.read()):
            self.heard.append(message)
        return message

    async def error(self, **request):
        return (await self.ask(**request))["error"]

    async def settled(self):
        """Everything said so far has been read into ``heard``."""
        await self.ask(ping=1)
        return self.heard

    async def is_closed(self):
        while True:
            message = await asyncio.wait_for(self.ws.receive(), PATIENCE_S)
            if message.type is not aiohttp.WSMsgType.TEXT:
                return message.type in {aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.ERROR}


class DerivVenue:
    def __init__(self, session, port, stack):
        self.session = session
        self.port = port
        self._stack = stack

    async def door(self, method, name, wish=None):
        async with self.session.request(method, f"http://127.0.0.1:{self.port}/_sim/{name}", json=wish) as answer:
            return answer.status, msgspec.json.decode(await answer.read())

    async def post(self, name, **wish):
        status, content = await self.door("POST", name, wish)
        assert status == 200, content
        return content

    async def pass_time(self, seconds):
        return await self.post("time", advance_ms=int(seconds * 1_000))

    async def hold(self, price, symbol="1HZ100V"):
        return await self.post("price", symbol=symbol, price=price, hold=True)

    async def ledger(self):
        return (await self.door("GET", "ledger"))[1]

    async def connect(self, token=None, query="app_id=1089&l=EN&brand=", path="/websockets/v3"):
        address = f"ws://127.0.0.1:{self.port}{path}?{query}"
        socket = Socket(await self._stack.enter_async_context(self.session.ws_connect(address)))
        if token is not None:
            await socket.ask(authorize=token)
        return socket

    async def trader(self, token="alice-token", balance="1000", **wish):
        await self.post("accounts", token=token, balance=balance, **wish)
        return await self.connect(token)


@contextlib.asynccontextmanager
async def running_deriv(**options):
    loop = asyncio.get_running_loop()
    ready = loop.create_future()
    task = loop.create_task(serve(port=0, on_ready=ready.set_result, **options))
    try:
        await asyncio.wait({ready, task}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            await task
        async with aiohttp.ClientSession() as session, contextlib.AsyncExitStack() as stack:
            yield DerivVenue(session, ready.result(), stack)
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def money(value):
    return Decimal(str(value))
