"""A simulated broker in a thread, and the gateway's child with the stand-in on its path."""

import asyncio
import contextlib
import http.client
import json
import random
import sys
import threading

from copydesk.ports.clock import SystemClock
from copydesk.simulators.metatrader5 import STANDIN_FOLDER, Hand, serve
from copydesk.terminal.attachment import Attachment, Wanted
from copydesk.terminal.gateway import Gateway
from copydesk.terminal.journal import Journal
from copydesk.terminal.watch import Watch

MASTER = r"C:\Program Files\MetaTrader 5\terminal64.exe"
NETTING = r"C:\Program Files\MetaTrader 5 Netting\terminal64.exe"
FOLLOWER = r"C:\Program Files\MetaTrader 5 Follower\terminal64.exe"
SERVER = "Copydesk-Demo"


class Broker:
    def __init__(self, port):
        self.port = port
        self.url = f"http://127.0.0.1:{port}"

    def ask(self, method, path, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        with contextlib.closing(connection):
            connection.request(method, path, None if body is None else json.dumps(body))
            answer = connection.getresponse()
            text = answer.read()
            assert answer.status < 300, text
            return json.loads(text)

    def tell(self, door, **body):
        return self.ask("POST", f"/_sim/{door}", body)

    def fault(self, kind, **more):
        return self.tell("faults", kind=kind, **more)

    def heal(self):
        return self.ask("DELETE", "/_sim/faults")

    def hand(self, login=1001):
        return Hand(self.url, login)


@contextlib.contextmanager
def running_broker(**options):
    ready, found = threading.Event(), {}

    async def main():
        found["loop"], found["task"] = asyncio.get_running_loop(), asyncio.current_task()

        def announce(port):
            found["port"] = port
            ready.set()

        with contextlib.suppress(asyncio.CancelledError):
            await serve(port=0, on_ready=announce, **options)

    thread = threading.Thread(target=lambda: asyncio.run(main()), daemon=True)
    thread.start()
    assert ready.wait(10)
    try:
        yield Broker(found["port"])
    finally:
        found["loop"].call_soon_threadsafe(found["task"].cancel)
        thread.join(10)


def child_of(broker, *, path=str(STANDIN_FOLDER)):
    """The command line of a gateway whose package talks to this broker."""
    start = (
        "import os, sys; "
        f"os.environ['METATRADER5_SIMULATOR_URL'] = {broker.url!r}; "
        f"sys.path.insert(0, {path!r}); "
        "from copydesk.terminal.package import main; main()"
    )
    return [sys.executable, "-c", start]


class Watched:
    """A watch over a real gateway and a simulated broker, whose cycles a test plays one by one."""

    def __init__(self, broker, gateway, journal, wanted):
        self.broker, self.gateway, self.journal = broker, gateway, journal
        self.told = []
        clock, chance = SystemClock(), random.Random(1)

        def tell(line, *, level="info"):
            self.told.append((level, line))

        self.attachment = Attachment(gateway, wanted, clock=clock, chance=chance, tell=tell)
        self.watch = Watch(
            gateway,
            self.attachment,
            journal,
            clock=clock,
            tell=tell,
            on_recorded=lambda: None,
            every_s=0.05,
        )

    async def look(self, times=1):
        for _ in range(times):
            await self.watch.cycle()

    async def until(self, holds, most=200):
        for _ in range(most):
            await self.watch.cycle()
            if holds():
                return
            await asyncio.sleep(0.02)
        raise AssertionError(self.kinds(), self.told)

    def events(self):
        return [one.event for one in self.journal.entries()]

    def kinds(self):
        return [str(one.kind) for one in self.events()]

    async def do(self, trade, *values, **named):
        login = self.attachment.wanted.login
        return (await asyncio.to_thread(getattr(self.broker.hand(login), trade), *values, **named))["order"]


@contextlib.asynccontextmanager
async def watched(broker, folder, *, login=1001, path=MASTER, server=None):
    journal = Journal(folder / "journal.db")
    async with Gateway(child_of(broker), read_s=2) as gateway:
        yield Watched(broker, gateway, journal, Wanted(login=login, path=path, server=server))
    journal.close()
