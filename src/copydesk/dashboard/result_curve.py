"""A sum over time, and where it would be if what is open were closed now: new points are added, anything else draws it anew."""

from collections.abc import Sequence
from typing import Any

from nicegui import ui

from copydesk.dashboard.chart import Chart, curve, time_axis, value_axis
from copydesk.dashboard.page import Tab
from copydesk.dashboard.parts import empty

Points = Sequence[tuple[str, float]]


class ResultCurve:
    """In USD. `nothing` stands there until there are points; `not_closed` names what is open, where that is shown."""

    def __init__(self, tab: Tab, *, name: str, label: str, nothing: str, not_closed: str = "") -> None:
        self._tab, self._name, self._label, self._not_closed = tab, name, label, not_closed
        self._shown: Points = []
        self._tail: Points = []
        self._chart: Chart | None = None
        self._nothing = empty(nothing, icon="show_chart")
        self._nothing.set_visibility(False)
        self._place = ui.element("div")

    def show(self, points: Points, tail: Points = ()) -> None:
        """`tail` goes from the last point to what is open now."""
        self._nothing.set_visibility(not points and not tail)
        self._place.set_visibility(bool(points or tail))
        before, self._shown = self._shown, points
        tail_before, self._tail = self._tail, tail
        if not points and not tail:
            return
        if self._chart is None or points[: len(before)] != before:
            self._place.clear()
            with self._place:
                self._chart = self._draw(points)
            return
        if points != before:
            self._chart.add({"net": points[len(before) :]}, most=len(points))
        if tail != tail_before:
            self._chart.change({"open": self._marked(tail)})

    def _draw(self, points: Points) -> Chart:
        palette = self._tab.palette
        options = {
            "xAxis": time_axis(palette),
            "yAxis": value_axis(palette, "USD"),
            "series": [curve("net", self._name, palette.accent, points), self._open_series()],
        }
        return Chart(self._tab, options, label=self._label)

    def _open_series(self) -> dict[str, Any]:
        palette = self._tab.palette
        hollow = {"color": palette.card, "borderColor": palette.warn, "borderWidth": 2}
        return {
            "id": "open",
            "name": self._not_closed,
            "type": "line",
            "data": self._marked(self._tail),
            "lineStyle": {"type": "dashed", "width": 2, "color": palette.warn},
            "itemStyle": hollow,
            "symbol": "circle",
            "symbolSize": 9,
        }

    def _marked(self, tail: Points) -> list[dict[str, Any]]:
        """Only its end is a point with a name: that it is not closed has to be seen."""
        label = {"show": True, "formatter": self._not_closed, "position": "left", "color": self._tab.palette.warn}
        named = [{"value": one, "symbol": "none"} for one in tail[:-1]]
        return [*named, *({"value": one, "label": label} for one in tail[-1:])]
