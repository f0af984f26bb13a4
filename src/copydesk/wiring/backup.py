"""Back the desk's database up, and make one out of a backup."""

import asyncio
import contextlib
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from msgspec import Struct

from copydesk.domain.errors import Conflict, CopydeskError
from copydesk.ports.clock import SystemClock
from copydesk.settings import Settings
from copydesk.stores.backup import BackupBroken, Manifest, Tell, back_up_postgres, back_up_sqlite, read_manifest, verify
from copydesk.stores.restoring import restore_postgres, restore_sqlite
from copydesk.stores.store import SqlStore
from copydesk.web.keeping import Made as KeptBackup
from copydesk.wiring.databases import DATABASE_FILE, open_database, open_vault

FOLDER = "backups"
ENDING = ".backup"


class Made(Struct, frozen=True, kw_only=True):
    """A backup and where it is."""

    path: Path
    manifest: Manifest


class Restored(Struct, frozen=True, kw_only=True):
    """`kept` is the database that was there before; `sealed` says how many accounts' secrets the master key does not open."""

    manifest: Manifest
    kept: Path | None
    accounts: int
    sealed: int


async def make_backup(settings: Settings, target: Path | None, tell: Tell) -> Made:
    """Into the data folder's `backups` unless told where."""
    at = SystemClock().now()
    target = target or settings.data_dir / FOLDER / name_of(at)
    if settings.database_url is not None:
        manifest = await back_up_postgres(settings.database_url, target, at, tell)
    else:
        source = settings.data_dir / DATABASE_FILE
        if not source.is_file():
            raise CopydeskError(f"there is no database at {source}: COPYDESK_DATA_DIR says where it is")
        manifest = await asyncio.to_thread(back_up_sqlite, source, target, at, tell)
    return Made(path=target, manifest=manifest)


async def check_backup(path: Path) -> Manifest:
    """Raise BackupBroken where it is not what it was."""
    return await asyncio.to_thread(verify, path)


async def restore_backup(settings: Settings, path: Path, tell: Tell, *, replace: bool) -> Restored:
    """Raise Conflict or BackupBroken, and then nothing was changed."""
    vault, at = open_vault(settings), SystemClock().now()
    kept = None
    if settings.database_url is not None:
        manifest = await restore_postgres(path, settings.database_url, vault, at, tell, replace=replace)
    else:
        target = settings.data_dir / DATABASE_FILE
        manifest, kept = await asyncio.to_thread(lambda: restore_sqlite(path, target, vault, at, tell, replace=replace))
    accounts, sealed = await _try_secrets(settings)
    return Restored(manifest=manifest, kept=kept, accounts=accounts, sealed=sealed)


def name_of(at: datetime) -> str:
    """Sorts by time."""
    return f"copydesk-{at:%Y%m%dT%H%M%SZ}{ENDING}"


async def _try_secrets(settings: Settings) -> tuple[int, int]:
    """How many accounts there are, and for how many of them this machine's master key is the wrong one."""
    database = open_database(settings)
    await database.start()
    try:
        store = SqlStore(database, open_vault(settings))
        ids = await store.read(lambda tables: tables.accounts.ids_of(None))
        opened = await store.read(lambda tables: tables.followers.logins(ids))
    finally:
        await database.close()
    return len(ids), len(ids) - len(opened)


class Backups:
    """The hub's own: made into one folder when an admin says so, one at a time."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._is_making = False
        self.folder = settings.data_dir / FOLDER

    async def make(self) -> KeptBackup:
        """In a thread of its own: the desk goes on meanwhile. Raise Conflict while another is being made."""
        if self._is_making:
            raise Conflict("a backup is being made already")
        self._is_making = True
        try:
            made = await asyncio.to_thread(lambda: asyncio.run(make_backup(self._settings, None, _silently)))
        finally:
            self._is_making = False
        return _kept(made.path, made.manifest)

    async def known(self) -> Sequence[KeptBackup]:
        """Newest first, by what each says of itself; what is no backup is left out."""
        return await asyncio.to_thread(self._read)

    def _read(self) -> Sequence[KeptBackup]:
        found: list[KeptBackup] = []
        for path in sorted(self.folder.glob(f"*{ENDING}"), reverse=True):
            with contextlib.suppress(BackupBroken):
                found.append(_kept(path, read_manifest(path)))
        return found


def _kept(path: Path, manifest: Manifest) -> KeptBackup:
    return KeptBackup(name=path.name, made_at=manifest.made_at, bytes=path.stat().st_size, rows=manifest.rows)


def _silently(_what: str, _done: int, _total: int) -> None:
    """Nobody watches."""
