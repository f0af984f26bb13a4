"""The desk at a glance: the day's figures, what wants a person's eye, signals, parts, what is held and ordered."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from nicegui import ui

from copydesk.client.models import SignalAnswer
from copydesk.client.overview import AlertKind, GlanceAnswer, LatencyAnswer, PartAnswer, TodayAnswer
from copydesk.dashboard.breaker import breaker_button, show_pulled
from copydesk.dashboard.chart import Chart, value_axis
from copydesk.dashboard.desk import AWAY, Names
from copydesk.dashboard.holdings import order_rows, orders_table, position_rows, positions_table
from copydesk.dashboard.lights import same, show_alerts, show_parts
from copydesk.dashboard.page import Page, Reader, Tab
from copydesk.dashboard.parts import Drawn, card, empty, heading
from copydesk.dashboard.signal_list import SignalList, signal_rows
from copydesk.dashboard.speech import Speech
from copydesk.dashboard.telling import tone_of

T = TypeVar("T")

POSITIONS_POLLS = 5


def show_overview(tab: Tab) -> None:
    overview = _Overview(tab)
    tab.keep(overview.look)
    tab.keep(overview.hold, polls=POSITIONS_POLLS)  # venues are asked for prices: the rest does not wait for them


class _Overview:
    """The page's places, from top to bottom, and what fills each."""

    def __init__(self, tab: Tab) -> None:
        self._tab, say = tab, tab.say
        self._tiles = _Tiles(tab.say)
        self._alerts = Drawn(card())
        self._alerts.place.set_visibility(False)
        with ui.element("div").classes("wide"):
            with card(say("overview.signals_today")):
                self._signals = SignalList(tab)
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
        """Everything is asked for before anything is shown: what changed goes to the browser together."""
        person, began = self._tab.person, self._tab.midnight()
        seen, names = await person.look(), await person.names()
        glance, standing = await _told(person.glance(began)), await _told(person.standing())
        self._latest.show(self._made("latest", order_rows, seen.executions, names), known=seen.known)
        if seen.known:
            today = self._made("today", _since_midnight, seen.signals, began)
            self._signals.show(today, self._made("signals", signal_rows, today, names))
        if glance is not None:
            self._show_glance(glance, names)
        if standing is not None:
            self._working.show(self._made("standing", order_rows, standing, names))

    async def hold(self) -> None:
        found, names = await self._tab.person.positions(), await self._tab.person.names()
        self._positions.show(self._made("positions", position_rows, found, names))

    def _show_glance(self, found: GlanceAnswer, names: Names) -> None:
        self._tiles.show(self._made("figures", _figures, found.today))
        self._latency.show(found.today.latency, self._made("fastest", _latency_note, found.today.latency))
        self._parts.show(self._made("parts", _same, found.parts), lambda: show_parts(self._tab.say, found.parts))
        self._alerts.place.set_visibility(bool(found.alerts or found.breakers))
        self._alerts.show((found.alerts, found.breakers), lambda: _show_attention(self._tab, found, names))

    def _made(self, name: str, make: Callable[..., T], *found: object) -> T:
        """Made once for all tabs that show it in this language."""
        say = self._tab.say
        return self._tab.person.once(f"{name} {say.language}", found, lambda: make(say, *found))


def _show_attention(tab: Tab, found: GlanceAnswer, names: Names) -> None:
    heading(tab.say("overview.attention"))
    with ui.element("div").classes("rows").props('role="list"'):
        show_pulled(tab, found.breakers, names)
        show_alerts(tab.say, [one for one in found.alerts if one.kind is not AlertKind.BREAKER], names)


async def _told(question: Awaitable[T]) -> T | None:
    """One that is not answered leaves its own place as it is, and no other."""
    with suppress(*AWAY):
        return await question
    return None


def _since_midnight(_: Speech, signals: Sequence[SignalAnswer], began: datetime) -> Sequence[SignalAnswer]:
    return [one for one in signals if one.received_at >= began]


def _same(_: Speech, parts: Sequence[PartAnswer]) -> list[object]:
    return same(parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Figure:
    """What a tile says, what stands below it, and its colour."""

    value: str
    note: str
    tone: str = ""


_NOTHING = _Figure(value="", note="")


def _figures(say: Speech, today: TodayAnswer) -> Mapping[str, _Figure]:
    orders = today.success + today.failed + today.skipped + today.pending
    sources = ", ".join(f"{say.word('sources', one)} {count}" for one, count in today.signals_by_source.items())
    not_copied = [
        say(f"outcomes.{name}_count", count=count) for name in ("skipped", "failed") if (count := getattr(today, name))
    ]
    latency = today.latency
    median = _Figure(value="–", note=say("overview.no_answer_yet"))
    if latency is not None:
        median = _Figure(value=say.ms(latency.median_ms), note=say("overview.p95", ms=say.ms(latency.p95_ms)))
    return {
        "net": _Figure(
            value=say.usd(today.net_usd, signed=True),
            note=say("overview.net_note", count=today.trades, won=today.won),
            tone=tone_of(today.net_usd),
        ),
        "signals": _Figure(value=say.number(today.signals), note=sources or say("overview.no_signal_yet")),
        "copied": _Figure(
            value=say("overview.of", part=today.success, whole=orders),
            note=" · ".join(not_copied) or say("overview.none_refused"),
        ),
        "median": median,
        "open": _Figure(
            value=say.number(today.open_positions), note=say("overview.working_note", count=today.working_orders)
        ),
    }


class _Tiles:
    """The figures on top; only those that changed are touched."""

    def __init__(self, say: Speech) -> None:
        with ui.element("div").classes("tiles"):
            self._tiles = {name: _tile(say, name) for name in ("net", "signals", "copied", "median", "open")}
        self._shown: Mapping[str, _Figure] = {}

    def show(self, figures: Mapping[str, _Figure]) -> None:
        for name, (value, note) in self._tiles.items():
            figure, shown = figures[name], self._shown.get(name, _NOTHING)
            if figure.value != shown.value:
                value.set_text(figure.value)
            if figure.tone != shown.tone:
                value.classes(remove="up down", add=figure.tone)
            if figure.note != shown.note:
                note.set_text(figure.note)
        self._shown = figures


def _tile(say: Speech, name: str) -> tuple[ui.label, ui.label]:
    with ui.element("div").classes("card tile"):
        ui.label(say(f"overview.tile_{name}")).classes("muted")
        value = ui.label("…").classes("value")
        return value, ui.label("").classes("small muted clip")


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

    def show(self, latency: LatencyAnswer | None, note: str) -> None:
        self._nothing.set_visibility(latency is None)
        if latency is None:
            return
        counts = [one.count for one in latency.buckets]
        if counts == self._shown:
            return
        self._shown = counts
        self._note.set_text(note)
        if self._chart is None:
            label = self._tab.say("overview.latency")
            with self._place:
                self._chart = Chart(self._tab, _bars(self._tab, latency), label=label, classes="chart low")
        else:
            self._chart.change({"orders": counts})


def _latency_note(say: Speech, latency: LatencyAnswer | None) -> str:
    if latency is None:
        return ""
    return say("overview.latency_note", fastest=say.ms(latency.fastest_ms), slowest=say.ms(latency.slowest_ms))


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


PAGE = Page(path="/", title="overview.title", show=show_overview, icon="space_dashboard")
