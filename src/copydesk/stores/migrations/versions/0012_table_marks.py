"""SQLite marks the tables of those who follow whenever they change, so that their rows can be kept in memory (stores/kept.py).

A later migration that makes one of these tables anew must make its triggers anew.
"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"

MARKED = ("bot_subscriptions", "exchange_accounts", "account_preparations")


def upgrade() -> None:
    """A mark is a number by chance: one that was rolled back never comes again for something else."""
    marks = op.create_table(
        "table_marks",
        sa.Column("name", sa.Text(), primary_key=True),
        sa.Column("mark", sa.BigInteger(), nullable=False),
    )
    if op.get_bind().dialect.name != "sqlite":
        return
    op.bulk_insert(marks, [{"name": name, "mark": 0} for name in MARKED])
    for name in MARKED:
        for change in ("INSERT", "UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER mark_{name}_{change.lower()} AFTER {change} ON {name}"  # noqa: S608  names of ours
                f" BEGIN UPDATE table_marks SET mark = random() WHERE name = '{name}'; END"
            )
