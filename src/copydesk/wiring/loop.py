"""The event loop that the desk runs on."""

import asyncio
import gc
import sys
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

COLLECTED_EVERY = (20_000, 20, 50)
"""Objects, then rounds of that, then rounds of those. Python's own 700, 10 and 10 stop a fan-out to a thousand followers for 0.1 s and more
each time: looking through everything an order desk knows finds next to nothing.
"""


def run(work: Coroutine[Any, Any, T]) -> T:
    """To its end, on uvloop where there is one."""
    gc.set_threshold(*COLLECTED_EVERY)
    if sys.platform == "win32":
        return asyncio.run(work)
    import uvloop  # noqa: PLC0415  it is not there on Windows

    return uvloop.run(work)
