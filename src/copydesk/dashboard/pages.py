"""The addresses and the door: who is not signed in is asked to, and gets where they wanted afterwards."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone

import httpx
from fastapi import Request
from fastapi.responses import RedirectResponse, Response
from nicegui import app, ui

from copydesk.client.errors import ApiError
from copydesk.dashboard.bots import show_bots
from copydesk.dashboard.desk import AWAY, People, now
from copydesk.dashboard.frame import ACCENT, HEAD, Tab, frame
from copydesk.dashboard.overview import show_overview
from copydesk.dashboard.way import show_way

_WHY = {"expired": "Your session has ended. Please sign in again."}


def add_pages(people: People) -> None:
    ui.add_head_html(HEAD, shared=True)

    def framed(request: Request, show: Callable[[Tab], None]) -> Response | None:
        browser = app.storage.browser["id"]
        person = people.find(browser)
        if person is None:
            return RedirectResponse(f"/sign-in?to={request.url.path}")
        tab = Tab(people=people, person=person, browser=browser, path=request.url.path)
        with frame(tab):
            show(tab)
        return None

    @ui.page("/sign-in", title="Sign in · copydesk")
    def sign_in(why: str = "", to: str = "/") -> None:
        _show_sign_in(people, app.storage.browser["id"], why=why, to=to)

    @ui.page("/", title="Overview · copydesk")
    def overview(request: Request) -> Response | None:
        zone = _zone(request.cookies.get("copydesk_minutes", ""))
        return framed(request, lambda tab: show_overview(tab, lambda: _midnight(zone)))

    @ui.page("/bots", title="Bots · copydesk")
    def bots(request: Request) -> Response | None:
        return framed(request, show_bots)

    @ui.page("/signals/{signal_id}", title="Signal · copydesk")
    def way(request: Request, signal_id: str) -> Response | None:
        return framed(request, lambda tab: show_way(tab, signal_id))


def _show_sign_in(people: People, browser: str, *, why: str, to: str) -> None:
    ui.colors(primary=ACCENT, dark_page="#14171f")
    with ui.element("main").classes("door"), ui.element("form").classes("card stack") as form:
        ui.label("copydesk").classes("brand")
        sentence = ui.label(_WHY.get(why, "Sign in to see your desk.")).props('role="status"')
        username = ui.input("Username").props('autofocus autocomplete="username" outlined')
        password = ui.input("Password", password=True).props('autocomplete="current-password" outlined')
        button = ui.button("Sign in").props('type="submit" text-color="black" no-caps unelevated')

    async def enter() -> None:
        button.disable()
        try:
            await people.sign_in(browser, username.value, password.value)
        except AWAY as error:
            sentence.set_text(_refusal(error))
            sentence.classes("down")
        else:
            ui.navigate.to(to if to.startswith("/") and not to.startswith(("//", "/\\")) else "/")
        finally:
            button.enable()

    form.on("submit.prevent", enter)


def _refusal(error: Exception) -> str:
    if isinstance(error, ApiError) and error.status == httpx.codes.UNAUTHORIZED:
        return "Username or password is wrong."
    if isinstance(error, ApiError):
        return f"The hub did not take it: {error}."
    if isinstance(error, TimeoutError):
        return "The hub makes us wait: too many tries, or it is busy. Try again in a few minutes."
    return "The hub is away. Try again in a moment."


def _zone(minutes_east: str) -> timezone:
    """The browser told how far its clock is from UTC."""
    try:
        return timezone(timedelta(minutes=int(minutes_east)))
    except (ValueError, OverflowError):
        return UTC


def _midnight(zone: timezone) -> datetime:
    return now().astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
