"""The tables of MetaTrader 5 terminals and of the agents beside them; as tables.py."""

from sqlalchemy import BigInteger, Boolean, Column, Table, Text

from copydesk.domain.terminal import TerminalRole
from copydesk.stores.schema import metadata, of, when
from copydesk.stores.types import Json, Word

terminals = Table(
    "terminals",
    metadata,
    of("user_id", "users.id", primary_key=True),
    Column("role", Word(TerminalRole), primary_key=True),
    Column("login", BigInteger, primary_key=True, autoincrement=False),
    Column("server", Text, nullable=False),
    Column("connected", Boolean, nullable=False),
    Column("figures", Json, nullable=False),
    when("reported_at"),
)
