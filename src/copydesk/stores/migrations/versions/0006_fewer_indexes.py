"""An execution is written down before its order leaves: every index is paid for on the way, so only those stay that something needs."""

from alembic import op

revision = "0006"
down_revision = "0005"

_TABLE = "bot_signal_executions"


def upgrade() -> None:
    """What is found by owner or subscription is found by account; what is found by the venue's id, by our own in it."""
    op.create_index("ix_bot_signal_executions_account_state", _TABLE, ["account_id", "state"])
    for name in ("account_symbol", "bot_id", "client_order_id", "owner_id", "subscription_id"):
        op.drop_index(f"ix_bot_signal_executions_{name}", table_name=_TABLE)
