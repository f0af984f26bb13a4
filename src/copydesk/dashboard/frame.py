"""What every page has: the top line, a word when the hub is away, the style, and a look at the desk once a second."""

from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from nicegui import ui

from copydesk.dashboard.desk import AWAY, People, Person, SessionEnded

ACCENT = "#5b95ff"
HEAD = "".join(
    f"<{tag}>{Path(__file__).with_name(file).read_text(encoding='utf-8')}</{tag}>"
    for tag, file in (("style", "style.css"), ("script", "browser.js"))
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tab:
    """One open page of a signed-in user."""

    people: People
    person: Person
    browser: str
    path: str

    def keep(self, work: Callable[[], Awaitable[None]], *, polls: float = 1) -> None:
        """Do it now and every so many polls, for as long as the tab is open and its user signed in."""

        async def tick() -> None:
            try:
                if self.people.find(self.browser) is self.person:
                    await work()
                    return
            except SessionEnded:
                await self.people.drop(self.person)
            except AWAY:
                return  # the banner says so; the next second tries again
            ui.navigate.to(f"/sign-in?why=expired&to={self.path}" if self.person.ended else "/sign-in")

        ui.timer(self.people.poll_s * polls, tick)

    async def sign_out(self) -> None:
        await self.people.sign_out(self.browser)
        ui.navigate.to("/sign-in")


@contextmanager
def frame(tab: Tab) -> Iterator[None]:
    ui.colors(primary=ACCENT, dark_page="#14171f")
    with ui.element("header").classes("top"):
        ui.link("copydesk", "/").classes("brand")
        with ui.element("nav").props('aria-label="Pages"'):
            for name, path in (("Overview", "/"), ("Bots", "/bots")):
                ui.link(name, path).classes("here" if path == tab.path else "")
        with ui.element("div").classes("line end"):
            ui.label(tab.person.name).classes("muted")
            ui.button("Sign out", on_click=tab.sign_out).props("flat dense no-caps")
    banner = ui.label().classes("card banner").props('role="alert"')
    banner.set_visibility(False)

    async def look() -> None:
        problem = (await tab.people.health()).problem
        banner.set_text(f"{problem}. What you see is as it was; trying again every second.")
        banner.set_visibility(problem is not None)

    tab.keep(look, polls=0.5)
    with ui.element("main").classes("stack"):
        yield


def heading(text: str, level: str = "h2") -> None:
    with ui.element(level):
        ui.label(text)


def moment(at: datetime, *, fine: bool = False) -> ui.element:
    """The reader's local time, with UTC on hover; `fine` shows milliseconds."""
    return ui.element("local-time").props(("fine " if fine else "") + f'datetime="{utc(at)}"')


def utc(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def figures(named: Iterable[tuple[str, str]]) -> None:
    with ui.element("div").classes("figures"):
        for name, value in named:
            with ui.element("span"):
                ui.label(name).classes("muted")
                ui.label(value)


def empty(sentence: str) -> ui.label:
    return ui.label(sentence).classes("empty")
