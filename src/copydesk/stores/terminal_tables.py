"""The tables of MetaTrader 5 terminals and of the agents beside them; as tables.py."""

from sqlalchemy import BigInteger, Boolean, Column, Index, Table, Text

from copydesk.domain.frames import Event
from copydesk.domain.terminal import TerminalRole
from copydesk.stores.schema import identity, metadata, of, when
from copydesk.stores.types import Json, Moment, Word

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

agents = Table(
    "agents",
    metadata,
    identity(),
    of("user_id", "users.id", index=True),
    Column("role", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("last_seq", BigInteger, nullable=False),
    when("seen_at"),
)

agent_commands = Table(
    "agent_commands",
    metadata,
    identity(),
    of("account_id", "exchange_accounts.id"),
    of("owner_id", "users.id"),
    Column("event", Word(Event), nullable=False),
    Column("data", Json, nullable=False),
    when("created_at"),
    when("expires_at"),
    when("received_at", nullable=True),
    Column("result", Json),
    when("ended_at", nullable=True),
    Index("ix_agent_commands_open", "ended_at", "received_at", "expires_at"),
)

agent_frames = Table(
    "agent_frames",
    metadata,
    of("agent_id", "agents.id", primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    of("command_id", "agent_commands.id"),
    Column("created_at", Moment, nullable=False, index=True),
)
