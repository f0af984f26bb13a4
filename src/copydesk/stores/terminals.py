"""What the programs beside MetaTrader 5 terminals last reported."""

from collections.abc import Sequence

from msgspec import Struct
from sqlalchemy import select

from copydesk.domain.ids import UserId
from copydesk.domain.terminal import Terminal, TerminalRole
from copydesk.domain.user import Role, User
from copydesk.stores import tables, terminal_tables
from copydesk.stores.rows import columns, dump, load
from copydesk.stores.signals import upsert
from copydesk.stores.unit import Part

_TABLE = terminal_tables.terminals


class Owned(Struct, frozen=True, kw_only=True):
    """A terminal and whose it is."""

    terminal: Terminal
    username: str


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

    def seen_by(self, viewer: User) -> Sequence[Owned]:
        """One's own; an admin sees everybody's. By role, user and login."""
        users = tables.users.c
        query = select(users.username, *columns(_TABLE, Terminal)).join(tables.users, users.id == _TABLE.c.user_id)
        if viewer.role is not Role.ADMIN:
            query = query.where(_TABLE.c.user_id == viewer.id)
        rows = self._connection.execute(query.order_by(_TABLE.c.role, users.username, _TABLE.c.login)).all()
        return [Owned(terminal=load(Terminal, row), username=row.username) for row in rows]

    def login_of_master(self, user_id: UserId) -> int | None:
        """The login that the user's Master Sender reported last."""
        query = select(_TABLE.c.login).where(_TABLE.c.user_id == user_id, _TABLE.c.role == TerminalRole.MASTER)
        login: int | None = self._connection.execute(
            query.order_by(_TABLE.c.reported_at.desc()).limit(1)
        ).scalar_one_or_none()
        return login or None
