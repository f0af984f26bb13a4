"""The live API for tests: bots that tell what a test wants, and sockets that keep what they are told."""

import asyncio
import contextlib
from datetime import timedelta
from decimal import Decimal

import socketio

from copydesk.domain.bot import MarketType
from copydesk.domain.errors import FieldError, InvalidInput
from copydesk.domain.signal import SourceKind
from copydesk.ports.clock import SystemClock
from copydesk.ports.live import BotCommand, BotEvent, RunStatus
from store_support import fresh_id, make_bot

STATUS = {
    BotCommand.START: RunStatus.RUNNING,
    BotCommand.PAUSE: RunStatus.PAUSED,
    BotCommand.STOP: RunStatus.STOPPED,
}


class FakeStrategyBots:
    """The port, with a memory for one of each kind of event; a setting below zero is refused."""

    def __init__(self):
        self.listeners = []
        self.owners = {}
        self.newest = {}
        self.settings = {}
        self.reading = asyncio.Event()
        self.slow_picture = None

    def tell(self, bot_id, name, **data):
        event = BotEvent(bot_id=bot_id, owner_id=self.owners.get(bot_id, "nobody"), name=name, data=data)
        self.newest.setdefault(bot_id, {})[name] = event
        for hear in self.listeners:
            hear(event)

    async def command(self, bot_id, command):
        status = STATUS[command]
        self.tell(bot_id, "bot_status", status=status, message=f"by {command}")
        self.tell(bot_id, "system_alert", level="info", message=f"Bot {command}")
        return status

    async def change_settings(self, bot_id, changes):
        for name, value in changes.items():
            if not isinstance(value, bool) and value < 0:
                problem = f"{value} is below zero"
                raise InvalidInput(f"{name}: {problem}", (FieldError(name, problem),))
        self.settings.setdefault(bot_id, {}).update(changes)
        self.tell(bot_id, "settings_updated", success=True)
        self.tell(bot_id, "system_alert", level="success", message="Settings updated")
        return dict(self.settings[bot_id])

    async def balance(self, bot_id):
        return Decimal(1_000)

    async def picture(self, bot_id):
        found = list(self.newest.get(bot_id, {}).values())
        self.reading.set()
        if self.slow_picture is not None:
            await self.slow_picture.wait()
        return found


async def strategy_bot(running, owner, **wish):
    """A bot of source `strategy`, as wiring's runner would find it."""
    bot = make_bot(
        owner_id=owner.user.id, source=SourceKind.STRATEGY, market_type=MarketType.OPTIONS, name="Streak", **wish
    )
    await running.hub.store.write(lambda tables: tables.bots.add(bot, fresh_id()))
    running.hub.strategies.owners[bot.id] = bot.owner_id
    return bot


def token_for(running, person, left):
    """A token that is valid for so long."""
    tokens, now = running.hub.tokens, running.hub.clock.now()
    whole = tokens.read_whole(tokens.access(person.user, now), now)[1] - now
    return tokens.access(person.user, now - whole + timedelta(seconds=left))


class Listener:
    """One socket of the official Python client; `told` keeps every event in its order."""

    def __init__(self):
        self.client = socketio.AsyncClient(reconnection=False)
        self.told = []
        self.refusal = None
        self._arrived = asyncio.Condition()
        self._read = 0
        self.ended = asyncio.Event()
        self.client.on("*", self._hear)
        self.client.on("disconnect", self._end)
        self.client.on("connect_error", self._refuse)

    async def _hear(self, name, data):
        async with self._arrived:
            self.told.append((name, data))
            self._arrived.notify_all()

    async def _end(self, _reason):
        self.ended.set()

    async def _refuse(self, why):
        self.refusal = why["message"] if isinstance(why, dict) else why

    async def until(self, name, within_s=5.0):
        """The data of the next event of that name, after those read before."""
        async with asyncio.timeout(within_s), self._arrived:
            while True:
                for place in range(self._read, len(self.told)):
                    if self.told[place][0] == name:
                        self._read = place + 1
                        return self.told[place][1]
                await self._arrived.wait()

    async def call(self, command, data=None):
        return await self.client.call(command, data, timeout=5)

    def names(self):
        return [name for name, _ in self.told]

    async def nothing(self, for_s=0.6):
        before = len(self.told)
        await SystemClock().sleep(for_s)
        assert self.told[before:] == []


def sockets_of(running):
    """Those that the hub knows."""
    [door] = [route.app for route in running.app.router.routes if getattr(route, "path", "") == "/socket.io"]
    return door._server.eio.sockets


@contextlib.asynccontextmanager
async def listening(base, token, transports=("websocket",), **how):
    """A socket that was let in."""
    one = Listener()
    await one.client.connect(base, auth={"token": token}, transports=list(transports), wait_timeout=5, **how)
    try:
        await one.until("connection_ack")
        yield one
    finally:
        await one.client.disconnect()


class Gate:
    """Stands before a hub: holds what is sent without a word, or cuts every connection."""

    def __init__(self, port):
        self._port = port
        self._open = asyncio.Event()
        self._open.set()
        self._writers = []

    async def through(self, reader, writer):
        to_hub = await asyncio.open_connection("127.0.0.1", self._port)
        self._writers += [writer, to_hub[1]]
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._carry(reader, to_hub[1]))
            tasks.create_task(self._carry(to_hub[0], writer))

    async def _carry(self, reader, writer):
        with contextlib.suppress(OSError):
            while data := await reader.read(65_536):
                await self._open.wait()
                writer.write(data)
        writer.close()

    def hold(self):
        self._open.clear()

    def let_go(self):
        self._open.set()

    def cut(self):
        for writer in self._writers:
            writer.close()
        self._writers.clear()


@contextlib.asynccontextmanager
async def gated(base):
    """(gate, address) in front of a hub."""
    gate = Gate(int(base.rpartition(":")[2]))
    server = await asyncio.start_server(gate.through, "127.0.0.1", 0)
    try:
        yield gate, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        gate.let_go()
        gate.cut()
        server.close()
