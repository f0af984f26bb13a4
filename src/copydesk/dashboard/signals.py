"""Every signal that one may see, newest first, with how its followers fared."""

from collections.abc import Sequence

from nicegui import ui

from copydesk.client.models import SignalAnswer
from copydesk.dashboard.desk import Names
from copydesk.dashboard.page import Page, Reader, Tab
from copydesk.dashboard.parts import card, empty, utc
from copydesk.dashboard.speech import Speech
from copydesk.dashboard.table import Column, Kind, Row, Table
from copydesk.dashboard.telling import sentence

LISTED_MAX = 200
POLLS = 3


def show_signals(tab: Tab) -> None:
    with card():
        table = signals_table(tab, title=tab.say("signals.all"), rows_shown=18)

    async def look() -> None:
        found = await tab.person.ask(lambda api: api.signals(most=LISTED_MAX, fared=True))
        table.show(signal_rows(tab.say, found, await tab.person.names()))

    tab.keep(look, polls=POLLS)


def signals_table(reader: Reader, *, title: str, rows_shown: int, with_bot: bool = True) -> Table:
    say = reader.say
    columns = [
        Column(field="at", title=say("signals.time"), kind=Kind.TIME, width=130, link="way"),
        Column(field="action", title=say("signals.action"), width=120),
        Column(field="symbol", title=say("signals.symbol"), width=120),
        *((Column(field="bot", title=say("signals.bot"), width=140, grows=True, wide_only=True),) if with_bot else ()),
        Column(field="source", title=say("signals.source"), width=130, wide_only=True),
        Column(field="price", title=say("signals.price"), unit="USD", kind=Kind.NUMBER, width=130, wide_only=True),
        Column(field="fared", title=say("signals.fared"), width=160, grows=True, tone="tone"),
    ]
    return Table(reader, columns, title=title, empty=lambda: _nothing(say), rows_shown=rows_shown, newest="at")


def signal_rows(say: Speech, found: Sequence[SignalAnswer], names: Names) -> list[Row]:
    return [
        {
            "id": one.id,
            "way": f"/signals/{one.id}",
            "at": utc(one.received_at),
            "action": say.word("actions", one.action),
            "symbol": one.symbol,
            "bot": names.bot(one.bot_id),
            "source": say.word("sources", one.source),
            "price": None if one.price is None else str(one.price),
            "fared": "" if one.fared is None else sentence(say, one.fared),
            "tone": "down" if one.fared is not None and one.fared.failed else "",
        }
        for one in found
    ]


def _nothing(say: Speech) -> None:
    with empty(say("signals.none"), icon="sensors"):
        ui.link(say("overview.to_bots"), "/bots")


PAGE = Page(path="/signals", title="signals.title", show=show_signals, icon="sensors")
