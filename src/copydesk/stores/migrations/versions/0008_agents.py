"""What a master's ticket became stays with its signal; agents, what each was told, and what became of it."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0008"
down_revision = "0007"

MOMENT = sa.DateTime(timezone=True).with_variant(sa.Text(), "sqlite")
DOCUMENT = JSONB().with_variant(sa.Text(), "sqlite")


def upgrade() -> None:
    """Signals from before have no ticket: terminals did not follow them."""
    op.add_column("bot_signals", sa.Column("ticket", DOCUMENT, nullable=True))
    op.create_table(
        "agents",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("last_seq", sa.BigInteger(), nullable=False),
        sa.Column("seen_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_agents_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_agents")),
    )
    op.create_index("ix_agents_user_id", "agents", ["user_id"])
    op.create_table(
        "agent_commands",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("owner_id", sa.Text(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("data", DOCUMENT, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("received_at", MOMENT, nullable=True),
        sa.Column("result", DOCUMENT, nullable=True),
        sa.Column("ended_at", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["exchange_accounts.id"], name=op.f("fk_agent_commands_account_id")),
        sa.ForeignKeyConstraint(["owner_id"], ["users.id"], name=op.f("fk_agent_commands_owner_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_agent_commands")),
    )
    op.create_index("ix_agent_commands_open", "agent_commands", ["ended_at", "received_at", "expires_at"])
    op.create_table(
        "agent_frames",
        sa.Column("agent_id", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("command_id", sa.Text(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["agent_id"], ["agents.id"], name=op.f("fk_agent_frames_agent_id")),
        sa.ForeignKeyConstraint(["command_id"], ["agent_commands.id"], name=op.f("fk_agent_frames_command_id")),
        sa.PrimaryKeyConstraint("agent_id", "seq", name=op.f("pk_agent_frames")),
    )
    op.create_index("ix_agent_frames_created_at", "agent_frames", ["created_at"])
