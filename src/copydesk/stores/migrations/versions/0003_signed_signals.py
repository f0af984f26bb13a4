"""What signed signals need: secrets to sign with, tickets of masters, what a key was used for."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

MONEY = sa.Numeric().with_variant(sa.Text(), "sqlite")
MOMENT = sa.DateTime(timezone=True).with_variant(sa.Text(), "sqlite")


def upgrade() -> None:
    """New columns may be null: what is stored came from sources that do not know them."""
    op.add_column("bot_secrets", sa.Column("sealed", sa.Text(), nullable=True))
    op.add_column("bot_signal_keys", sa.Column("content", sa.Text(), nullable=True))
    op.add_column("bot_positions", sa.Column("volume", MONEY, nullable=True))
    op.create_table(
        "master_tickets",
        sa.Column("bot_id", sa.Text(), nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("symbol", sa.Text(), nullable=False),
        sa.Column("direction", sa.Text(), nullable=False),
        sa.Column("volume", MONEY, nullable=False),
        sa.Column("stop_loss", MONEY, nullable=False),
        sa.Column("take_profit", MONEY, nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("signal_id", sa.Text(), nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["bot_id"], ["bots.id"], name=op.f("fk_master_tickets_bot_id")),
        sa.ForeignKeyConstraint(["signal_id"], ["bot_signals.id"], name=op.f("fk_master_tickets_signal_id")),
        sa.PrimaryKeyConstraint("bot_id", "number", name=op.f("pk_master_tickets")),
    )
    op.create_index(
        "ix_master_tickets_bot_id_symbol_status", "master_tickets", ["bot_id", "symbol", "status"], unique=False
    )
