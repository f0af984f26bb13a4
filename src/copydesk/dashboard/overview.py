"""The desk at a glance: health, today's signals and how they fared, the latest orders."""

from collections.abc import Mapping, Sequence
from typing import Any

from nicegui import ui

from copydesk.client.models import BotAnswer, ExecutionAnswer, SignalAnswer
from copydesk.dashboard.desk import SIGNALS_MAX
from copydesk.dashboard.page import Page, Tab
from copydesk.dashboard.parts import empty, heading, moment, utc
from copydesk.dashboard.table import change_of
from copydesk.dashboard.telling import Tally, price, quantity, spoken, tone

Row = dict[str, Any]

_NO_ORDERS = (
    "No orders yet. A follower subscribes an account to a bot; the bot's next alert makes the first. "
    "The Bots page has the message for TradingView."
)
_NO_SIGNALS = "No signal today. One comes in when an alert reaches a bot's webhook: see Bots."
_LINK = """p => { const a = document.createElement("a"); a.href = "/signals/" + p.data.signal_id;
    a.textContent = copydeskTime(p.value); return a }"""
_FIT = "p => p.api.setColumnsVisible(['leg', 'quantity', 'price', 'ms'], p.clientWidth > 700)"
_NUMBER = {"cellClass": "number", "headerClass": "ag-right-aligned-header"}
_COLUMNS: list[dict[str, Any]] = [
    {"field": "at", "headerName": "Time", "width": 96, "sort": "desc", ":cellRenderer": _LINK}
    | {":tooltipValueGetter": "p => copydeskUtc(p.value)"},
    {"field": "symbol", "width": 104},
    {"field": "leg", "width": 100},
    {"field": "side", "width": 64},
    {"field": "state", "width": 100, ":cellClass": "p => p.data.tone"},
    {"field": "quantity", "width": 100, **_NUMBER},
    {"field": "price", "width": 100, **_NUMBER},
    {"field": "reason", "flex": 1, "minWidth": 140, "tooltipField": "reason"},
    {"field": "ms", "headerName": "ms", "width": 64, **_NUMBER},
]


def show_overview(tab: Tab) -> None:
    _tiles(tab)
    with ui.element("div").classes("desk"):
        with ui.element("section").classes("card stack"):
            heading("Signals today")
            signals = ui.element("div").classes("rows")
        with ui.element("section").classes("card stack"):
            with ui.element("div").classes("line"):
                heading("Latest orders")
                search = ui.input("Filter orders").props("dense outlined clearable debounce=200").classes("end")
            nothing = empty(_NO_ORDERS)
            nothing.set_visibility(False)
            grid = _grid()
    search.on_value_change(lambda event: grid.run_grid_method("setGridOption", "quickFilterText", event.value or ""))
    shown: dict[str, Row] = {}
    drawn: list[Any] = [None]

    async def look() -> None:
        seen = await tab.person.look()
        nothing.set_visibility(seen.known and not seen.executions)
        grid.set_visibility(not nothing.visible)
        if change := change_of(shown, [_row(one) for one in seen.executions]):
            grid.run_grid_method("applyTransaction", change)
        today = [(one, seen.tallies.get(one.id)) for one in seen.signals if one.received_at >= tab.midnight()]
        if seen.known and drawn[0] != today:
            drawn[0] = today
            signals.clear()
            with signals:
                _signals(today, seen.bots)

    tab.keep(look)


def _row(one: ExecutionAnswer) -> Row:
    return {
        "id": one.id,
        "signal_id": one.signal_id,
        "at": utc(one.created_at),
        "symbol": one.symbol,
        "leg": spoken(one.leg),
        "side": one.side.lower(),
        "state": spoken(one.state),
        "tone": tone(one),
        "quantity": quantity(one),
        "price": price(one),
        "reason": one.reason or "",
        "ms": one.execution_time_ms,
    }


def _grid() -> ui.aggrid:
    options = {
        "columnDefs": _COLUMNS,
        "rowData": [],
        ":getRowId": "p => p.data.id",
        ":onGridSizeChanged": _FIT,
        "defaultColDef": {"resizable": True, "suppressMovable": True},
        "tooltipShowDelay": 200,
        "suppressNoRowsOverlay": True,
    }
    return ui.aggrid(options, auto_size_columns=False).classes("grid").props('aria-label="Latest orders"')


def _signals(today: Sequence[tuple[SignalAnswer, Tally | None]], bots: Mapping[str, BotAnswer]) -> None:
    if not today:
        empty(_NO_SIGNALS)
    for signal, fared in today:
        with ui.link(target=f"/signals/{signal.id}"):
            with ui.element("div").classes("line"):
                ui.label(f"{spoken(signal.action)} {signal.symbol}")
                moment(signal.received_at).classes("muted end")
            with ui.element("div").classes("line small muted"):
                ui.label(bots[signal.bot_id].name if signal.bot_id in bots else "")
                ui.label("counting…" if fared is None else fared.sentence()).classes("end")
            if fared is not None:
                with ui.element("div").classes("bar").props('aria-hidden="true"'):
                    for status, count in fared.shares():
                        ui.element("i").classes(status).style(f"flex: {count}")
    if len(today) == SIGNALS_MAX:
        ui.label(f"The latest {SIGNALS_MAX}.").classes("small muted")


def _tiles(tab: Tab) -> None:
    with ui.element("div").classes("tiles"):
        names = ("Desk", "Active bots", "Active subscriptions", "Last signal")
        desk, bots, subscriptions, last = (_tile(name) for name in names)

    async def look() -> None:
        found = await tab.people.health()
        desk.set_text("Away" if found.problem else "Healthy")
        desk.classes(replace="value down" if found.problem else "value up")
        if found.answer is not None:
            bots.set_text(str(found.answer.active_bots))
            subscriptions.set_text(str(found.answer.active_subscriptions))
            at = found.answer.last_signal_at
            last.set_text("none yet" if at is None else "")
            last.clear()
            with last:
                moment(at) if at is not None else None

    tab.keep(look, polls=0.5)


def _tile(name: str) -> ui.label:
    with ui.element("div").classes("card tile"):
        ui.label(name).classes("muted")
        return ui.label("…").classes("value")


PAGE = Page(path="/", title="overview.title", show=show_overview, icon="space_dashboard")
