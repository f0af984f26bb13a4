"""What the programs beside MetaTrader 5 terminals last reported."""

from collections.abc import Sequence

from sqlalchemy import select

from copydesk.domain.ids import UserId
from copydesk.domain.terminal import Terminal, TerminalRole
from copydesk.stores import terminal_tables
from copydesk.stores.rows import columns, dump, load
from copydesk.stores.signals import upsert
from copydesk.stores.unit import Part

_TABLE = terminal_tables.terminals


class Terminals(Part):
    """One row a user, role and login: the latest report."""

    def put(self, terminal: Terminal) -> None:
        row = dump(terminal)
        key = {name: row.pop(name) for name in ("user_id", "role", "login")}
        upsert(self._connection, _TABLE, key, row)

    def of_user(self, user_id: UserId) -> Sequence[Terminal]:
        """Latest report first."""
        query = select(*columns(_TABLE, Terminal)).where(_TABLE.c.user_id == user_id)
        rows = self._connection.execute(query.order_by(_TABLE.c.reported_at.desc(), _TABLE.c.login)).all()
        return [load(Terminal, row) for row in rows]

    def login_of_master(self, user_id: UserId) -> int | None:
        """The login that the user's Master Sender reported last."""
        query = select(_TABLE.c.login).where(_TABLE.c.user_id == user_id, _TABLE.c.role == TerminalRole.MASTER)
        login: int | None = self._connection.execute(
            query.order_by(_TABLE.c.reported_at.desc()).limit(1)
        ).scalar_one_or_none()
        return login or None
