"""`python -m strategy_process FOLDER POINT COUNTDOWN -- serve …`: the real hub on candles and a time out of FOLDER/script.json.

When the K-th commit of a decision is reached, the process kills itself: before it, or as soon as it has been told. The product has no
such hooks.
"""

import json
import os
import signal
import sys
import time
from datetime import datetime, timedelta
from pathlib import Path

from copydesk import cli
from copydesk.ports.clock import SystemClock
from copydesk.stores.store import SqlStore
from copydesk.stores.strategies import Strategies
from copydesk.wiring import hub, markets
from strategy_support import ScriptedMarket, candles_of

SCRIPT = "script.json"


class Script:
    """What the test has written: closes, how many of them are shown, and what time it is."""

    def __init__(self, folder):
        self._path = Path(folder) / SCRIPT

    def read(self):
        return json.loads(self._path.read_text())


class ScriptClock(SystemClock):
    """Creeps on from the moment that the script tells."""

    def __init__(self, script):
        super().__init__()
        self._script = script

    def now(self):
        told = self._script.read()
        return datetime.fromisoformat(told["now"]) + timedelta(seconds=(time.time() - told["written"]) / 100)


class ScriptMarket(ScriptedMarket):
    def __init__(self, script):
        self._script = script
        told = script.read()
        self.candles_made = candles_of(told["closes"], start_ms=told["start_ms"])
        self.symbols, self.missing, self.is_away, self.asked = None, set(), False, 0

    @property
    def shown(self):
        return self._script.read()["shown"]


def install(folder, point, countdown):
    script = Script(folder)
    market = ScriptMarket(script)
    hub.SystemClock = lambda: ScriptClock(script)
    markets.Markets.of = lambda *_: market
    left = [countdown]
    put_memory, write = Strategies.put_memory, SqlStore.write

    def noting(self, memory):
        self._connection.info["decided"] = True
        put_memory(self, memory)

    async def killing(self, work):
        decided = []

        def watched(tables):
            tables.strategies._connection.info.pop("decided", None)
            result = work(tables)
            if tables.strategies._connection.info.pop("decided", False):
                decided.append(True)
                left[0] -= 1
                if point == "before" and left[0] == 0:
                    os.kill(os.getpid(), signal.SIGKILL)
            return result

        result = await write(self, watched)
        if decided and point == "after" and left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    Strategies.put_memory, SqlStore.write = noting, killing


if __name__ == "__main__":
    folder, point, countdown, _, *verb = sys.argv[1:]
    install(folder, point, int(countdown))
    sys.argv = ["copydesk", *verb]
    cli.main()
