"""Follow a bot in steps, or change how: account, pre-flight report, settings beside their defaults, risk, and the preview."""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from functools import partial
from typing import Any

from nicegui import ui

from copydesk.client.models import AccountAnswer, BotAnswer, CheckAnswer, SubscriptionAnswer
from copydesk.client.preview import LAST_SIGNALS
from copydesk.dashboard.drafts import Draft, default_of
from copydesk.dashboard.following import FOLLOWS, where
from copydesk.dashboard.page import Page, Tab
from copydesk.dashboard.parts import empty, figures, line
from copydesk.dashboard.reports import show_check, show_preview
from copydesk.dashboard.steps import Step, Steps
from copydesk.domain.bot import MarketType
from copydesk.domain.subscription import KeyCheck, MarginMode, OnDailyLoss, OnUnprotected
from copydesk.domain.venue import MT5

_LIMITS: Mapping[str, tuple[str, Decimal, Decimal]] = {
    "custom_margin_usd": ("USD", Decimal(0), Decimal(1_000_000_000)),
    "custom_leverage": ("×", Decimal(1), Decimal(125)),
    "custom_stop_loss_pct": ("%", Decimal(0), Decimal("99.99")),
    "custom_take_profit_pct": ("%", Decimal(0), Decimal(1_000)),
    "max_daily_loss_usd": ("USD", Decimal(0), Decimal(1_000_000_000)),
    "max_concurrent_positions": ("", Decimal(0), Decimal(1_000)),
}
"""Unit, least and most of each field, as the API takes them."""

_SETTINGS = ("custom_margin_usd", "custom_leverage", "custom_stop_loss_pct", "custom_take_profit_pct")
_WHOLE = frozenset({"custom_leverage", "max_concurrent_positions"})


def show_new(tab: Tab, bot_id: str = "") -> None:
    _start(tab, lambda bots, accounts, _: _Wizard(tab, bots, accounts, Draft(bot_id=bot_id)))


def show_edit(tab: Tab, subscription_id: str) -> None:
    def begin(bots: Sequence[BotAnswer], accounts: Sequence[AccountAnswer], mine: Sequence[SubscriptionAnswer]) -> None:
        found = next((one for one in mine if one.id == subscription_id), None)
        if found is None:
            empty(tab.say("follow.gone"), icon="search_off")
        else:
            _Wizard(tab, bots, accounts, Draft.of(found), found.id)

    _start(tab, begin)


def _start(
    tab: Tab,
    begin: Callable[[Sequence[BotAnswer], Sequence[AccountAnswer], Sequence[SubscriptionAnswer]], object],
) -> None:
    """Once everything that the steps choose from is known."""
    place = ui.element("div").classes("stack narrow")
    with place:
        ui.label(tab.say("frame.asking")).classes("muted")
    begun: list[bool] = []

    async def look() -> None:
        if begun:
            return
        bots = await tab.person.ask(lambda api: api.bots(status="active"))
        accounts = await tab.person.ask(lambda api: api.accounts())
        mine = await tab.person.ask(lambda api: api.subscriptions())
        begun.append(True)
        place.clear()
        with place:
            begin(bots, accounts, mine)

    tab.keep(look, polls=1)


class _Wizard:
    """The draft on its way; an existing subscription begins at its settings."""

    def __init__(
        self,
        tab: Tab,
        bots: Sequence[BotAnswer],
        accounts: Sequence[AccountAnswer],
        draft: Draft,
        subscription_id: str | None = None,
    ) -> None:
        self._tab, self._draft, self._id = tab, draft, subscription_id
        self._bots = {one.id: one for one in bots}
        self._accounts = {one.id: one for one in accounts}
        self._check: CheckAnswer | None = None
        self._fields: list[ui.number] = []
        say = tab.say
        steps = [
            Step(title=say("follow.step_account"), show=self._show_account, leave=self._leave_account),
            Step(title=say("follow.step_check"), show=self._show_check, leave=self._leave_check),
            Step(title=say("follow.step_settings"), show=self._show_settings, leave=self._leave_fields),
            Step(title=say("follow.step_risk"), show=self._show_risk, leave=self._leave_fields),
            Step(title=say("follow.step_confirm"), show=self._show_confirm, leave=self._leave_fields),
        ]
        end = say("follow.save" if subscription_id else "follow.begin")
        Steps(tab, steps, end=end, finish=self._finish, start=2 if subscription_id else 0)

    @property
    def _bot(self) -> BotAnswer:
        return self._bots[self._draft.bot_id]

    @property
    def _account(self) -> AccountAnswer:
        return self._accounts[self._draft.account_id]

    def _show_account(self) -> None:
        say, draft = self._tab.say, self._draft
        if not self._bots:
            empty(say("follow.no_bots"), icon="smart_toy")
            return
        if not self._accounts:
            with empty(say("follow.no_accounts"), icon="account_balance_wallet"):
                ui.link(say("follow.add_account"), "/accounts/new")
            return
        names = {one.id: one.name for one in self._bots.values()}
        places = {one.id: f"{one.name} · {where(self._tab, one)}" for one in self._accounts.values()}
        bot = ui.select(names, label=say("follow.bot"), value=draft.bot_id if draft.bot_id in names else None)
        about = ui.element("div").classes("stack")
        account = ui.select(places, label=say("follow.account"), value=draft.account_id or None)
        for one in (bot, account):
            one.props("outlined options-dense")
        ui.label(say("follow.account_hint")).classes("small muted")

        def choose() -> None:
            draft.bot_id, draft.account_id = bot.value or "", account.value or ""
            about.clear()
            if draft.bot_id in self._bots:
                with about:
                    _about(self._tab, self._bot)

        bot.on_value_change(choose)
        account.on_value_change(choose)
        choose()

    async def _leave_account(self) -> bool:
        """The hub says whether the one can follow the other; better now than at the end."""
        if self._draft.bot_id not in self._bots or self._draft.account_id not in self._accounts:
            ui.notify(self._tab.say("follow.choose_both"), type="warning")
            return False
        self._check = None
        return await self._tab.act(lambda api: api.preview(self._draft.preview(signals=1))) is not None

    def _show_check(self) -> None:
        place = ui.element("div").classes("stack")

        async def check() -> None:
            place.clear()
            with place:
                ui.linear_progress(show_value=False).props("indeterminate")
                ui.label(self._tab.say("follow.checking", venue=self._account.venue)).classes("muted")
            found = await self._tab.act(lambda api: api.check_account(self._draft.account_id))
            place.clear()
            with place:
                if found is None:
                    ui.label(self._tab.say("follow.not_checked")).classes("muted")
                else:
                    self._check = found
                    show_check(self._tab, found)
                again = ui.button(self._tab.say("follow.check_again"), icon="refresh", on_click=check)
                again.props("flat dense no-caps").classes("start")

        ui.timer(0, check, once=True)

    async def _leave_check(self) -> bool:
        if self._check is None:
            ui.notify(self._tab.say("follow.wait_for_check"), type="warning")
            return False
        if self._check.key_check is KeyCheck.REFUSED:
            ui.notify(self._tab.say("follow.key_refused"), type="negative")
            return False
        return True

    def _show_settings(self) -> None:
        say = self._tab.say
        self._fields = []
        ui.label(say("follow.settings_hint", name=self._bot.name)).classes("muted")
        if self._account.venue == MT5:
            ui.label(say("follow.terminal_hint")).classes("small warn")
        for name in _settings_of(self._bot):
            self._setting(name, counts=partial(self._counts, name))

    def _show_risk(self) -> None:
        say = self._tab.say
        self._fields = []
        ui.label(say("follow.risk_hint")).classes("muted")
        for name in ("max_daily_loss_usd", "max_concurrent_positions"):
            self._setting(name, counts=partial(self._limit, name))
        with ui.element("div").classes("two"):
            self._choice("on_daily_loss", {one: say.word("on_daily_loss", one) for one in OnDailyLoss})
            self._choice("on_unprotected", {one: say.word("on_unprotected", one) for one in OnUnprotected})
            self._choice("margin_mode", {one: say.word("margin_mode", one) for one in MarginMode})

    def _setting(self, name: str, *, counts: Callable[[], str]) -> None:
        """A field, and beside it what counts: the own value, or the default where the field is empty."""
        say, draft = self._tab.say, self._draft
        unit, least, most = _LIMITS[name]
        own = getattr(draft, name)
        with ui.element("div").classes("setting"):
            field = ui.number(
                say.word("settings", name),
                value=None if own is None else float(own),
                validation={say("follow.between", least=least, most=most): partial(_fits, name)},
            )
            field.props(f'outlined clearable hide-bottom-space debounce=200 suffix="{unit}"')
            effective = ui.label(counts()).classes("counts").props('role="status"')
            self._fields.append(field)

        def take() -> None:
            if _fits(name, field.value):
                setattr(draft, name, _read(name, field.value))
                effective.set_text(counts())

        field.on_value_change(take)

    def _choice(self, name: str, words: Mapping[Any, str]) -> None:
        chosen = ui.select(dict(words), label=self._tab.say.word("settings", name), value=getattr(self._draft, name))
        chosen.props("outlined options-dense")
        chosen.on_value_change(lambda event: setattr(self._draft, name, event.value))

    def _counts(self, name: str) -> str:
        own: Decimal | int | None = getattr(self._draft, name)
        default = default_of(self._bot, name)
        if own is None:
            return self._tab.say("follow.counts_default", value=_with_unit(self._tab, name, default))
        return self._tab.say(
            "follow.counts_own",
            value=_with_unit(self._tab, name, Decimal(own)),
            default=_with_unit(self._tab, name, default),
        )

    def _limit(self, name: str) -> str:
        own: Decimal | int | None = getattr(self._draft, name)
        if own is None:
            return self._tab.say("follow.no_limit")
        return self._tab.say("follow.limited", value=_with_unit(self._tab, name, Decimal(own)))

    async def _leave_fields(self) -> bool:
        wrong = [field for field in self._fields if not field.validate()]
        return not wrong

    def _show_confirm(self) -> None:
        say = self._tab.say
        self._fields = []
        figures(self._summary().items())
        place = ui.element("div").classes("stack")

        async def preview() -> None:
            with place:
                ui.linear_progress(show_value=False).props("indeterminate")
            found = await self._tab.act(lambda api: api.preview(self._draft.preview(signals=LAST_SIGNALS)))
            place.clear()
            with place:
                if found is None:
                    ui.label(say("follow.no_preview")).classes("muted")
                else:
                    show_preview(self._tab, found)

        ui.timer(0, preview, once=True)

    def _summary(self) -> dict[str, str]:
        say, draft = self._tab.say, self._draft
        told = {say("follow.bot"): self._bot.name, say("follow.account"): self._account.name}
        for name in _settings_of(self._bot):
            own = getattr(draft, name)
            value = default_of(self._bot, name) if own is None else Decimal(own)
            told[say.word("settings", name)] = _with_unit(self._tab, name, value)
        for name in ("max_daily_loss_usd", "max_concurrent_positions"):
            told[say.word("settings", name)] = self._limit(name)
        return told

    async def _finish(self) -> None:
        say, draft, known = self._tab.say, self._draft, self._id
        if known is not None:
            saved = await self._tab.act(
                lambda api: api.change_subscription(known, draft.change()), done=say("follow.saved")
            )
        else:
            saved = await self._tab.act(lambda api: api.subscribe(draft.new()), done=say("follow.begun"))
        if saved is not None:
            ui.navigate.to("/follow")


def _settings_of(bot: BotAnswer) -> Sequence[str]:
    """Spot has no leverage to choose."""
    return [one for one in _SETTINGS if one != "custom_leverage" or bot.market_type is not MarketType.SPOT]


def _about(tab: Tab, bot: BotAnswer) -> None:
    say = tab.say
    if bot.description:
        ui.label(bot.description).classes("muted")
    told = {say("follow.market"): say.word("markets", bot.market_type)}
    told |= {say.word("settings", name): _with_unit(tab, name, default_of(bot, name)) for name in _settings_of(bot)}
    with line():
        figures(told.items())


def _with_unit(tab: Tab, name: str, value: Decimal) -> str:
    unit = _LIMITS[name][0]
    if name.endswith("_pct"):
        return tab.say.percent(value) if value else tab.say("follow.without")
    return tab.say.usd(value) if unit == "USD" else f"{tab.say.number(value)}{unit}"


def _fits(name: str, value: float | None) -> bool:
    _, least, most = _LIMITS[name]
    if value is None:
        return True
    number = Decimal(str(value))
    return least <= number <= most and (name not in _WHOLE or number == number.to_integral_value())


def _read(name: str, value: float | None) -> Decimal | int | None:
    if value is None:
        return None
    return int(value) if name in _WHOLE else Decimal(str(value))


NEW = Page(path="/follow/new", title="follow.new", show=show_new, roles=FOLLOWS)
NEW_BOT = Page(path="/follow/new/{bot_id}", title="follow.new", show=show_new, roles=FOLLOWS)
EDIT = Page(path="/follow/edit/{subscription_id}", title="follow.edit_title", show=show_edit, roles=FOLLOWS)
