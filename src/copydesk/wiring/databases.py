"""The database and the vault that the settings name."""

from copydesk.settings import Settings
from copydesk.stores.database import Database
from copydesk.stores.postgres import PostgresDatabase
from copydesk.stores.sqlite import SqliteDatabase
from copydesk.stores.vault import EnvelopeVault, read_master_key
from copydesk.wiring.owner import this_program

DATABASE_FILE = "copydesk.db"


def open_database(settings: Settings) -> Database:
    if settings.database_url is not None:
        return PostgresDatabase(settings.database_url, this_program().name)
    return SqliteDatabase(settings.data_dir / DATABASE_FILE)


def open_vault(settings: Settings) -> EnvelopeVault:
    return EnvelopeVault(read_master_key(settings.master_key_file))
