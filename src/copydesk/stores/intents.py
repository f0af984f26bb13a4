"""Intents that were written down together, ahead of the wire: one row for all of them, until each has a row of its own.

A row of `bot_signal_executions` costs as much as signing and sending its order, most of it for indexes that nobody needs before the
order is out.
"""

from collections.abc import Mapping, Sequence
from operator import attrgetter
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection, bindparam, select

from copydesk.domain.execution import Execution
from copydesk.stores.statements import execute_all, read_all
from copydesk.stores.tables import intents

_ALL = select(intents.c.id, intents.c.epoch, intents.c.executions).order_by(intents.c.id).with_for_update()
_INSERT = intents.insert()
_DELETE = intents.delete().where(intents.c.id == bindparam("filed"))

_encode = msgspec.json.Encoder(enc_hook=str).encode
_decode = msgspec.json.Decoder(list[dict[str, Any]]).decode

_FIELDS = Execution.__struct_fields__
_values_of = attrgetter(*_FIELDS)


class Unfiled(NamedTuple):
    """Executions of one row, and the epoch of the desk that wrote it."""

    epoch: int | None
    executions: Sequence[Execution]


def write_down(connection: Connection, executions: Sequence[Execution], epoch: int | None) -> bool:
    """False, and nothing is written, where JSON has no words for them: a venue's own may hold half characters."""
    try:
        text = _encode([executions[0], *_differences(executions)]).decode()
    except (OverflowError, UnicodeError):
        return False
    execute_all(connection, _INSERT, [{"id": executions[0].id, "epoch": epoch, "executions": text}])
    return True


def take_all(connection: Connection) -> Sequence[Unfiled]:
    """In the order in which they were written; they are here no more."""
    rows = read_all(connection, _ALL)
    if rows:
        execute_all(connection, _DELETE, [{"filed": row[0]} for row in rows])
    return [Unfiled(row[1], _whole(_decode(row[2]))) for row in rows]


def _differences(executions: Sequence[Execution]) -> Sequence[Mapping[str, object]]:
    """Of each after the first one, what is not the same of all: followers who are alike differ by little."""
    columns = zip(_FIELDS, zip(*map(_values_of, executions), strict=True), strict=True)
    differ = [name for name, values in columns if values.count(values[0]) != len(values)]
    return [{name: getattr(one, name) for name in differ} for one in executions[1:]]


def _whole(told: Sequence[Mapping[str, object]]) -> Sequence[Execution]:
    return msgspec.convert([{**told[0], **one} for one in told], list[Execution])
