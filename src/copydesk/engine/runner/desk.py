"""Every strategy bot of this desk: started, paused and stopped by people, looked after while they run."""

import asyncio
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import structlog
from msgspec.structs import replace

from copydesk.domain.bot import Bot
from copydesk.domain.errors import (
    CopydeskError,
    LeaseLost,
    NotFound,
    StaleWrite,
    StoreUnavailable,
    VenueError,
)
from copydesk.domain.ids import BotId
from copydesk.domain.strategy_bot import Run, Standing
from copydesk.engine.runner.shift import Shift, Tools, Watched
from copydesk.engine.runner.telling import Voice
from copydesk.ports.live import BotCommand, BotEvent, Hear, RunStatus
from copydesk.ports.store import Transaction
from copydesk.ports.strategy import RestartableStrategy

log = structlog.get_logger()

LOOK_EVERY_S = 1.0

_Key = tuple[str, str]


class StrategyDesk:
    """The StrategyBots of ports/live.py; `run` keeps them going while the desk's work is ours."""

    def __init__(self, tools: Tools) -> None:
        self.listeners: list[Hear] = []
        self._tools = tools
        self._store, self._clock = tools.store, tools.clock
        self._shifts: dict[BotId, Shift] = {}
        self._waiting: dict[BotId, str] = {}
        self._latest: dict[BotId, dict[_Key, BotEvent]] = {}

    async def run(self) -> None:
        """Until cancelled."""
        self._shifts.clear()
        while True:
            try:
                await self._look_at_all()
            except StoreUnavailable as error:
                log.warning("strategy bots wait for the database", problem=str(error))
            await self._clock.sleep(LOOK_EVERY_S)

    async def _look_at_all(self) -> None:
        """Raise LeaseLost."""
        found = await self._store.read(lambda tables: tables.strategies.runs())
        at_work = [row for row in found if row[2].status != RunStatus.STOPPED]
        looks = await asyncio.gather(*(self._look(*row) for row in at_work), return_exceptions=True)
        for (bot, _, _), broke in zip(at_work, looks, strict=True):
            if isinstance(broke, LeaseLost):
                raise broke
            if broke is not None:
                log.error("strategy broke", bot_id=bot.id, exc_info=broke)
                await self._pause(bot, f"its strategy broke: {type(broke).__name__}: {broke}")

    async def command(self, bot_id: BotId, command: BotCommand) -> RunStatus:
        bot, run, standing = await self._found(bot_id)
        status = RunStatus(standing.status)
        if command is BotCommand.START:
            await self._demand_startable(bot, run, standing)
            status, message = RunStatus.RUNNING, "started"
        elif command is BotCommand.PAUSE:
            status, message = RunStatus.PAUSED, "paused: on paper from here on, nothing leaves"
        elif await self._store.read(
            lambda tables: any(tables.strategies.open_contract(bot_id, one) for one in run.symbols)
        ):
            status, message = RunStatus.STOPPING, "stopping: the open contract settles first"
        else:
            status, message = RunStatus.STOPPED, "stopped"
        await self._stand(bot, status, message)
        level = "success" if status is RunStatus.RUNNING else "info"
        self._tell([Voice(bot).alert(level, f"{bot.name}: {message}")])
        return status

    async def change_settings(self, bot_id: BotId, changes: Mapping[str, Any]) -> Mapping[str, Any]:
        bot, run, _ = await self._found(bot_id)
        settings = self._tools.make(run.strategy, {**run.settings, **changes}).settings
        changed = replace(run, settings=dict(settings), updated_at=self._clock.now())
        await self._store.write(lambda tables: tables.strategies.put_run(changed))
        voice = Voice(bot)
        told = ", ".join(f"{name} {settings[name]}" for name in changes if name in settings)
        self._tell([voice.settings_updated(settings), voice.alert("success", f"{bot.name}: settings are now {told}")])
        return settings

    async def balance(self, bot_id: BotId) -> Decimal:
        bot, _, _ = await self._found(bot_id)
        return await self._tools.balance(bot)

    async def picture(self, bot_id: BotId) -> Sequence[BotEvent]:
        bot, _, standing = await self._found(bot_id)
        status = Voice(bot).status(RunStatus(standing.status), standing.message)
        latest = {key: one for key, one in self._latest.get(bot_id, {}).items() if key[0] != "bot_status"}
        return [status, *latest.values()]

    async def _found(self, bot_id: BotId) -> tuple[Bot, Run, Standing]:
        found = await self._store.read(lambda tables: tables.strategies.run(bot_id))
        if found is None:
            raise NotFound("no such strategy bot")
        return found

    async def _demand_startable(self, bot: Bot, run: Run, standing: Standing) -> None:
        """Raise InvalidInput, and say why not. After a stop it goes on from what it remembers, where it can."""
        strategy = self._tools.make(run.strategy, run.settings)
        self._tools.demand_startable(strategy, await self._tools.balance(bot))
        if standing.status == RunStatus.RUNNING:
            return

        def work(tables: Transaction) -> None:
            for symbol in run.symbols:
                memory = tables.strategies.memory(bot.id, symbol)
                if memory is not None and isinstance(strategy, RestartableStrategy):
                    again = strategy.restarted(memory.state)
                    tables.strategies.put_memory(replace(memory, state=again, version=memory.version + 1))
                elif memory is not None and standing.status == RunStatus.STOPPED:
                    tables.strategies.forget(bot.id, [symbol])

        await self._store.write(work)
        self._shifts.pop(bot.id, None)

    async def _look(self, bot: Bot, run: Run, standing: Standing) -> None:
        """What is raised is LeaseLost, or an error in a strategy's own code: each bot breaks for itself alone."""
        try:
            shift = self._shift(bot, run)
            await shift.look(Watched(bot=bot, run=run, standing=standing))
            await self._goes_on(bot, standing)
        except LeaseLost:
            raise
        except VenueError as error:
            await self._waits(bot, f"waits for its venue: {error}")
        except StoreUnavailable as error:
            log.warning("strategy bot waits for the database", bot_id=bot.id, problem=str(error))
        except StaleWrite as error:
            log.warning("a turn was taken by another", bot_id=bot.id, problem=str(error))
        except CopydeskError as error:
            await self._pause(bot, str(error))

    def _shift(self, bot: Bot, run: Run) -> Shift:
        known = self._shifts.get(bot.id)
        if known is None or known.made_for != run.updated_at:
            strategy = self._tools.make(run.strategy, run.settings)
            known = self._shifts[bot.id] = Shift(self._tools, strategy, run.updated_at, self._tell, self._stand)
        return known

    async def _waits(self, bot: Bot, problem: str) -> None:
        """It goes on by itself as soon as it can; nothing is decided meanwhile, and nothing is lost."""
        if self._waiting.get(bot.id) != problem:
            log.warning("strategy bot waits", bot_id=bot.id, problem=problem)
            first = bot.id not in self._waiting
            self._waiting[bot.id] = problem
            voice = Voice(bot)
            told = [voice.status(RunStatus.PAUSED, problem)]
            self._tell([*told, voice.alert("warning", f"{bot.name} {problem}")] if first else told)

    async def _goes_on(self, bot: Bot, standing: Standing) -> None:
        if self._waiting.pop(bot.id, None) is not None:
            self._tell([Voice(bot).status(RunStatus(standing.status), "goes on")])

    async def _pause(self, bot: Bot, problem: str) -> None:
        await self._stand(bot, RunStatus.PAUSED, problem)
        self._tell([Voice(bot).alert("error", f"{bot.name} was paused: {problem}")])

    async def _stand(self, bot: Bot, status: RunStatus, message: str) -> None:
        """Stored, then told."""
        now = self._clock.now()

        def work(tables: Transaction) -> None:
            found = tables.strategies.run(bot.id)
            if found is not None:
                before = found[2]
                since = before.since if before.status == status else now
                tables.strategies.put_standing(
                    replace(before, status=status.value, message=message, since=since, updated_at=now)
                )

        await self._store.write(work)
        self._waiting.pop(bot.id, None)
        self._tell([Voice(bot).status(status, message)])

    def _tell(self, events: Sequence[BotEvent]) -> None:
        for event in events:
            key = (event.name, str(event.data.get("symbol", "")))
            self._latest.setdefault(event.bot_id, {})[key] = event
            for hear in self.listeners:
                hear(event)
