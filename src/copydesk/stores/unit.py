"""One transaction's work: rows read ahead in a handful of statements, and what changes written behind in as few."""

from collections.abc import Callable

from sqlalchemy import Connection


class Unit:
    """The connection of one transaction. What was put off goes out before anybody reads, and before the end."""

    def __init__(self, connection: Connection) -> None:
        self._bare = connection
        self._behind: list[Callable[[Connection], None]] = []

    @property
    def connection(self) -> Connection:
        self.flush()
        return self._bare

    def put_off(self, write: Callable[[Connection], None]) -> None:
        """Once: whoever puts more off before the next flush adds it to what its own `write` sends."""
        if write not in self._behind:
            self._behind.append(write)

    def flush(self) -> None:
        behind, self._behind = self._behind, []
        for write in behind:
            write(self._bare)


class Part:
    """The tables of one subject, within one unit of work."""

    def __init__(self, unit: Unit) -> None:
        self._unit = unit

    @property
    def _connection(self) -> Connection:
        return self._unit.connection
