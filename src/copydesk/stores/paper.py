"""The paper venue's ledger: its orders, in the same database as everything else."""

from collections.abc import Sequence

from sqlalchemy import Connection, select

from copydesk.domain.ids import AccountId
from copydesk.ports.venue import PaperOrder
from copydesk.stores import tables
from copydesk.stores.database import Database
from copydesk.stores.rows import columns, dump, first, load

_TABLE = tables.paper_orders


class StoredPaperLedger:
    """The PaperLedger of ports/venue.py."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, order: PaperOrder) -> None:
        def work(connection: Connection) -> None:
            connection.execute(_TABLE.insert(), [dump(order)])

        await self._database.write(work)

    async def save(self, order: PaperOrder) -> None:
        def work(connection: Connection) -> None:
            connection.execute(_TABLE.update().where(_TABLE.c.order_id == order.order_id).values(dump(order)))

        await self._database.write(work)

    async def find(self, account_id: AccountId, client_order_id: str) -> PaperOrder | None:
        where = (_TABLE.c.account_id == account_id, _TABLE.c.client_order_id == client_order_id)
        return await self._database.read(lambda connection: first(connection, PaperOrder, _TABLE, *where))

    async def orders(self, account_id: AccountId) -> Sequence[PaperOrder]:
        query = select(*columns(_TABLE, PaperOrder)).where(_TABLE.c.account_id == account_id)

        def work(connection: Connection) -> list[PaperOrder]:
            rows = connection.execute(query.order_by(_TABLE.c.created_at, _TABLE.c.order_id))
            return [load(PaperOrder, row) for row in rows]

        return await self._database.read(work)
