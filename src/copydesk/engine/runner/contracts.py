"""What became of a bot's contract: by its venue's word, or on paper by the candles."""

from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal

from msgspec.structs import replace

from copydesk.domain.candle import Candle
from copydesk.domain.execution import Execution
from copydesk.domain.signal import Right
from copydesk.domain.strategy_bot import Contract, ContractStatus
from copydesk.ports.store import Transaction
from copydesk.ports.strategy_table import BookTrade, Series

PAPER_PAYOUT = Decimal("1.95")
"""What comes back for 1 staked, as Deriv pays about; a real contract's is its venue's."""

_WHOLE_SECONDS = timedelta(seconds=2)
"""Venues count contracts in them: one may be bought and over within less than its duration by our clock."""

_CENT = Decimal("0.01")
_TRADES = 5


def settled_on_paper(
    tables: Transaction, contract: Contract, series: Series, timeframe_s: int, now: datetime
) -> Contract | None:
    """None while it runs. It begins at the open of the candle after the decision, and ends with the last close at or before its
    expiry, as in a backtest; without these candles it never was.
    """
    begins_ms = int(contract.opened_at.timestamp() * 1_000)
    expiry_ms = begins_ms + contract.duration_s * 1_000
    most = contract.duration_s // timeframe_s + 2
    candles = tables.strategies.candles(series, most, since_ms=begins_ms)
    over = next((one for one in candles if one.start_ms + timeframe_s * 1_000 >= expiry_ms), None)
    if over is None:
        return None
    if candles[0].start_ms != begins_ms:
        return _ended(contract, ContractStatus.NOT_PLACED, Decimal(0), now)
    last = over if over.start_ms + timeframe_s * 1_000 == expiry_ms else candles[candles.index(over) - 1]
    return _priced(contract, candles[0], last, now)


def settled_at_venue(
    contract: Contract, opening: Execution | None, trade: BookTrade | None, now: datetime
) -> Contract | None:
    """None while it runs, or is not known to; `trade` is what has become of the opening's position."""
    if opening is None or not opening.is_final:
        return None
    if opening.executed_quantity == 0:
        return _ended(contract, ContractStatus.NOT_PLACED, Decimal(0), now)
    if trade is None:
        return None
    status = ContractStatus.WON if trade.net_usd > 0 else ContractStatus.LOST
    ended_early = trade.closed_at - opening.created_at < timedelta(seconds=contract.duration_s) - _WHOLE_SECONDS
    status = ContractStatus.SOLD if ended_early else status
    prices = {"entry_price": trade.entry_price, "exit_price": trade.exit_price}
    return replace(_ended(contract, status, trade.net_usd, now), **prices)


def trade_of(tables: Transaction, opening: Execution) -> BookTrade | None:
    """The round trip that this opening began: at most one contract is held on a symbol at a time."""
    if tables.positions.get(opening.subscription_id, opening.symbol) is not None:
        return None
    trades = tables.strategies.trades(opening.subscription_id, _TRADES)
    mine = [one for one in trades if one.symbol == opening.symbol and one.opened_at >= opening.created_at]
    return mine[-1] if mine else None


def _priced(contract: Contract, first: Candle, last: Candle, now: datetime) -> Contract:
    entry, ended = first.open, last.close
    won = ended > entry if contract.contract_right is Right.CALL else ended < entry
    back = (contract.stake * PAPER_PAYOUT).quantize(_CENT, ROUND_HALF_UP) if won else Decimal(0)
    status = ContractStatus.WON if won else ContractStatus.LOST
    return replace(_ended(contract, status, back - contract.stake, now), entry_price=entry, exit_price=ended)


def _ended(contract: Contract, status: ContractStatus, profit: Decimal, now: datetime) -> Contract:
    return replace(contract, status=status, profit=profit, settled_at=now)
