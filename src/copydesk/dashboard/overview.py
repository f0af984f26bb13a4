"""The desk at a glance: the day's figures, what wants a person's eye, signals, parts, what is held and ordered."""

from collections.abc import Callable, Sequence
from typing import Any

from nicegui import ui

from copydesk.client.models import SignalAnswer
from copydesk.client.overview import AlertKind, LatencyAnswer, TodayAnswer
from copydesk.dashboard.breaker import breaker_button, show_pulled
from copydesk.dashboard.chart import Chart, value_axis
from copydesk.dashboard.desk import Glance, Names
from copydesk.dashboard.holdings import order_rows, orders_table, position_rows, positions_table, signed
from copydesk.dashboard.lights import same, show_alerts, show_parts
from copydesk.dashboard.page import Page, Reader, Tab
from copydesk.dashboard.parts import Drawn, card, empty, heading, line, moment
from copydesk.dashboard.speech import Speech
from copydesk.dashboard.table import Row
from copydesk.dashboard.telling import action, sentence, shares
from copydesk.domain.user import Role

LISTED_MAX = 7
STANDING_POLLS = 3


def show_overview(tab: Tab) -> None:
    overview = _Overview(tab)
    tab.keep(overview.look)
    tab.keep(overview.glance, polls=2)
    tab.keep(overview.hold, polls=2)
    tab.keep(overview.stand, polls=STANDING_POLLS)


class _Overview:
    """The page's places, from top to bottom, and what fills each."""

    def __init__(self, tab: Tab) -> None:
        self._tab, say = tab, tab.say
        self._figures = _Figures(tab)
        self._alerts = Drawn(card())
        self._alerts.place.set_visibility(False)
        with ui.element("div").classes("wide"):
            with card(say("overview.signals_today")):
                self._signals = _Signals(tab)
            with card(say("overview.parts")):
                self._parts = Drawn(ui.element("div").classes("rows"))
                breaker_button(tab)
        with card():
            self._positions = positions_table(tab)
        with ui.element("div").classes("wide"):
            with card():
                nothing, title = say("orders.none_working"), say("orders.working")
                self._working = orders_table(tab, title=title, nothing=nothing, rows_shown=7, standing=True)
            with card(say("overview.latency")):
                self._latency = _Latency(tab)
        with card():
            self._latest = orders_table(tab, title=say("orders.latest"), nothing=say("orders.none"), rows_shown=9)

    async def look(self) -> None:
        seen, names = await self._tab.person.look(), await self._tab.person.names()
        self._latest.show(self._rows("latest", order_rows, seen.executions, names), known=seen.known)
        if seen.known:
            began = self._tab.midnight()
            today = [one for one in seen.signals if one.received_at >= began]
            self._signals.show(today, names)

    async def glance(self) -> None:
        found, names = await self._tab.person.glance(self._tab.midnight()), await self._tab.person.names()
        self._figures.show(found.today)
        self._latency.show(found.today.latency)
        self._parts.show(same(found.desk.parts), lambda: show_parts(self._tab.say, found.desk.parts))
        self._alerts.place.set_visibility(bool(found.alerts or found.breakers))
        self._alerts.show((found.alerts, found.breakers), lambda: _show_attention(self._tab, found, names))

    async def hold(self) -> None:
        found, names = await self._tab.person.positions(), await self._tab.person.names()
        self._positions.show(self._rows("positions", position_rows, found, names))

    async def stand(self) -> None:
        found, names = await self._tab.person.standing(), await self._tab.person.names()
        self._working.show(self._rows("standing", order_rows, found, names))

    def _rows(self, name: str, make: Callable[..., list[Row]], *found: object) -> list[Row]:
        """Made once for all tabs that show them in this language."""
        say = self._tab.say
        return self._tab.person.once(f"{name} {say.language}", found, lambda: make(say, *found))


def _show_attention(tab: Tab, found: Glance, names: Names) -> None:
    heading(tab.say("overview.attention"))
    with ui.element("div").classes("rows").props('role="list"'):
        show_pulled(tab, found.breakers, names)
        show_alerts(tab.say, [one for one in found.alerts if one.kind is not AlertKind.BREAKER], names)


class _Figures:
    """The tiles on top."""

    def __init__(self, tab: Tab) -> None:
        self._say = tab.say
        with ui.element("div").classes("tiles"):
            self._net = self._tile("net")
            self._signals = self._tile("signals")
            self._copied = self._tile("copied")
            self._median = self._tile("median")
            self._open = self._tile("open")

    def show(self, today: TodayAnswer) -> None:
        say = self._say
        orders = today.success + today.failed + today.skipped + today.pending
        self._set(
            self._net, say.usd(today.net_usd, signed=True), say("overview.net_note", count=today.trades, won=today.won)
        )
        self._net[0].classes(remove="up down", add=signed(today.net_usd))
        sources = ", ".join(f"{say.word('sources', one)} {count}" for one, count in today.signals_by_source.items())
        self._set(self._signals, say.number(today.signals), sources or say("overview.no_signal_yet"))
        note = [
            say(f"outcomes.{name}_count", count=count)
            for name in ("skipped", "failed")
            if (count := getattr(today, name))
        ]
        self._set(
            self._copied,
            say("overview.of", part=today.success, whole=orders),
            " · ".join(note) or say("overview.none_refused"),
        )
        latency = today.latency
        if latency is None:
            self._set(self._median, "–", say("overview.no_answer_yet"))
        else:
            self._set(self._median, say.ms(latency.median_ms), say("overview.p95", ms=say.ms(latency.p95_ms)))
        self._set(
            self._open, say.number(today.open_positions), say("overview.working_note", count=today.working_orders)
        )

    def _tile(self, name: str) -> tuple[ui.label, ui.label]:
        with ui.element("div").classes("card tile"):
            ui.label(self._say(f"overview.tile_{name}")).classes("muted")
            value = ui.label("…").classes("value")
            return value, ui.label("").classes("small muted clip")

    def _set(self, place: tuple[ui.label, ui.label], value: str, note: str) -> None:
        place[0].set_text(value)
        place[1].set_text(note)


class _Latency:
    """How fast venues answered today, as a histogram; only its bars are sent."""

    def __init__(self, tab: Tab) -> None:
        self._tab = tab
        self._shown: list[int] | None = None
        self._nothing = empty(tab.say("overview.no_latency"), icon="timer")
        self._nothing.set_visibility(False)
        self._chart: Chart | None = None
        self._place = ui.element("div")
        self._note = ui.label("").classes("small muted")

    def show(self, latency: LatencyAnswer | None) -> None:
        self._nothing.set_visibility(latency is None)
        if latency is None:
            return
        counts = [one.count for one in latency.buckets]
        if counts == self._shown:
            return
        self._shown = counts
        say = self._tab.say
        told = {"fastest": say.ms(latency.fastest_ms), "slowest": say.ms(latency.slowest_ms)}
        self._note.set_text(say("overview.latency_note", **told))
        if self._chart is None:
            with self._place:
                self._chart = Chart(
                    self._tab, _bars(self._tab, latency), label=say("overview.latency"), classes="chart low"
                )
        else:
            self._chart.change({"orders": counts})


def _bars(reader: Reader, latency: LatencyAnswer) -> dict[str, Any]:
    palette, say = reader.palette, reader.say
    bounds = [one.up_to_ms for one in latency.buckets]
    names = [f"> {say.number(bounds[-2] or 0)}" if bound is None else f"≤ {say.number(bound)}" for bound in bounds]
    axis = {"color": palette.muted, "fontSize": 11, "hideOverlap": True}
    bars = {"id": "orders", "name": say("overview.orders"), "type": "bar", "barCategoryGap": "25%"}
    return {
        "xAxis": {"type": "category", "data": names, "axisLabel": axis, "axisTick": {"show": False}, "name": "ms"}
        | {"nameLocation": "middle", "nameGap": 24}
        | {"nameTextStyle": {"color": palette.muted}, "axisLine": {"lineStyle": {"color": palette.line}}},
        "yAxis": value_axis(palette, "") | {"minInterval": 1, "scale": False},
        "grid": {"left": 4, "right": 8, "top": 12, "bottom": 18, "containLabel": True},
        "series": [
            bars
            | {
                "itemStyle": {"color": palette.accent, "borderRadius": [3, 3, 0, 0]},
                "data": [one.count for one in latency.buckets],
            }
        ],
    }


class _Signals:
    """Today's signals, newest on top: only rows that are new or fared otherwise are drawn."""

    def __init__(self, tab: Tab) -> None:
        self._tab = tab
        self._rows: dict[str, tuple[object, ui.element]] = {}
        self._nothing = self._empty()
        self._place = ui.element("div").classes("rows")
        self._more = ui.link(tab.say("overview.all_signals"), "/signals").classes("small")
        self._more.set_visibility(False)

    def show(self, today: Sequence[SignalAnswer], names: Names) -> None:
        self._nothing.set_visibility(not today)
        self._more.set_visibility(len(today) > LISTED_MAX)
        listed = today[:LISTED_MAX]
        for gone in self._rows.keys() - {one.id for one in listed}:
            self._rows.pop(gone)[1].delete()
        for place, one in enumerate(listed):
            shows = (one.fared, names.bot(one.bot_id))
            shown = self._rows.get(one.id)
            if shown is not None and shown[0] == shows:
                continue
            if shown is not None:
                shown[1].delete()
            with self._place:
                row = _signal_row(self._tab.say, one, names.bot(one.bot_id))
            row.move(target_index=place)
            self._rows[one.id] = (shows, row)

    def _empty(self) -> ui.element:
        say = self._tab.say
        with empty(say("overview.no_signals"), icon="sensors") as nothing:
            provides = self._tab.role is not Role.FOLLOWER
            ui.link(say("overview.to_bots" if provides else "overview.to_follow"), "/bots")
        nothing.set_visibility(False)
        return nothing


def _signal_row(say: Speech, signal: SignalAnswer, bot: str) -> ui.element:
    with ui.link(target=f"/signals/{signal.id}") as row:
        with line("one"):
            ui.label(action(say, signal)).classes("strong clip")
            ui.label(bot).classes("muted small clip")
            moment(signal.received_at).classes("muted end")
        if signal.fared is not None:
            with line("one"):
                with ui.element("div").classes("bar grow").props('aria-hidden="true"'):
                    for status, count in shares(signal.fared):
                        ui.element("i").classes(status).style(f"flex: {count}")
                ui.label(sentence(say, signal.fared)).classes("small muted")
    return row


PAGE = Page(path="/", title="overview.title", show=show_overview, icon="space_dashboard")
