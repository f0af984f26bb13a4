"""Users and their refresh tokens."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from copydesk.domain.errors import Conflict
from copydesk.domain.ids import UserId
from copydesk.domain.user import Role, User, UserStatus
from copydesk.stores import tables
from copydesk.stores.rows import columns, count, dump, first, load, page
from copydesk.stores.unit import Part

_USERS = tables.users
_TOKENS = tables.refresh_tokens


class Users(Part):
    """Names are compared in lower case; a refresh token is used once, and a second use ends its whole family."""

    def add(self, user: User, password_hash: str) -> None:
        row = dump(user, username=user.username.lower(), password_hash=password_hash, config={})
        try:
            self._connection.execute(_USERS.insert(), [row])
        except IntegrityError as error:
            raise Conflict(f"the username {user.username!r} is taken") from error

    def get(self, user_id: UserId) -> User | None:
        return first(self._connection, User, _USERS, _USERS.c.id == user_id)

    def by_name(self, username: str) -> tuple[User, str] | None:
        """The user and the password hash."""
        query = select(*columns(_USERS, User), _USERS.c.password_hash).where(_USERS.c.username == username.lower())
        row = self._connection.execute(query).one_or_none()
        return None if row is None else (load(User, row), row.password_hash)

    def change(self, user_id: UserId, changes: Mapping[str, Any], at: datetime) -> User | None:
        query = _USERS.update().where(_USERS.c.id == user_id).values({**changes, "updated_at": at})
        try:
            self._connection.execute(query)
        except IntegrityError as error:
            raise Conflict("the username is taken") from error
        return self.get(user_id)

    def config(self, user_id: UserId) -> dict[str, Any]:
        return dict(self._connection.execute(select(_USERS.c.config).where(_USERS.c.id == user_id)).scalar_one())

    def list(self, filters: Mapping[str, Any], *, limit: int, cursor: str | None) -> tuple[Sequence[User], str | None]:
        query = select(*columns(_USERS, User)).where(*(_USERS.c[name] == value for name, value in filters.items()))
        rows, following = page(self._connection, query, _USERS.c.id, limit=limit, cursor=cursor)
        return [load(User, row) for row in rows], following

    def count(self, filters: Mapping[str, Any]) -> int:
        return count(self._connection, _USERS, *(_USERS.c[name] == value for name, value in filters.items()))

    def has_admin(self) -> bool:
        """Somebody who can sign in and run the desk."""
        active = (_USERS.c.role == Role.ADMIN, _USERS.c.status == UserStatus.ACTIVE)
        return count(self._connection, _USERS, *active) > 0

    def add_token(self, token_id: str, user_id: UserId, family: str, expires_at: datetime) -> None:
        row = {"id": token_id, "user_id": user_id, "family": family, "expires_at": expires_at, "used_at": None}
        self._connection.execute(_TOKENS.insert(), [row])

    def use_token(self, token_id: str, at: datetime) -> tuple[UserId, str] | None:
        """The user and family of a token used for the first time; None where it is unknown, expired or used."""
        query = select(_TOKENS).where(_TOKENS.c.id == token_id).with_for_update()
        row = self._connection.execute(query).one_or_none()
        if row is None:
            return None
        if row.used_at is not None or row.expires_at <= at:
            self.end_family(row.family)
            return None
        self._connection.execute(_TOKENS.update().where(_TOKENS.c.id == token_id).values(used_at=at))
        return UserId(row.user_id), row.family

    def end_family(self, family: str) -> None:
        self._connection.execute(_TOKENS.delete().where(_TOKENS.c.family == family))

    def end_sessions(self, user_id: UserId) -> None:
        self._connection.execute(_TOKENS.delete().where(_TOKENS.c.user_id == user_id))
