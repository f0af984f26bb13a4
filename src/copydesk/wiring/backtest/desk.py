"""The hub's desk of backtests: one at a time, each in a process of its own, the others wait in a bounded queue."""

import asyncio
import os
import signal
import sys
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
import structlog
from msgspec import Struct
from msgspec.structs import replace

from copydesk.domain.bot import Bot
from copydesk.domain.errors import Conflict, IllegalMove
from copydesk.domain.subscription import Account
from copydesk.ports.clock import Clock
from copydesk.settings import Settings
from copydesk.web.backtesting import MOVES, Backtest, BacktestState
from copydesk.web.limits import TooMany
from copydesk.wiring.backtest.job import Job, Told
from copydesk.wiring.backtest.keeping import Shelf
from copydesk.wiring.strategies import OURS
from copydesk.wiring.supervisor import own_command

log = structlog.get_logger()

FOLDER = "backtests"

QUEUE_MAX = 8
KEPT_EACH = 10
"""Of one user; a page has 1.2 MB and more, since the chart library is in it."""

KEPT_MAX = 100
TIME_S_MAX = 300.0
ANSWER_BYTES_MAX = 4 * 1024 * 1024
LAST_WORDS = 1
WORDS_MAX = 500
CHUNK = 64 * 1024

_SETTINGS = {"data_dir", "database_url", "simulator", "deriv", "venue_timeout_s"}
"""What the process needs to find candles; of the master key it is told nothing."""


class _Wish(Struct, frozen=True, kw_only=True):
    backtest: Backtest
    bot: Bot
    account: Account


class BacktestDesk:
    """Fills web/backtesting.py's Backtests. `run` plays them, one after the other, until it is cancelled."""

    def __init__(self, settings: Settings, strategies: Path, clock: Clock, *, time_s_max: float = TIME_S_MAX) -> None:
        self._settings, self._strategies, self._clock = settings, strategies, clock
        self._time_s_max = time_s_max
        self._shelf = Shelf(settings.data_dir / FOLDER)
        self._known: dict[str, Backtest] = {}
        self._waiting: deque[_Wish] = deque()
        self._something = asyncio.Event()
        self._process: tuple[str, asyncio.subprocess.Process] | None = None

    async def load(self) -> None:
        """What earlier hubs have kept."""
        self._known = {one.id: one for one in await asyncio.to_thread(self._shelf.known)}

    async def run(self) -> None:
        while True:
            await self._something.wait()
            self._something.clear()
            while self._waiting:
                await self._play(self._waiting[0])

    def add(self, wanted: Backtest, bot: Bot, account: Account) -> None:
        under_way = [wish.backtest for wish in self._waiting]
        if any(one.asked_by == wanted.asked_by for one in under_way):
            raise Conflict("a backtest of yours is under way: wait for it, or end it")
        if len(under_way) >= QUEUE_MAX:
            raise TooMany(f"{len(under_way)} backtests are waited for already", 10.0)
        self._known[wanted.id] = wanted
        self._waiting.append(_Wish(backtest=wanted, bot=bot, account=account))
        self._something.set()

    def find(self, backtest_id: str) -> Backtest | None:
        return self._known.get(backtest_id)

    def newest(self) -> Sequence[Backtest]:
        return list(reversed(self._known.values()))

    def ahead_of(self, backtest_id: str) -> int:
        waiting = [wish.backtest.id for wish in self._waiting]
        return waiting.index(backtest_id) if backtest_id in waiting else 0

    def report(self, backtest_id: str) -> Path | None:
        known = self._known.get(backtest_id)
        page = self._shelf.page(backtest_id)
        return page if known is not None and known.state is BacktestState.DONE and page.is_file() else None

    def remove(self, backtest_id: str) -> None:
        self._known.pop(backtest_id, None)
        if self._process is not None and self._process[0] == backtest_id:
            _end(self._process[1])
            return  # its files go when its process has gone
        self._waiting = deque(wish for wish in self._waiting if wish.backtest.id != backtest_id)
        self._shelf.drop([backtest_id])

    async def _play(self, wish: _Wish) -> None:
        """Whatever becomes of it, the next one has its turn."""
        key = wish.backtest.id
        self._move(key, BacktestState.RUNNING)
        # Whatever breaks here breaks for this backtest: the hub that runs this desk trades, too.
        (told,) = await asyncio.gather(self._ask(wish), return_exceptions=True)
        # It stays at the head of the queue until now: whoever asks is told that it is under way.
        self._waiting = deque(one for one in self._waiting if one.backtest.id != key)
        if isinstance(told, BaseException):
            log.warning("a backtest could not be played", backtest_id=key, exc_info=told)
            told = Told(problem="its process could not be started, or was not understood; the hub's log has more")
        state = BacktestState.FAILED if told.outcome is None else BacktestState.DONE
        problem = None if told.outcome is not None else told.problem
        self._move(key, state, problem=problem, outcome=told.outcome, progress=1.0, finished_at=self._clock.now())
        await self._keep(key)

    async def _ask(self, wish: _Wish) -> Told:
        known = self._known.get(wish.backtest.id)
        if known is not None:
            await asyncio.to_thread(self._shelf.put, known)
        process = await asyncio.create_subprocess_exec(
            *own_command("backtest-worker"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            limit=ANSWER_BYTES_MAX,
            start_new_session=True,  # Ctrl-C is for the hub, which then ends it
        )
        self._process = wish.backtest.id, process
        try:
            async with asyncio.timeout(self._time_s_max):
                return await self._converse(wish, process)
        except TimeoutError:
            return Told(problem=f"it was not through after {self._time_s_max:.0f} s: try fewer candles")
        finally:
            self._process = None
            _end(process)
            await process.wait()

    async def _converse(self, wish: _Wish, process: asyncio.subprocess.Process) -> Told:
        stdin, stdout, stderr = process.stdin, process.stdout, process.stderr
        if stdin is None or stdout is None or stderr is None or wish.backtest.id not in self._known:
            return Told(problem="it was removed before it began")
        stdin.write(msgspec.json.encode(self._job(wish)) + b"\n")
        stdin.close()
        told, last_words = await asyncio.gather(self._listen(wish.backtest.id, stdout), _read_words(stderr))
        if told.outcome is not None or told.problem is not None:
            return told
        code = await process.wait()
        return Told(problem=f"its process ended with code {code}: {' '.join(last_words)}"[:WORDS_MAX])

    async def _listen(self, key: str, stdout: asyncio.StreamReader) -> Told:
        """The last thing it says, its progress noted on the way."""
        told = Told()
        async for raw in stdout:
            told = msgspec.json.decode(raw, type=Told)
            if told.progress is not None:
                self._change(key, progress=told.progress)
        return told

    def _job(self, wish: _Wish) -> Job:
        backtest = wish.backtest
        name = backtest.strategy
        return Job(
            settings=self._settings.model_dump(mode="json", include=_SETTINGS),
            strategy=name if name in OURS else str(self._strategies / name),
            given=backtest.settings,
            terms=backtest.terms,
            bot=wish.bot,
            account=wish.account,
            series=backtest.series,
            candles_from=backtest.candles_from,
            candles=backtest.candles,
            report=str(self._shelf.page(backtest.id)),
            parent=os.getpid(),
        )

    def _move(self, key: str, state: BacktestState, **more: Any) -> None:
        known = self._known.get(key)
        if known is None:
            return
        if state not in MOVES[known.state]:
            raise IllegalMove(f"backtest {key} is {known.state}: it cannot become {state}")
        self._change(key, state=state, **more)

    def _change(self, key: str, **more: Any) -> None:
        """One that was removed meanwhile stays so."""
        if key in self._known:
            self._known[key] = replace(self._known[key], **more)

    async def _keep(self, key: str) -> None:
        """Its figures are on the disk, and the oldest are not any more."""
        kept = self._known.get(key)
        if kept is None:
            await asyncio.to_thread(self._shelf.drop, [key])
            return
        over = [one for one in self._known.values() if one.finished_at is not None]
        mine = [one for one in over if one.asked_by == kept.asked_by]
        gone = {one.id for one in [*over[:-KEPT_MAX], *mine[:-KEPT_EACH]]}
        for one in gone:
            del self._known[one]
        try:
            await asyncio.to_thread(self._shelf.put, kept)
        except OSError as error:
            log.warning("a backtest is not kept", backtest_id=key, problem=str(error))
        await asyncio.to_thread(self._shelf.drop, gone)


async def _read_words(stderr: asyncio.StreamReader) -> Sequence[str]:
    """The last ones: whatever a strategy prints fills neither a pipe nor the memory."""
    last: deque[str] = deque(maxlen=LAST_WORDS)
    while raw := await stderr.read(CHUNK):
        last.extend(line for line in raw.decode("utf-8", "replace").splitlines()[-LAST_WORDS:] if line.strip())
    return list(last)


def _end(process: asyncio.subprocess.Process) -> None:
    """With all that it has started itself."""
    with suppress(ProcessLookupError):
        if sys.platform == "win32":
            process.kill()
        else:
            os.killpg(process.pid, signal.SIGKILL)
