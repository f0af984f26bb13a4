"""Tables: sorted, filtered, saved as CSV; only the rows that changed are sent to the browser."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from nicegui import json, ui

from copydesk.dashboard.page import Reader
from copydesk.dashboard.parts import heading, line
from copydesk.dashboard.script import run_script

Row = dict[str, Any]

NARROW_PX = 700
"""In a table that is narrower, columns with `wide_only` are hidden."""

ROW_PX, HEAD_PX = 36, 38
ROWS_LEAST = 2


class Rows(list[Row]):
    """Rows that several tabs show: what changed is found out and written down for the first of them."""

    _before: Sequence[Row] | None = None
    _change = ""

    def after(self, before: Sequence[Row]) -> str:
        """The change from what was shown before to these, as JSON; nothing where there is none."""
        if self._before is not before:
            self._before, self._change = before, _written(change_of(before, self))
            if isinstance(before, Rows):
                before.forget()
        return self._change

    def forget(self) -> None:
        """What was before these; else all that was ever shown would be kept."""
        self._before = None


class Kind(StrEnum):
    """What a cell holds: numbers stand right and sort as numbers, times are local with UTC on hover."""

    TEXT = "text"
    NUMBER = "number"
    TIME = "time"
    SINCE = "since"


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """`tone` and `link` name the fields of a row that hold the cell's class and where it leads; `unit` stands in the heading."""

    field: str
    title: str
    kind: Kind = Kind.TEXT
    unit: str = ""
    width: int = 110
    grows: bool = False
    wide_only: bool = False
    digits: int | None = None
    tone: str = ""
    link: str = ""


class Table:
    """`rows` have an `id` each. Until there are some, `empty` stands in the table's place."""

    def __init__(
        self,
        reader: Reader,
        columns: Sequence[Column],
        *,
        title: str,
        empty: Callable[[], object],
        rows_shown: int = 10,
        newest: str = "",
        level: str = "h2",
    ) -> None:
        """`newest` names the column that it is sorted by, downwards."""
        self._say = reader.say
        self._rows: Sequence[Row] = ()
        with line():
            heading(title, level)
            self._tools = line("end")
        self._nothing = ui.element("div")
        with self._nothing:
            empty()
        # Whatever changes on the grid's own element makes NiceGUI build the grid anew, without its rows: only its place is hidden.
        self._place = ui.element("div")
        self._rows_shown = rows_shown
        with self._place:
            self.grid = self._grid([_definition(one, newest) for one in columns], title)
        with self._tools:
            self._search(title)
        self._size: tuple[bool, bool, int] | None = None
        self._is_empty(known=False)

    def show(self, rows: Sequence[Row], *, known: bool = True) -> None:
        """Send what is new, changed or gone; `known` is false until the hub has answered."""
        if rows is not self._rows:
            change = rows.after(self._rows) if isinstance(rows, Rows) else _written(change_of(self._rows, rows))
            self._rows = rows
            if change:
                self.apply(change)
        self._is_empty(known=known)

    def apply(self, change: str) -> None:
        """A transaction of AG Grid, as JSON."""
        run_script(self.grid.client, f'runMethod({self.grid.id}, "run_grid_method", ["applyTransaction", {change}])')

    def _is_empty(self, *, known: bool) -> None:
        rows = min(max(len(self._rows), ROWS_LEAST), self._rows_shown)
        size = (known, bool(self._rows), rows)
        if size == self._size:
            return
        self._size = size
        self._nothing.set_visibility(known and not self._rows)
        self._tools.set_visibility(bool(self._rows))
        self._place.set_visibility(bool(self._rows))
        self._place.style(f"height: {HEAD_PX + ROW_PX * rows + 4}px")

    def _grid(self, definitions: list[dict[str, Any]], title: str) -> ui.aggrid:
        narrow = [one["field"] for one in definitions if one["context"]]
        options = {
            "columnDefs": definitions,
            "rowData": [],
            ":getRowId": "p => p.data.id",
            ":onGridSizeChanged": f"p => p.clientWidth && p.api.setColumnsVisible({narrow}, p.clientWidth > {NARROW_PX})",
            "suppressColumnMoveAnimation": True,
            "defaultColDef": {"resizable": True, "suppressMovable": True, "filter": True},
            "localeText": self._say.group("grid"),
            "rowHeight": ROW_PX,
            "headerHeight": HEAD_PX,
            "tooltipShowDelay": 200,
            "suppressNoRowsOverlay": True,
            "suppressDragLeaveHidesColumns": True,
        }
        grid = ui.aggrid(options, auto_size_columns=False).classes("grid")
        grid.props["aria-label"] = title
        return grid

    def _search(self, title: str) -> None:
        search = ui.input(placeholder=self._say("frame.filter")).props("dense outlined clearable debounce=200")
        search.props["aria-label"] = self._say("frame.filter_named", name=title)
        search.on_value_change(
            lambda event: self.grid.run_grid_method("setGridOption", "quickFilterText", event.value or "")
        )
        name = f"{title.lower().replace(' ', '-')}.csv"
        save = ui.button("CSV", icon="download", on_click=lambda: self._save(name)).props("flat dense no-caps")
        save.props["aria-label"] = self._say("frame.csv_named", name=title)

    def _save(self, name: str) -> None:
        """Times are UTC there: a file goes to people elsewhere."""
        self.grid.run_grid_method("exportDataAsCsv", {"fileName": name})


def change_of(shown: Sequence[Row], wanted: Sequence[Row]) -> dict[str, list[Row]]:
    """What a grid that shows these must add, update and remove to show those; empty where nothing changed."""
    before, after = {row["id"]: row for row in shown}, {row["id"]: row for row in wanted}
    change = {
        "add": [row for key, row in after.items() if key not in before],
        "update": [row for key, row in after.items() if key in before and before[key] != row],
        "remove": [{"id": key} for key in before if key not in after],
    }
    return {kind: changed for kind, changed in change.items() if changed}


def _written(change: Mapping[str, Sequence[Row]]) -> str:
    return json.dumps(change) if change else ""


def _definition(column: Column, newest: str) -> dict[str, Any]:
    definition: dict[str, Any] = {
        "field": column.field,
        "headerName": f"{column.title}, {column.unit}" if column.unit else column.title,
        "context": column.wide_only,
        "cellClass": "number" if column.kind is Kind.NUMBER else "",
        **_size(column),
        **_kinds(column),
    }
    if column.field == newest:
        definition["sort"] = "desc"
    if column.tone:
        definition[":cellClass"] = f"p => '{definition.pop('cellClass')} ' + (p.data.{column.tone} || '')"
    if column.link:
        definition[":cellRenderer"] = f"p => copydeskLink(p, '{column.link}')"
    return definition


def _size(column: Column) -> Mapping[str, Any]:
    return {"flex": 1, "minWidth": column.width} if column.grows else {"width": column.width}


def _kinds(column: Column) -> Mapping[str, Any]:
    match column.kind:
        case Kind.NUMBER:
            digits = "undefined" if column.digits is None else column.digits
            return {
                ":valueFormatter": f"p => copydeskNumber(p.value, '', {digits})",
                ":comparator": "(one, other) => Number(one ?? -Infinity) - Number(other ?? -Infinity)",
                "headerClass": "ag-right-aligned-header",
                "filter": "agNumberColumnFilter",
            }
        case Kind.TIME:
            return {
                ":valueFormatter": "p => p.value ? copydeskTime(p.value) : ''",
                ":tooltipValueGetter": "p => p.value && copydeskUtc(p.value)",
            }
        case Kind.SINCE:
            return {
                ":valueFormatter": "p => p.value ? copydeskSince(p.value) : ''",
                ":tooltipValueGetter": "p => p.value && copydeskUtc(p.value)",
            }
        case Kind.TEXT:
            return {"tooltipField": column.field}


__all__ = ["Column", "Kind", "Row", "Rows", "Table", "change_of"]
