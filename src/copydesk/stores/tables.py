"""Every table; names and columns that people query are part of the contract. Migrations must agree (a test says so)."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
)

from copydesk.domain.bot import BotStatus, MarketType, OnOpposite, PayloadSize
from copydesk.domain.breaker import BreakerMode, BreakerScope
from copydesk.domain.execution import State
from copydesk.domain.signal import Action, Direction, Side, SourceKind
from copydesk.domain.subscription import (
    Environment,
    KeyCheck,
    MarginMode,
    PositionMode,
    SubscriptionStatus,
)
from copydesk.domain.user import Role, UserStatus
from copydesk.stores.schema import NUMBER, identity, metadata, of, when
from copydesk.stores.types import Json, Moment, Money, Word

users = Table(
    "users",
    metadata,
    identity(),
    Column("username", Text, nullable=False, unique=True),
    Column("password_hash", Text, nullable=False),
    Column("role", Word(Role), nullable=False),
    Column("status", Word(UserStatus), nullable=False),
    Column("allowed_mt5_id", BigInteger),
    Column("mt5_path", Text),
    Column("subscription", Text, nullable=False),
    Column("config", Json, nullable=False),
    when("created_at"),
    when("updated_at"),
)

user_notifications = Table(
    "user_notifications",
    metadata,
    of("user_id", "users.id", primary_key=True),
    Column("addresses", Json, nullable=False),
    Column("kinds", Json, nullable=False),
    Column("quiet_hours", Json),
    when("updated_at"),
)

refresh_tokens = Table(
    "refresh_tokens",
    metadata,
    identity(),
    of("user_id", "users.id", index=True),
    Column("family", Text, nullable=False, index=True),
    when("expires_at"),
    when("used_at", nullable=True),
)

bots = Table(
    "bots",
    metadata,
    identity(),
    of("owner_id", "users.id", index=True),
    Column("name", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("market_type", Word(MarketType), nullable=False),
    Column("source", Word(SourceKind), nullable=False),
    Column("master_webhook_path", Text, nullable=False, unique=True),
    Column("default_leverage", Integer, nullable=False),
    Column("default_margin_usd", Money, nullable=False),
    Column("default_stop_loss_pct", Money, nullable=False),
    Column("default_take_profit_pct", Money, nullable=False),
    Column("on_opposite", Word(OnOpposite), nullable=False),
    Column("payload_size", Word(PayloadSize), nullable=False, server_default="ignore"),
    Column("open_freshness_s", Integer, nullable=False),
    Column("signature_v0", Boolean, nullable=False),
    Column("status", Word(BotStatus), nullable=False),
    when("created_at"),
    when("updated_at"),
    Column("contract_duration_s", Integer, nullable=False, server_default="60"),
    Column("exchange_account_id", Text),
)

bot_secrets = Table(
    "bot_secrets",
    metadata,
    of("bot_id", "bots.id", primary_key=True),
    Column("fingerprint", Text, primary_key=True),
    Column("sealed", Text),
    when("expires_at", nullable=True),
    when("created_at"),
)

exchange_accounts = Table(
    "exchange_accounts",
    metadata,
    identity(),
    of("owner_id", "users.id", index=True),
    Column("name", Text, nullable=False),
    Column("venue", Text, nullable=False),
    Column("environment", Word(Environment), nullable=False),
    Column("is_active", Boolean, nullable=False),
    Column("key_hint", Text, nullable=False),
    Column("key_check", Word(KeyCheck), nullable=False),
    Column("key_problem", Text),
    Column("key_fingerprint", Text, unique=True),
    Column("sealed_secrets", Json, nullable=False),
    when("deleted_at", nullable=True),
    when("created_at"),
    when("updated_at"),
)

account_preparations = Table(
    "account_preparations",
    metadata,
    of("account_id", "exchange_accounts.id", primary_key=True),
    Column("symbol", Text, primary_key=True),
    Column("leverage", Integer, nullable=False),
    Column("margin_mode", Word(MarginMode), nullable=False),
    Column("position_mode", Word(PositionMode), nullable=False),
    when("verified_at"),
)

bot_subscriptions = Table(
    "bot_subscriptions",
    metadata,
    identity(),
    of("owner_id", "users.id", index=True),
    of("bot_id", "bots.id", index=True),
    of("account_id", "exchange_accounts.id", index=True),
    Column("status", Word(SubscriptionStatus), nullable=False),
    Column("custom_leverage", Integer),
    Column("custom_margin_usd", Money),
    Column("custom_stop_loss_pct", Money),
    Column("custom_take_profit_pct", Money),
    Column("max_daily_loss_usd", Money),
    Column("max_concurrent_positions", Integer),
    Column("copy", Json, nullable=False),
    when("deleted_at", nullable=True),
    when("created_at"),
    when("updated_at"),
)

bot_signals = Table(
    "bot_signals",
    metadata,
    identity(),
    of("bot_id", "bots.id", index=True),
    Column("source", Word(SourceKind), nullable=False),
    Column("ticker", Text, nullable=False),
    Column("symbol", Text, nullable=False),
    Column("action", Word(Action), nullable=False),
    Column("price", Money),
    Column("size", Json),
    Column("steps", Json, nullable=False),
    Column("note", Text),
    Column("payload", Json, nullable=False),
    Column("ticket", Json),
    when("received_at"),
    when("created_at"),
    when("fanned_out_at", nullable=True),
    Column("stops", Json),
    Column("contract", Json),
)
Index("ix_bot_signals_fanned_out_at", bot_signals.c.fanned_out_at)

bot_signal_keys = Table(
    "bot_signal_keys",
    metadata,
    of("bot_id", "bots.id", primary_key=True),
    Column("key", Text, primary_key=True),
    of("signal_id", "bot_signals.id"),
    when("expires_at"),
    Column("content", Text),
)

bot_positions = Table(
    "bot_positions",
    metadata,
    of("bot_id", "bots.id", primary_key=True),
    Column("symbol", Text, primary_key=True),
    Column("direction", Word(Direction), nullable=False),
    when("updated_at"),
    Column("volume", Money),
)

master_tickets = Table(
    "master_tickets",
    metadata,
    of("bot_id", "bots.id", primary_key=True),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("symbol", Text, nullable=False),
    Column("direction", Word(Direction), nullable=False),
    Column("volume", Money, nullable=False),
    Column("stop_loss", Money, nullable=False),
    Column("take_profit", Money, nullable=False),
    Column("status", Text, nullable=False),
    Column("waiting", Json),
    Column("contract", Json),
    of("signal_id", "bot_signals.id"),
    when("updated_at"),
    Index("ix_master_tickets_bot_id_symbol_status", "bot_id", "symbol", "status"),
)

bot_signal_executions = Table(
    "bot_signal_executions",
    metadata,
    identity(),
    of("signal_id", "bot_signals.id"),
    of("subscription_id", "bot_subscriptions.id"),
    of("account_id", "exchange_accounts.id"),
    of("bot_id", "bots.id"),
    of("owner_id", "users.id"),
    Column("leg", Text, nullable=False),
    Column("symbol", Text, nullable=False),
    Column("side", Word(Side), nullable=False),
    Column("direction", Word(Direction), nullable=False),
    Column("state", Word(State), nullable=False),
    Column("version", Integer, nullable=False),
    Column("reason", Text),
    Column("plan", Json, nullable=False),
    Column("requested_quantity", Money),
    Column("executed_quantity", Money, nullable=False),
    Column("executed_price", Money),
    Column("fee_usd", Money, nullable=False),
    Column("base_fee", Money, nullable=False, server_default="0"),
    Column("trigger_price", Money),
    Column("fraction", Money, nullable=False),
    Column("exchange_order_id", Text),
    Column("client_order_id", Text),
    Column("attempt", Integer, nullable=False),
    Column("request", Json),
    Column("request_hash", Text),
    when("frozen_at", nullable=True),
    when("settle_at", nullable=True),
    when("expires_at"),
    Column("absent_seen", Integer, nullable=False),
    when("next_look_at", nullable=True),
    Column("cancel_wanted", Boolean, nullable=False),
    Column("execution_time_ms", Integer),
    when("created_at"),
    when("updated_at"),
    UniqueConstraint("signal_id", "subscription_id", "leg"),
    Index("ix_bot_signal_executions_state", "state", "next_look_at"),
    Index("ix_bot_signal_executions_account_state", "account_id", "state"),
    Index("ix_bot_signal_executions_account_frozen", "account_id", "frozen_at"),
)

intents = Table(
    "intents",
    metadata,
    Column("id", Text, primary_key=True),
    Column("epoch", Integer),
    Column("executions", Text, nullable=False),
)

table_marks = Table(
    "table_marks", metadata, Column("name", Text, primary_key=True), Column("mark", BigInteger, nullable=False)
)

breakers = Table(
    "breakers",
    metadata,
    Column("scope", Word(BreakerScope), primary_key=True),
    Column("target", Text, primary_key=True),
    Column("mode", Word(BreakerMode), nullable=False),
    of("set_by", "users.id"),
    when("set_at"),
)

execution_events = Table(
    "execution_events",
    metadata,
    Column("number", NUMBER, primary_key=True, autoincrement=True),
    of("execution_id", "bot_signal_executions.id", index=True),
    when("at"),
    Column("state", Word(State), nullable=False),
    Column("note", Text),
    Column("evidence", Json),
    Column("epoch", Integer),
)

leases = Table(
    "leases",
    metadata,
    Column("duty", Text, primary_key=True),
    Column("owner", Text, nullable=False),
    Column("epoch", Integer, nullable=False),
    when("expires_at"),
)

ledger_checks = Table(
    "ledger_checks",
    metadata,
    of("account_id", "exchange_accounts.id", primary_key=True),
    Column("checked_at", Moment, nullable=False, index=True),
    when("since"),
    Column("orders", Integer, nullable=False),
    Column("discrepancies", Json, nullable=False),
    Column("problem", Text),
)

positions = Table(
    "positions",
    metadata,
    of("subscription_id", "bot_subscriptions.id", primary_key=True),
    Column("symbol", Text, primary_key=True),
    of("account_id", "exchange_accounts.id", index=True),
    of("bot_id", "bots.id"),
    of("owner_id", "users.id", index=True),
    Column("direction", Word(Direction), nullable=False),
    Column("quantity", Money, nullable=False),
    Column("entry_price", Money, nullable=False),
    Column("opened_quantity", Money, nullable=False),
    Column("closed_quantity", Money, nullable=False),
    Column("closed_value", Money, nullable=False),
    Column("gross_usd", Money, nullable=False),
    Column("fees_usd", Money, nullable=False),
    when("opened_at"),
    when("updated_at"),
)

trades = Table(
    "trades",
    metadata,
    identity(),
    of("subscription_id", "bot_subscriptions.id", index=True),
    of("account_id", "exchange_accounts.id"),
    of("bot_id", "bots.id", index=True),
    of("owner_id", "users.id", index=True),
    of("signal_id", "bot_signals.id"),
    Column("symbol", Text, nullable=False),
    Column("closed_by", Text, nullable=False),
    Column("direction", Word(Direction), nullable=False),
    Column("quantity", Money, nullable=False),
    Column("entry_price", Money, nullable=False),
    Column("exit_price", Money, nullable=False),
    Column("gross_usd", Money, nullable=False),
    Column("fees_usd", Money, nullable=False),
    Column("net_usd", Money, nullable=False),
    when("opened_at"),
    when("closed_at"),
)

daily_results = Table(
    "daily_results",
    metadata,
    of("subscription_id", "bot_subscriptions.id", primary_key=True),
    Column("day", Text, primary_key=True),
    Column("net_usd", Money, nullable=False),
    when("ended_at", nullable=True),
)

paper_orders = Table(
    "paper_orders",
    metadata,
    Column("account_id", Text, ForeignKey("exchange_accounts.id"), nullable=False, index=True),
    Column("order_id", Text, primary_key=True),
    Column("client_order_id", Text, nullable=False),
    Column("symbol", Text, nullable=False),
    Column("side", Text, nullable=False),
    Column("direction", Word(Direction), nullable=False),
    Column("quantity", Money, nullable=False),
    Column("reduce_only", Boolean, nullable=False),
    Column("trigger_price", Money),
    Column("trigger_above", Boolean, nullable=False),
    Column("status", Text, nullable=False),
    Column("executed_quantity", Money, nullable=False),
    Column("average_price", Money),
    Column("fee_usd", Money, nullable=False),
    when("created_at"),
    UniqueConstraint("account_id", "client_order_id"),
)

audit_log = Table(
    "audit_log",
    metadata,
    Column("number", NUMBER, primary_key=True, autoincrement=False),
    when("at"),
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("details", Json, nullable=False),
    Column("previous_hash", Text, nullable=False),
    Column("hash", Text, nullable=False, unique=True),
)
