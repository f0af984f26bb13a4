"""A master's ticket may be an order that waits; what a lot is there stays with it."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0010"
down_revision = "0009"

DOCUMENT = JSONB().with_variant(sa.Text(), "sqlite")


def upgrade() -> None:
    """Tickets from before were all positions, of lots that nobody told."""
    op.add_column("master_tickets", sa.Column("waiting", DOCUMENT, nullable=True))
    op.add_column("master_tickets", sa.Column("contract", DOCUMENT, nullable=True))
