"""The list of pages, and their addresses. A page more is a module with a `PAGE` and a line here (docs/dashboard.md)."""

from fastapi import Request
from fastapi.responses import RedirectResponse, Response
from nicegui import app, ui
from nicegui.translations import translations

from copydesk.dashboard import (
    account,
    accounts,
    adding,
    admin,
    bot,
    bots,
    following,
    notices,
    overview,
    signals,
    strategies,
    strategy,
    strategy_form,
    subscribing,
    users,
    way,
)
from copydesk.dashboard.backtest_report import add_report
from copydesk.dashboard.desk import People
from copydesk.dashboard.door import show_door
from copydesk.dashboard.frame import frame
from copydesk.dashboard.look import head
from copydesk.dashboard.page import Page, Reader, Tab
from copydesk.dashboard.parts import card, empty
from copydesk.dashboard.speech import Language, Speech

PAGES: tuple[Page, ...] = (
    overview.PAGE,
    bots.PAGE,
    bot.PAGE,
    strategies.PAGE,
    strategy_form.NEW,
    strategy.PAGE,
    signals.PAGE,
    way.PAGE,
    following.PAGE,
    accounts.PAGE,
    notices.PAGE,
    admin.PAGE,
    subscribing.NEW,
    subscribing.NEW_BOT,
    subscribing.EDIT,
    adding.NEW,
    account.PAGE,
    users.NEW,
    users.PAGE,
)
"""As the navigation has them."""


def add_pages(people: People, pages: tuple[Page, ...] = PAGES) -> None:
    ui.add_head_html(head(), shared=True)
    translations.update({language.value: Speech(language).group("lost") for language in Language})

    app.timer(people.poll_s / 2, people.look_after_hub)

    @ui.page("/sign-in")
    def sign_in(request: Request, why: str = "", to: str = "/") -> None:
        show_door(people, Reader.of(request), why=why, to=to)

    add_report(people)
    for page in pages:
        _add(people, page, pages)


def _add(people: People, page: Page, pages: tuple[Page, ...]) -> None:
    @ui.page(page.path)
    def framed(request: Request) -> Response | None:
        reader = Reader.of(request)
        person = people.find(reader.browser)
        if person is None:
            return RedirectResponse(f"/sign-in?to={request.url.path}")
        tab = Tab(
            browser=reader.browser,
            path=reader.path,
            say=reader.say,
            theme=reader.theme,
            zone=reader.zone,
            people=people,
            person=person,
            pages=pages,
        )
        with frame(tab, page):
            if tab.role in page.roles:
                page.show(tab, **request.path_params)
            else:
                with card():
                    empty(tab.say("frame.not_for_role"), icon="lock")
        return None
