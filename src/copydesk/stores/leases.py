"""Who does a duty, and since which epoch: one row a duty, timed by the database's clock."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from msgspec import Struct
from sqlalchemy import Row, bindparam, select, text

from copydesk.domain.errors import LeaseLost
from copydesk.stores import tables
from copydesk.stores.signals import upsert
from copydesk.stores.types import TIME_FORMAT
from copydesk.stores.unit import Part, Unit

_TABLE = tables.leases

_FENCE = select(_TABLE.c.epoch).where(_TABLE.c.duty == bindparam("duty")).with_for_update(read=True, key_share=True)

_END_SESSIONS = text(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE datname = current_database() AND usename = current_user AND application_name = :owner"
)


class Duty(Struct, frozen=True, kw_only=True):
    """Who does a duty; `is_kept`: its lease has not run out, by the database's clock."""

    duty: str
    owner: str
    epoch: int
    expires_at: datetime
    is_kept: bool


class Leases(Part):
    """The LeaseTable of ports/store.py, and who holds what, for reading; `fenced` is told the epoch of a transaction that was fenced."""

    def __init__(self, unit: Unit, fenced: Callable[[int], None]) -> None:
        super().__init__(unit)
        self._fenced = fenced

    def take(self, duty: str, owner: str, ttl_s: float, is_gone: Callable[[str], bool]) -> int | None:
        def is_taken(row: Row[Any] | None) -> bool:
            return row is not None and row.owner != owner and row.expires_at > self._now() and not is_gone(row.owner)

        query = select(_TABLE).where(_TABLE.c.duty == duty)
        row = self._connection.execute(query).one_or_none()
        if is_taken(row):
            return None
        if row is not None and row.owner != owner:
            self._end_sessions(row.owner)
        # FOR UPDATE waits for every transaction that is fenced by the epoch before.
        row = self._connection.execute(query.with_for_update()).one_or_none()
        if is_taken(row):
            return None
        epoch = 1 if row is None else row.epoch + 1
        values = {"owner": owner, "epoch": epoch, "expires_at": self._now() + timedelta(seconds=ttl_s)}
        upsert(self._connection, _TABLE, {"duty": duty}, values)
        return epoch

    def renew(self, duty: str, epoch: int, ttl_s: float) -> None:
        ours = (_TABLE.c.duty == duty, _TABLE.c.epoch == epoch)
        expires_at = self._now() + timedelta(seconds=ttl_s)
        if self._connection.execute(_TABLE.update().where(*ours).values(expires_at=expires_at)).rowcount != 1:
            raise LeaseLost(f"another program has taken {duty} over")

    def fence(self, duty: str, epoch: int) -> None:
        # FOR KEY SHARE lets others in and renewals through, and keeps a take-over out until this transaction ends.
        if self._connection.execute(_FENCE, {"duty": duty}).scalar_one_or_none() != epoch:
            raise LeaseLost(f"another program has taken {duty} over")
        self._fenced(epoch)

    def duties(self) -> Sequence[Duty]:
        now = self._now()
        return [
            Duty(
                duty=row.duty, owner=row.owner, epoch=row.epoch, expires_at=row.expires_at, is_kept=row.expires_at > now
            )
            for row in self._connection.execute(select(_TABLE).order_by(_TABLE.c.duty))
        ]

    def _end_sessions(self, owner: str) -> None:
        """Its time is over, and it may be stopped in the middle of a transaction, which nobody could wait for."""
        if self._connection.dialect.name == "postgresql":
            self._connection.execute(_END_SESSIONS, {"owner": owner})

    def _now(self) -> datetime:
        if self._connection.dialect.name == "postgresql":
            moment: datetime = self._connection.execute(text("SELECT clock_timestamp()")).scalar_one()
            return moment.astimezone(UTC)
        shown = self._connection.execute(text("SELECT strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')")).scalar_one()
        return datetime.strptime(shown, TIME_FORMAT).replace(tzinfo=UTC)
