"""One's accounts at venues, and the terminals that report."""

from collections.abc import Sequence

from nicegui import ui

from copydesk.client.api import ApiClient
from copydesk.client.errors import Missing
from copydesk.client.models import AccountAnswer
from copydesk.client.terminals import TerminalAnswer
from copydesk.dashboard.following import FOLLOWS, where
from copydesk.dashboard.page import Page, Tab
from copydesk.dashboard.parts import chip, empty, heading, line
from copydesk.dashboard.terminals import show_terminal
from copydesk.domain.subscription import KeyCheck
from copydesk.domain.venue import PAPER

_TONES = {KeyCheck.ACCEPTED: "up", KeyCheck.UNCHECKED: "muted", KeyCheck.REFUSED: "down"}


def show_accounts(tab: Tab) -> None:
    say = tab.say
    with line():
        ui.label(say("accounts.intro")).classes("muted")
        button = ui.button(say("accounts.new"), icon="add", on_click=lambda: ui.navigate.to("/accounts/new"))
        button.classes("end").props("no-caps unelevated")
    place = ui.element("div").classes("stack")
    drawn: list[object] = [None]

    async def look() -> None:
        accounts = await tab.person.ask(lambda api: api.accounts())
        terminals = await tab.person.ask(lambda api: _terminals(api, tab.person.profile.id))
        if drawn == [(accounts, terminals)]:
            return
        drawn[0] = (accounts, terminals)
        place.clear()
        with place:
            _draw(tab, accounts, terminals)

    tab.keep(look, polls=3)


def key_chip(tab: Tab, one: AccountAnswer) -> ui.label:
    """Whether something can be sent for it."""
    if not one.is_active:
        return chip(tab.say("accounts.off"), "muted")
    if one.venue == PAPER:
        return chip(tab.say("accounts.paper"), "up")
    return chip(tab.say.word("key_checks", one.key_check), _TONES[one.key_check])


async def _terminals(api: ApiClient, user_id: str) -> Sequence[TerminalAnswer]:
    try:
        return (await api.terminals(user_id)).terminals
    except Missing:
        return ()


def _draw(tab: Tab, accounts: Sequence[AccountAnswer], terminals: Sequence[TerminalAnswer]) -> None:
    say = tab.say
    with ui.element("div").classes("cards"):
        for one in accounts:
            _card(tab, one)
        if not accounts:
            with ui.element("section").classes("card"), empty(say("accounts.none"), icon="account_balance_wallet"):
                ui.link(say("accounts.new"), "/accounts/new")
    if terminals:
        heading(say("accounts.terminals"))
        with ui.element("div").classes("cards"):
            for terminal in terminals:
                show_terminal(tab, terminal)


def _card(tab: Tab, one: AccountAnswer) -> None:
    with ui.element("section").classes("card stack") as section:
        section.props["aria-label"] = one.name
        with line():
            with ui.element("h2"):
                ui.link(one.name, f"/accounts/{one.id}")
            key_chip(tab, one).classes("end")
        with line("muted"):
            ui.label(where(tab, one))
            ui.label(one.key_hint)
        if one.key_problem:
            ui.label(one.key_problem).classes("small down")


PAGE = Page(path="/accounts", title="accounts.title", show=show_accounts, icon="account_balance_wallet", roles=FOLLOWS)
