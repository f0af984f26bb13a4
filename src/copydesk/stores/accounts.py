"""Followers' accounts: what people see of them; their secrets go in and never come out here."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, select
from sqlalchemy.exc import IntegrityError

from copydesk.domain.errors import Conflict
from copydesk.domain.execution import UNSETTLED
from copydesk.domain.ids import AccountId, UserId
from copydesk.domain.subscription import Account
from copydesk.ports.vault import Vault
from copydesk.stores import tables
from copydesk.stores.followers import secret_context
from copydesk.stores.rows import columns, count, dump, first, load, page
from copydesk.stores.unit import Part, Unit

_ACCOUNTS = tables.exchange_accounts


class Accounts(Part):
    """One key is one account: the same key twice would copy every signal twice to the same money."""

    def __init__(self, unit: Unit, vault: Vault) -> None:
        super().__init__(unit)
        self._vault = vault

    def add(self, account: Account, secrets: Mapping[str, str]) -> None:
        row = dump(account, deleted_at=None, **self._sealed(account, secrets))
        try:
            self._connection.execute(_ACCOUNTS.insert(), [row])
        except IntegrityError as error:
            raise Conflict("this key is already registered as an account") from error

    def get(self, account_id: AccountId, owner_id: UserId | None) -> Account | None:
        """`owner_id` None sees every account."""
        return first(self._connection, Account, _ACCOUNTS, _ACCOUNTS.c.id == account_id, *_seen(owner_id))

    def change(self, account: Account, changes: Mapping[str, Any], secrets: Mapping[str, str], at: datetime) -> None:
        values = {**changes, "updated_at": at}
        if secrets:
            values |= self._sealed(account, secrets)
        try:
            self._connection.execute(_ACCOUNTS.update().where(_ACCOUNTS.c.id == account.id).values(values))
        except IntegrityError as error:
            raise Conflict("this key is already registered as an account") from error

    def delete(self, account_id: AccountId, at: datetime) -> None:
        """The secrets are gone at once; the row stays for the history that names it."""
        gone = {
            "deleted_at": at,
            "is_active": False,
            "sealed_secrets": {},
            "key_fingerprint": None,
            "updated_at": at,
        }
        self._connection.execute(_ACCOUNTS.update().where(_ACCOUNTS.c.id == account_id).values(gone))
        subscriptions = tables.bot_subscriptions
        self._connection.execute(
            subscriptions.update().where(subscriptions.c.account_id == account_id).values(deleted_at=at)
        )
        self.forget_preparations(account_id)

    def forget_preparations(self, account_id: AccountId) -> None:
        """What was verified belongs to the key it was verified with."""
        made = tables.account_preparations
        self._connection.execute(made.delete().where(made.c.account_id == account_id))

    def list(
        self, filters: Mapping[str, Any], *, owner_id: UserId | None, limit: int, cursor: str | None
    ) -> tuple[Sequence[Account], str | None]:
        query = select(*columns(_ACCOUNTS, Account)).where(*_fits(filters), *_seen(owner_id))
        rows, following = page(self._connection, query, _ACCOUNTS.c.id, limit=limit, cursor=cursor)
        return [load(Account, row) for row in rows], following

    def count(self, filters: Mapping[str, Any], *, owner_id: UserId | None) -> int:
        return count(self._connection, _ACCOUNTS, *_fits(filters), *_seen(owner_id))

    def ids_of(self, owner_id: UserId | None) -> Sequence[AccountId]:
        query = select(_ACCOUNTS.c.id).where(*_seen(owner_id)).order_by(_ACCOUNTS.c.id)
        return [AccountId(found) for found in self._connection.execute(query).scalars()]

    def is_in_use(self, account_id: AccountId) -> bool:
        """Whether a position of ours is open there, or an order of ours not settled."""
        held, sent = tables.positions, tables.bot_signal_executions
        positions = count(self._connection, held, held.c.account_id == account_id)
        return (
            positions + count(self._connection, sent, sent.c.account_id == account_id, sent.c.state.in_(UNSETTLED)) > 0
        )

    def _sealed(self, account: Account, secrets: Mapping[str, str]) -> dict[str, Any]:
        sealed = {
            name: self._vault.seal(secret, context=secret_context(account.owner_id, account.id, name))
            for name, secret in secrets.items()
        }
        named = (secrets[one] for one in ("token", "login", "server") if one in secrets)
        identity = secrets.get("api_key") or "@".join(named)
        place = f"{account.venue}/{account.environment}/{identity}"
        return {"sealed_secrets": sealed, "key_fingerprint": self._vault.fingerprint(place) if identity else None}


def _seen(owner_id: UserId | None) -> list[ColumnElement[bool]]:
    where: list[ColumnElement[bool]] = [_ACCOUNTS.c.deleted_at.is_(None)]
    return where if owner_id is None else [*where, _ACCOUNTS.c.owner_id == owner_id]


def _fits(filters: Mapping[str, Any]) -> list[ColumnElement[bool]]:
    return [_ACCOUNTS.c[name] == value for name, value in filters.items()]
