"""Bots that copydesk runs: what each runs, how it stands, its candles, its decisions, its contracts."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0009"
down_revision = "0008"

MOMENT = sa.DateTime(timezone=True).with_variant(sa.Text(), "sqlite")
MONEY = sa.Numeric().with_variant(sa.Text(), "sqlite")
DOCUMENT = JSONB().with_variant(sa.Text(), "sqlite")


def upgrade() -> None:
    """Bots from before are run by nobody here."""
    op.add_column("bots", sa.Column("contract_duration_s", sa.Integer(), nullable=False, server_default="60"))
    op.add_column("bots", sa.Column("exchange_account_id", sa.Text(), nullable=True))
    op.add_column("bot_signals", sa.Column("stops", DOCUMENT, nullable=True))
    op.add_column("bot_signals", sa.Column("contract", DOCUMENT, nullable=True))
    op.create_table(
        "bot_strategies",
        sa.Column("bot_id", sa.Text(), nullable=False),
        sa.Column("strategy", sa.Text(), nullable=False),
        sa.Column("symbols", DOCUMENT, nullable=False),
        sa.Column("timeframe", sa.Text(), nullable=False),
        sa.Column("settings", DOCUMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["bot_id"], ["bots.id"], name=op.f("fk_bot_strategies_bot_id")),
        sa.PrimaryKeyConstraint("bot_id", name=op.f("pk_bot_strategies")),
    )
    op.create_table(
        "bot_status",
        sa.Column("bot_id", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("since", MOMENT, nullable=False),
        sa.Column("starting_balance", MONEY, nullable=True),
        sa.Column("balance", MONEY, nullable=True),
        sa.Column("peak", MONEY, nullable=True),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["bot_id"], ["bots.id"], name=op.f("fk_bot_status_bot_id")),
        sa.PrimaryKeyConstraint("bot_id", name=op.f("pk_bot_status")),
    )
    op.create_table(
        "strategy_states",
        sa.Column("bot_id", sa.Text(), nullable=False),
        sa.Column("symbol", sa.Text(), nullable=False),
        sa.Column("last_start_ms", sa.BigInteger(), nullable=False),
        sa.Column("state", DOCUMENT, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["bot_id"], ["bots.id"], name=op.f("fk_strategy_states_bot_id")),
        sa.PrimaryKeyConstraint("bot_id", "symbol", name=op.f("pk_strategy_states")),
    )
    _add_contracts()
    _add_market()


def _add_contracts() -> None:
    op.create_table(
        "bot_contracts",
        sa.Column("bot_id", sa.Text(), nullable=False),
        sa.Column("symbol", sa.Text(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("ladder", sa.Integer(), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("entry_streak", sa.Integer(), nullable=False),
        sa.Column("contract_right", sa.Text(), nullable=False),
        sa.Column("stake", MONEY, nullable=False),
        sa.Column("duration_s", sa.Integer(), nullable=False),
        sa.Column("paper", sa.Boolean(), nullable=False),
        sa.Column("signal_id", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("entry_price", MONEY, nullable=True),
        sa.Column("exit_price", MONEY, nullable=True),
        sa.Column("profit", MONEY, nullable=True),
        sa.Column("opened_at", MOMENT, nullable=False),
        sa.Column("settled_at", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(["bot_id"], ["bots.id"], name=op.f("fk_bot_contracts_bot_id")),
        sa.PrimaryKeyConstraint("bot_id", "symbol", "number", name=op.f("pk_bot_contracts")),
    )
    op.create_index("ix_bot_contracts_bot_id_status", "bot_contracts", ["bot_id", "status"])


def _add_market() -> None:
    op.create_table(
        "market_data",
        sa.Column("market", sa.Text(), nullable=False),
        sa.Column("symbol", sa.Text(), nullable=False),
        sa.Column("timeframe", sa.Text(), nullable=False),
        sa.Column("started_at", MOMENT, nullable=False),
        sa.Column("open", MONEY, nullable=False),
        sa.Column("high", MONEY, nullable=False),
        sa.Column("low", MONEY, nullable=False),
        sa.Column("close", MONEY, nullable=False),
        sa.Column("volume", MONEY, nullable=False),
        sa.PrimaryKeyConstraint("market", "symbol", "timeframe", "started_at", name=op.f("pk_market_data")),
    )
    _make_hypertable()
    op.create_table(
        "market_analysis",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("bot_id", sa.Text(), nullable=False),
        sa.Column("symbol", sa.Text(), nullable=False),
        sa.Column("occasion", sa.Text(), nullable=False),
        sa.Column("candle_at", MOMENT, nullable=False),
        sa.Column("price", MONEY, nullable=False),
        sa.Column("intention", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("numbers", DOCUMENT, nullable=False),
        sa.Column("followed", sa.Boolean(), nullable=False),
        sa.Column("why_not", sa.Text(), nullable=True),
        sa.Column("signal_id", sa.Text(), nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["bot_id"], ["bots.id"], name=op.f("fk_market_analysis_bot_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_market_analysis")),
        sa.UniqueConstraint("bot_id", "symbol", "occasion", name=op.f("uq_market_analysis_bot_id_symbol_occasion")),
    )


def _make_hypertable() -> None:
    """Where TimescaleDB is installed in this database; elsewhere it stays a plain table."""
    connection = op.get_bind()
    if connection.dialect.name != "postgresql":
        return
    if connection.execute(sa.text("SELECT 1 FROM pg_extension WHERE extname = 'timescaledb'")).scalar() is not None:
        op.execute("SELECT create_hypertable('market_data', 'started_at')")
