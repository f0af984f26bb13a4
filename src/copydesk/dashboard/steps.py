"""A wish in steps: a numbered line of them, one shown at a time, with back and next below."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from nicegui import ui
from nicegui.events import GenericEventArguments

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
        self._is_busy = False
        self._marks = self._line()
        self._place = ui.element("section").classes("card stack")
        with line():
            self._back = ui.button(tab.say("steps.back"), icon="arrow_back", on_click=self._go_back)
            self._back.props("flat no-caps")
            self._next = ui.button(tab.say("steps.next")).props("no-caps unelevated").classes("end")
            self._next.on("click", self._go_on, js_handler="event => emit(event.currentTarget.dataset.step)")
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
        self._next.props(f"data-step={self._here}")
        is_last = self._here == len(self._steps) - 1
        self._back.set_visibility(self._here > self._first)
        self._next.set_visibility(not is_last)
        self._end.set_visibility(is_last)
        self._place.clear()
        with self._place:
            heading(self._steps[self._here].title)
            self._steps[self._here].show()

    async def _go_on(self, click: GenericEventArguments) -> None:
        """A click says which step it was made on: a second one may come after the first has been done."""
        # A program that only plays a browser (NiceGUI's simulated user) runs no JavaScript, and has no step to tell.
        if isinstance(click.args, str) and click.args != str(self._here):
            return

        async def leave() -> None:
            if await self._steps[self._here].leave():
                self._here += 1
                self._show()

        await self._once(self._next, leave)

    def _go_back(self) -> None:
        if not self._is_busy:
            self._here -= 1
            self._show()

    async def _do(self) -> None:
        await self._once(self._end, self._finish)

    async def _once(self, button: ui.button, work: Callable[[], Awaitable[None]]) -> None:
        # A second click may be on its way before the browser hears that the button is busy.
        if self._is_busy:
            return
        self._is_busy = True
        button.props("loading")
        try:
            await work()
        finally:
            self._is_busy = False
            button.props(remove="loading")
