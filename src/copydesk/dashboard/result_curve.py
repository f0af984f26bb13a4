"""A sum over time: new points are added, anything else draws it anew."""

from collections.abc import Sequence

from nicegui import ui

from copydesk.dashboard.chart import Chart, curve, time_axis, value_axis
from copydesk.dashboard.page import Tab
from copydesk.dashboard.parts import empty

Points = Sequence[tuple[str, float]]


class ResultCurve:
    """In USD. `nothing` stands there until there are points."""

    def __init__(self, tab: Tab, *, name: str, label: str, nothing: str) -> None:
        self._tab, self._name, self._label = tab, name, label
        self._shown: Points = []
        self._chart: Chart | None = None
        self._nothing = empty(nothing, icon="show_chart")
        self._nothing.set_visibility(False)
        self._place = ui.element("div")

    def show(self, points: Points) -> None:
        self._nothing.set_visibility(not points)
        self._place.set_visibility(bool(points))
        before, self._shown = self._shown, points
        if points == before or not points:
            return
        if self._chart is not None and before and points[: len(before)] == before:
            self._chart.add({"net": points[len(before) :]}, most=len(points))
            return
        self._place.clear()
        with self._place:
            self._chart = self._draw(points)

    def _draw(self, points: Points) -> Chart:
        palette = self._tab.palette
        options = {
            "xAxis": time_axis(palette),
            "yAxis": value_axis(palette, "USD"),
            "series": [curve("net", self._name, palette.accent, points)],
        }
        return Chart(self._tab, options, label=self._label)
