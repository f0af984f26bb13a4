"""The part of the client that is about bots which copydesk runs itself."""

from pydantic import TypeAdapter

from copydesk.client.backtests import BacktestAnswer, NewBacktest
from copydesk.client.connection import Connection, Filter
from copydesk.client.strategies import (
    AnalysisAnswer,
    BotPositionAnswer,
    BotTradeAnswer,
    MarketDataAnswer,
    RanAnswer,
    RuinCardAnswer,
    RunBot,
    StatusesAnswer,
    StrategiesAnswer,
)

BACKTESTS = "/api/v1/backtests"

_TRADES = TypeAdapter(list[BotTradeAnswer])
_POSITIONS = TypeAdapter(list[BotPositionAnswer])
_ANALYSES = TypeAdapter(list[AnalysisAnswer])


class StrategyDesk(Connection):
    """Without a `bot_id` the API chooses one's own oldest bot, else the oldest."""

    async def strategy_status(self, **filters: Filter) -> StatusesAnswer:
        answer = await self.send("GET", "/api/status", params=filters)
        return StatusesAnswer.model_validate_json(answer.content)

    async def strategy_trades(self, **filters: Filter) -> list[BotTradeAnswer]:
        return _TRADES.validate_json((await self.send("GET", "/api/trades", params=filters)).content)

    async def strategy_positions(self, **filters: Filter) -> list[BotPositionAnswer]:
        return _POSITIONS.validate_json((await self.send("GET", "/api/positions", params=filters)).content)

    async def market_data(self, **filters: Filter) -> MarketDataAnswer:
        answer = await self.send("GET", "/api/market-data", params=filters)
        return MarketDataAnswer.model_validate_json(answer.content)

    async def analysis(self, **filters: Filter) -> list[AnalysisAnswer]:
        return _ANALYSES.validate_json((await self.send("GET", "/api/analysis", params=filters)).content)

    async def strategies(self) -> StrategiesAnswer:
        """What a bot may run."""
        return await self.ask(StrategiesAnswer, "GET", "/api/v1/strategies")

    async def run_bot(self, bot_id: str, wanted: RunBot) -> RanAnswer:
        return await self.ask(RanAnswer, "POST", f"/api/v1/bots/{bot_id}/run", wanted)

    async def ruin_card(self, bot_id: str) -> RuinCardAnswer:
        return await self.ask(RuinCardAnswer, "GET", f"/api/v1/bots/{bot_id}/ruin-card")

    async def start_backtest(self, wanted: NewBacktest) -> BacktestAnswer:
        """Played beside the hub's work: ask for it again until it is done or failed."""
        return await self.ask(BacktestAnswer, "POST", BACKTESTS, wanted)

    async def backtests(self, *, most: int | None = None, **filters: Filter) -> list[BacktestAnswer]:
        return await self.read_all(BacktestAnswer, BACKTESTS, filters, most)

    async def backtest(self, backtest_id: str) -> BacktestAnswer:
        """With the account's curve."""
        return await self.ask(BacktestAnswer, "GET", f"{BACKTESTS}/{backtest_id}")

    async def backtest_report(self, backtest_id: str) -> str:
        """A page of HTML that loads nothing."""
        return (await self.send("GET", f"{BACKTESTS}/{backtest_id}/report")).text

    async def remove_backtest(self, backtest_id: str) -> None:
        """One that is under way is ended."""
        await self.send("DELETE", f"{BACKTESTS}/{backtest_id}")
