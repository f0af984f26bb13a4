"""A wish in steps: a numbered line of them, one shown at a time, with back and next below."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from nicegui import ui

from copydesk.dashboard.page import Tab
from copydesk.dashboard.parts import heading, line


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """`show` fills the step anew whenever one comes to it; `leave` says whether one may go on, and tells why not itself."""

    title: str
    show: Callable[[], None]
    leave: Callable[[], Awaitable[bool]]


class Steps:
    """Ends with a button of its own in place of next."""

    def __init__(
        self, tab: Tab, steps: Sequence[Step], *, end: str, finish: Callable[[], Awaitable[None]], start: int = 0
    ) -> None:
        self._tab, self._steps, self._finish, self._first = tab, steps, finish, start
        self._here = start
        self._marks = self._line()
        self._place = ui.element("section").classes("card stack")
        with line():
            self._back = ui.button(tab.say("steps.back"), icon="arrow_back", on_click=self._go_back)
            self._back.props("flat no-caps")
            self._next = (
                ui.button(tab.say("steps.next"), on_click=self._go_on).props("no-caps unelevated").classes("end")
            )
            self._end = ui.button(end, icon="check", on_click=self._do).props("no-caps unelevated").classes("end")
        self._show()

    def _line(self) -> list[ui.element]:
        marks = []
        with ui.element("ol").classes("steps-line"):
            for place, step in enumerate(self._steps, 1):
                with ui.element("li") as mark:
                    ui.label(str(place)).classes("mark").props('aria-hidden="true"')
                    ui.label(step.title)
                marks.append(mark)
        return marks

    def _show(self) -> None:
        for place, mark in enumerate(self._marks):
            mark.classes(
                remove="done here", add="here" if place == self._here else "done" if place < self._here else ""
            )
            if place == self._here:
                mark.props("aria-current=step")
            else:
                mark.props(remove="aria-current")
        is_last = self._here == len(self._steps) - 1
        self._back.set_visibility(self._here > self._first)
        self._next.set_visibility(not is_last)
        self._end.set_visibility(is_last)
        self._place.clear()
        with self._place:
            heading(self._steps[self._here].title)
            self._steps[self._here].show()

    async def _go_on(self) -> None:
        self._next.props("loading")
        try:
            if await self._steps[self._here].leave():
                self._here += 1
                self._show()
        finally:
            self._next.props(remove="loading")

    def _go_back(self) -> None:
        self._here -= 1
        self._show()

    async def _do(self) -> None:
        self._end.props("loading")
        try:
            await self._finish()
        finally:
            self._end.props(remove="loading")
