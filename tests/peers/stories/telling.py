"""What every story needs beside its client: the simulator's own doors, and a line of JSON about what was seen.

The clients themselves know nothing of this: it uses the standard library alone.
"""

import asyncio
import json
import sys
import urllib.request

KEY, SECRET = "peer", "peer-secret"
ORIGIN = sys.argv[1] if len(sys.argv) > 1 else ""
SOCKETS = ORIGIN.replace("http", "ws", 1)
PATIENCE_S = 20.0


def door(name, **wish):
    """One of ``/_sim/…``: prices, faults."""
    body = json.dumps(wish).encode()
    with urllib.request.urlopen(urllib.request.Request(f"{ORIGIN}/_sim/{name}", body), timeout=PATIENCE_S) as answer:
        return json.load(answer)


async def turn(name, **wish):
    return await asyncio.to_thread(lambda: door(name, **wish))


async def refusal(asking, read):
    """What ``read`` finds in the error; "nothing" when the venue agreed."""
    try:
        await asking
    except Exception as error:  # noqa: BLE001  # whatever this client raises is what is being looked at
        return read(error)
    return "nothing"


async def until(found, step):
    """Take steps until ``found`` says so; the answer of the last one."""
    async with asyncio.timeout(PATIENCE_S):
        while not found(seen := await step()):
            pass
        return seen


def play(story):
    """Run it, and say on one line what it saw."""
    sys.stdout.write(json.dumps(asyncio.run(story()), default=str) + "\n")
