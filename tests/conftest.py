"""What every room's tests may use."""

import shutil
import tempfile
from pathlib import Path

import pytest

from postgres_support import PostgresServer, place_in_memory


@pytest.fixture(scope="session")
def postgres():
    # A short path of its own: a socket's address has 107 characters, and pytest's folders are not for other users.
    folder = Path(tempfile.mkdtemp(prefix="copydesk-pg-", dir=place_in_memory()))
    server = PostgresServer(folder / "data")
    yield server
    server.stop()
    shutil.rmtree(folder)
