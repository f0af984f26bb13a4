"""Virtual time: one heap of events for the venue, the database and every program that runs, is stopped, or is killed.

Nothing here waits. The programs' coroutines run on an event loop of their own (`Program`), which takes its turns from the same heap;
a killed program's turns are dropped, a stopped one's are kept until it goes on.
"""

import asyncio
import hashlib
import heapq
import itertools
from asyncio import events
from collections import Counter
from datetime import UTC, datetime, timedelta
from random import Random

from copydesk.ports.clock import SystemClock

ASK_EVERY_S = 0.25

EPOCH = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)


class World:
    """Time in seconds; `trace` tells what happened, and its digest is equal for equal seeds."""

    def __init__(self, seed, *, keeps_trace=False):
        self.random = Random(seed)
        self.now_s = 0.0
        self.machine_step_s = 0.0
        self.faults = Counter()
        self.unexpected = []
        self.trace = [] if keeps_trace else None
        self._digest = hashlib.sha256()
        self._heap = []
        self._numbers = itertools.count()

    @property
    def now(self):
        """By a clock that nobody steps: the venue's."""
        return EPOCH + timedelta(seconds=self.now_s)

    @property
    def digest(self):
        return self._digest.hexdigest()

    def tell(self, what, *details):
        line = f"{self.now_s:.6f} {what} {' '.join(map(str, details))}"
        self._digest.update(line.encode())
        if self.trace is not None:
            self.trace.append(line)

    def after(self, seconds, call, *given, program=None):
        """Of a `program`, it is its own turn: it happens only while the program runs."""
        event = (self.now_s + max(seconds, 0.0), next(self._numbers), call, given, program)
        heapq.heappush(self._heap, event)

    def run(self, until, most_s):
        """Until `until()` or so many seconds of virtual time have passed; whether it came to that."""
        end_s, asked_s = self.now_s + most_s, self.now_s
        while self._heap and self._heap[0][0] <= end_s:
            at_s, _, call, given, program = heapq.heappop(self._heap)
            self.now_s = max(self.now_s, at_s)
            if program is None:
                call(*given)
            elif program.is_stopped:
                program.kept.append((call, given))
            elif not program.is_dead:
                call(*given)
            if self.now_s - asked_s >= ASK_EVERY_S:
                asked_s = self.now_s
                if until():
                    return True
        self.now_s = end_s
        return False


class _Task(asyncio.Task):
    """Counted, so that a set of tasks has one order in every process."""

    _counted = itertools.count()

    def __init__(self, coroutine, *, loop, **more):
        self._number = next(_Task._counted)
        super().__init__(coroutine, loop=loop, **more)
        self._log_destroy_pending = False

    def __hash__(self):
        return self._number

    __eq__ = object.__eq__


class Program(asyncio.AbstractEventLoop):
    """A process that runs coroutines; `kill` ends it between two of its turns, `stop` is SIGSTOP."""

    def __init__(self, world, name):
        self.world = world
        self.name = name
        self.is_dead = False
        self.is_stopped = False
        self.kept = []

    def kill(self):
        self.is_dead = True
        self.is_stopped = False
        self.kept = []

    def stop(self):
        self.is_stopped = True

    def go_on(self):
        self.is_stopped = False
        kept, self.kept = self.kept, []
        for call, given in kept:
            self.world.after(0, call, *given, program=self)

    def enter(self, call, *given):
        """Run something as one of this program's turns."""
        before = events._get_running_loop()
        events._set_running_loop(self)
        try:
            return call(*given)
        finally:
            events._set_running_loop(before)

    def time(self):
        return self.world.now_s

    def call_soon(self, callback, *args, context=None):
        handle = asyncio.Handle(callback, args, self, context)
        self.world.after(0, self._turn, handle, program=self)
        return handle

    call_soon_threadsafe = call_soon

    def call_later(self, delay, callback, *args, context=None):
        return self.call_at(self.time() + delay, callback, *args, context=context)

    def call_at(self, when, callback, *args, context=None):
        handle = asyncio.TimerHandle(when, callback, args, self, context)
        self.world.after(when - self.time(), self._turn, handle, program=self)
        return handle

    def _turn(self, handle):
        if not handle._cancelled:
            self.enter(handle._run)

    def _timer_handle_cancelled(self, handle):
        """Its turn comes and does nothing."""

    def create_future(self):
        return asyncio.Future(loop=self)

    def create_task(self, coro, *, name=None, context=None):
        return _Task(coro, loop=self, context=context)

    def call_exception_handler(self, context):
        if not self.is_dead:
            self.world.unexpected.append(f"{context.get('message')}: {context.get('exception')!r}")

    def get_debug(self):
        return False

    def is_running(self):
        return True

    def is_closed(self):
        return False


class VirtualClock(SystemClock):
    """The production clock over the world's time, which a test may step."""

    def __init__(self, world):
        self._world = world
        super().__init__()

    def elapsed(self):
        return self._world.now_s

    async def sleep(self, seconds):
        loop = asyncio.get_running_loop()
        future = loop.create_future()
        timer = loop.call_later(seconds, _wake, future)
        try:
            await future
        finally:
            timer.cancel()

    def _machine_s(self):
        return self._world.now.timestamp() + self._world.machine_step_s


def _wake(future):
    if not future.done():
        future.set_result(None)
