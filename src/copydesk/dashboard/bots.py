"""The bots: a leaderboard by what they brought those who follow them, and a card each."""

from collections.abc import Sequence
from typing import Any

from nicegui import ui

from copydesk.client.leaderboard import BotResult
from copydesk.client.models import BotAnswer, NewBot
from copydesk.dashboard.bot_form import ask_for_bot, show_secret
from copydesk.dashboard.chart import Chart, curve
from copydesk.dashboard.page import Page, Tab
from copydesk.dashboard.parts import Drawn, card, chip, empty, figures, line
from copydesk.dashboard.speech import Speech
from copydesk.dashboard.table import Column, Kind, Row, Table
from copydesk.dashboard.telling import tone_of
from copydesk.domain.user import Role

DAYS = (1, 7, 30, 365)
DAYS_FIRST = 30
POLLS = 5
CARDS_MAX = 60
_HUNDRED = 100


def show_bots(tab: Tab) -> None:
    say = tab.say
    days = [DAYS_FIRST]
    with line():
        spans = {one: say("bots.days", count=one) for one in DAYS}
        chosen = ui.toggle(spans, value=DAYS_FIRST, on_change=lambda event: days.__setitem__(0, event.value))
        chosen.props("no-caps unelevated dense").props["aria-label"] = say("bots.span")
        if tab.role is not Role.FOLLOWER:
            button = ui.button(say("bots.new"), icon="add", on_click=tab.on(lambda: _make(tab))).classes("end")
            button.props("no-caps unelevated")
    cards = Drawn(ui.element("div").classes("cards"))
    with card():
        table = _leaderboard(tab)

    async def look() -> None:
        board = await tab.person.ask(lambda api: api.leaderboard(days[0]))
        names = await tab.person.names()
        table.show([_row(say, place, one) for place, one in enumerate(board.items, 1)])
        cards.show((board.items, names.bots), lambda: _cards(tab, board.items, names.bots))

    chosen.on_value_change(look)
    tab.keep(look, polls=POLLS)


async def _make(tab: Tab) -> None:
    wanted = await ask_for_bot(tab.say)
    made = None if wanted is None else await tab.act(lambda api: api.create_bot(NewBot.model_validate(wanted)))
    if made is not None:
        await show_secret(tab.say, made.master_secret or made.signing_secret or "", webhook_url=made.webhook_url)
        ui.navigate.to(f"/bots/{made.id}")


def _leaderboard(tab: Tab) -> Table:
    say = tab.say
    columns = (
        Column(field="place", title="#", kind=Kind.NUMBER, width=64),
        Column(field="bot", title=say("bots.bot"), width=140, grows=True, link="page"),
        Column(field="net", title=say("bots.net"), unit="USD", kind=Kind.NUMBER, width=150, digits=2, tone="tone"),
        Column(field="trades", title=say("bots.trades"), kind=Kind.NUMBER, width=120, wide_only=True),
        Column(field="won", title=say("bots.won"), unit="%", kind=Kind.NUMBER, width=120, digits=1, wide_only=True),
        Column(field="fees", title=say("bots.fees"), unit="USD", kind=Kind.NUMBER, width=130, digits=2, wide_only=True),
        Column(field="followers", title=say("bots.followers"), kind=Kind.NUMBER, width=120, wide_only=True),
        Column(field="whose", title=say("bots.whose"), width=150, wide_only=True),
    )
    return Table(tab, columns, title=say("bots.leaderboard"), empty=lambda: _nothing(tab), rows_shown=6)


def _row(say: Speech, place: int, one: BotResult) -> Row:
    return {
        "id": one.bot_id,
        "page": f"/bots/{one.bot_id}",
        "place": place,
        "bot": one.name,
        "net": str(one.net_usd),
        "tone": tone_of(one.net_usd),
        "trades": one.trades,
        "won": None if one.trades == 0 else _HUNDRED * one.won / one.trades,
        "fees": str(one.fees_usd),
        "followers": one.followers,
        "whose": say(f"bots.whose_{one.whose}"),
    }


def _nothing(tab: Tab) -> None:
    provides = tab.role is not Role.FOLLOWER
    empty(tab.say("bots.none_provider" if provides else "bots.none_follower"), icon="smart_toy")


def _cards(tab: Tab, results: Sequence[BotResult], bots: Any) -> None:
    for one in results[:CARDS_MAX]:
        _card(tab, one, bots.get(one.bot_id))


def _card(tab: Tab, one: BotResult, bot: BotAnswer | None) -> None:
    say = tab.say
    with ui.link(target=f"/bots/{one.bot_id}").classes("card stack linked"):
        with line():
            with ui.element("h2"):
                ui.label(one.name)
            chip(say.word("statuses", one.status), "up" if one.status == "active" else "muted").classes("end")
        if bot is not None:
            ui.label(f"{say.word('markets', bot.market_type)} · {say.word('sources', bot.source)}").classes(
                "small muted"
            )
        with line():
            ui.label(say.usd(one.net_usd, signed=True)).classes(f"value {tone_of(one.net_usd)}")
            ui.label(say(f"bots.whose_{one.whose}")).classes("small muted")
        if len(one.curve) > 1:
            _spark(tab, one)
        else:
            ui.label(say("bots.no_trades")).classes("small muted spark")
        won = "–" if one.trades == 0 else f"{say.number(round(_HUNDRED * one.won / one.trades))} %"
        figures(
            [
                (say("bots.trades"), say.number(one.trades)),
                (say("bots.won"), won),
                (say("bots.followers"), say.number(one.followers)),
            ]
        )


def _spark(tab: Tab, one: BotResult) -> None:
    palette = tab.palette
    colour = palette.down if one.net_usd < 0 else palette.up
    points = [(place, float(point.net_usd)) for place, point in enumerate(one.curve)]
    hidden = {"show": False}
    options = {
        "xAxis": {"type": "value", "max": len(points) - 1, **hidden},
        "yAxis": {"type": "value", "scale": True, **hidden},
        "grid": {"left": 0, "right": 0, "top": 4, "bottom": 4},
        "tooltip": hidden,
        "series": [curve("net", one.name, colour, points)],
    }
    Chart(tab, options, label=tab.say("bots.curve_of", name=one.name), classes="spark")


PAGE = Page(path="/bots", title="bots.title", show=show_bots, icon="smart_toy")
