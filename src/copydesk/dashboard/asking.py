"""Questions to the person in front of the page: do it or not."""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

from nicegui import ui

from copydesk.dashboard.page import Tab
from copydesk.dashboard.parts import heading, line


@contextmanager
def dialog(title: str) -> Iterator[ui.dialog]:
    """Open, and gone for good once it is closed. It belongs to the page: what is drawn anew below it leaves it alone."""
    with ui.context.client.content, ui.dialog() as opened, ui.element("section").classes("card stack dialog") as box:
        box.props["aria-label"] = title
        heading(title)
        yield opened
    opened.on("hide", opened.delete)
    opened.open()


def confirm(tab: Tab, title: str, means: str, name: str, work: Callable[[], Awaitable[object]]) -> None:
    """`means` says what it does and what it does not; `name` is on the button that does it."""
    page = ui.context.client.content
    with dialog(title) as opened:
        ui.label(means)

        async def do() -> None:
            with page:  # the button is gone once the dialog is closed
                opened.close()
                await work()

        with line():
            ui.button(tab.say("frame.cancel"), on_click=opened.close).props("flat no-caps").classes("end")
            ui.button(name, on_click=do).props("no-caps unelevated color=negative")
