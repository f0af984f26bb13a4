"""What the copier keeps in its journal: orders and how far each is, copies, orders that wait, and copies that ended."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

import msgspec
from msgspec import Struct

from copydesk.terminal.codec import OrderRequest
from copydesk.terminal.copier.figures import Booked
from copydesk.terminal.copier.requests import DEAL, PENDING, REMOVE


class Stage(StrEnum):
    """An order's life here. SENT is unknown until an answer or the account itself says more."""

    INTENT = "INTENT"
    SENT = "SENT"
    DONE = "DONE"
    REFUSED = "REFUSED"
    UNKNOWN = "UNKNOWN"
    ABSENT = "ABSENT"
    REVIEW = "REVIEW"


MOVES: Mapping[Stage, frozenset[Stage]] = {
    Stage.INTENT: frozenset({Stage.SENT, Stage.ABSENT}),
    Stage.SENT: frozenset({Stage.DONE, Stage.REFUSED, Stage.UNKNOWN}),
    Stage.UNKNOWN: frozenset({Stage.DONE, Stage.ABSENT, Stage.REVIEW}),
    Stage.ABSENT: frozenset({Stage.DONE}),
    Stage.REVIEW: frozenset({Stage.DONE}),
    Stage.REFUSED: frozenset(),
    Stage.DONE: frozenset(),
}
"""ABSENT and REVIEW become DONE where the account shows the order after all."""


class Filled(Struct, frozen=True, kw_only=True):
    """What an answer, or the account itself, says of an order; `position` is the one that it opened or closed, `order` the number of
    one that waits.
    """

    volume: Decimal = Decimal(0)
    price: Decimal = Decimal(0)
    position: int = 0
    retcode: int = 0
    order: int = 0


NOTHING = Filled()


class Intent(Struct, frozen=True, kw_only=True):
    """One order for one leg of one command: `open`, `close:POSITION`, `modify:POSITION`, `move:ORDER`, `remove:ORDER`; `…:2` is the
    second order for it.
    """

    number: int
    command_id: str
    leg: str
    bot_id: str
    master_ticket: int
    symbol: str
    type: str
    stage: Stage
    magic: int
    request: OrderRequest
    plan: Mapping[str, str] = {}
    sent_at: datetime | None = None
    note: str = ""
    filled: Filled = NOTHING

    @property
    def opens(self) -> bool:
        return self.request.action == DEAL and not self.request.position

    @property
    def closes(self) -> bool:
        return self.request.action == DEAL and self.request.position != 0

    @property
    def places(self) -> bool:
        """An order that waits."""
        return self.request.action == PENDING

    @property
    def removes(self) -> bool:
        return self.request.action == REMOVE


class Copy(Struct, frozen=True, kw_only=True):
    """So many lots of a position of this account copy a ticket of a bot; `symbol` and `type` are the master's."""

    identifier: int
    bot_id: str
    master_ticket: int
    symbol: str
    type: str
    volume: Decimal


class Placed(Struct, frozen=True, kw_only=True):
    """An order of this account that waits for its price, for a ticket of a bot; `command_id` asked for it."""

    order: int
    command_id: str
    bot_id: str
    master_ticket: int
    symbol: str
    type: str
    volume: Decimal


class Gone(Struct, frozen=True, kw_only=True):
    """A copy that ended without a command of the hub's, and what the deals say of it; `answers` is the hub's close for it."""

    identifier: int
    bot_id: str
    master_ticket: int
    symbol: str
    booked: Booked
    ended_at: datetime
    answers: str | None = None


def read_copy(row: Sequence[Any]) -> Copy:
    identifier, bot_id, master_ticket, symbol, kind, volume = row
    return Copy(
        identifier=identifier,
        bot_id=bot_id,
        master_ticket=master_ticket,
        symbol=symbol,
        type=kind,
        volume=Decimal(volume),
    )


def read_placed(row: Sequence[Any]) -> Placed:
    number, command_id, bot_id, master_ticket, symbol, kind, volume = row
    return Placed(
        order=number,
        command_id=command_id,
        bot_id=bot_id,
        master_ticket=master_ticket,
        symbol=symbol,
        type=kind,
        volume=Decimal(volume),
    )


def read_gone(row: Sequence[Any]) -> Gone:
    identifier, bot_id, master_ticket, symbol, packed, ended_at, answers = row
    return Gone(
        identifier=identifier,
        bot_id=bot_id,
        master_ticket=master_ticket,
        symbol=symbol,
        booked=msgspec.msgpack.decode(packed, type=Booked),
        ended_at=datetime.fromisoformat(ended_at),
        answers=answers,
    )


def read_intent(row: Sequence[Any]) -> Intent:
    number, command_id, leg, bot_id, master_ticket, symbol, kind, stage, packed, plan, sent_at, note, filled = row
    request = msgspec.msgpack.decode(packed, type=OrderRequest)
    return Intent(
        number=number,
        command_id=command_id,
        leg=leg,
        bot_id=bot_id,
        master_ticket=master_ticket,
        symbol=symbol,
        type=kind,
        stage=Stage(stage),
        magic=request.magic,
        request=request,
        plan=msgspec.msgpack.decode(plan, type=dict[str, str]),
        sent_at=None if sent_at is None else datetime.fromisoformat(sent_at),
        note=note,
        filled=NOTHING if filled is None else msgspec.msgpack.decode(filled, type=Filled),
    )
