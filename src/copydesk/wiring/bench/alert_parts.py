"""What the parts of an alert's way cost, each alone, in this process and without a line between: where the hub's CPU goes."""

import asyncio
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, TypeVar

from copydesk.domain.bot import Bot
from copydesk.domain.signal import Instruction, SourceKind
from copydesk.engine.intake import Intake
from copydesk.ports.clock import SystemClock
from copydesk.sources.tradingview import open_alert, read_alert
from copydesk.stores.store import SqlStore

T = TypeVar("T")
R = TypeVar("R")

ROUNDS = 60
"""The cheapest counts: whatever else is at work on the machine only adds to the others."""


async def weigh_parts(
    store: SqlStore, bots: Sequence[Bot], write: Callable[[], bytes], at_once: int
) -> list[dict[str, Any]]:
    """`write` makes the body of an alert, each its own."""
    clock = SystemClock()
    now, intake = clock.now(), Intake(store, clock)
    opened, read, recorded = [], [], []
    for number in range(ROUNDS):
        bodies = [write() for _ in range(at_once)]
        alerts, took_s = _took(open_alert, bodies)
        opened.append(took_s)
        told, took_s = _took(lambda alert: read_alert(alert, now), alerts)
        read.append(took_s)
        places = [bots[(number * at_once + place) % len(bots)] for place in range(at_once)]
        recorded.append(await _record(intake, list(zip(places, told, strict=True)), now))
    parts = {
        "opened: its document and its secret": opened,
        "read: what it says, and what makes a repeat": read,
        f"recorded, {at_once} in a transaction (SQLite, FULL)": recorded,
    }
    return [
        {"part": name, "us_cpu_an_alert": round(min(took) / at_once * 1_000_000, 1)} for name, took in parts.items()
    ]


def _took(work: Callable[[T], R], entries: Sequence[T]) -> tuple[list[R], float]:
    began_s = time.process_time()
    return [work(one) for one in entries], time.process_time() - began_s


async def _record(intake: Intake, told: Sequence[tuple[Bot, Sequence[Instruction]]], now: datetime) -> float:
    """Seconds of CPU, the writer's among them."""
    began_s = time.process_time()
    async with asyncio.TaskGroup() as tasks:
        for bot, instructions in told:
            tasks.create_task(intake.accept_all(bot.id, instructions, source=SourceKind.TRADINGVIEW, received_at=now))
    return time.process_time() - began_s
