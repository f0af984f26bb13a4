"""The tables of a terminal's window: what is open, what copies what, what was not done and why, what the account holds."""

from collections.abc import Callable, Sequence

from copydesk.dashboard.page import Reader
from copydesk.dashboard.parts import card, empty, utc
from copydesk.dashboard.table import Column, Kind, Row, Table
from copydesk.domain.instrument import plain
from copydesk.domain.terminal import TerminalRole
from copydesk.ports.beside import Holding, Insight, OpenSignal

Show = Callable[[Insight | None], None]


def add_tables(reader: Reader, role: TerminalRole) -> Show:
    """What brings them up to date."""
    first = _signals(reader) if role is TerminalRole.MASTER else _copies(reader)
    shows = [first, _not_done(reader, role), _positions(reader)]

    def show(insight: Insight | None) -> None:
        for one in shows:
            one(insight)

    return show


def _signals(reader: Reader) -> Show:
    table = _table(reader, "open_signals", "no_signals", [_ticket(reader, "ticket"), *_trade(reader), _time(reader)])

    def show(insight: Insight | None) -> None:
        if insight is not None:
            table.show([_row(one.ticket, one, time=utc(one.told_at)) for one in insight.signals])

    return show


def _copies(reader: Reader) -> Show:
    columns = [_ticket(reader, "master_ticket"), _ticket(reader, "own_ticket"), *_trade(reader, with_price=False)]
    table = _table(reader, "mapping", "no_copies", columns)

    def show(insight: Insight | None) -> None:
        if insight is not None:
            rows = [
                {
                    "id": f"{one.bot_id}:{one.master_ticket}:{one.ticket}",
                    "master_ticket": str(one.master_ticket),
                    "own_ticket": str(one.ticket),
                    "symbol": one.symbol,
                    "side": one.type,
                    "tone": _tone(one.type),
                    "lots": plain(one.volume),
                }
                for one in insight.copies
            ]
            table.show(rows)

    return show


def _not_done(reader: Reader, role: TerminalRole) -> Show:
    say = reader.say
    columns = [
        _time(reader),
        _ticket(reader, "master_ticket" if role is TerminalRole.COPIER else "ticket"),
        Column(field="what", title=say("desktop.what"), width=190),
        Column(field="reason", title=say("desktop.reason"), grows=True, width=220),
    ]
    title = "not_sent" if role is TerminalRole.MASTER else "not_copied"
    table = _table(reader, title, "nothing_refused", columns, newest="time")

    def show(insight: Insight | None) -> None:
        if insight is not None:
            rows = [
                {
                    "id": one.id,
                    "time": utc(one.at),
                    columns[1].field: str(one.ticket),
                    "what": one.what,
                    "reason": one.reason,
                }
                for one in insight.not_done
            ]
            table.show(rows)

    return show


def _positions(reader: Reader) -> Show:
    say = reader.say
    levels = [
        Column(field=name, title=say(f"desktop.{name}"), kind=Kind.NUMBER, wide_only=True)
        for name in ("stop_loss", "take_profit")
    ]
    columns = [_ticket(reader, "ticket"), *_trade(reader), *levels]
    table = _table(reader, "positions", "no_positions", columns)

    def show(insight: Insight | None) -> None:
        if insight is not None and insight.account is not None:
            rows = [
                _row(
                    one.ticket,
                    one,
                    stop_loss=plain(one.sl) if one.sl else "",
                    take_profit=plain(one.tp) if one.tp else "",
                )
                for one in insight.account.positions
            ]
            table.show(rows)

    return show


def _table(reader: Reader, title: str, nothing: str, columns: Sequence[Column], *, newest: str = "") -> Table:
    say = reader.say
    with card():
        return Table(
            reader,
            columns,
            title=say(f"desktop.{title}"),
            empty=lambda: empty(say(f"desktop.{nothing}")),
            rows_shown=5,
            newest=newest,
        )


def _ticket(reader: Reader, name: str) -> Column:
    return Column(field=name, title=reader.say(f"desktop.{name}"), width=130)


def _trade(reader: Reader, *, with_price: bool = True) -> Sequence[Column]:
    say = reader.say
    columns = [
        Column(field="symbol", title=say("desktop.symbol")),
        Column(field="side", title=say("desktop.side"), width=80, tone="tone"),
        Column(field="lots", title=say("desktop.lots"), kind=Kind.NUMBER, unit=say("desktop.unit_lots")),
    ]
    if with_price:
        columns.append(Column(field="price", title=say("desktop.price"), kind=Kind.NUMBER))
    return columns


def _time(reader: Reader) -> Column:
    return Column(field="time", title=reader.say("desktop.time"), kind=Kind.TIME)


def _row(ticket: int, one: Holding | OpenSignal, **more: str) -> Row:
    return {
        "id": str(ticket),
        "ticket": str(ticket),
        "symbol": one.symbol,
        "side": one.type,
        "tone": _tone(one.type),
        "lots": plain(one.volume),
        "price": plain(one.price),
        **more,
    }


def _tone(side: str) -> str:
    return "up" if side.startswith("BUY") else "down"
