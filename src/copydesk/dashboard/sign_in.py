"""The door: username, password, and a sentence where it stays shut."""

from nicegui import ui

from copydesk.client.api import ApiError
from copydesk.dashboard.desk import AWAY, People
from copydesk.dashboard.frame import ACCENT, heading

UNAUTHORIZED = 401
_WHY = {"expired": "Your session has ended. Please sign in again."}


def show_sign_in(people: People, browser: str, *, why: str, to: str) -> None:
    ui.colors(primary=ACCENT, dark_page="#14171f")
    with ui.element("main").classes("door stack"), ui.element("form").classes("card stack") as form:
        heading("copydesk", "h1")
        sentence = ui.label(_WHY.get(why, "Sign in to see your desk.")).classes("muted").props('role="status"')
        username = ui.input("Username").props('autofocus autocomplete="username" outlined')
        password = ui.input("Password", password=True, password_toggle_button=True)
        password.props('autocomplete="current-password" outlined')
        button = ui.button("Sign in").props('type="submit" no-caps unelevated')

    async def enter() -> None:
        button.disable()
        try:
            await people.sign_in(browser, username.value, password.value)
        except AWAY as error:
            sentence.set_text(_refusal(error))
            sentence.classes("down", remove="muted")
        else:
            ui.navigate.to(to if to.startswith("/") and not to.startswith(("//", "/\\")) else "/")
        finally:
            button.enable()

    form.on("submit.prevent", enter)


def _refusal(error: Exception) -> str:
    if isinstance(error, ApiError) and error.status == UNAUTHORIZED:
        return "Username or password is wrong."
    if isinstance(error, ApiError):
        return f"The hub did not take it: {error}."
    if isinstance(error, TimeoutError):
        return "The hub makes us wait: too many tries, or it is busy. Try again in a few minutes."
    return "The hub is away. Try again in a moment."
