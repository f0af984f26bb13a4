"""A new strategy bot: what it runs, on which symbols, with which settings, and whose book it keeps. The hub judges all of it."""

from collections.abc import Mapping, Sequence
from typing import Any

from nicegui import ui
from pydantic import ValidationError

from copydesk.client.api import ApiClient
from copydesk.client.errors import NotUnderstood
from copydesk.client.models import AccountAnswer, BotAnswer, NewBot
from copydesk.client.strategies import StrategyAnswer
from copydesk.dashboard.following import FOLLOWS
from copydesk.dashboard.page import Page, Tab
from copydesk.dashboard.parts import Drawn, card, line
from copydesk.dashboard.strategies import PROVIDES
from copydesk.dashboard.strategy_settings import (
    Fields,
    changed_settings,
    clear_refusals,
    refuse_field,
    setting_field,
)
from copydesk.domain.venue import DERIV, MT5
from copydesk.ports.market import TIMEFRAMES

CONTRACTS = "contracts"
MARKETS = ("futures", "spot")
SYMBOLS = "BTCUSDT, ETHUSDT, SOLUSDT, POLUSDT"
POLLS = 30


def show_new(tab: Tab) -> None:
    with ui.element("div").classes("stack form"):
        place = Drawn(card(tab.say("strategies.new")))

    async def look() -> None:
        found = (await tab.person.ask(lambda api: api.strategies())).items
        accounts: Sequence[AccountAnswer] = ()
        if tab.role in FOLLOWS:
            accounts = await tab.person.ask(lambda api: api.accounts())
        place.show((found, accounts), lambda: _Form(tab, found, accounts))

    tab.keep(look, polls=POLLS)


class _Form:
    """Its fields follow the strategy."""

    def __init__(self, tab: Tab, strategies: Sequence[StrategyAnswer], accounts: Sequence[AccountAnswer]) -> None:
        self._tab, self._accounts, say = tab, accounts, tab.say
        self._strategies = {one.name: one for one in strategies}
        self._name = ui.input(say("strategies.name"), value=say("strategies.my_bot"))
        self._name.props("outlined hide-bottom-space")
        names = {one.name: _named(tab, one) for one in strategies}
        self._strategy = ui.select(names, value=strategies[0].name, label=say("strategies.strategy"))
        self._strategy.props("outlined options-dense")
        self._strategy.on_value_change(self._draw)
        self._place = ui.element("div").classes("stack")
        self._fields: dict[str, Any] = {}
        self._settings: Fields = {}
        self._problem = ui.label().classes("down").props('role="alert"')
        with line():
            ui.link(say("frame.cancel"), "/strategies")
            self._button = ui.button(say("strategies.make"), icon="check", on_click=tab.on(self._make))
            self._button.props("no-caps unelevated").classes("end")
        self._draw()

    @property
    def _chosen(self) -> StrategyAnswer:
        return self._strategies[str(self._strategy.value)]

    def _draw(self) -> None:
        self._place.clear()
        self._problem.set_text("")
        with self._place:
            self._fields = {"name": self._name}
            if self._chosen.trades != CONTRACTS:
                self._draw_positions()
            self._draw_book()
            self._settings = self._draw_settings()
        for field in self._fields.values():
            field.props("outlined options-dense hide-bottom-space")

    def _draw_positions(self) -> None:
        say = self._tab.say
        with ui.element("div").classes("two"):
            markets = {one: say.word("markets", one) for one in MARKETS}
            self._fields["market_type"] = ui.select(markets, value=MARKETS[0], label=say("strategies.market"))
            frames = list(TIMEFRAMES)
            self._fields["timeframe"] = ui.select(frames, value=frames[0], label=say("strategies.timeframe"))
        self._fields["symbols"] = ui.input(say("strategies.symbols_told"), value=SYMBOLS)
        with ui.element("div").classes("two"):
            self._fields["default_margin_usd"] = ui.input(say("strategies.margin"), value="50")
            self._fields["default_leverage"] = ui.input(say("strategies.leverage"), value="1")

    def _draw_book(self) -> None:
        """On paper, or one of those accounts that can hold what it trades."""
        say = self._tab.say
        fitting = [one for one in self._accounts if _fits(one, contracts=self._chosen.trades == CONTRACTS)]
        books = {"": say("strategies.on_paper_book"), **{one.id: f"{one.name} · {one.venue}" for one in fitting}}
        self._fields["exchange_account_id"] = ui.select(books, value="", label=say("strategies.book_of"))
        note = "strategies.book_note" if self._tab.role in FOLLOWS else "strategies.book_of_provider"
        ui.label(say(note)).classes("small muted")

    def _draw_settings(self) -> Fields:
        say, settings = self._tab.say, self._chosen.settings
        if settings is None:
            ui.label(say("strategies.own_file")).classes("small muted")
            return {}
        with ui.element("div").classes("two"):
            fields = {name: setting_field(say.word("strategy_settings", name), one) for name, one in settings.items()}
        if "max_level" in settings:
            ui.label(say("strategies.ladder_note")).classes("small warn")
        return fields

    async def _make(self) -> None:
        for field in self._fields.values():
            field.error = None
        clear_refusals(self._settings)
        self._problem.set_text("")
        try:
            wanted = NewBot.model_validate(self._wanted())
        except ValidationError as error:
            self._refuse({str(one["loc"][0]): one["msg"] for one in error.errors()})
            return
        self._button.props("loading")
        try:
            made = await self._tab.act(lambda api: self._ask(api, wanted))
        finally:
            self._button.props(remove="loading")
        if made is not None:
            ui.notify(self._tab.say("strategies.made", name=made.name), type="positive")
            ui.navigate.to(f"/strategies/{made.id}")

    def _wanted(self) -> Mapping[str, Any]:
        told = {name: str(field.value or "").strip() for name, field in self._fields.items()}
        told = {name: value for name, value in told.items() if value or name == "name"}
        wanted: dict[str, Any] = {**told, "source": "strategy", "strategy": self._chosen.name}
        if "symbols" in told:
            wanted["symbols"] = [one.strip().upper() for one in told["symbols"].split(",") if one.strip()]
        settings = changed_settings(self._chosen.settings or {}, self._settings)
        return wanted | ({"settings": settings} if settings else {})

    async def _ask(self, api: ApiClient, wanted: NewBot) -> BotAnswer:
        try:
            return await api.create_bot(wanted)
        except NotUnderstood as error:
            self._refuse(error.fields)
            raise

    def _refuse(self, problems: Mapping[str, str]) -> None:
        """At its field; what has none here is said beside the button."""
        for name, problem in problems.items():
            key = name.removeprefix("settings.")
            if key in self._fields:
                self._fields[key].error = problem
            elif key in self._settings:
                refuse_field(self._settings, key, problem)
            else:
                self._problem.set_text(f"{name}: {problem}")


def _named(tab: Tab, one: StrategyAnswer) -> str:
    return one.name if one.settings is None else tab.say(f"strategies.strategy_{one.name}")


def _fits(account: AccountAnswer, *, contracts: bool) -> bool:
    """The hub judges; what is certain not to is not offered."""
    return (account.venue == DERIV) if contracts else account.venue not in {DERIV, MT5}


NEW = Page(path="/strategies/new", title="strategies.new", show=show_new, roles=PROVIDES)
