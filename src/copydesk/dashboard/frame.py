"""What every page has: the top line with the hub's health, the style, and a look at the desk once a second."""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from nicegui import ui

from copydesk.dashboard.desk import AWAY, People, Person, SessionEnded

HEAD = "".join(
    f"<{tag}>{Path(__file__).with_name(file).read_text(encoding='utf-8')}</{tag}>"
    for tag, file in (("style", "style.css"), ("script", "browser.js"))
)
ACCENT, UP, DOWN = "#5b95ff", "#3fbf7f", "#f2646b"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tab:
    """One open page of a signed-in user."""

    people: People
    person: Person
    browser: str

    def keep(self, work: Callable[[], Awaitable[None]]) -> None:
        """Do it now and once a second, for as long as the tab is open and its user signed in."""

        async def tick() -> None:
            if self.people.find(self.browser) is not self.person:
                ui.navigate.to("/sign-in")
                return
            try:
                await work()
            except SessionEnded:
                await self.people.forget(self.person)
                ui.navigate.to("/sign-in?why=expired")
            except AWAY:
                return  # the top line says so; the next second tries again

        ui.timer(self.people.poll_s, tick)

    async def sign_out(self) -> None:
        await self.people.sign_out(self.browser)
        ui.navigate.to("/sign-in")


@contextmanager
def frame(tab: Tab, here: str) -> Iterator[None]:
    ui.colors(primary=ACCENT, positive=UP, negative=DOWN, dark_page="#14171f")
    with ui.element("header").classes("top"):
        ui.link("copydesk", "/").classes("brand")
        with ui.element("nav").props('aria-label="Pages"'):
            for name, path in (("Overview", "/"), ("Bots", "/bots")):
                ui.link(name, path).classes("here" if path == here else "")
        with ui.element("div").classes("line end"):
            health(tab)
            ui.label(f"{tab.person.profile.username} · {tab.person.profile.role}").classes("muted")
            ui.button("Sign out", on_click=tab.sign_out).props("flat dense no-caps")
    banner = ui.label().classes("card banner").props('role="alert"')
    banner.set_visibility(False)

    async def look() -> None:
        found = await tab.people.health()
        banner.set_visibility(found.problem is not None)
        banner.set_text(f"{found.problem}. What you see is as it was; trying again every second.")

    with ui.element("main").classes("stack"):
        yield
    tab.keep(look)


def health(tab: Tab) -> None:
    """A dot and a word: healthy or away."""
    with ui.element("div").classes("line").props('role="status"') as badge:
        ui.element("span").classes("dot")
        word = ui.label("…")

    async def look() -> None:
        well = (await tab.people.health()).problem is None
        word.set_text("Healthy" if well else "Away")
        badge.classes(replace="line up" if well else "line down")

    tab.keep(look)


def moment(at: datetime, *, fine: bool = False) -> ui.element:
    """The reader's local time, with UTC on hover; `fine` shows milliseconds."""
    iso = at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return ui.element("local-time").props(("fine " if fine else "") + f'datetime="{iso}"')


def heading(text: str, level: str = "h2") -> None:
    with ui.element(level):
        ui.label(text)
