"""What is to be sent at once is written down as one row, and filed by execution a moment later."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Nothing is unfiled yet."""
    op.create_table(
        "intents",
        sa.Column("id", sa.Text(), primary_key=True),
        sa.Column("epoch", sa.Integer()),
        sa.Column("executions", sa.Text(), nullable=False),
    )
