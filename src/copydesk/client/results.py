"""What an account holds, what waits for it at its venue, and what its closed trades brought."""

from datetime import datetime

from pydantic import Field

from copydesk.client.fields import Answer, Number
from copydesk.client.terminals import TerminalAnswer


class HeldAnswer(Answer):
    """What our own fills opened and have not closed. `last_price` and `unrealised_usd` only where the venue was asked and told."""

    subscription_id: str
    bot_id: str
    symbol: str
    master_ticket: int | None = Field(None, description="at a terminal: the master's ticket that it is for")
    direction: str
    quantity: Number
    entry_price: Number
    gross_usd: Number = Field(description="realised so far by parts that were closed, before fees")
    fees_usd: Number
    opened_at: datetime
    last_price: Number | None = None
    unrealised_usd: Number | None = None


class WaitingOrder(Answer):
    """An execution that is not final; `GET /api/v1/bot-signal-executions/{id}` has its whole story."""

    id: str
    signal_id: str
    subscription_id: str
    bot_id: str
    leg: str
    symbol: str
    master_ticket: int | None = None
    side: str
    state: str
    reason: str | None
    requested_quantity: Number | None
    executed_quantity: Number
    trigger_price: Number | None
    created_at: datetime


class BalanceAnswer(Answer):
    total_usd: Number
    available_usd: Number


class AccountBook(Answer):
    """An account as it stands. `balance` is null where the venue was not asked, or did not tell (`problem` says why)."""

    account_id: str
    at: datetime
    positions: list[HeldAnswer]
    orders: list[WaitingOrder]
    balance: BalanceAnswer | None = None
    problem: str | None = None
    terminal: TerminalAnswer | None = Field(None, description="of an mt5 account: what the program beside it reported")


class TradeAnswer(Answer):
    """A closed round trip; `net_usd` = gross − fees, `sum_usd` all of them up to and with this one."""

    id: str
    subscription_id: str
    bot_id: str
    symbol: str
    master_ticket: int | None = None
    closed_by: str = Field(description="the leg that ended it: close, stop_loss, take_profit")
    direction: str
    quantity: Number
    entry_price: Number
    exit_price: Number
    gross_usd: Number
    fees_usd: Number
    net_usd: Number
    sum_usd: Number
    opened_at: datetime
    closed_at: datetime


class AccountResults(Answer):
    """Of every closed trade of an account; `trades` are the newest, oldest of them first, as a curve is drawn."""

    account_id: str
    total_trades: int
    wins: int
    losses: int
    gross_usd: Number
    fees_usd: Number
    net_usd: Number
    max_drawdown_usd: Number = Field(description="the deepest fall of the sum below its highest so far, ≥ 0")
    trades: list[TradeAnswer]
