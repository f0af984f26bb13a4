"""Sizes in alerts, fees that spot venues take in coins, and breakers."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0002"
down_revision = "0001"

MONEY = sa.Numeric().with_variant(sa.Text(), "sqlite")
MOMENT = sa.DateTime(timezone=True).with_variant(sa.Text(), "sqlite")
DOCUMENT = JSONB().with_variant(sa.Text(), "sqlite")


def upgrade() -> None:
    """Columns come with a default: SQLite could add them to a filled table in no other way."""
    op.add_column("bots", sa.Column("payload_size", sa.Text(), nullable=False, server_default="ignore"))
    op.add_column("bot_signals", sa.Column("size", DOCUMENT, nullable=True))
    op.add_column("bot_signal_executions", sa.Column("base_fee", MONEY, nullable=False, server_default="0"))
    op.create_table(
        "breakers",
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("set_by", sa.Text(), nullable=False),
        sa.Column("set_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["set_by"], ["users.id"], name=op.f("fk_breakers_set_by")),
        sa.PrimaryKeyConstraint("scope", "target", name=op.f("pk_breakers")),
    )
