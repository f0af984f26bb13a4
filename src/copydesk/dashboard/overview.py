"""The desk at a glance: health, today's signals and how they fared, the latest orders."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from nicegui import ui

from copydesk.client.models import ExecutionAnswer, SignalAnswer
from copydesk.dashboard.desk import EXECUTIONS_MAX, SIGNALS_MAX, Seen
from copydesk.dashboard.frame import Tab, heading, moment
from copydesk.dashboard.words import Tally, figure, price, quantity, spoken

Row = dict[str, Any]

_NO_ORDERS = (
    "No orders yet. A follower subscribes an account to a bot, and the bot's next alert makes the first. "
    "The Bots page has the message for TradingView."
)
_NO_SIGNALS = "No signal today. One comes in when an alert reaches a bot's webhook."
_LINK = """p => { const a = document.createElement('a'); a.href = '/signals/' + p.data.signal_id;
    a.textContent = copydeskTime(p.value); return a }"""
_NARROW = "p => p.api.setColumnsVisible(['leg', 'quantity', 'price', 'ms'], p.clientWidth > 600)"


def show_overview(tab: Tab, day_began: Callable[[], datetime]) -> None:
    _tiles(tab)
    with ui.element("div").classes("desk"):
        with ui.element("section").classes("card stack"):
            heading("Signals today")
            signals = ui.element("div").classes("rows")
        with ui.element("section").classes("card stack"):
            with ui.element("div").classes("line"):
                heading("Latest orders")
                search = ui.input("Filter").props("dense outlined debounce=200 clearable").classes("end")
            empty = ui.label(_NO_ORDERS).classes("empty")
            grid = _grid()
    search.on_value_change(lambda event: grid.run_grid_method("setGridOption", "quickFilterText", event.value or ""))
    empty.set_visibility(False)
    shown: dict[str, Row] = {}
    drawn: list[Any] = []

    async def look() -> None:
        seen = await tab.person.look()
        empty.set_visibility(seen.known and not seen.executions)
        change = _change(shown, seen.executions)
        if change:
            grid.run_grid_method("applyTransaction", change)
        today = [one for one in seen.signals if one.received_at >= day_began()]
        facts = [(one.id, seen.tallies.get(one.id)) for one in today]
        if seen.known and [facts] != drawn:
            drawn[:] = [facts]
            signals.clear()
            with signals:
                _signals(today, seen)

    tab.keep(look)


def _tiles(tab: Tab) -> None:
    with ui.element("div").classes("tiles"):
        desk, bots, subscriptions, last = [_tile(n) for n in ("Desk", "Active bots", "Active subscriptions", "")]
    with last.parent_slot.parent if last.parent_slot else last:
        ui.label("Last signal").classes("muted")

    async def look() -> None:
        found = await tab.people.health()
        desk.set_text("Healthy" if found.problem is None else "Away")
        desk.classes(add="up" if found.problem is None else "down", remove="up down")
        if found.answer is not None:
            bots.set_text(str(found.answer.active_bots))
            subscriptions.set_text(str(found.answer.active_subscriptions))

    tab.keep(look)


def _tile(name: str) -> ui.label:
    with ui.element("div").classes("card tile"):
        ui.label(name).classes("muted")
        return ui.label("…").classes("value")
