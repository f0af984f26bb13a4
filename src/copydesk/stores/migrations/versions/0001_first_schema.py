"""The first schema."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0001"
down_revision = None

MONEY = sa.Numeric().with_variant(sa.Text(), "sqlite")
MOMENT = sa.DateTime(timezone=True).with_variant(sa.Text(), "sqlite")
DOCUMENT = JSONB().with_variant(sa.Text(), "sqlite")
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Every table of copydesk 0.1."""
    op.create_table(
        "audit_log",
        sa.Column("number", NUMBER, autoincrement=False, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("details", DOCUMENT, nullable=False),
        sa.Column("previous_hash", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_audit_log")),
        sa.UniqueConstraint("hash", name=op.f("uq_audit_log_hash")),
    )
    op.create_table(
        "users",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("username", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("allowed_mt5_id", sa.BigInteger(), nullable=True),
        sa.Column("mt5_path", sa.Text(), nullable=True),
        sa.Column("subscription", sa.Text(), nullable=False),
        sa.Column("config", DOCUMENT, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
        sa.UniqueConstraint("username", name=op.f("uq_users_username")),
    )
    op.create_table(
        "bots",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("owner_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("market_type", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("master_webhook_path", sa.Text(), nullable=False),
        sa.Column("default_leverage", sa.Integer(), nullable=False),
        sa.Column("default_margin_usd", MONEY, nullable=False),
        sa.Column("default_stop_loss_pct", MONEY, nullable=False),
        sa.Column("default_take_profit_pct", MONEY, nullable=False),
        sa.Column("on_opposite", sa.Text(), nullable=False),
        sa.Column("open_freshness_s", sa.Integer(), nullable=False),
        sa.Column("signature_v0", sa.Boolean(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["owner_id"], ["users.id"], name=op.f("fk_bots_owner_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bots")),
        sa.UniqueConstraint("master_webhook_path", name=op.f("uq_bots_master_webhook_path")),
    )
    op.create_index(op.f("ix_bots_owner_id"), "bots", ["owner_id"], unique=False)
    op.create_table(
        "exchange_accounts",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("owner_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("venue", sa.Text(), nullable=False),
        sa.Column("environment", sa.Text(), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("key_hint", sa.Text(), nullable=False),
        sa.Column("key_check", sa.Text(), nullable=False),
        sa.Column("key_problem", sa.Text(), nullable=True),
        sa.Column("key_fingerprint", sa.Text(), nullable=True),
        sa.Column("sealed_secrets", DOCUMENT, nullable=False),
        sa.Column("deleted_at", MOMENT, nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["owner_id"], ["users.id"], name=op.f("fk_exchange_accounts_owner_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_exchange_accounts")),
        sa.UniqueConstraint("key_fingerprint", name=op.f("uq_exchange_accounts_key_fingerprint")),
    )
    op.create_index(op.f("ix_exchange_accounts_owner_id"), "exchange_accounts", ["owner_id"], unique=False)
    op.create_table(
        "refresh_tokens",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("family", sa.Text(), nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("used_at", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_refresh_tokens_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_refresh_tokens")),
    )
    op.create_index(op.f("ix_refresh_tokens_family"), "refresh_tokens", ["family"], unique=False)
    op.create_index(op.f("ix_refresh_tokens_user_id"), "refresh_tokens", ["user_id"], unique=False)
    op.create_table(
        "account_preparations",
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("symbol", sa.Text(), nullable=False),
        sa.Column("leverage", sa.Integer(), nullable=False),
        sa.Column("margin_mode", sa.Text(), nullable=False),
        sa.Column("position_mode", sa.Text(), nullable=False),
        sa.Column("verified_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["exchange_accounts.id"], name=op.f("fk_account_preparations_account_id")
        ),
        sa.PrimaryKeyConstraint("account_id", "symbol", name=op.f("pk_account_preparations")),
    )
    op.create_table(
        "bot_positions",
        sa.Column("bot_id", sa.Text(), nullable=False),
        sa.Column("symbol", sa.Text(), nullable=False),
        sa.Column("direction", sa.Text(), nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["bot_id"], ["bots.id"], name=op.f("fk_bot_positions_bot_id")),
        sa.PrimaryKeyConstraint("bot_id", "symbol", name=op.f("pk_bot_positions")),
    )
    op.create_table(
        "bot_secrets",
        sa.Column("bot_id", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("expires_at", MOMENT, nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["bot_id"], ["bots.id"], name=op.f("fk_bot_secrets_bot_id")),
        sa.PrimaryKeyConstraint("bot_id", "fingerprint", name=op.f("pk_bot_secrets")),
    )
    op.create_table(
        "bot_signals",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("bot_id", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("ticker", sa.Text(), nullable=False),
        sa.Column("symbol", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("price", MONEY, nullable=True),
        sa.Column("steps", DOCUMENT, nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("payload", DOCUMENT, nullable=False),
        sa.Column("received_at", MOMENT, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("fanned_out_at", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(["bot_id"], ["bots.id"], name=op.f("fk_bot_signals_bot_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bot_signals")),
    )
    op.create_index(op.f("ix_bot_signals_bot_id"), "bot_signals", ["bot_id"], unique=False)
    op.create_index("ix_bot_signals_fanned_out_at", "bot_signals", ["fanned_out_at"], unique=False)
    op.create_table(
        "bot_subscriptions",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("owner_id", sa.Text(), nullable=False),
        sa.Column("bot_id", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("custom_leverage", sa.Integer(), nullable=True),
        sa.Column("custom_margin_usd", MONEY, nullable=True),
        sa.Column("custom_stop_loss_pct", MONEY, nullable=True),
        sa.Column("custom_take_profit_pct", MONEY, nullable=True),
        sa.Column("max_daily_loss_usd", MONEY, nullable=True),
        sa.Column("max_concurrent_positions", sa.Integer(), nullable=True),
        sa.Column("copy", DOCUMENT, nullable=False),
        sa.Column("deleted_at", MOMENT, nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["exchange_accounts.id"], name=op.f("fk_bot_subscriptions_account_id")),
        sa.ForeignKeyConstraint(["bot_id"], ["bots.id"], name=op.f("fk_bot_subscriptions_bot_id")),
        sa.ForeignKeyConstraint(["owner_id"], ["users.id"], name=op.f("fk_bot_subscriptions_owner_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bot_subscriptions")),
    )
    op.create_index(op.f("ix_bot_subscriptions_account_id"), "bot_subscriptions", ["account_id"], unique=False)
    op.create_index(op.f("ix_bot_subscriptions_bot_id"), "bot_subscriptions", ["bot_id"], unique=False)
    op.create_index(op.f("ix_bot_subscriptions_owner_id"), "bot_subscriptions", ["owner_id"], unique=False)
    op.create_table(
        "paper_orders",
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("client_order_id", sa.Text(), nullable=False),
        sa.Column("symbol", sa.Text(), nullable=False),
        sa.Column("side", sa.Text(), nullable=False),
        sa.Column("direction", sa.Text(), nullable=False),
        sa.Column("quantity", MONEY, nullable=False),
        sa.Column("reduce_only", sa.Boolean(), nullable=False),
        sa.Column("trigger_price", MONEY, nullable=True),
        sa.Column("trigger_above", sa.Boolean(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("executed_quantity", MONEY, nullable=False),
        sa.Column("average_price", MONEY, nullable=True),
        sa.Column("fee_usd", MONEY, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["exchange_accounts.id"], name=op.f("fk_paper_orders_account_id")),
        sa.PrimaryKeyConstraint("order_id", name=op.f("pk_paper_orders")),
        sa.UniqueConstraint("account_id", "client_order_id", name=op.f("uq_paper_orders_account_id_client_order_id")),
    )
    op.create_index(op.f("ix_paper_orders_account_id"), "paper_orders", ["account_id"], unique=False)
    op.create_table(
        "bot_signal_executions",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("signal_id", sa.Text(), nullable=False),
        sa.Column("subscription_id", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("bot_id", sa.Text(), nullable=False),
        sa.Column("owner_id", sa.Text(), nullable=False),
        sa.Column("leg", sa.Text(), nullable=False),
        sa.Column("symbol", sa.Text(), nullable=False),
        sa.Column("side", sa.Text(), nullable=False),
        sa.Column("direction", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("plan", DOCUMENT, nullable=False),
        sa.Column("requested_quantity", MONEY, nullable=True),
        sa.Column("executed_quantity", MONEY, nullable=False),
        sa.Column("executed_price", MONEY, nullable=True),
        sa.Column("fee_usd", MONEY, nullable=False),
        sa.Column("trigger_price", MONEY, nullable=True),
        sa.Column("fraction", MONEY, nullable=False),
        sa.Column("exchange_order_id", sa.Text(), nullable=True),
        sa.Column("client_order_id", sa.Text(), nullable=True),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("request", DOCUMENT, nullable=True),
        sa.Column("request_hash", sa.Text(), nullable=True),
        sa.Column("frozen_at", MOMENT, nullable=True),
        sa.Column("settle_at", MOMENT, nullable=True),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("absent_seen", sa.Integer(), nullable=False),
        sa.Column("next_look_at", MOMENT, nullable=True),
        sa.Column("cancel_wanted", sa.Boolean(), nullable=False),
        sa.Column("execution_time_ms", sa.Integer(), nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["exchange_accounts.id"], name=op.f("fk_bot_signal_executions_account_id")
        ),
        sa.ForeignKeyConstraint(["bot_id"], ["bots.id"], name=op.f("fk_bot_signal_executions_bot_id")),
        sa.ForeignKeyConstraint(["owner_id"], ["users.id"], name=op.f("fk_bot_signal_executions_owner_id")),
        sa.ForeignKeyConstraint(["signal_id"], ["bot_signals.id"], name=op.f("fk_bot_signal_executions_signal_id")),
        sa.ForeignKeyConstraint(
            ["subscription_id"], ["bot_subscriptions.id"], name=op.f("fk_bot_signal_executions_subscription_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bot_signal_executions")),
        sa.UniqueConstraint(
            "signal_id", "subscription_id", "leg", name=op.f("uq_bot_signal_executions_signal_id_subscription_id_leg")
        ),
    )
    op.create_index(
        "ix_bot_signal_executions_account_symbol",
        "bot_signal_executions",
        ["account_id", "symbol", "state"],
        unique=False,
    )
    op.create_index(op.f("ix_bot_signal_executions_bot_id"), "bot_signal_executions", ["bot_id"], unique=False)
    op.create_index(
        op.f("ix_bot_signal_executions_client_order_id"), "bot_signal_executions", ["client_order_id"], unique=False
    )
    op.create_index(op.f("ix_bot_signal_executions_owner_id"), "bot_signal_executions", ["owner_id"], unique=False)
    op.create_index("ix_bot_signal_executions_state", "bot_signal_executions", ["state", "next_look_at"], unique=False)
    op.create_index(
        op.f("ix_bot_signal_executions_subscription_id"), "bot_signal_executions", ["subscription_id"], unique=False
    )
    op.create_table(
        "bot_signal_keys",
        sa.Column("bot_id", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("signal_id", sa.Text(), nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["bot_id"], ["bots.id"], name=op.f("fk_bot_signal_keys_bot_id")),
        sa.ForeignKeyConstraint(["signal_id"], ["bot_signals.id"], name=op.f("fk_bot_signal_keys_signal_id")),
        sa.PrimaryKeyConstraint("bot_id", "key", name=op.f("pk_bot_signal_keys")),
    )
    op.create_table(
        "daily_results",
        sa.Column("subscription_id", sa.Text(), nullable=False),
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("net_usd", MONEY, nullable=False),
        sa.ForeignKeyConstraint(
            ["subscription_id"], ["bot_subscriptions.id"], name=op.f("fk_daily_results_subscription_id")
        ),
        sa.PrimaryKeyConstraint("subscription_id", "day", name=op.f("pk_daily_results")),
    )
    op.create_table(
        "positions",
        sa.Column("subscription_id", sa.Text(), nullable=False),
        sa.Column("symbol", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("bot_id", sa.Text(), nullable=False),
        sa.Column("owner_id", sa.Text(), nullable=False),
        sa.Column("direction", sa.Text(), nullable=False),
        sa.Column("quantity", MONEY, nullable=False),
        sa.Column("entry_price", MONEY, nullable=False),
        sa.Column("opened_quantity", MONEY, nullable=False),
        sa.Column("closed_quantity", MONEY, nullable=False),
        sa.Column("closed_value", MONEY, nullable=False),
        sa.Column("gross_usd", MONEY, nullable=False),
        sa.Column("fees_usd", MONEY, nullable=False),
        sa.Column("opened_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["exchange_accounts.id"], name=op.f("fk_positions_account_id")),
        sa.ForeignKeyConstraint(["bot_id"], ["bots.id"], name=op.f("fk_positions_bot_id")),
        sa.ForeignKeyConstraint(["owner_id"], ["users.id"], name=op.f("fk_positions_owner_id")),
        sa.ForeignKeyConstraint(
            ["subscription_id"], ["bot_subscriptions.id"], name=op.f("fk_positions_subscription_id")
        ),
        sa.PrimaryKeyConstraint("subscription_id", "symbol", name=op.f("pk_positions")),
    )
    op.create_index(op.f("ix_positions_account_id"), "positions", ["account_id"], unique=False)
    op.create_index(op.f("ix_positions_owner_id"), "positions", ["owner_id"], unique=False)
    op.create_table(
        "trades",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("subscription_id", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("bot_id", sa.Text(), nullable=False),
        sa.Column("owner_id", sa.Text(), nullable=False),
        sa.Column("signal_id", sa.Text(), nullable=False),
        sa.Column("symbol", sa.Text(), nullable=False),
        sa.Column("closed_by", sa.Text(), nullable=False),
        sa.Column("direction", sa.Text(), nullable=False),
        sa.Column("quantity", MONEY, nullable=False),
        sa.Column("entry_price", MONEY, nullable=False),
        sa.Column("exit_price", MONEY, nullable=False),
        sa.Column("gross_usd", MONEY, nullable=False),
        sa.Column("fees_usd", MONEY, nullable=False),
        sa.Column("net_usd", MONEY, nullable=False),
        sa.Column("opened_at", MOMENT, nullable=False),
        sa.Column("closed_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["exchange_accounts.id"], name=op.f("fk_trades_account_id")),
        sa.ForeignKeyConstraint(["bot_id"], ["bots.id"], name=op.f("fk_trades_bot_id")),
        sa.ForeignKeyConstraint(["owner_id"], ["users.id"], name=op.f("fk_trades_owner_id")),
        sa.ForeignKeyConstraint(["signal_id"], ["bot_signals.id"], name=op.f("fk_trades_signal_id")),
        sa.ForeignKeyConstraint(["subscription_id"], ["bot_subscriptions.id"], name=op.f("fk_trades_subscription_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_trades")),
    )
    op.create_index(op.f("ix_trades_bot_id"), "trades", ["bot_id"], unique=False)
    op.create_index(op.f("ix_trades_owner_id"), "trades", ["owner_id"], unique=False)
    op.create_index(op.f("ix_trades_subscription_id"), "trades", ["subscription_id"], unique=False)
    op.create_table(
        "execution_events",
        sa.Column("number", NUMBER, autoincrement=True, nullable=False),
        sa.Column("execution_id", sa.Text(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("evidence", DOCUMENT, nullable=True),
        sa.ForeignKeyConstraint(
            ["execution_id"], ["bot_signal_executions.id"], name=op.f("fk_execution_events_execution_id")
        ),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_execution_events")),
    )
    op.create_index(op.f("ix_execution_events_execution_id"), "execution_events", ["execution_id"], unique=False)


def downgrade() -> None:
    """Back to an empty database."""
    op.drop_index(op.f("ix_execution_events_execution_id"), table_name="execution_events")
    op.drop_table("execution_events")
    op.drop_index(op.f("ix_trades_subscription_id"), table_name="trades")
    op.drop_index(op.f("ix_trades_owner_id"), table_name="trades")
    op.drop_index(op.f("ix_trades_bot_id"), table_name="trades")
    op.drop_table("trades")
    op.drop_index(op.f("ix_positions_owner_id"), table_name="positions")
    op.drop_index(op.f("ix_positions_account_id"), table_name="positions")
    op.drop_table("positions")
    op.drop_table("daily_results")
    op.drop_table("bot_signal_keys")
    op.drop_index(op.f("ix_bot_signal_executions_subscription_id"), table_name="bot_signal_executions")
    op.drop_index("ix_bot_signal_executions_state", table_name="bot_signal_executions")
    op.drop_index(op.f("ix_bot_signal_executions_owner_id"), table_name="bot_signal_executions")
    op.drop_index(op.f("ix_bot_signal_executions_client_order_id"), table_name="bot_signal_executions")
    op.drop_index(op.f("ix_bot_signal_executions_bot_id"), table_name="bot_signal_executions")
    op.drop_index("ix_bot_signal_executions_account_symbol", table_name="bot_signal_executions")
    op.drop_table("bot_signal_executions")
    op.drop_index(op.f("ix_paper_orders_account_id"), table_name="paper_orders")
    op.drop_table("paper_orders")
    op.drop_index(op.f("ix_bot_subscriptions_owner_id"), table_name="bot_subscriptions")
    op.drop_index(op.f("ix_bot_subscriptions_bot_id"), table_name="bot_subscriptions")
    op.drop_index(op.f("ix_bot_subscriptions_account_id"), table_name="bot_subscriptions")
    op.drop_table("bot_subscriptions")
    op.drop_index("ix_bot_signals_fanned_out_at", table_name="bot_signals")
    op.drop_index(op.f("ix_bot_signals_bot_id"), table_name="bot_signals")
    op.drop_table("bot_signals")
    op.drop_table("bot_secrets")
    op.drop_table("bot_positions")
    op.drop_table("account_preparations")
    op.drop_index(op.f("ix_refresh_tokens_user_id"), table_name="refresh_tokens")
    op.drop_index(op.f("ix_refresh_tokens_family"), table_name="refresh_tokens")
    op.drop_table("refresh_tokens")
    op.drop_index(op.f("ix_exchange_accounts_owner_id"), table_name="exchange_accounts")
    op.drop_table("exchange_accounts")
    op.drop_index(op.f("ix_bots_owner_id"), table_name="bots")
    op.drop_table("bots")
    op.drop_table("users")
    op.drop_table("audit_log")
