"""A new user, or a changed one: role, status, password, the MT5 login that is theirs."""

from typing import Any

from nicegui import ui
from pydantic import ValidationError

from copydesk.client.errors import Missing
from copydesk.client.people import NewUser, UserAnswer, UserChange
from copydesk.dashboard.admin import ADMINS
from copydesk.dashboard.page import Page, Tab
from copydesk.dashboard.parts import card, empty, line
from copydesk.domain.user import Role, UserStatus


def show_new(tab: Tab) -> None:
    with ui.element("div").classes("stack form"), card(tab.say("admin.new_user")):
        _Form(tab, None)


def show_user(tab: Tab, user_id: str) -> None:
    place = ui.element("div").classes("stack form")
    begun: list[bool] = []

    async def begin() -> None:
        if begun:
            return
        try:
            found = await tab.person.ask(lambda api: api.user(user_id))
        except Missing:
            begun.append(True)
            with place, card():
                empty(tab.say("admin.no_such_user"), icon="search_off")
            return
        begun.append(True)
        with place, card(found.username):
            _Form(tab, found)

    tab.keep(begin)


class _Form:
    """The hub says what it did not take; what was left empty for a known user stays as it is."""

    def __init__(self, tab: Tab, user: UserAnswer | None) -> None:
        self._tab, self._user, say = tab, user, tab.say
        self._name = ui.input(say("admin.username"), value="" if user is None else user.username)
        self._password = ui.input(
            say("admin.password" if user is None else "admin.new_password"), password=True, password_toggle_button=True
        )
        self._password.props('autocomplete="new-password"')
        role = Role.FOLLOWER if user is None else user.role
        self._role = ui.select({one: say.word("roles", one) for one in Role}, label=say("admin.role"), value=role)
        status = UserStatus.ACTIVE if user is None else user.status
        self._status = ui.select(
            {one: say.word("user_statuses", one) for one in UserStatus}, label=say("admin.status"), value=status
        )
        login = None if user is None or user.allowed_mt5_id is None else user.allowed_mt5_id
        self._login = ui.number(say("admin.mt5_login"), value=login, precision=0, min=1)
        self._plan = ui.input(say("admin.plan"), value="free" if user is None else user.subscription)
        for one in (self._name, self._password, self._role, self._status, self._login, self._plan):
            one.props("outlined options-dense")
        ui.label(say("admin.disabled_means")).classes("small muted")
        self._problem = ui.label().classes("down").props('role="alert"')
        with line():
            ui.link(say("frame.cancel"), "/admin")
            save = ui.button(say("frame.save"), icon="check", on_click=self._save).props("no-caps unelevated")
            save.classes("end")

    async def _save(self) -> None:
        self._problem.set_text("")
        say, known = self._tab.say, self._user
        told: dict[str, Any] = {
            "username": self._name.value.strip(),
            "role": self._role.value,
            "status": self._status.value,
            "allowed_mt5_id": None if self._login.value is None else int(self._login.value),
            "subscription": self._plan.value.strip(),
        } | ({"password": self._password.value} if self._password.value else {})
        try:
            if known is None:
                new = NewUser(**{"password": "", **told})
                done = await self._tab.act(lambda api: api.create_user(new), done=say("admin.user_made"))
            else:
                change = UserChange(**told)
                done = await self._tab.act(lambda api: api.change_user(known.id, change), done=say("admin.user_saved"))
        except ValidationError as error:
            fields = "; ".join(f"{one['loc'][0]}: {one['msg']}" for one in error.errors())
            self._problem.set_text(say("frame.refused", why=fields))
            return
        if done is not None:
            ui.navigate.to("/admin")


NEW = Page(path="/admin/users/new", title="admin.new_user", show=show_new, roles=ADMINS)
PAGE = Page(path="/admin/users/{user_id}", title="admin.user", show=show_user, roles=ADMINS)
