"""Bring a database to the newest schema, by Alembic, inside the caller's connection."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection

_SCRIPTS = Path(__file__).parent / "migrations"
_LOCK = 0x636F7079
"""A PostgreSQL advisory lock, so that hubs that start together migrate one after the other."""


def upgrade(connection: Connection) -> None:
    """Idempotent; safe when several processes start at once."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
