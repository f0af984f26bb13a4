"""What a bot's own trading came to: its trades, one a ladder or one a position, and the figures of them all."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from itertools import groupby

from msgspec import Struct

from copydesk.domain.bot import Bot
from copydesk.domain.ids import BotId
from copydesk.domain.signal import Direction
from copydesk.domain.strategy_bot import Contract, ContractStatus
from copydesk.ports.store import Transaction
from copydesk.ports.strategy_table import BookTrade

TRADES_MAX = 10_000
"""So many of a bot's newest are counted; who has more looks at the tables."""

_HUNDREDTH = Decimal("0.01")


class BotTrade(Struct, frozen=True, kw_only=True):
    """`direction` is CALL or PUT for a ladder of contracts (then `stake` is that of its last level, prices those of its last
    contract), BUY or SELL for a position. `profit` in USD, after fees.
    """

    trade_id: str
    bot_id: BotId
    symbol: str
    direction: str
    entry_time: datetime
    exit_time: datetime
    entry_price: Decimal | None
    exit_price: Decimal | None
    stake: Decimal
    final_level: int
    entry_streak_size: int
    profit: Decimal
    paper: bool

    @property
    def result(self) -> str:
        return "WIN" if self.profit > 0 else "LOSS"


class Figures(Struct, frozen=True, kw_only=True):
    """`win_rate` and `roi` in per cent; `roi` of the balance that the bot began with."""

    total_trades: int
    wins: int
    losses: int
    win_rate: Decimal
    roi: Decimal
    profit: Decimal


def trades_of(tables: Transaction, bot: Bot, most: int = TRADES_MAX) -> Sequence[BotTrade]:
    """Closed ones, newest first. Of a bot that buys contracts the ladders are its trades, not what its book holds of them."""
    bought = tables.strategies.contracts(bot.id, most)
    if bought or bot.exchange_account_id is None:
        return [one for one in map(_of_ladder, _ladders(bought)) if one is not None]
    subscription_id = tables.strategies.own_book(bot.id, bot.exchange_account_id)
    found = () if subscription_id is None else tables.strategies.trades(subscription_id, most)
    return [_of_position(bot.id, one) for one in found]


def figures_of(trades: Sequence[BotTrade], starting_balance: Decimal | None) -> Figures:
    wins = sum(1 for one in trades if one.profit > 0)
    profit = sum((one.profit for one in trades), Decimal(0))
    return Figures(
        total_trades=len(trades),
        wins=wins,
        losses=len(trades) - wins,
        win_rate=percent(Decimal(wins), Decimal(len(trades))),
        roi=percent(profit, starting_balance or Decimal(0)),
        profit=profit,
    )


def paper_result(contracts: Iterable[Contract]) -> Decimal:
    """What contracts on paper brought so far, and what the open one has taken."""
    return sum(
        (-one.stake if one.profit is None else one.profit for one in contracts if one.paper),
        Decimal(0),
    )


def percent(part: Decimal, whole: Decimal) -> Decimal:
    """0 of nothing."""
    return (part / whole * 100).quantize(_HUNDREDTH, ROUND_HALF_UP) if whole > 0 else Decimal(0)


def trade_id(bot_id: BotId, symbol: str, ladder: int | None, opened_at: datetime) -> str:
    """The same for its opening and its end."""
    name = int(opened_at.timestamp() * 1_000) if ladder is None else ladder
    return f"{bot_id}-{symbol}-{name}"


def _ladders(contracts: Sequence[Contract]) -> Iterable[Sequence[Contract]]:
    """Each with its contracts, the last level first."""
    for _, group in groupby(contracts, key=lambda one: (one.symbol, one.ladder)):
        yield list(group)


def _of_ladder(contracts: Sequence[Contract]) -> BotTrade | None:
    """None where it still runs, or nothing of it was ever bought."""
    bought = [one for one in contracts if one.status is not ContractStatus.NOT_PLACED]
    if not bought or any(one.status is ContractStatus.OPEN for one in contracts):
        return None
    last, first = bought[0], bought[-1]
    return BotTrade(
        trade_id=trade_id(last.bot_id, last.symbol, last.ladder, first.opened_at),
        bot_id=last.bot_id,
        symbol=last.symbol,
        direction=last.contract_right.value,
        entry_time=first.opened_at,
        exit_time=last.settled_at or last.opened_at,
        entry_price=last.entry_price,
        exit_price=last.exit_price,
        stake=last.stake,
        final_level=last.level,
        entry_streak_size=first.entry_streak,
        profit=sum((one.profit for one in bought if one.profit is not None), Decimal(0)),
        paper=last.paper,
    )


def _of_position(bot_id: BotId, done: BookTrade) -> BotTrade:
    return BotTrade(
        trade_id=trade_id(bot_id, done.symbol, None, done.opened_at),
        bot_id=bot_id,
        symbol=done.symbol,
        direction="BUY" if done.direction is Direction.LONG else "SELL",
        entry_time=done.opened_at,
        exit_time=done.closed_at,
        entry_price=done.entry_price,
        exit_price=done.exit_price,
        stake=done.quantity * done.entry_price,
        final_level=1,
        entry_streak_size=0,
        profit=done.net_usd,
        paper=False,
    )
