"""The store: a unit of work gets all tables over one connection."""

import math
from collections.abc import Callable
from contextlib import suppress
from functools import cached_property
from time import monotonic
from typing import TypeVar

from sqlalchemy import Connection

from copydesk.domain.errors import StoreUnavailable
from copydesk.ports.vault import Vault
from copydesk.stores.accounts import Accounts
from copydesk.stores.audit import AuditLog
from copydesk.stores.bots import Bots
from copydesk.stores.breakers import Breakers
from copydesk.stores.checks import LedgerChecks
from copydesk.stores.database import Database
from copydesk.stores.executions import Executions
from copydesk.stores.figures import Figures
from copydesk.stores.followers import Followers
from copydesk.stores.history import History
from copydesk.stores.kept import Kept
from copydesk.stores.leaderboard import Leaderboard
from copydesk.stores.leases import Leases
from copydesk.stores.news import News
from copydesk.stores.notices import Notices
from copydesk.stores.overview import Overview
from copydesk.stores.positions import Positions
from copydesk.stores.results import Results
from copydesk.stores.signals import Signals
from copydesk.stores.strategies import Strategies
from copydesk.stores.subscriptions import Subscriptions
from copydesk.stores.terminals import Terminals
from copydesk.stores.tickets import Tickets
from copydesk.stores.unit import Unit
from copydesk.stores.users import Users

T = TypeVar("T")


class Tables:
    """The Transaction of ports/store.py, and what only people's routes need beside it."""

    def __init__(self, connection: Connection, vault: Vault, kept: Kept, *, intends: bool = False) -> None:
        self.unit = Unit(connection)
        self._vault = vault
        self._kept = kept
        self._intends = intends

    @cached_property
    def signals(self) -> Signals:
        return Signals(self.unit)

    @cached_property
    def followers(self) -> Followers:
        return Followers(self.unit, self._vault, self._kept)

    @cached_property
    def executions(self) -> Executions:
        return Executions(self.unit, intends=self._intends)

    @cached_property
    def positions(self) -> Positions:
        return Positions(self.unit)

    @cached_property
    def breakers(self) -> Breakers:
        return Breakers(self.unit)

    @cached_property
    def tickets(self) -> Tickets:
        return Tickets(self.unit)

    @cached_property
    def notices(self) -> Notices:
        return Notices(self.unit, self._vault)

    @cached_property
    def strategies(self) -> Strategies:
        return Strategies(self.unit)

    @cached_property
    def leases(self) -> Leases:
        return Leases(self.unit, self.executions.be_of)

    @cached_property
    def checks(self) -> LedgerChecks:
        return LedgerChecks(self.unit)

    @cached_property
    def users(self) -> Users:
        return Users(self.unit)

    @cached_property
    def bots(self) -> Bots:
        return Bots(self.unit)

    @cached_property
    def accounts(self) -> Accounts:
        return Accounts(self.unit, self._vault)

    @cached_property
    def subscriptions(self) -> Subscriptions:
        return Subscriptions(self.unit)

    @cached_property
    def terminals(self) -> Terminals:
        return Terminals(self.unit)

    @cached_property
    def history(self) -> History:
        return History(self.unit)

    @cached_property
    def news(self) -> News:
        return News(self.unit)

    @cached_property
    def results(self) -> Results:
        return Results(self.unit)

    @cached_property
    def overview(self) -> Overview:
        return Overview(self.unit)

    @cached_property
    def leaderboard(self) -> Leaderboard:
        return Leaderboard(self.unit)

    @cached_property
    def figures(self) -> Figures:
        return Figures(self.unit)

    @cached_property
    def audit(self) -> AuditLog:
        return AuditLog(self.unit)


READ_LATE_S = 5.0
"""Whoever only reads may not see what was intended for so long, as with results that nothing follows from (engine/rush.py): filing
it at once would hold up the followers who are still to be served.
"""


class SqlStore:
    """The Store of ports/store.py over any Database. What was only intended is filed before anything else is written."""

    def __init__(self, database: Database, vault: Vault) -> None:
        self._database = database
        self._vault = vault
        self._kept = Kept()
        self._unfiled_s: list[float] = [-math.inf]
        """When each intent was asked for that is not known to be filed; a program before this one may have left some."""

    async def read(self, work: Callable[[Tables], T]) -> T:
        if self._unfiled_s and monotonic() - self._unfiled_s[0] > READ_LATE_S:
            # Who only reads is answered where nothing can be written: on a full disk people look all the more.
            with suppress(StoreUnavailable):
                await self._file(lambda _: None)
        return await self._database.read(lambda connection: work(Tables(connection, self._vault, self._kept)))

    async def write(self, work: Callable[[Tables], T]) -> T:
        return await (self._file if self._database.is_serial else self._write)(work)

    async def write_ahead(self, work: Callable[[Tables], T]) -> T:
        if not self._database.is_serial:
            return await self._write(work)
        asked_s = monotonic()

        def ahead(tables: Tables) -> tuple[T, bool]:
            return work(tables), tables.executions.has_intended

        result, has_intended = await self._write(ahead, intends=True)
        if has_intended:
            self._unfiled_s.append(asked_s)
        return result

    async def _file(self, work: Callable[[Tables], T]) -> T:
        def filed(tables: Tables) -> T:
            tables.executions.file_intents()
            return work(tables)

        asked_s = monotonic()
        result = await self._write(filed)
        self._unfiled_s = [one for one in self._unfiled_s if one >= asked_s]
        return result

    async def _write(self, work: Callable[[Tables], T], *, intends: bool = False) -> T:
        def whole(connection: Connection) -> T:
            tables = Tables(connection, self._vault, self._kept, intends=intends)
            result = work(tables)
            tables.unit.flush()
            return result

        return await self._database.write(whole)
