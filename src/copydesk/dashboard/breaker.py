"""The breaker: what it will do is said in words, and whoever pulls it types so."""

from collections.abc import Sequence
from functools import partial

from nicegui import ui

from copydesk.client.breaker import BreakerAnswer, BreakerWish
from copydesk.dashboard.desk import Names
from copydesk.dashboard.page import Tab
from copydesk.dashboard.parts import confirm, heading, line, since
from copydesk.domain.breaker import BreakerMode, BreakerScope
from copydesk.domain.user import Role

MODES = (BreakerMode.STOP_OPENS, BreakerMode.CANCEL_WORKING, BreakerMode.FLATTEN)


def breaker_button(tab: Tab) -> None:
    """It reaches all accounts that are this user's, an admin's everybody's; a provider has none to stop."""
    if tab.role is Role.PROVIDER:
        return
    dialog = _dialog(tab)
    button = ui.button(tab.say("breakers.pull"), icon="pan_tool", on_click=dialog.open)
    button.props("no-caps unelevated color=negative").classes("stop")


def show_pulled(tab: Tab, pulled: Sequence[BreakerAnswer], names: Names) -> None:
    """What is pulled now; whoever may let go of it can do so here."""
    for one in pulled:
        with ui.element("div").classes("alert"):
            ui.icon("pan_tool").classes("warn").props('aria-hidden="true"')
            with ui.element("div").classes("grow"):
                ui.label(tab.say("breakers.pulled", mode=tab.say.word("breakers", one.mode))).classes("strong")
                ui.label(_whom(tab, one, names)).classes("small muted")
            since(one.in_force_since).classes("small muted")
            if tab.role is Role.ADMIN or one.scope is BreakerScope.ACCOUNT:
                ui.button(tab.say("breakers.let_go"), on_click=tab.on(partial(_release, tab, one))).props(
                    "flat dense no-caps"
                )


def _whom(tab: Tab, one: BreakerAnswer, names: Names) -> str:
    if one.id is None:
        return tab.say("breakers.all")
    return (names.bot(one.id) or names.account(one.id)) if one.scope is not BreakerScope.VENUE else one.id


async def _release(tab: Tab, one: BreakerAnswer) -> None:
    if await confirm(tab.say, tab.say("breakers.release_question"), tab.say("breakers.let_go")):
        wish = BreakerWish(scope=one.scope, id=one.id, mode=BreakerMode.RELEASE)
        await tab.act(lambda api: api.pull_breaker(wish), done=tab.say("breakers.released"))


def _dialog(tab: Tab) -> ui.dialog:
    say, word = tab.say, tab.say("breakers.word")
    with ui.dialog() as dialog, ui.card().classes("ask"):
        heading(say("breakers.title"))
        ui.label(say("breakers.reach_all" if tab.role is Role.ADMIN else "breakers.reach_own")).classes("muted")
        mode = ui.radio({mode.value: say.word("breakers", mode) for mode in MODES}, value=MODES[0].value)
        mode.props["aria-label"] = say("breakers.what")
        typed = ui.input(say("breakers.type", word=word)).props('outlined autocomplete="off"')
        with line("end"):
            ui.button(say("frame.cancel"), on_click=dialog.close).props("flat no-caps")
            pull = ui.button(say("breakers.pull_now")).props("no-caps unelevated color=negative")
        pull.disable()

    async def act() -> None:
        wish = BreakerWish(scope=BreakerScope.ALL, mode=BreakerMode(mode.value))
        pulled = await tab.act(lambda api: api.pull_breaker(wish))
        if pulled is not None:
            ui.notify(say("breakers.done", cancelled=pulled.cancelled, closing=pulled.closing), type="warning")
            dialog.close()

    typed.on_value_change(lambda event: pull.set_enabled((event.value or "").strip() == word))
    pull.on_click(act)
    dialog.on_value_change(lambda _: typed.set_value(""))
    return dialog
