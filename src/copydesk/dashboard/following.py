"""Whom one follows: each subscription with what counts and what has come of it; edit, pause, close only, leave."""

from collections.abc import Mapping

from nicegui import ui

from copydesk.client.models import AccountAnswer, BotAnswer, SubscriptionAnswer, SubscriptionChange
from copydesk.dashboard.asking import confirm
from copydesk.dashboard.page import Page, Tab
from copydesk.dashboard.parts import chip, empty, figures, heading, line, since
from copydesk.domain.subscription import SubscriptionStatus
from copydesk.domain.user import Role

FOLLOWS = frozenset({Role.ADMIN, Role.FOLLOWER})

_TONES = {
    SubscriptionStatus.ACTIVE: "up",
    SubscriptionStatus.PAUSED: "muted",
    SubscriptionStatus.CLOSE_ONLY: "warn",
}


def show_following(tab: Tab) -> None:
    say = tab.say
    with line():
        ui.label(say("follow.intro")).classes("muted")
        button = ui.button(say("follow.new"), icon="add", on_click=lambda: ui.navigate.to("/follow/new"))
        button.classes("end").props("no-caps unelevated")
    place = ui.element("div").classes("cards")
    drawn: list[object] = [None]

    async def look() -> None:
        subscriptions = await tab.person.ask(lambda api: api.subscriptions())
        accounts = {one.id: one for one in await tab.person.ask(lambda api: api.accounts())}
        bots = {one.id: one for one in await tab.person.ask(lambda api: api.bots())}
        if drawn == [(subscriptions, accounts, bots)]:
            return
        drawn[0] = (subscriptions, accounts, bots)
        place.clear()
        with place:
            for one in subscriptions:
                _card(tab, one, bots, accounts)
            if not subscriptions:
                with ui.element("section").classes("card"):
                    empty(say("follow.none"), icon="group_add")

    tab.keep(look, polls=3)


def _card(
    tab: Tab, one: SubscriptionAnswer, bots: Mapping[str, BotAnswer], accounts: Mapping[str, AccountAnswer]
) -> None:
    say = tab.say
    bot = bots[one.bot_id].name if one.bot_id in bots else say("follow.a_bot")
    account = accounts.get(one.exchange_account_id)
    with ui.element("section").classes("card stack") as section:
        section.props["aria-label"] = bot
        with line():
            heading(bot)
            chip(say.word("subscriptions", one.status), _TONES[one.status]).classes("end")
        if account is not None:
            with line("small muted"):
                ui.link(account.name, f"/accounts/{account.id}")
                ui.label(where(tab, account))
        figures(_settings(tab, one).items())
        figures(_record(tab, one).items())
        with line("small muted"):
            ui.label(say("follow.last_signal") if one.last_signal_at else say("follow.no_signal_yet"))
            if one.last_signal_at is not None:
                since(one.last_signal_at)
        _actions(tab, one, bot)


def where(tab: Tab, account: AccountAnswer) -> str:
    """The venue, and which face of it."""
    environment = tab.say.word("environments", account.environment)
    return f"{account.venue} · {environment}"


def _settings(tab: Tab, one: SubscriptionAnswer) -> dict[str, str]:
    say, counts = tab.say, one.effective
    return {
        say("follow.margin"): say.usd(counts.margin_usd),
        say("follow.leverage"): f"{counts.leverage}×",
        say("follow.stop_loss"): say.percent(counts.stop_loss_pct) if counts.stop_loss_pct else say("follow.without"),
        say("follow.take_profit"): say.percent(counts.take_profit_pct)
        if counts.take_profit_pct
        else say("follow.without"),
    }


def _record(tab: Tab, one: SubscriptionAnswer) -> dict[str, str]:
    say = tab.say
    limit = say("follow.unlimited") if one.max_daily_loss_usd is None else say.usd(one.max_daily_loss_usd)
    slots = say("follow.unlimited") if one.max_concurrent_positions is None else str(one.max_concurrent_positions)
    return {
        say("follow.signals"): say.number(one.total_signals_received),
        say("follow.orders"): say.number(one.total_orders_executed),
        say("follow.failed"): say.number(one.total_orders_failed),
        say("follow.loss_today"): f"{say.usd(one.current_daily_loss_usd)} / {limit}",
        say("follow.positions"): f"{one.current_positions} / {slots}",
    }


def _actions(tab: Tab, one: SubscriptionAnswer, bot: str) -> None:
    say = tab.say
    with line():
        _button(say("follow.edit"), say("follow.edit_named", name=bot), "tune").on_click(
            lambda: ui.navigate.to(f"/follow/edit/{one.id}")
        )
        for status, icon in (
            (SubscriptionStatus.ACTIVE, "play_arrow"),
            (SubscriptionStatus.PAUSED, "pause"),
            (SubscriptionStatus.CLOSE_ONLY, "output"),
        ):
            if status is not one.status:
                _switch(tab, one, status, icon)
        leave = _button(say("follow.leave"), say("follow.leave_named", name=bot), "logout")
        leave.on_click(lambda: _leave(tab, one, bot))


def _switch(tab: Tab, one: SubscriptionAnswer, status: SubscriptionStatus, icon: str) -> None:
    say = tab.say
    name = say.word("switches", status)

    async def switch() -> None:
        await tab.act(
            lambda api: api.change_subscription(one.id, SubscriptionChange(status=status)),
            done=say("follow.is_now", status=say.word("subscriptions", status)),
        )

    _button(name, name, icon).on_click(switch)


def _leave(tab: Tab, one: SubscriptionAnswer, bot: str) -> None:
    say = tab.say
    confirm(
        tab,
        say("follow.leave_ask", name=bot),
        say("follow.leave_means"),
        say("follow.leave_now"),
        lambda: tab.act(lambda api: api.unsubscribe(one.id), done=say("follow.left", name=bot)),
    )


def _button(text: str, label: str, icon: str) -> ui.button:
    button = ui.button(text, icon=icon).props("flat dense no-caps size=sm")
    button.props["aria-label"] = label
    return button


PAGE = Page(path="/follow", title="follow.title", show=show_following, icon="group_add", roles=FOLLOWS)
