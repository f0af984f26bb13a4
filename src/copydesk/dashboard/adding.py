"""Add an account: what its venue needs and nothing else; the key is tried at once, and one that may withdraw is refused."""

from collections.abc import Mapping
from typing import Any

from nicegui import ui
from pydantic import ValidationError

from copydesk.client.models import NewAccount
from copydesk.dashboard.following import FOLLOWS
from copydesk.dashboard.page import Page, Tab
from copydesk.dashboard.parts import card, line
from copydesk.domain.subscription import Environment, KeyCheck
from copydesk.domain.venue import BINANCE_FUTURES, DERIV, MT5, PAPER

CCXT = "ccxt"

NEEDS: Mapping[str, tuple[str, ...]] = {
    PAPER: (),
    BINANCE_FUTURES: ("api_key", "api_secret"),
    CCXT: ("api_key", "api_secret", "api_passphrase"),
    DERIV: ("token", "login"),
    MT5: ("login", "server"),
}
"""What each kind of venue is asked for; the hub refuses what is missing or too much."""

HIDDEN = frozenset({"api_secret", "api_passphrase", "token"})


def needs_of(venue: str) -> tuple[str, ...]:
    """By its full name: `ccxt:kraken` is asked what every exchange of ccxt is."""
    return NEEDS[venue.partition(":")[0]]


def show_new(tab: Tab) -> None:
    with ui.element("div").classes("stack form"), card(tab.say("accounts.new")):
        _Form(tab)


class _Form:
    """Its fields follow the venue."""

    def __init__(self, tab: Tab) -> None:
        self._tab, say = tab, tab.say
        self._name = ui.input(say("accounts.name"), value=say("accounts.my_account")).props("outlined")
        venues = {one: say.word("venues", one) for one in NEEDS}
        self._venue = ui.select(venues, label=say("accounts.venue"), value=PAPER, on_change=self._draw)
        self._exchange = ui.input(say("accounts.exchange"), placeholder="kraken").props("outlined")
        faces = {one.value: say.word("environments", one) for one in Environment}
        self._environment = ui.select(
            faces, label=say("accounts.environment"), value=Environment.DEMO.value, on_change=self._draw
        )
        for one in (self._venue, self._environment):
            one.props("outlined options-dense")
        self._place, self._keys = ui.element("div").classes("stack"), dict[str, ui.input]()
        self._promise = ui.checkbox(say("accounts.promise"))
        self._problem = ui.label().classes("down").props('role="alert"')
        with line():
            ui.link(say("frame.cancel"), "/accounts")
            self._button = ui.button(say("accounts.add"), icon="check", on_click=self._add)
            self._button.props("no-caps unelevated").classes("end")
        self._draw()

    def _draw(self) -> None:
        say, venue = self._tab.say, str(self._venue.value)
        self._exchange.set_visibility(venue == CCXT)
        self._promise.set_visibility(venue == CCXT and self._environment.value == Environment.LIVE.value)
        self._place.clear()
        self._keys = {}
        with self._place:
            ui.label(say.word("venue_hints", venue)).classes("small muted")
            for name in NEEDS[venue]:
                is_secret = name in HIDDEN
                asked = ui.input(say.word("keys", name), password=is_secret, password_toggle_button=is_secret)
                self._keys[name] = asked.props('outlined autocomplete="off" spellcheck="false"')

    async def _add(self) -> None:
        say = self._tab.say
        wanted = self._wanted()
        if wanted is None:
            return
        self._button.props("loading")
        try:
            made = await self._tab.act(lambda api: api.create_account(wanted))
        finally:
            self._button.props(remove="loading")
        if made is not None:
            refused = made.key_check is KeyCheck.REFUSED
            told = made.key_problem or say("accounts.added", name=made.name)
            ui.notify(told, type="negative" if refused else "positive")
            ui.navigate.to(f"/accounts/{made.id}")

    def _wanted(self) -> NewAccount | None:
        """None where something is missing, which is said beside the button then."""
        self._problem.set_text("")
        venue, exchange = str(self._venue.value), self._exchange.value.strip().lower()
        if venue == CCXT and not exchange:
            self._problem.set_text(self._tab.say("accounts.which_exchange"))
            return None
        told: dict[str, Any] = {
            key: asked.value.strip() for key, asked in self._keys.items() if asked.value and asked.value.strip()
        }
        told |= {"name": self._name.value.strip(), "environment": self._environment.value}
        told |= {"venue": f"{CCXT}:{exchange}" if venue == CCXT else venue}
        try:
            return NewAccount(**told, **({"key_cannot_withdraw": True} if self._promise.value else {}))
        except ValidationError as error:
            self._problem.set_text(_said(self._tab, error))
            return None


def _said(tab: Tab, error: ValidationError) -> str:
    """Each field and its problem; never what was typed, which may be a key."""
    fields = "; ".join(f"{'.'.join(str(part) for part in one['loc'])}: {one['msg']}" for one in error.errors())
    return tab.say("frame.refused", why=fields)


NEW = Page(path="/accounts/new", title="accounts.new", show=show_new, roles=FOLLOWS)
