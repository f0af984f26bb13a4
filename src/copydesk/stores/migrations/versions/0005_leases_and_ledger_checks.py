"""Who does the desk's work, in which epoch each move was made, and what comparing ledgers found."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0005"
down_revision = "0004"

MOMENT = sa.DateTime(timezone=True).with_variant(sa.Text(), "sqlite")
DOCUMENT = JSONB().with_variant(sa.Text(), "sqlite")


def upgrade() -> None:
    """Moves made before have no epoch."""
    op.create_table(
        "leases",
        sa.Column("duty", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("duty", name=op.f("pk_leases")),
    )
    op.create_table(
        "ledger_checks",
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("checked_at", MOMENT, nullable=False),
        sa.Column("since", MOMENT, nullable=False),
        sa.Column("orders", sa.Integer(), nullable=False),
        sa.Column("discrepancies", DOCUMENT, nullable=False),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["exchange_accounts.id"], name=op.f("fk_ledger_checks_account_id")),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_ledger_checks")),
    )
    op.create_index("ix_ledger_checks_checked_at", "ledger_checks", ["checked_at"])
    op.create_index("ix_bot_signal_executions_account_frozen", "bot_signal_executions", ["account_id", "frozen_at"])
    op.add_column("execution_events", sa.Column("epoch", sa.Integer(), nullable=True))
    op.add_column("daily_results", sa.Column("ended_at", MOMENT, nullable=True))
