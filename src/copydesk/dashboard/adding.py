"""Add an account: what its venue needs and nothing else; the key is tried at once, and one that may withdraw is refused."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from nicegui import ui
from pydantic import ValidationError

from copydesk.client.models import NewAccount
from copydesk.dashboard.following import FOLLOWS
from copydesk.dashboard.page import Page, Tab
from copydesk.dashboard.parts import card, line
from copydesk.domain.subscription import Environment, KeyCheck
from copydesk.domain.venue import BINANCE_FUTURES, MT5, PAPER

CCXT = "ccxt"

_NEEDS: Mapping[str, tuple[str, ...]] = {
    PAPER: (),
    BINANCE_FUTURES: ("api_key", "api_secret"),
    CCXT: ("api_key", "api_secret", "api_passphrase"),
    MT5: ("login", "server"),
}
"""What each kind of venue is asked for; the hub refuses what is missing or too much."""

_HIDDEN = frozenset({"api_secret", "api_passphrase"})


@dataclass(slots=True)
class _Form:
    venue: str = PAPER
    fields: dict[str, ui.input] = field(default_factory=dict)


def show_new(tab: Tab) -> None:
    say = tab.say
    form = _Form()
    with ui.element("div").classes("stack form"), card(say("accounts.new")):
        name = ui.input(say("accounts.name"), value=say("accounts.my_account")).props("outlined")
        venue = ui.select({one: say.word("venues", one) for one in _NEEDS}, label=say("accounts.venue"), value=PAPER)
        exchange = ui.input(say("accounts.exchange"), placeholder="kraken").props("outlined")
        environment = ui.select(
            {one.value: say.word("environments", one) for one in Environment},
            label=say("accounts.environment"),
            value=Environment.DEMO.value,
        )
        for one in (venue, environment):
            one.props("outlined options-dense")
        keys = ui.element("div").classes("stack")
        promise = ui.checkbox(say("accounts.promise"))
        problem = ui.label().classes("down").props('role="alert"')

        def draw() -> None:
            form.venue = str(venue.value)
            exchange.set_visibility(form.venue == CCXT)
            promise.set_visibility(form.venue == CCXT and environment.value == Environment.LIVE.value)
            keys.clear()
            with keys:
                _ask_keys(tab, form)

        venue.on_value_change(draw)
        environment.on_value_change(draw)
        draw()

        async def add() -> None:
            problem.set_text("")
            if form.venue == CCXT and not exchange.value.strip():
                problem.set_text(say("accounts.which_exchange"))
                return
            try:
                wanted = NewAccount(**_told(form, name.value, exchange.value, environment.value, promise.value))
            except ValidationError as error:
                problem.set_text(_said(tab, error))
                return
            button.props("loading")
            try:
                made = await tab.act(lambda api: api.create_account(wanted))
            finally:
                button.props(remove="loading")
            if made is not None:
                refused = made.key_check is KeyCheck.REFUSED
                told = made.key_problem or say("accounts.added", name=made.name)
                ui.notify(told, type="negative" if refused else "positive")
                ui.navigate.to(f"/accounts/{made.id}")

        with line():
            ui.link(say("frame.cancel"), "/accounts")
            button = ui.button(say("accounts.add"), icon="check", on_click=add)
            button.props("no-caps unelevated").classes("end")


def _ask_keys(tab: Tab, form: _Form) -> None:
    say = tab.say
    form.fields = {}
    ui.label(say.word("venue_hints", form.venue)).classes("small muted")
    for name in _NEEDS[form.venue]:
        asked = ui.input(say.word("keys", name), password=name in _HIDDEN, password_toggle_button=name in _HIDDEN)
        form.fields[name] = asked.props('outlined autocomplete="off" spellcheck="false"')


def _told(form: _Form, name: str, exchange: str, environment: str, promise: bool) -> dict[str, Any]:
    venue = f"{CCXT}:{exchange.strip().lower()}" if form.venue == CCXT else form.venue
    told = {key: asked.value.strip() for key, asked in form.fields.items() if asked.value and asked.value.strip()}
    told |= {"name": name.strip(), "venue": venue, "environment": environment}
    return told | ({"key_cannot_withdraw": True} if promise else {})


def _said(tab: Tab, error: ValidationError) -> str:
    """Each field and its problem; never what was typed, which may be a key."""
    fields = "; ".join(f"{'.'.join(str(part) for part in one['loc'])}: {one['msg']}" for one in error.errors())
    return tab.say("frame.refused", why=fields)


NEW = Page(path="/accounts/new", title="accounts.new", show=show_new, roles=FOLLOWS)
