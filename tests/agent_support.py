"""Agents as strangers would write them, over a real socket of a hub in this process."""

import asyncio
import contextlib
import json
import secrets
import socket

import uvicorn
from websockets.asyncio.client import connect

from copydesk.domain.signing import sign_v1
from copydesk.ports.clock import SystemClock
from copydesk.web import sockets
from copydesk.web.sockets import Socket
from web_support import ACCOUNTS, EXECUTIONS, eventually


@contextlib.asynccontextmanager
async def served(running):
    """The hub's address; the app's lifespan is the fixture's affair."""
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(
        uvicorn.Config(
            running.app,
            lifespan="off",
            log_config=None,
            ws=Socket,
            ws_per_message_deflate=False,
            ws_max_size=sockets.MESSAGE_MAX,
        )
    )
    task = asyncio.get_running_loop().create_task(server.serve(sockets=[listening]))
    while not server.started:
        await SystemClock().sleep(0.01)
    try:
        yield f"ws://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        await task


class Agent:
    """Keeps every frame it is told."""

    def __init__(self, connection):
        self.connection = connection
        self.frames = []

    async def next(self, within_s=5.0):
        async with asyncio.timeout(within_s):
            told = json.loads(await self.connection.recv())
        self.frames.append(told)
        return told

    async def until(self, *events, within_s=5.0):
        """The next frame of one of these events; what comes before is kept in `frames`."""
        while (told := await self.next(within_s))["event"] not in events:
            pass
        return told

    async def say(self, action, **words):
        await self.connection.send(json.dumps({"action": action, **words}))

    async def done(self, command, status="filled", **words):
        told = {"volume": "0.10", "price": "1.0850", "ticket": 700, "retcode": 10009} | words
        await self.say("received", id=command["id"])
        await self.say("result", id=command["id"], status=status, **told)

    async def nothing(self, for_s=0.4):
        """Nothing is told for a while."""
        with contextlib.suppress(TimeoutError):
            told = await self.next(for_s)
            raise AssertionError(told)


@contextlib.asynccontextmanager
async def agent(base, token, name=None):
    query = f"?token={token}" + (f"&agent={name}" if name else "")
    async with connect(f"{base}/ws{query}") as connection:
        yield Agent(connection)


async def mt5_account(owner, **wish):
    body = {
        "name": "My terminal",
        "venue": "mt5",
        "environment": "demo",
        "login": secrets.randbelow(10**9) + 1,
        "server": "Broker-Demo",
    }
    answer = await owner.post(ACCOUNTS, json=body | wish)
    assert answer.status_code == 201, answer.text
    return answer.json()


class Pair:
    """A master with a bot, and a follower whose terminal follows it."""

    def __init__(self, desk, provider, bot, follower, account, subscription):
        self.desk, self.provider, self.bot = desk, provider, bot
        self.follower, self.account, self.subscription = follower, account, subscription

    async def send(self, path="/signal/broadcast", **words):
        body = json.dumps(words).encode()
        seconds, message_id = int(self.desk.hub.clock.now().timestamp()), f"msg_{secrets.token_hex(8)}"
        signature = sign_v1(self.bot["signing_secret"], message_id=message_id, seconds=seconds, body=body)
        headers = {"webhook-id": message_id, "webhook-timestamp": str(seconds), "webhook-signature": signature}
        answer = await self.provider.post(path, content=body, headers=headers)
        assert answer.status_code == 200, answer.text
        return answer.json()["signal_id"]

    async def open(self, ticket, kind="BUY", volume=0.1, **words):
        return await self.send(master_ticket=ticket, symbol="EURUSD", type=kind, volume=volume, price=1.085, **words)

    async def close(self, ticket, **words):
        return await self.send("/signal/close", master_ticket=ticket, **words)

    async def executions(self, signal_id, state=None):
        async def look():
            found = await self.follower.items(EXECUTIONS, signal_id=signal_id)
            return found if found and (state is None or all(one["state"] == state for one in found)) else None

        return await eventually(look)

    async def told(self, name, seq):
        """The book has told the follower's agent of this name so many commands."""

        async def look():
            agent_id = f"{self.follower.user.id}:follower:{name}"
            return (await self.desk.hub.agents.book.counts([agent_id])).get(agent_id, 0) >= seq

        return await eventually(look)


async def make_pair(desk):
    provider, follower = await desk.person("provider"), await desk.person()
    bot, _ = await desk.bot(provider, source="master", market_type="mt5")
    account = await mt5_account(follower)
    subscription = await desk.subscription(follower, bot, account)
    return Pair(desk, provider, bot, follower, account, subscription)


def login_of(account):
    """login and server, as a program beside the terminal says them."""
    login, _, server = account["key_hint"].partition(" on ")
    return {"login": int(login), "server": server}
