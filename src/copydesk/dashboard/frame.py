"""Around every page: the navigation, who is signed in, the badge that tells how the hub is, and the choice of language and theme."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from nicegui import ui

from copydesk.dashboard.desk import Problem
from copydesk.dashboard.look import Theme
from copydesk.dashboard.page import Page, Reader, Tab
from copydesk.dashboard.speech import Language


@contextmanager
def frame(tab: Tab, page: Page) -> Iterator[None]:
    title = tab.say(page.title)
    tab.dress(title)
    with ui.element("div").classes("shell"):
        ui.link(tab.say("frame.skip"), "#content").classes("skip")
        with ui.element("header").classes("side"):
            ui.link("copydesk", "/").classes("brand")
            with ui.element("nav") as nav:
                nav.props["aria-label"] = tab.say("frame.pages")
                _links(tab)
        with ui.element("div").classes("stage"):
            with ui.element("div").classes("top line"):
                with ui.element("h1"):
                    ui.label(title)
                badge = _badge(tab)
                _menu(tab)
            _banner(tab, badge)
            with ui.element("main").classes("stack").props('id="content" tabindex="-1"'):
                yield


def choices(reader: Reader) -> None:
    """Links that choose language and theme; the browser remembers, and reads the page anew."""
    with ui.element("div").classes("line choices"):
        for language in Language:
            here = language is reader.say.language
            link = ui.link(language.spoken, "#").classes("here" if here else "")
            link.props["lang"] = language.value
            link.on("click.prevent", js_handler=f"() => copydeskChoose('language', '{language}')")
    with ui.element("div").classes("line choices"):
        for theme in Theme:
            link = ui.link(reader.say(f"frame.{theme}"), "#").classes("here" if theme is reader.theme else "")
            link.on("click.prevent", js_handler=f"() => copydeskChoose('theme', '{theme}')")


def navigation(tab: Tab) -> Sequence[Page]:
    """The pages that this role finds in the navigation."""
    return [page for page in tab.pages if page.icon is not None and tab.role in page.roles]


def _links(tab: Tab) -> None:
    for page in navigation(tab):
        is_here = tab.path == page.path or (page.path != "/" and tab.path.startswith(f"{page.path}/"))
        link = ui.link(target=page.path).classes("here" if is_here else "")
        if is_here:
            link.props["aria-current"] = "page"
        with link:
            ui.icon(page.icon or "").props('aria-hidden="true"')
            ui.label(tab.say(page.title))


def _menu(tab: Tab) -> None:
    profile = tab.person.profile
    with ui.button(icon="account_circle").props("flat round dense").classes("who") as button:
        button.props["aria-label"] = tab.say("frame.menu", name=profile.username)
        with ui.menu().classes("menu"), ui.element("div").classes("stack"):
            with ui.element("div"):
                ui.label(profile.username).classes("strong")
                ui.label(tab.say.word("roles", profile.role)).classes("small muted")
            choices(tab)
            ui.button(tab.say("frame.sign_out"), icon="logout", on_click=tab.sign_out).props("flat dense no-caps")


def _badge(tab: Tab) -> ui.label:
    badge = ui.label(tab.say("frame.asking")).classes("chip end badge muted")
    return badge.props('role="status"')


def _banner(tab: Tab, badge: ui.label) -> None:
    banner = ui.label().classes("card banner").props('role="alert"')
    banner.set_visibility(False)

    shown: list[Problem | None] = []

    def show(problem: Problem | None) -> None:
        if shown == [problem]:
            return
        shown[:] = [problem]
        badge.set_text(tab.say("frame.hub_away" if problem else "frame.hub_well"))
        badge.classes(remove="muted up down", add="down" if problem else "up")
        if problem:
            banner.set_text(tab.say(f"frame.problem_{problem.kind}", why=problem.words))
        banner.set_visibility(problem is not None)

    ui.context.client.on_delete(tab.people.tell(show))

    async def stay() -> None:
        """Whoever signed out in another tab has no page any more, even where it asks for nothing."""

    tab.keep(stay, polls=5)
