"""The addresses: who is not signed in is sent to the door, and back again afterwards."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone

from fastapi import Request
from fastapi.responses import RedirectResponse, Response
from nicegui import app, ui

from copydesk.dashboard.bots import show_bots
from copydesk.dashboard.desk import People, now
from copydesk.dashboard.frame import HEAD, Tab, frame
from copydesk.dashboard.overview import show_overview
from copydesk.dashboard.sign_in import show_sign_in
from copydesk.dashboard.way import show_way

DAY_MINUTES = 24 * 60


def add_pages(people: People) -> None:
    ui.add_head_html(HEAD, shared=True)

    def framed(request: Request, here: str, show: Callable[[Tab], None]) -> Response | None:
        browser = app.storage.browser["id"]
        person = people.find(browser)
        if person is None:
            return RedirectResponse(f"/sign-in?to={request.url.path}")
        tab = Tab(people=people, person=person, browser=browser)
        with frame(tab, here):
            show(tab)
        return None

    @ui.page("/sign-in", title="Sign in · copydesk")
    def sign_in(why: str = "", to: str = "/") -> None:
        show_sign_in(people, app.storage.browser["id"], why=why, to=to)

    @ui.page("/", title="Overview · copydesk")
    def overview(request: Request) -> Response | None:
        began = _day_began(request.cookies.get("copydesk_minutes", ""))
        return framed(request, "/", lambda tab: show_overview(tab, began))

    @ui.page("/bots", title="Bots · copydesk")
    def bots(request: Request) -> Response | None:
        return framed(request, "/bots", show_bots)

    @ui.page("/signals/{signal_id}", title="Signal · copydesk")
    def way(request: Request, signal_id: str) -> Response | None:
        return framed(request, "", lambda tab: show_way(tab, signal_id))


def _day_began(minutes_east: str) -> Callable[[], datetime]:
    """When the reader's day began; the browser told how far its clock is from UTC."""
    told = minutes_east.removeprefix("-").isascii() and minutes_east.removeprefix("-").isdigit()
    minutes = int(minutes_east) if told and len(minutes_east) <= len("-1440") else 0
    zone = timezone(timedelta(minutes=minutes)) if abs(minutes) < DAY_MINUTES else UTC
    return lambda: now().astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
