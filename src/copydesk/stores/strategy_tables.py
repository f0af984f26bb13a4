"""The tables of bots that copydesk runs itself; as tables.py."""

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, Table, Text, UniqueConstraint

from copydesk.domain.signal import Right
from copydesk.domain.strategy_bot import ContractStatus
from copydesk.ports.live import RunStatus
from copydesk.stores.schema import identity, metadata, of, when
from copydesk.stores.types import Json, Moment, Money, Word

bot_strategies = Table(
    "bot_strategies",
    metadata,
    of("bot_id", "bots.id", primary_key=True),
    Column("strategy", Text, nullable=False),
    Column("symbols", Json, nullable=False),
    Column("timeframe", Text, nullable=False),
    Column("settings", Json, nullable=False),
    when("updated_at"),
)

bot_status = Table(
    "bot_status",
    metadata,
    of("bot_id", "bots.id", primary_key=True),
    Column("status", Word(RunStatus), nullable=False),
    Column("message", Text, nullable=False),
    when("since"),
    Column("starting_balance", Money),
    Column("balance", Money),
    Column("peak", Money),
    when("updated_at"),
)

strategy_states = Table(
    "strategy_states",
    metadata,
    of("bot_id", "bots.id", primary_key=True),
    Column("symbol", Text, primary_key=True),
    Column("last_start_ms", BigInteger, nullable=False),
    Column("state", Json, nullable=False),
    Column("version", Integer, nullable=False),
    when("updated_at"),
)

bot_contracts = Table(
    "bot_contracts",
    metadata,
    of("bot_id", "bots.id", primary_key=True),
    Column("symbol", Text, primary_key=True),
    Column("number", Text, primary_key=True),
    Column("ladder", Integer, nullable=False),
    Column("level", Integer, nullable=False),
    Column("entry_streak", Integer, nullable=False),
    Column("contract_right", Word(Right), nullable=False),
    Column("stake", Money, nullable=False),
    Column("duration_s", Integer, nullable=False),
    Column("paper", Boolean, nullable=False),
    Column("signal_id", Text),
    Column("status", Word(ContractStatus), nullable=False),
    Column("entry_price", Money),
    Column("exit_price", Money),
    Column("profit", Money),
    when("opened_at"),
    when("settled_at", nullable=True),
    Index("ix_bot_contracts_bot_id_status", "bot_id", "status"),
)

market_data = Table(
    "market_data",
    metadata,
    Column("market", Text, primary_key=True),
    Column("symbol", Text, primary_key=True),
    Column("timeframe", Text, primary_key=True),
    Column("started_at", Moment, primary_key=True),
    Column("open", Money, nullable=False),
    Column("high", Money, nullable=False),
    Column("low", Money, nullable=False),
    Column("close", Money, nullable=False),
    Column("volume", Money, nullable=False),
)

market_analysis = Table(
    "market_analysis",
    metadata,
    identity(),
    of("bot_id", "bots.id"),
    Column("symbol", Text, nullable=False),
    Column("occasion", Text, nullable=False),
    when("candle_at"),
    Column("price", Money, nullable=False),
    Column("intention", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("numbers", Json, nullable=False),
    Column("followed", Boolean, nullable=False),
    Column("why_not", Text),
    Column("signal_id", Text),
    when("created_at"),
    UniqueConstraint("bot_id", "symbol", "occasion"),
)
