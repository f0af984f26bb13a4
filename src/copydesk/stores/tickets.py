"""A master's tickets: what its terminal has open, and what the bot's followers were told to hold of it."""

from datetime import datetime
from decimal import Decimal

from sqlalchemy import select

from copydesk.domain.ids import BotId
from copydesk.domain.signal import Direction
from copydesk.domain.tickets import Book, Ticket
from copydesk.stores import tables
from copydesk.stores.rows import columns, dump, first, load
from copydesk.stores.signals import upsert
from copydesk.stores.unit import Part

_TICKETS = tables.master_tickets
_HELD = tables.bot_positions
_OPEN, _CLOSED = "open", "closed"


class Tickets(Part):
    """The TicketTable of ports/store.py."""

    def get(self, bot_id: BotId, number: int) -> Ticket | None:
        return first(self._connection, Ticket, _TICKETS, _TICKETS.c.bot_id == bot_id, _TICKETS.c.number == number)

    def book(self, bot_id: BotId, symbol: str) -> Book:
        query = select(*columns(_TICKETS, Ticket)).where(
            _TICKETS.c.bot_id == bot_id, _TICKETS.c.symbol == symbol, _TICKETS.c.status == _OPEN
        )
        opened = tuple(load(Ticket, row) for row in self._connection.execute(query.order_by(_TICKETS.c.number)))
        held = select(_HELD.c.direction, _HELD.c.volume).where(_HELD.c.bot_id == bot_id, _HELD.c.symbol == symbol)
        row = self._connection.execute(held).one_or_none()
        if row is None or row.volume is None or row.volume == 0:
            return Book(tickets=opened, held=Direction.FLAT, volume=Decimal(0))
        return Book(tickets=opened, held=row.direction, volume=row.volume)

    def put(self, bot_id: BotId, ticket: Ticket, at: datetime) -> None:
        row = dump(ticket, status=_OPEN if ticket.is_open else _CLOSED, updated_at=at)
        upsert(self._connection, _TICKETS, {"bot_id": bot_id, "number": row.pop("number")}, row)

    def hold(self, bot_id: BotId, symbol: str, volume: Decimal) -> None:
        held = _HELD.update().where(_HELD.c.bot_id == bot_id, _HELD.c.symbol == symbol)
        self._connection.execute(held.values(volume=volume))
