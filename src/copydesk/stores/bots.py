"""Bots, and the secrets that their alerts carry or their senders sign with."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, bindparam, func, or_, select
from sqlalchemy.exc import IntegrityError

from copydesk.domain.bot import Bot, BotStatus
from copydesk.domain.errors import Conflict
from copydesk.domain.ids import BotId, UserId
from copydesk.domain.signal import SourceKind
from copydesk.domain.subscription import SubscriptionStatus
from copydesk.stores import tables
from copydesk.stores.remembered import Remembered
from copydesk.stores.rows import columns, count, dump, first, load, names, page
from copydesk.stores.statements import read_all
from copydesk.stores.unit import Part

_BOTS = tables.bots
_SECRETS = tables.bot_secrets

_REMEMBERED = Remembered([_BOTS.c[name] for name in names(Bot)], lambda row: Bot(**row))
_AT_PATH = select(*_REMEMBERED.columns).where(_BOTS.c.master_webhook_path == bindparam("path"))
_FINGERPRINTS = select(_SECRETS.c.fingerprint).where(
    _SECRETS.c.bot_id == bindparam("bot_id"),
    or_(_SECRETS.c.expires_at.is_(None), _SECRETS.c.expires_at > bindparam("at")),
)


class Bots(Part):
    """Two secrets may be valid at once while one is being rotated. Of an alert's secret only the fingerprint is kept;
    one to sign with is kept sealed as well.
    """

    def add(self, bot: Bot, fingerprint: str, sealed: str | None = None) -> None:
        self._save_new(bot)
        self._add_secret(bot.id, fingerprint, sealed, bot.created_at)

    def get(self, bot_id: BotId) -> Bot | None:
        return first(self._connection, Bot, _BOTS, _BOTS.c.id == bot_id)

    def change(self, bot_id: BotId, changes: Mapping[str, Any], at: datetime) -> Bot | None:
        query = _BOTS.update().where(_BOTS.c.id == bot_id).values({**changes, "updated_at": at})
        try:
            self._connection.execute(query)
        except IntegrityError as error:
            raise Conflict("the master_webhook_path is taken") from error
        return self.get(bot_id)

    def list(
        self, filters: Mapping[str, Any], *, seen_by: UserId | None, limit: int, cursor: str | None
    ) -> tuple[Sequence[Bot], str | None]:
        """All bots for an admin (`seen_by` None); else the own ones and everybody's active ones."""
        query = select(*columns(_BOTS, Bot)).where(*_fits(filters, seen_by))
        rows, following = page(self._connection, query, _BOTS.c.id, limit=limit, cursor=cursor)
        return [load(Bot, row) for row in rows], following

    def count(self, filters: Mapping[str, Any], *, seen_by: UserId | None) -> int:
        return count(self._connection, _BOTS, *_fits(filters, seen_by))

    def at_path(self, path: str, at: datetime) -> tuple[Bot, Sequence[str]] | None:
        """The bot that listens at a webhook path, and the fingerprints of the secrets valid now."""
        if "\0" in path:
            return None  # PostgreSQL refuses to be asked for it, and the sender would be told to try again
        found = _REMEMBERED.read(self._connection, _AT_PATH, path=path)
        return (found[0], self.fingerprints(found[0].id, at)) if found else None

    def fingerprints(self, bot_id: BotId, at: datetime) -> Sequence[str]:
        return [row[0] for row in read_all(self._connection, _FINGERPRINTS, bot_id=bot_id, at=at)]

    def sealed_secrets(self, bot_id: BotId, at: datetime) -> Sequence[str]:
        """The secrets valid now that the bot's senders sign with."""
        valid = or_(_SECRETS.c.expires_at.is_(None), _SECRETS.c.expires_at > at)
        query = select(_SECRETS.c.sealed).where(_SECRETS.c.bot_id == bot_id, _SECRETS.c.sealed.is_not(None), valid)
        return self._connection.execute(query).scalars().all()

    def signed(self, owner_id: UserId) -> Sequence[Bot]:
        """A person's own bots that take signed signals, the archived ones left out."""
        sources = _BOTS.c.source.in_((SourceKind.REST, SourceKind.MASTER))
        query = select(*columns(_BOTS, Bot)).where(
            _BOTS.c.owner_id == owner_id, sources, _BOTS.c.status != BotStatus.ARCHIVED
        )
        return [load(Bot, row) for row in self._connection.execute(query.order_by(_BOTS.c.id))]

    def oldest_strategy(self, owner_id: UserId) -> Bot | None:
        """A person's first own bot of source `strategy`, the archived ones left out."""
        query = select(*columns(_BOTS, Bot)).where(
            _BOTS.c.owner_id == owner_id, _BOTS.c.source == SourceKind.STRATEGY, _BOTS.c.status != BotStatus.ARCHIVED
        )
        row = self._connection.execute(query.order_by(_BOTS.c.id).limit(1)).one_or_none()
        return None if row is None else load(Bot, row)

    def rotate(
        self, bot_id: BotId, fingerprint: str, *, old_until: datetime, at: datetime, sealed: str | None = None
    ) -> None:
        """A new secret at once; of the old ones only the newest stays valid, until `old_until`."""
        current = _SECRETS.c.bot_id == bot_id
        if fingerprint in self.fingerprints(bot_id, at):
            raise Conflict("this secret is valid already: choose another one")
        self._connection.execute(_SECRETS.delete().where(current, _SECRETS.c.expires_at.is_not(None)))
        self._connection.execute(_SECRETS.update().where(current).values(expires_at=old_until))
        self._add_secret(bot_id, fingerprint, sealed, at)

    def health(self) -> Mapping[str, Any]:
        """How many bots and subscriptions are active, and when the last signal came."""
        subscriptions, signals = tables.bot_subscriptions.c, tables.bot_signals.c
        active = select(func.count()).select_from(_BOTS).where(_BOTS.c.status == BotStatus.ACTIVE)
        following = select(func.count(subscriptions.id)).where(
            subscriptions.status == SubscriptionStatus.ACTIVE, subscriptions.deleted_at.is_(None)
        )
        latest = select(signals.received_at).order_by(signals.id.desc()).limit(1)
        return {
            "active_bots": self._connection.execute(active).scalar_one(),
            "active_subscriptions": self._connection.execute(following).scalar_one(),
            "last_signal_at": self._connection.execute(latest).scalar_one_or_none(),
        }

    def _add_secret(self, bot_id: BotId, fingerprint: str, sealed: str | None, at: datetime) -> None:
        row = {"bot_id": bot_id, "fingerprint": fingerprint, "sealed": sealed, "expires_at": None, "created_at": at}
        self._connection.execute(_SECRETS.insert(), [row])

    def _save_new(self, bot: Bot) -> None:
        try:
            self._connection.execute(_BOTS.insert(), [dump(bot)])
        except IntegrityError as error:
            raise Conflict(f"the master_webhook_path {bot.master_webhook_path!r} is taken") from error


def _fits(filters: Mapping[str, Any], seen_by: UserId | None) -> list[ColumnElement[bool]]:
    where = [_BOTS.c[name] == value for name, value in filters.items()]
    return where if seen_by is None else [*where, or_(_BOTS.c.owner_id == seen_by, _BOTS.c.status == BotStatus.ACTIVE)]
