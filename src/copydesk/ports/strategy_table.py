"""What is kept of bots that copydesk runs: part of a store's transaction (ports/store.py)."""

from collections.abc import Collection, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from msgspec import Struct

from copydesk.domain.bot import Bot
from copydesk.domain.candle import Candle
from copydesk.domain.execution import Execution
from copydesk.domain.ids import AccountId, BotId, SignalId, SubscriptionId
from copydesk.domain.signal import Direction
from copydesk.domain.strategy_bot import Analysis, Contract, Memory, Run, Standing


class Series(Struct, frozen=True, kw_only=True):
    """Which candles: a market's name, a symbol, a timeframe by its name ("1m")."""

    market: str
    symbol: str
    timeframe: str


class BookTrade(Struct, frozen=True, kw_only=True):
    """A closed round trip of a bot's own book; `signal_id` closed it."""

    id: str
    symbol: str
    signal_id: SignalId
    closed_by: str
    direction: Direction
    quantity: Decimal
    entry_price: Decimal
    exit_price: Decimal
    net_usd: Decimal
    opened_at: datetime
    closed_at: datetime


class StrategyTable(Protocol):
    """Runs, how they stand, what their strategies remember, decided and bought, and the candles they saw."""

    def runs(self) -> Sequence[tuple[Bot, Run, Standing]]:
        """Of bots that are not archived, oldest first."""
        ...

    def run(self, bot_id: BotId) -> tuple[Bot, Run, Standing] | None: ...

    def put_run(self, run: Run) -> None: ...

    def put_standing(self, standing: Standing) -> None: ...

    def memory(self, bot_id: BotId, symbol: str) -> Memory | None: ...

    def put_memory(self, memory: Memory) -> None:
        """Of the version after the one it was read at (1 is new); raise StaleWrite where somebody else was first."""
        ...

    def forget(self, bot_id: BotId, symbols: Collection[str]) -> None:
        """What its strategy remembers of these symbols."""
        ...

    def add_analysis(self, analysis: Analysis) -> None:
        """Raise StaleWrite where this occasion was decided on before."""
        ...

    def analyses(self, bot_id: BotId, symbol: str | None, most: int) -> Sequence[Analysis]:
        """Newest first."""
        ...

    def contracts(self, bot_id: BotId, most: int) -> Sequence[Contract]:
        """Newest first."""
        ...

    def open_contract(self, bot_id: BotId, symbol: str) -> Contract | None: ...

    def put_contract(self, contract: Contract) -> None:
        """A new one, or what became of one."""
        ...

    def add_candles(self, series: Series, candles: Sequence[Candle]) -> None:
        """Closed ones; what is known of them already stays."""
        ...

    def candles(self, series: Series, most: int, since_ms: int | None = None) -> Sequence[Candle]:
        """Oldest first: the newest ones, or those from a moment on."""
        ...

    def markets(self, symbol: str, timeframe: str) -> Sequence[str]:
        """Those of which candles are stored."""
        ...

    def own_book(self, bot_id: BotId, account_id: AccountId) -> SubscriptionId | None:
        """The subscription by which a bot's own account follows it."""
        ...

    def outcome(self, signal_id: SignalId, subscription_id: SubscriptionId) -> Execution | None:
        """What became of a signal's opening on a subscription."""
        ...

    def trades(self, subscription_id: SubscriptionId, most: int) -> Sequence[BookTrade]:
        """Newest first."""
        ...
