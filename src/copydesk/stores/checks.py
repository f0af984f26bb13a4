"""What the hourly comparison of both ledgers reads of ours, and what it found."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from msgspec.structs import asdict
from sqlalchemy import func, select, union

from copydesk.domain.execution import UNSETTLED, Execution
from copydesk.domain.ids import AccountId
from copydesk.domain.position import Position
from copydesk.domain.subscription import Account
from copydesk.ports.store import LedgerCheck
from copydesk.stores import tables
from copydesk.stores.rows import columns, load
from copydesk.stores.signals import upsert
from copydesk.stores.unit import Part

_SENT, _CHECKS = tables.bot_signal_executions, tables.ledger_checks


class LedgerChecks(Part):
    """The LedgerCheckTable of ports/store.py, and what the API shows of it."""

    def sent_since(self, account_id: AccountId, since: datetime) -> Sequence[Execution]:
        query = select(*columns(_SENT, Execution)).where(_SENT.c.account_id == account_id, _SENT.c.frozen_at >= since)
        return [load(Execution, row) for row in self._connection.execute(query.order_by(_SENT.c.id))]

    def traded_since(self, since: datetime) -> Sequence[Account]:
        accounts = tables.exchange_accounts
        sent = select(_SENT.c.account_id).where(_SENT.c.frozen_at >= since)
        standing = select(_SENT.c.account_id).where(_SENT.c.state.in_(UNSETTLED))
        held = select(tables.positions.c.account_id)
        query = select(*columns(accounts, Account)).where(
            accounts.c.is_active, accounts.c.id.in_(union(sent, standing, held).scalar_subquery())
        )
        return [load(Account, row) for row in self._connection.execute(query.order_by(accounts.c.id))]

    def held(self, account_id: AccountId) -> Sequence[tuple[str, Position]]:
        held = tables.positions
        query = select(held.c.symbol, *columns(held, Position)).where(held.c.account_id == account_id)
        return [(row.symbol, load(Position, row)) for row in self._connection.execute(query)]

    def save(self, check: LedgerCheck) -> None:
        values: dict[str, Any] = {
            "checked_at": check.checked_at,
            "since": check.since,
            "orders": check.orders,
            "discrepancies": [asdict(one) for one in check.discrepancies],
            "problem": check.problem,
        }
        upsert(self._connection, _CHECKS, {"account_id": check.account_id}, values)

    def health(self) -> Mapping[str, Any]:
        """How many discrepancies the newest checks of all accounts found, and when the last one was made."""
        found = self._connection.execute(select(_CHECKS.c.discrepancies)).scalars()
        latest = self._connection.execute(select(func.max(_CHECKS.c.checked_at))).scalar_one()
        return {"ledger_discrepancies": sum(len(one) for one in found), "ledger_checked_at": latest}
