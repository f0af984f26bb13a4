"""What people are told: the journal's facts for one person each, and their addresses, sealed."""

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime, time
from decimal import Decimal
from typing import Any

from msgspec.structs import asdict
from sqlalchemy import Row, RowMapping, func, select

from copydesk.domain.ids import UserId
from copydesk.domain.notice import DEFAULT_KINDS, Choices, Destination, Fact, NoticeKind, QuietHours
from copydesk.domain.signal import SourceKind
from copydesk.domain.subscription import KeyCheck
from copydesk.ports.vault import Vault
from copydesk.stores import tables
from copydesk.stores.signals import upsert
from copydesk.stores.types import TIME_FORMAT
from copydesk.stores.unit import Part, Unit

_WANTED = tables.user_notifications
_EVENTS, _SENT, _SIGNALS = tables.execution_events, tables.bot_signal_executions, tables.bot_signals
_BOTS, _ACCOUNTS, _CHECKS = tables.bots, tables.exchange_accounts, tables.ledger_checks


class Notices(Part):
    """The NoticeTable of ports/store.py, and what a person's own route needs beside it."""

    def __init__(self, unit: Unit, vault: Vault) -> None:
        super().__init__(unit)
        self._vault = vault

    def latest(self) -> tuple[int, str, str]:
        number = self._connection.execute(select(func.max(_EVENTS.c.number))).scalar_one()
        signal_id = self._connection.execute(select(func.max(_SIGNALS.c.id))).scalar_one()
        checked = self._connection.execute(select(func.max(_CHECKS.c.checked_at))).scalar_one()
        return number or 0, signal_id or "", _cursor(checked, "") if checked else ""

    def moves_after(self, number: int, most: int) -> Sequence[tuple[int, Fact]]:
        sent = _SENT.c
        query = (
            select(
                _EVENTS.c.number,
                _EVENTS.c.at,
                _EVENTS.c.state,
                *(sent.owner_id, sent.symbol, sent.leg, sent.reason, sent.plan, sent.executed_quantity),
                sent.executed_price,
                _BOTS.c.name.label("bot_name"),
                _ACCOUNTS.c.name.label("account_name"),
                _ACCOUNTS.c.key_check,
                _SIGNALS.c.source,
                _SIGNALS.c.payload,
            )
            .join(_SENT, sent.id == _EVENTS.c.execution_id)
            .join(_BOTS, _BOTS.c.id == sent.bot_id)
            .join(_ACCOUNTS, _ACCOUNTS.c.id == sent.account_id)
            .join(_SIGNALS, _SIGNALS.c.id == sent.signal_id)
            .where(_EVENTS.c.number > number)
        )
        rows = self._connection.execute(query.order_by(_EVENTS.c.number).limit(most))
        return [(row.number, _move(row._mapping)) for row in rows]  # noqa: SLF001  SQLAlchemy's public name for it

    def signals_after(self, signal_id: str, most: int) -> Sequence[tuple[str, Fact]]:
        query = (
            select(
                _SIGNALS.c.id,
                _SIGNALS.c.created_at,
                _SIGNALS.c.action,
                _SIGNALS.c.symbol,
                _BOTS.c.owner_id,
                _BOTS.c.name,
            )
            .join(_BOTS, _BOTS.c.id == _SIGNALS.c.bot_id)
            .where(_SIGNALS.c.id > signal_id, _SIGNALS.c.source != SourceKind.DESK)
        )
        return [
            (signal_id, Fact(at=at, owner_id=owner_id, bot_name=bot_name, symbol=symbol, action=action))
            for signal_id, at, action, symbol, owner_id, bot_name in self._connection.execute(
                query.order_by(_SIGNALS.c.id).limit(most)
            ).all()
        ]

    def checks_after(self, cursor: str, most: int) -> Sequence[tuple[str, Fact]]:
        query = (
            select(
                _CHECKS.c.account_id,
                _CHECKS.c.checked_at,
                _CHECKS.c.discrepancies,
                _ACCOUNTS.c.owner_id,
                _ACCOUNTS.c.name,
            )
            .join(_ACCOUNTS, _ACCOUNTS.c.id == _CHECKS.c.account_id)
            .order_by(_CHECKS.c.checked_at, _CHECKS.c.account_id)
        )
        if cursor:
            told_until = datetime.strptime(cursor.partition("/")[0], TIME_FORMAT).replace(tzinfo=UTC)
            query = query.where(_CHECKS.c.checked_at >= told_until)
        rows = [row for row in self._connection.execute(query) if row.discrepancies]
        found = [(_cursor(row.checked_at, row.account_id), _check(row)) for row in rows]
        return [(at, fact) for at, fact in found if at > cursor][:most]

    def choices(self, users: Collection[UserId]) -> Mapping[UserId, Choices]:
        query = select(_WANTED).where(_WANTED.c.user_id.in_(sorted(users)))
        return {UserId(row.user_id): _choices(row) for row in self._connection.execute(query) if row.addresses}

    def addresses(self, user_id: UserId) -> Sequence[str]:
        return [self._vault.unseal(one["sealed"], context=_context(user_id)) for one in self._stored(user_id)]

    def destinations(self, user_id: UserId) -> Sequence[Destination]:
        return [Destination(scheme=one["scheme"], hint=one["hint"]) for one in self._stored(user_id)]

    def wanted(self, user_id: UserId) -> Choices:
        """The usual ones for somebody who has chosen nothing."""
        row = self._row(user_id)
        return Choices(kinds=DEFAULT_KINDS, quiet_hours=None) if row is None else _choices(row)

    def save(
        self,
        user_id: UserId,
        choices: Choices,
        addresses: Sequence[tuple[Destination, str]] | None,
        at: datetime,
    ) -> None:
        """`addresses` None keeps those that are there."""
        kept = self._stored(user_id)
        if addresses is not None:
            context = _context(user_id)
            kept = [{**asdict(shown), "sealed": self._vault.seal(text, context=context)} for shown, text in addresses]
        quiet = choices.quiet_hours
        values = {
            "addresses": kept,
            "kinds": sorted(choices.kinds),
            "quiet_hours": None if quiet is None else {name: str(value) for name, value in asdict(quiet).items()},
            "updated_at": at,
        }
        upsert(self._connection, _WANTED, {"user_id": user_id}, values)

    def _row(self, user_id: UserId) -> Row[Any] | None:
        return self._connection.execute(select(_WANTED).where(_WANTED.c.user_id == user_id)).one_or_none()

    def _stored(self, user_id: UserId) -> list[dict[str, str]]:
        row = self._row(user_id)
        return [] if row is None else list(row.addresses)


def _cursor(checked_at: datetime, account_id: str) -> str:
    return f"{checked_at.strftime(TIME_FORMAT)}/{account_id}"


def _check(row: Row[*tuple[Any, ...]]) -> Fact:
    first = row.discrepancies[0]
    told = f"{first['what']}: ours {first['ours']}, the venue's {first['venues']}"
    return Fact(
        at=row.checked_at,
        owner_id=row.owner_id,
        bot_name="",
        symbol=first["symbol"],
        action="",
        account_name=row.name,
        mismatch=f"{len(row.discrepancies)} differences between the venue's ledger and ours, first {told}",
    )


def _context(user_id: UserId) -> str:
    """What a sealed address is bound to: in another user's row it does not open."""
    return f"user_notifications/{user_id}/address"


def _choices(row: Row[Any]) -> Choices:
    quiet = row.quiet_hours
    return Choices(
        kinds=frozenset(NoticeKind(kind) for kind in row.kinds),
        quiet_hours=None
        if quiet is None
        else QuietHours(
            start=time.fromisoformat(quiet["start"]), end=time.fromisoformat(quiet["end"]), time_zone=quiet["time_zone"]
        ),
    )


def _move(row: RowMapping) -> Fact:
    return Fact(
        at=row["at"],
        owner_id=row["owner_id"],
        bot_name=row["bot_name"],
        symbol=row["symbol"],
        action=row["leg"],
        state=row["state"],
        account_name=row["account_name"],
        reason=row["reason"],
        rule=row["plan"].get("rule"),
        quantity=row["executed_quantity"] or Decimal(0),
        price=row["executed_price"],
        key_is_refused=row["key_check"] is KeyCheck.REFUSED,
        desk_says=row["payload"] if row["source"] is SourceKind.DESK else None,
    )
