"""The store: a unit of work gets all tables over one connection."""

from collections.abc import Callable
from functools import cached_property
from typing import TypeVar

from sqlalchemy import Connection

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

    def __init__(self, connection: Connection, vault: Vault) -> None:
        self.unit = Unit(connection)
        self._vault = vault

    @cached_property
    def signals(self) -> Signals:
        return Signals(self.unit)

    @cached_property
    def followers(self) -> Followers:
        return Followers(self.unit, self._vault)

    @cached_property
    def executions(self) -> Executions:
        return Executions(self.unit)

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


class SqlStore:
    """The Store of ports/store.py over any Database."""

    def __init__(self, database: Database, vault: Vault) -> None:
        self._database = database
        self._vault = vault

    async def read(self, work: Callable[[Tables], T]) -> T:
        return await self._database.read(lambda connection: work(Tables(connection, self._vault)))

    async def write(self, work: Callable[[Tables], T]) -> T:
        def whole(connection: Connection) -> T:
            tables = Tables(connection, self._vault)
            result = work(tables)
            tables.unit.flush()
            return result

        return await self._database.write(whole)
