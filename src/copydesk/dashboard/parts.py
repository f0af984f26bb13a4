"""The small parts that pages are made of."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime

from nicegui import ui

from copydesk.dashboard.speech import Speech


def heading(text: str, level: str = "h2") -> None:
    with ui.element(level):
        ui.label(text)


def card(title: str = "", classes: str = "") -> ui.element:
    """A section with its heading; enter it to fill it."""
    section = ui.element("section").classes(f"card stack {classes}")
    if title:
        section.props["aria-label"] = title
        with section:
            heading(title)
    return section


def line(classes: str = "") -> ui.element:
    """What stands side by side, and goes on below where there is no room."""
    return ui.element("div").classes(f"line {classes}")


def moment(at: datetime, *, fine: bool = False) -> ui.element:
    """The reader's local time, with UTC on hover; `fine` shows milliseconds."""
    return ui.element("local-time").props(("fine " if fine else "") + f'datetime="{utc(at)}"')


def since(at: datetime) -> ui.element:
    """How long ago, counting on by itself, with the times on hover."""
    return ui.element("time-since").props(f'datetime="{utc(at)}"')


def utc(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def figures(named: Iterable[tuple[str, str]]) -> None:
    with ui.element("dl").classes("figures"):
        for name, value in named:
            with ui.element("div"):
                with ui.element("dt"):
                    ui.label(name)
                with ui.element("dd"):
                    ui.label(value)


def tile(name: str, classes: str = "") -> ui.label:
    """One number with its name; the label with the number is answered."""
    with ui.element("div").classes(f"card tile {classes}"):
        ui.label(name).classes("muted")
        return ui.label("…").classes("value")


def chip(text: str, tone: str = "muted") -> ui.label:
    return ui.label(text).classes(f"chip {tone}")


def empty(sentence: str, *, icon: str = "inbox") -> ui.element:
    """Nothing is here yet: says what to do next. Enter it to add a link or a button."""
    place = ui.element("div").classes("empty")
    with place:
        ui.icon(icon).props('aria-hidden="true"')
        ui.label(sentence)
    return place


def copyable(say: Speech, name: str, text: str) -> None:
    with ui.element("div"):
        with line():
            ui.label(name).classes("small muted")
            button = ui.button(say("frame.copy"), icon="content_copy").classes("end")
            button.props["aria-label"] = say("frame.copy_named", name=name)
            button.props("flat dense no-caps size=sm")
            button.on_click(lambda: _copy(say, text))
        with ui.element("pre"):
            ui.label(text)


def _copy(say: Speech, text: str) -> None:
    ui.clipboard.write(text)
    ui.notify(say("frame.copied"), type="positive")


class Drawn:
    """A place that is drawn anew only when what it shows has changed: a person may be reading, or about to press a button."""

    def __init__(self, place: ui.element) -> None:
        self.place = place
        self._shown: object = None

    def show(self, what: object, draw: Callable[[], object]) -> None:
        """`what` is all that the drawing depends on."""
        if self._shown == (what,):
            return
        self._shown = (what,)
        self.place.clear()
        with self.place:
            draw()


async def confirm(say: Speech, question: str, yes: str) -> bool:
    """Ask before something is done; anything but the button is a no."""
    with ui.dialog() as dialog, ui.card().classes("ask"):
        ui.label(question)
        with line("end"):
            ui.button(say("frame.cancel"), on_click=lambda: dialog.submit(False)).props("flat no-caps")
            ui.button(yes, on_click=lambda: dialog.submit(True)).props("no-caps unelevated")
    answer = await dialog
    dialog.delete()
    return bool(answer)
