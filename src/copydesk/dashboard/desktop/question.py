"""The question before a window closes: keep running or stop?"""

from nicegui import ui

from copydesk.dashboard.desktop.leaving import Leaving
from copydesk.dashboard.parts import heading, line
from copydesk.dashboard.speech import Speech


class Question:
    """Opens in every page of the window while it is asked; `show` looks."""

    def __init__(self, say: Speech, leaving: Leaving, sentence: str) -> None:
        self._leaving = leaving
        with ui.dialog().props("persistent") as self._dialog, ui.card().classes("stack question"):
            heading(say("desktop.closing"))
            ui.label(sentence)
            with line("end"):
                ui.button(say("desktop.stay"), on_click=leaving.stay).props("flat no-caps")
                ui.button(say("desktop.stop_all"), on_click=leaving.stop).props("outline no-caps color=negative")
                ui.button(say("desktop.keep"), on_click=self._keep).props("no-caps unelevated autofocus")
        self._hidden = say("desktop.hidden")

    def show(self) -> None:
        if self._dialog.value != self._leaving.is_asked:
            self._dialog.set_value(self._leaving.is_asked)

    def _keep(self) -> None:
        ui.notify(self._hidden, type="positive")
        self._leaving.keep()
