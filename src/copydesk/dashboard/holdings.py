"""Tables of what is held and ordered: open positions, orders that stand at venues, the latest orders."""

from collections.abc import Sequence

from copydesk.client.models import ExecutionAnswer
from copydesk.client.overview import PositionAnswer
from copydesk.dashboard.desk import Names
from copydesk.dashboard.page import Reader
from copydesk.dashboard.parts import empty, utc
from copydesk.dashboard.speech import Speech
from copydesk.dashboard.table import Column, Kind, Rows, Table
from copydesk.dashboard.telling import leg, price, quantity, reason, tone, tone_of


def positions_table(reader: Reader) -> Table:
    say = reader.say
    columns = (
        Column(field="symbol", title=say("positions.symbol"), width=106),
        Column(field="direction", title=say("positions.direction"), width=96, tone="direction_tone"),
        Column(field="account", title=say("positions.account"), width=130, grows=True, wide_only=True),
        Column(field="bot", title=say("positions.bot"), width=150, grows=True, wide_only=True),
        Column(field="quantity", title=say("positions.quantity"), kind=Kind.NUMBER, wide_only=True),
        Column(field="entry", title=say("positions.entry"), unit="USD", kind=Kind.NUMBER, width=120, wide_only=True),
        Column(field="last", title=say("positions.last"), unit="USD", kind=Kind.NUMBER, width=140, wide_only=True),
        Column(field="fees", title=say("positions.fees"), unit="USD", kind=Kind.NUMBER, digits=2, wide_only=True),
        Column(
            field="result",
            title=say("positions.result"),
            unit="USD",
            kind=Kind.NUMBER,
            width=150,
            digits=2,
            tone="result_tone",
        ),
        Column(field="opened_at", title=say("positions.age"), kind=Kind.SINCE, width=100, wide_only=True),
    )
    nothing = say("positions.none")
    return Table(
        reader,
        columns,
        title=say("positions.title"),
        empty=lambda: empty(nothing, icon="account_balance_wallet"),
        rows_shown=8,
        newest="opened_at",
    )


def position_rows(say: Speech, found: Sequence[PositionAnswer], names: Names) -> Rows:
    return Rows(
        {
            "id": f"{one.subscription_id}/{one.symbol}/{one.master_ticket}",
            "symbol": one.symbol,
            "direction": say.word("directions", one.direction),
            "direction_tone": "up" if one.direction == "long" else "down",
            "account": one.account_name or say("positions.hidden", id=one.account_id[-6:]),
            "bot": names.bot(one.bot_id),
            "quantity": str(one.quantity),
            "entry": str(one.entry_price),
            "last": None if one.last_price is None else str(one.last_price),
            "fees": str(one.fees_usd),
            "result": None if one.unrealised_usd is None else str(one.unrealised_usd),
            "result_tone": tone_of(one.unrealised_usd),
            "opened_at": utc(one.opened_at),
        }
        for one in found
    )


def orders_table(reader: Reader, *, title: str, nothing: str, rows_shown: int, standing: bool = False) -> Table:
    """`standing`: of orders that wait at their venues, which have no result yet."""
    say = reader.say
    columns = [
        Column(field="at", title=say("orders.time"), kind=Kind.TIME, width=100, link="way", wide_only=standing),
        Column(field="symbol", title=say("orders.symbol"), width=106, link="way" if standing else ""),
        Column(field="leg", title=say("orders.leg"), width=104, wide_only=not standing),
        Column(field="side", title=say("orders.side"), width=84, wide_only=True),
        *(() if standing else (Column(field="state", title=say("orders.state"), width=106, tone="tone"),)),
        Column(field="account", title=say("orders.account"), width=100, grows=standing, wide_only=True),
        Column(field="quantity", title=say("orders.quantity"), width=104, wide_only=True),
        Column(
            field="price",
            title=say("orders.trigger" if standing else "orders.price"),
            unit="USD",
            kind=Kind.NUMBER,
            width=116,
            wide_only=not standing,
        ),
    ]
    if not standing:
        columns.append(Column(field="reason", title=say("orders.reason"), width=150, grows=True))
        columns.append(
            Column(field="ms", title=say("orders.latency"), unit="ms", kind=Kind.NUMBER, width=110, wide_only=True)
        )
    return Table(
        reader,
        columns,
        title=title,
        empty=lambda: empty(nothing, icon="receipt_long"),
        rows_shown=rows_shown,
        newest="at",
    )


def order_rows(say: Speech, found: Sequence[ExecutionAnswer], names: Names) -> Rows:
    return Rows(
        {
            "id": one.id,
            "way": f"/signals/{one.signal_id}",
            "at": utc(one.created_at),
            "symbol": one.symbol,
            "leg": leg(say, one.leg),
            "side": say.word("sides", one.side),
            "state": say.word("states", one.state),
            "tone": tone(one),
            "account": names.account(one.account_id),
            "quantity": quantity(say, one),
            "price": None if (paid := price(one)) is None else str(paid),
            "reason": reason(say, one),
            "ms": one.execution_time_ms,
        }
        for one in found
    )
