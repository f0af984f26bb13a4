"""The worker's side of a window: it gets its access from standard input, and tells how it is on standard output.

Two pipes between parent and child, JSON lines on them: there is no port that somebody else could ask, no file that outlives
both, and either side sees at once that the other is gone. What is told never waits: a window that hangs must not stop an order.
"""

import os
import signal
import sys
import threading
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime
from pathlib import Path

import msgspec
from msgspec import Struct

from copydesk.domain.errors import FieldError, InvalidInput
from copydesk.ports.beside import Access, Insight, Line
from copydesk.ports.clock import Clock, SystemClock

TELL_EVERY_S = 0.5
LINES_WAITING_MAX = 200
STDIN, STDOUT = 0, 1


class Word(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line of the pipe: how it is, a line for people, where the log is, or why it ends by its own decision."""

    insight: Insight | None = None
    line: Line | None = None
    log: str | None = None
    end: str | None = None


def read_access() -> Access:
    """The first line of standard input; what follows is nothing but its end. Raise InvalidInput."""
    try:
        return msgspec.json.decode(sys.stdin.buffer.readline(), type=Access)
    except msgspec.DecodeError as error:
        problem = "standard input must begin with the window's line of JSON"
        raise InvalidInput(problem, (FieldError("stdin", problem),)) from error


class Voice:
    """Tells the window. A thread of its own writes: of how it is only the newest word waits, of lines the latest few."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._some = threading.Condition()
        self._lines: deque[Word] = deque(maxlen=LINES_WAITING_MAX)
        self._insight: Word | None = None
        self._over = False
        self._writer = threading.Thread(target=self._write, name="voice", daemon=True)

    def begin(self) -> None:
        """From now on the program also ends, in order, when the window is gone."""
        self._writer.start()
        threading.Thread(target=_leave_with_window, name="window", daemon=True).start()

    def log_file(self, path: Path) -> None:
        self._say(Word(log=str(path)))

    def line(self, at: datetime, line: str, level: str) -> None:
        self._say(Word(line=Line(at=at, text=line, level=level)))

    def end(self, why: str) -> None:
        """Only a person can help: the window does not start it again."""
        self._say(Word(end=why))

    def close(self) -> None:
        """What waits is written, if the window takes it."""
        with self._some:
            self._over = True
            self._some.notify()
        self._writer.join(timeout=TELL_EVERY_S)

    async def show(self, see: Callable[[], Awaitable[Insight]]) -> None:
        """Until cancelled."""
        while True:
            word = Word(insight=await see())
            with self._some:
                self._insight = word
                self._some.notify()
            await self._clock.sleep(TELL_EVERY_S)

    def _say(self, word: Word) -> None:
        with self._some:
            self._lines.append(word)
            self._some.notify()

    def _write(self) -> None:
        """Until the end, or until nobody reads. Not by sys.stdout: Python, when it ends, would wait for what holds that."""
        with suppress(OSError):
            while words := self._next():
                told = memoryview(b"".join(msgspec.json.encode(word) + b"\n" for word in words))
                while told:
                    told = told[os.write(STDOUT, told) :]

    def _next(self) -> list[Word]:
        with self._some:
            self._some.wait_for(lambda: self._over or self._lines or self._insight)
            words = [*self._lines, *([] if self._insight is None else [self._insight])]
            self._lines.clear()
            self._insight = None
            return words


def _leave_with_window() -> None:
    """As Ctrl-C ends it: by the handler that stops in order."""
    with suppress(OSError):
        while os.read(STDIN, 1):
            pass
    signal.raise_signal(signal.SIGINT)


def open_voice() -> Voice:
    """By this machine's own clock."""
    voice = Voice(SystemClock())
    voice.begin()
    return voice
