"""Signing in at a window: who it is, and for a master the secret that its messages are signed with."""

import httpx
from nicegui import ui

from copydesk.client.errors import ApiError
from copydesk.dashboard.desk import AWAY
from copydesk.dashboard.desktop.terminal_window import TerminalWindow
from copydesk.dashboard.frame import choices
from copydesk.dashboard.page import Reader, refusal
from copydesk.dashboard.parts import heading
from copydesk.domain.terminal import TerminalRole
from copydesk.ports.beside import Access


def show_sign_in(window: TerminalWindow, reader: Reader) -> None:
    say, known = reader.say, window.known
    with ui.element("main").classes("door"), ui.element("form").classes("card stack") as form:
        heading(say(f"desktop.{window.worker.role}"), "h1")
        sentence = ui.label(say(f"desktop.welcome_{window.worker.role}")).props('role="status"')
        url = ui.input(say("desktop.hub_address"), value=known.url).props('outlined type="url"')
        username = ui.input(say("door.username"), value=known.username).props('autocomplete="username" outlined')
        password = ui.input(say("door.password"), password=True, password_toggle_button=True)
        password.props('autocomplete="current-password" outlined')
        secret = _signing_secret(window, reader)
        button = ui.button(say("door.enter")).props('type="submit" no-caps unelevated')
        choices(reader)

    async def enter() -> None:
        button.props("loading")
        told = "" if secret is None else typed(secret)
        access = Access(
            url=typed(url).rstrip("/"),
            username=typed(username),
            password=password.value or "",
            signing_secret=told or known.signing_secret,
        )
        try:
            await window.sign_in(access)
        except (*AWAY, httpx.InvalidURL) as error:
            sentence.set_text(_refused(reader, error))
            sentence.classes("down")
        else:
            ui.navigate.to("/")
        finally:
            button.props(remove="loading")

    form.on("submit.prevent", enter)


def typed(field: ui.input) -> str:
    """A field that was emptied in the browser holds None."""
    return (field.value or "").strip()


def _signing_secret(window: TerminalWindow, reader: Reader) -> ui.input | None:
    if window.worker.role is not TerminalRole.MASTER:
        return None
    if window.known.signing_secret is not None:
        ui.label(reader.say("desktop.secret_known")).classes("small muted")
        return None
    field = ui.input(reader.say("desktop.signing_secret"), password=True, password_toggle_button=True)
    return field.props('autocomplete="off" outlined')


def _refused(reader: Reader, error: Exception) -> str:
    if isinstance(error, ApiError) and error.status == httpx.codes.UNAUTHORIZED:
        return reader.say("door.wrong")
    return refusal(reader.say, error)
