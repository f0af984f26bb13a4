"""A chart that is told only what is new: a whole-option update costs four times the CPU and 23 times the bytes."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from nicegui import ui

from copydesk.dashboard.look import Palette
from copydesk.dashboard.page import Reader
from copydesk.dashboard.script import run_script

Point = Sequence[Any]
"""For example (time, value); None is a gap."""


class Chart(ui.echart):
    """Series are named by their `id`. After it is shown, call `add` or `change`, never `update`."""

    def __init__(self, reader: Reader, options: Mapping[str, Any], *, label: str, classes: str = "chart") -> None:
        super().__init__({**_usual(reader.palette), **options})
        self.classes(classes)
        self.props["role"], self.props["aria-label"] = "img", label

    def add(self, new: Mapping[str, Sequence[Point]], *, most: int) -> None:
        """Points at the end of series, by id; each keeps its newest `most`."""
        wanted = {key: points for key, points in new.items() if points}
        if wanted:
            run_script(self.client, f"copydeskAdd({self.id}, {json.dumps(wanted, default=str)}, {most})")

    def change(self, data: Mapping[str, Sequence[Any]]) -> None:
        """Other data for small series (a histogram's bars), by id."""
        option = {"series": [{"id": key, "data": list(points)} for key, points in data.items()]}
        run_script(self.client, f'runMethod({self.id}, "run_chart_method", ["setOption", {json.dumps(option)}])')


def time_axis(palette: Palette) -> dict[str, Any]:
    label = {"color": palette.muted, "hideOverlap": True, ":formatter": "copydeskAxisTime"}
    return {"type": "time", "axisLabel": label, "splitLine": {"show": False}, "axisLine": _line(palette)}


def value_axis(palette: Palette, unit: str) -> dict[str, Any]:
    """Scaled to what is shown; every number has its unit."""
    label = {"color": palette.muted, ":formatter": f"value => copydeskNumber(value, {json.dumps(unit)})"}
    return {"type": "value", "scale": True, "axisLabel": label, "splitLine": {"lineStyle": {"color": palette.line}}}


def curve(key: str, name: str, colour: str, points: Sequence[Point]) -> dict[str, Any]:
    """A sum over time: it stays as it is until the next point; with a fading area under it."""
    fading = {"type": "linear", "x": 0, "y": 0, "x2": 0, "y2": 1}
    stops = [{"offset": 0, "color": f"{colour}55"}, {"offset": 1, "color": f"{colour}05"}]
    return {
        "id": key,
        "name": name,
        "type": "line",
        "step": "end",
        "showSymbol": len(points) == 1,
        "data": list(points),
        "lineStyle": {"width": 2, "color": colour},
        "itemStyle": {"color": colour},
        "areaStyle": {"color": {**fading, "colorStops": stops}},
    }


def _line(palette: Palette) -> dict[str, Any]:
    return {"lineStyle": {"color": palette.line}}


def _usual(palette: Palette) -> dict[str, Any]:
    return {
        "animation": False,
        "textStyle": {"fontFamily": "Roboto, system-ui, sans-serif"},
        "grid": {"left": 8, "right": 12, "top": 16, "bottom": 8, "containLabel": True},
        "tooltip": {
            "trigger": "axis",
            "backgroundColor": palette.raised,
            "borderColor": palette.line,
            "textStyle": {"color": palette.text},
            ":valueFormatter": "value => copydeskNumber(value)",
        },
    }
