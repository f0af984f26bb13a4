"""A master's tickets: what its terminal has open, and what the bot's followers were told to hold of it."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from msgspec import convert, to_builtins
from sqlalchemy import Row, select

from copydesk.domain.ids import BotId
from copydesk.domain.signal import Direction, Waiting
from copydesk.domain.tickets import Book, Ticket
from copydesk.stores import tables
from copydesk.stores.rows import columns, dump, names
from copydesk.stores.signals import upsert
from copydesk.stores.unit import Part

_TICKETS = tables.master_tickets
_HELD = tables.bot_positions
OPEN, WAITING, CLOSED = "open", "waiting", "closed"


class Tickets(Part):
    """The TicketTable of ports/store.py."""

    def get(self, bot_id: BotId, number: int) -> Ticket | None:
        query = select(*columns(_TICKETS, Ticket)).where(_TICKETS.c.bot_id == bot_id, _TICKETS.c.number == number)
        row = self._connection.execute(query).one_or_none()
        return None if row is None else read_ticket(row)

    def book(self, bot_id: BotId, symbol: str) -> Book:
        query = select(*columns(_TICKETS, Ticket)).where(
            _TICKETS.c.bot_id == bot_id, _TICKETS.c.symbol == symbol, _TICKETS.c.status == OPEN
        )
        opened = tuple(read_ticket(row) for row in self._connection.execute(query.order_by(_TICKETS.c.number)))
        held = select(_HELD.c.direction, _HELD.c.volume).where(_HELD.c.bot_id == bot_id, _HELD.c.symbol == symbol)
        row = self._connection.execute(held).one_or_none()
        if row is None or row.volume is None or row.volume == 0:
            return Book(tickets=opened, held=Direction.FLAT, volume=Decimal(0))
        return Book(tickets=opened, held=row.direction, volume=row.volume)

    def put(self, bot_id: BotId, ticket: Ticket, at: datetime) -> None:
        status = CLOSED if ticket.is_over else OPEN if ticket.is_open else WAITING
        row = dump(ticket, status=status, updated_at=at)
        row["waiting"] = to_builtins(ticket.waiting)
        upsert(self._connection, _TICKETS, {"bot_id": bot_id, "number": row.pop("number")}, row)

    def hold(self, bot_id: BotId, symbol: str, volume: Decimal) -> None:
        held = _HELD.update().where(_HELD.c.bot_id == bot_id, _HELD.c.symbol == symbol)
        self._connection.execute(held.values(volume=volume))


def read_ticket(row: Row[*tuple[Any, ...]]) -> Ticket:
    """The ticket of a row that has all its fields as columns."""
    told = {name: row._mapping[name] for name in names(Ticket)}  # noqa: SLF001  SQLAlchemy's public name for it
    waiting = told.pop("waiting")
    return Ticket(waiting=None if waiting is None else convert(waiting, Waiting, strict=False), **told)
