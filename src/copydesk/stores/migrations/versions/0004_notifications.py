"""Where people are told, of what, and when not."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0004"
down_revision = "0003"

MOMENT = sa.DateTime(timezone=True).with_variant(sa.Text(), "sqlite")
DOCUMENT = JSONB().with_variant(sa.Text(), "sqlite")


def upgrade() -> None:
    """A user without a row is told nothing."""
    op.create_table(
        "user_notifications",
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("addresses", DOCUMENT, nullable=False),
        sa.Column("kinds", DOCUMENT, nullable=False),
        sa.Column("quiet_hours", DOCUMENT, nullable=True),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_user_notifications_user_id")),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_user_notifications")),
    )
