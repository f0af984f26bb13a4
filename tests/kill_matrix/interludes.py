"""Between the kills: a hub is stopped with orders under way and woken after another has taken over; the breaker is pulled."""

import asyncio
import signal
import time

from copydesk.wiring.children import free_port
from kill_matrix.points import BREAKER, STOPPED
from kill_matrix.watch import is_locked, unsettled

STANDBY_S = 45.0
"""Three times what a lease lasts."""

STOPS_WITHIN_S = 4.0
SETTLES_WITHIN_S = 4.0
AWAKE_S = 2.0
LOOK_EVERY_S = 0.05


async def stop_and_wake(rounds, town, planned):
    """SIGSTOP right after an intent was committed. Whoever wakes up then must send and write nothing any more."""
    wire, address = await town.new_wire()
    first = await town.start_hub("intent_after_commit", planned.countdown, ending="STOP", exchange_url=address)
    await town.must_serve(first)
    alerts = asyncio.ensure_future(rounds.alerts(first, planned))
    await _stop(town, first)
    stopped_s = time.monotonic()
    second = await town.start_hub(port=free_port(0))
    is_replaced = await town.serve(second, within_s=STANDBY_S)
    if is_replaced:
        rounds.replaced_s.append(time.monotonic() - stopped_s)
        await rounds.alerts(second, planned)
        await _settles(town)
    else:
        rounds.problems.append(
            f"nobody took over from a hub that was stopped {STANDBY_S:.0f} s before: see {second.log}"
        )
    sent = len(wire.changes)
    first.tell(signal.SIGCONT)
    await asyncio.sleep(AWAKE_S)
    if is_replaced:
        town.woken.append(wire.changes[sent:])
    await alerts
    for hub in (first, second):
        await hub.end()
    second.serving_s = None  # it stood by for as long as the lease of the stopped one ran
    return second


async def _stop(town, hub):
    """It stops itself at its point; where it does not come there, at any instant.

    Not in a transaction on a file, which nobody could take over: its lock ends with the process only.
    """
    for _ in range(round(STOPS_WITHIN_S / LOOK_EVERY_S)):
        if hub.is_stopped:
            break
        await asyncio.sleep(LOOK_EVERY_S)
    while await _holds_on(town, hub):
        hub.tell(signal.SIGCONT)
        await asyncio.sleep(LOOK_EVERY_S)


async def _holds_on(town, hub):
    """Whether it holds the lock once all of its threads have stopped, which takes them a moment."""
    hub.tell(signal.SIGSTOP)
    await asyncio.sleep(LOOK_EVERY_S)
    return await is_locked(town)


async def _settles(town):
    for _ in range(round(SETTLES_WITHIN_S / LOOK_EVERY_S)):
        if not await unsettled(town):
            return
        await asyncio.sleep(LOOK_EVERY_S)


async def pull_the_breaker(rounds, town, planned):
    """While alerts come in as fast as they can; and more behind it."""
    hub = await town.start_hub()
    await town.must_serve(hub)
    await town.send_again(hub)
    flood, *later = planned.volleys
    fanning_out = asyncio.ensure_future(town.volley(hub, flood, planned.point))
    await asyncio.sleep(flood.pause_s)
    await town.pull_breaker(hub, "stop_opens")
    await fanning_out
    for volley in (*later, flood):
        await town.volley(hub, volley, planned.point)
        await asyncio.sleep(volley.pause_s)
    await asyncio.sleep(1.5)
    await town.pull_breaker(hub, "release")
    await hub.end()
    return hub


INTERLUDES = {STOPPED: stop_and_wake, BREAKER: pull_the_breaker}
