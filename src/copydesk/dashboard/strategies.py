"""The strategy desk: a card for each bot that copydesk runs itself, with how it stands and what it has earned."""

from nicegui import ui

from copydesk.client.strategies import StatusAnswer
from copydesk.dashboard.page import Page, Tab
from copydesk.dashboard.parts import Drawn, card, chip, empty, figures, heading, line
from copydesk.dashboard.speech import Speech
from copydesk.dashboard.telling import tone_of
from copydesk.domain.user import Role

POLLS = 3
PROVIDES = frozenset({Role.ADMIN, Role.PROVIDER})
TONES = {"RUNNING": "up", "PAUSED": "warn", "STOPPING": "warn", "STOPPED": "muted"}


def show_strategies(tab: Tab) -> None:
    if tab.role in PROVIDES:
        with line():
            button = ui.button(
                tab.say("strategies.new"), icon="add", on_click=lambda: ui.navigate.to("/strategies/new")
            )
            button.classes("end").props("no-caps unelevated")
    place = Drawn(ui.element("div").classes("cards"))

    async def look() -> None:
        found = await tab.person.ask(lambda api: api.strategy_status())
        place.show(found.bots, lambda: _cards(tab, found.bots))

    tab.keep(look, polls=POLLS)


def status_chip(say: Speech, bot: StatusAnswer) -> ui.label:
    return chip(say.word("run_statuses", bot.status), TONES.get(bot.status, "muted"))


def _cards(tab: Tab, bots: list[StatusAnswer]) -> None:
    if not bots:
        with card():
            mine = tab.role in PROVIDES
            nothing = tab.say("strategies.none" if mine else "strategies.none_follower")
            with empty(nothing, icon="candlestick_chart"):
                if mine:
                    ui.link(tab.say("strategies.new"), "/strategies/new")
    for one in bots:
        _card(tab.say, one)


def _card(say: Speech, one: StatusAnswer) -> None:
    with ui.link(target=f"/strategies/{one.bot_id}").classes("card stack linked"):
        with line():
            heading(one.name)
            status_chip(say, one).classes("end")
        ui.label(f"{one.strategy} · {', '.join(one.symbols)} · {one.timeframe}").classes("small muted")
        ui.label(say.usd(one.profit, signed=True)).classes(f"value {tone_of(one.profit)}")
        figures(
            [
                (say("strategies.balance"), "–" if one.balance is None else say.usd(one.balance)),
                (say("strategies.trades"), say.number(one.total_trades)),
                (say("strategies.win_rate"), say.percent(one.win_rate)),
                (say("strategies.drawdown"), say.percent(one.drawdown_pct)),
            ]
        )
        if one.message:
            ui.label(one.message).classes("small muted")


PAGE = Page(path="/strategies", title="strategies.title", show=show_strategies, icon="candlestick_chart")
