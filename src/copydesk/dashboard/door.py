"""The door: who is not signed in is asked to, and gets where they wanted afterwards."""

import httpx
from nicegui import ui

from copydesk.client.errors import ApiError
from copydesk.dashboard.desk import AWAY, People
from copydesk.dashboard.frame import choices
from copydesk.dashboard.page import Reader, refusal

_TOO_MANY = httpx.codes.TOO_MANY_REQUESTS


def show_door(people: People, reader: Reader, *, why: str, to: str) -> None:
    """`why` is `expired` where a session has ended by itself; `to` is where the reader wanted to go."""
    say = reader.say
    reader.dress(say("door.title"))
    with ui.element("main").classes("door"), ui.element("form").classes("card stack") as form:
        with ui.element("h1"):
            ui.label("copydesk").classes("brand")
        sentence = ui.label(say("door.expired" if why == "expired" else "door.welcome")).props('role="status"')
        username = ui.input(say("door.username")).props('autofocus autocomplete="username" outlined')
        password = ui.input(say("door.password"), password=True, password_toggle_button=True)
        password.props('autocomplete="current-password" outlined')
        button = ui.button(say("door.enter")).props('type="submit" no-caps unelevated')
        choices(reader)

    async def enter() -> None:
        button.props("loading")
        try:
            await people.sign_in(reader.browser, username.value, password.value)
        except AWAY as error:
            sentence.set_text(_refused(reader, error))
            sentence.classes("down")
        else:
            ui.navigate.to(to if to.startswith("/") and not to.startswith(("//", "/\\")) else "/")
        finally:
            button.props(remove="loading")

    form.on("submit.prevent", enter)


def _refused(reader: Reader, error: Exception) -> str:
    status = error.status if isinstance(error, ApiError) else None
    if status == httpx.codes.UNAUTHORIZED:
        return reader.say("door.wrong")
    if status == _TOO_MANY or isinstance(error, TimeoutError):
        return reader.say("door.too_many")
    return refusal(reader.say, error)
