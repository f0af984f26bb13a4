"""One bot's work: its candles, its strategy's turns, its contracts, and what has become of its own book."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from copydesk.domain.bot import Bot
from copydesk.domain.candle import Candle
from copydesk.domain.errors import InvalidInput, StaleWrite
from copydesk.domain.execution import Execution
from copydesk.domain.position import Position
from copydesk.domain.signal import SourceKind
from copydesk.domain.strategy_bot import Contract, Memory, Run, Standing
from copydesk.domain.subscription import Account
from copydesk.domain.venue import PAPER
from copydesk.engine.intake import Intake
from copydesk.engine.runner import contracts, figures, telling, turn
from copydesk.engine.runner.book import Held, Purses, read_book
from copydesk.engine.runner.feed import Fed, Hole, read_closed
from copydesk.engine.runner.telling import Voice
from copydesk.engine.runner.turn import Seat, Turn
from copydesk.ports.clock import Clock
from copydesk.ports.live import BotEvent, RunStatus
from copydesk.ports.market import TIMEFRAMES, Market
from copydesk.ports.store import Store, Transaction
from copydesk.ports.strategy import Mode, RestartableStrategy, Strategy
from copydesk.ports.strategy_table import Series

ASK_EVERY = timedelta(seconds=10)
"""Candles are asked for so often, and right after each should have closed."""

AFTER_CLOSE = timedelta(milliseconds=500)


class Watched(Struct, frozen=True, kw_only=True):
    """A bot as it stands at this look."""

    bot: Bot
    run: Run
    standing: Standing


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """What bots work with. `make` a strategy by its name and settings, and `market_of` a bot's candles; `demand_startable` raises
    InvalidInput for a strategy that a balance cannot carry.
    """

    store: Store
    clock: Clock
    intake: Intake
    purses: Purses
    make: Callable[[str, Mapping[str, Any]], Strategy]
    market_of: Callable[[Bot, Account], Market]
    demand_startable: Callable[[Strategy, Decimal], None]

    async def account(self, bot: Bot) -> Account:
        """Of its own book. Raise InvalidInput where it has none."""
        account_id = bot.exchange_account_id
        found = None
        if account_id is not None:
            found = await self.store.read(lambda tables: tables.followers.account(account_id))
        if found is None:
            raise InvalidInput("the bot has no book of its own: give it an exchange_account_id")
        return found

    async def balance(self, bot: Bot) -> Decimal:
        """Of its own book, contracts on paper counted. Raise VenueError."""
        account = await self.account(bot)
        return await self.purses.of(bot, account)


class Shift:
    """`made_for` is when the settings were made that its strategy goes by."""

    def __init__(
        self,
        tools: Tools,
        strategy: Strategy,
        made_for: datetime,
        tell: Callable[[Sequence[BotEvent]], None],
        stand: Callable[[Bot, RunStatus, str], Awaitable[None]],
    ) -> None:
        self.made_for = made_for
        self._tools = tools
        self._store, self._clock = tools.store, tools.clock
        self._strategy = strategy
        self._tell = tell
        self._stand = stand
        self._due: dict[str, datetime] = {}
        self._positions: dict[str, Position | None] = {}
        self._balance: Decimal | None = None

    async def look(self, watched: Watched) -> None:
        """At each symbol in turn. Raise what the market, the venue or the strategy raise."""
        account = await self._tools.account(watched.bot)
        market = self._tools.market_of(watched.bot, account)
        if (counted := await self._count(watched)) is not None:
            self._tell([Voice(watched.bot).balance(counted)])
        for symbol in watched.run.symbols:
            series = Series(market=market.name, symbol=symbol, timeframe=watched.run.timeframe)
            await self._look_at(watched, account, market, series)

    async def _look_at(self, watched: Watched, account: Account, market: Market, series: Series) -> None:
        timeframe_s = TIMEFRAMES[series.timeframe]
        await self._follow_book(watched, series.symbol)
        # Before a turn: what ended before it was decided on before it, whoever was killed between the two.
        await self._settle(watched, account, series)
        due, asked_at = self._due.get(series.symbol), self._clock.now()
        if due is not None and asked_at < due:
            return
        memory = await self._store.read(lambda tables: tables.strategies.memory(watched.bot.id, series.symbol))
        last_ms = None if memory is None else memory.last_start_ms
        fed = await read_closed(market, series, timeframe_s, last_ms, self._strategy.history)
        if fed.candles:
            await self._take_turn(watched, account, series, fed, memory)
        await self._settle(watched, account, series)
        if fed.hole is not None:
            raise await self._skip(watched.bot, series, fed.hole)
        self._due[series.symbol] = _next_look(asked_at, timeframe_s)

    async def _take_turn(
        self, watched: Watched, account: Account, series: Series, fed: Fed, memory: Memory | None
    ) -> None:
        """A strategy that is new here begins with all but the newest candle."""
        new = fed.candles if memory is not None else fed.candles[-1:]
        if memory is None and len(fed.candles) <= self._strategy.history:
            needed = self._strategy.history + 1
            raise InvalidInput(
                f"{series.symbol}: {self._strategy.name} needs {needed} closed candles, {series.market} shows {len(fed.candles)}"
            )
        seat = await self._seat(watched, account, series, memory, fed.candles)
        # In a thread of its own: a strategy's own code may take its time.
        decided = await asyncio.to_thread(turn.decide, seat, new)
        await self._commit(watched, seat, decided, new)

    async def _seat(
        self, watched: Watched, account: Account, series: Series, memory: Memory | None, new: Sequence[Candle]
    ) -> Seat:
        balance = await self._tools.balance(watched.bot)

        def work(tables: Transaction) -> tuple[Held | None, Sequence[Candle]]:
            first_ms = new[0].start_ms if new else None
            earlier = () if memory is None else tables.strategies.candles(series, self._strategy.history + len(new))
            earlier = [one for one in earlier if first_ms is None or one.start_ms < first_ms]
            return read_book(tables, watched.bot, series.symbol), earlier

        held, earlier = await self._store.read(work)
        runs = watched.standing.status == RunStatus.RUNNING
        return Seat(
            bot=watched.bot,
            strategy=self._strategy,
            series=series,
            timeframe_s=TIMEFRAMES[series.timeframe],
            mode=Mode.RUNNING if runs else Mode.PAUSED,
            memory=memory,
            held=held,
            window=[*earlier, *new],
            balance=balance,
            on_paper=account.venue == PAPER,
            now=self._clock.now(),
        )

    async def _commit(self, watched: Watched, seat: Seat, decided: Turn, new: Sequence[Candle]) -> Turn:
        done = await self._store.write(lambda tables: turn.write(tables, seat, decided, new))
        if any(step.contract is not None or step.settled is not None for step in done.steps):
            self._tools.purses.forget(watched.bot, None)
        signals = [step.signal for step in done.steps if step.signal is not None]
        self._tools.intake.announce(SourceKind.STRATEGY, signals, seat.now)
        self._tell(telling.events(done.steps, seat.symbol, Voice(watched.bot), self._clock.now()))
        return done

    async def _settle(self, watched: Watched, account: Account, series: Series) -> None:
        """Each contract whose end is known; the next level may end at once, where the candles already tell."""
        while True:
            ended = await self._store.read(lambda tables: self._ended(tables, watched.bot, series))
            if ended is None:
                return
            await self._told_of(watched, account, series, ended)

    def _ended(self, tables: Transaction, bot: Bot, series: Series) -> Contract | None:
        contract = tables.strategies.open_contract(bot.id, series.symbol)
        if contract is None:
            return None
        now = self._clock.now()
        if contract.paper:
            return contracts.settled_on_paper(tables, contract, series, TIMEFRAMES[series.timeframe], now)
        held = read_book(tables, bot, series.symbol)
        if held is None or contract.signal_id is None:
            return None
        opening = tables.strategies.outcome(contract.signal_id, held.subscription_id)
        trade = None if opening is None else contracts.trade_of(tables, opening)
        return contracts.settled_at_venue(contract, opening, trade, now)

    async def _told_of(self, watched: Watched, account: Account, series: Series, ended: Contract) -> None:
        self._tools.purses.forget(watched.bot, account)
        memory = await self._store.read(lambda tables: tables.strategies.memory(watched.bot.id, series.symbol))
        if memory is None:
            raise StaleWrite("a contract without a memory")
        seat = await self._seat(watched, account, series, memory, ())
        if ended.paper:
            seat = replace(seat, balance=seat.balance + ended.stake + (ended.profit or Decimal(0)))
        decided = await asyncio.to_thread(turn.settle, seat, ended)
        done = await self._commit(watched, seat, decided, ())
        first = done.steps[0]
        if first.contract is None:
            await self._tell_end(watched, first)
        if first.decision.numbers.get("stopped") is not None:
            await self._stand(watched.bot, RunStatus.STOPPED, f"stopped: {first.decision.numbers['stopped']}")
        elif watched.standing.status == RunStatus.STOPPING and first.contract is None:
            await self._stand(watched.bot, RunStatus.STOPPED, "stopped")

    async def _tell_end(self, watched: Watched, step: turn.Step) -> None:
        await self._count(watched)
        account = await self._standing_after(watched, None if step.settled is None else step.settled.symbol)
        self._tell(list(Voice(watched.bot).ended(step, account)))

    async def _standing_after(self, watched: Watched, symbol: str | None) -> telling.Account:
        def work(tables: Transaction) -> telling.Account:
            found = tables.strategies.run(watched.bot.id)
            standing = watched.standing if found is None else found[2]
            trades = figures.trades_of(tables, watched.bot)
            newest = next((one for one in trades if symbol in {None, one.symbol}), None)
            return telling.Account(
                standing=standing, trade=newest, figures=figures.figures_of(trades, standing.starting_balance)
            )

        return await self._store.read(work)

    async def _follow_book(self, watched: Watched, symbol: str) -> None:
        """Tell of a position that has come or gone."""
        held = await self._store.read(lambda tables: read_book(tables, watched.bot, symbol))
        if held is None:
            return
        await self._demand_followed(watched.bot, held, symbol)
        position, known = held.position, self._positions.get(symbol, held.position)
        self._positions[symbol] = position
        if known is not None and (position is None or position.opened_at != known.opened_at):
            self._tools.purses.forget(watched.bot, held.account)
            await self._count(watched)
            self._tell(list(Voice(watched.bot).closed(await self._standing_after(watched, symbol))))
        if position is not None and (known is None or position.opened_at != known.opened_at):
            self._tell(list(Voice(watched.bot).opened(symbol, position)))

    async def _demand_followed(self, bot: Bot, held: Held, symbol: str) -> None:
        """Raise InvalidInput where its own book did not take what it last wished to open: it would wish it again and again, and
        never close what its followers hold.
        """
        if held.position is not None or held.under_way:
            return

        def work(tables: Transaction) -> Execution | None:
            newest = next(iter(tables.strategies.analyses(bot.id, symbol, 1)), None)
            if newest is None or newest.signal_id is None or newest.intention not in turn.OPENS:
                return None
            return tables.strategies.outcome(newest.signal_id, held.subscription_id)

        opening = await self._store.read(work)
        if opening is not None and opening.is_final and opening.executed_quantity == 0:
            raise InvalidInput(f"the bot's own book did not take {symbol}: {opening.reason or opening.state}")

    async def _count(self, watched: Watched) -> Standing | None:
        """Keep the balance, and the highest there was; None where nothing has changed. The end of a trade tells of it itself."""
        balance = await self._tools.balance(watched.bot)
        if balance == self._balance:
            return None
        now = self._clock.now()

        def work(tables: Transaction) -> Standing | None:
            found = tables.strategies.run(watched.bot.id)
            if found is None:
                return None
            before = found[2]
            counted = replace(
                before,
                starting_balance=before.starting_balance if before.starting_balance is not None else balance,
                balance=balance,
                peak=balance if before.peak is None else max(before.peak, balance),
                updated_at=now,
            )
            tables.strategies.put_standing(counted)
            return counted

        counted = await self._store.write(work)
        self._balance = balance
        return counted

    async def _skip(self, bot: Bot, series: Series, hole: Hole) -> InvalidInput:
        """A person says whether to go on, and then it begins behind the hole: anew, where its strategy is not one that bridges it."""

        def work(tables: Transaction) -> None:
            memory = tables.strategies.memory(bot.id, series.symbol)
            if memory is None or not isinstance(self._strategy, RestartableStrategy):
                tables.strategies.forget(bot.id, [series.symbol])
                return
            before_ms = hole.until_ms - TIMEFRAMES[series.timeframe] * 1_000
            tables.strategies.put_memory(replace(memory, last_start_ms=before_ms, version=memory.version + 1))

        await self._store.write(work)
        return InvalidInput(f"{hole.told}; start it again to go on behind them")


def _next_look(asked_at: datetime, timeframe_s: int) -> datetime:
    closes_s = (int(asked_at.timestamp()) // timeframe_s + 1) * timeframe_s
    return min(asked_at + ASK_EVERY, datetime.fromtimestamp(closes_s, UTC) + AFTER_CLOSE)
