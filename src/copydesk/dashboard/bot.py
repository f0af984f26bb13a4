"""One bot: its equity curve, its signals, its followers' results; for its owner the webhook, secrets, a test signal, a pause."""

from typing import Any

from nicegui import ui

from copydesk.client.errors import Missing
from copydesk.client.leaderboard import BotResultAnswer, FollowerResult
from copydesk.client.models import BotAnswer
from copydesk.dashboard.bot_owner import show_owner
from copydesk.dashboard.page import Page, Tab
from copydesk.dashboard.parts import Drawn, card, chip, empty, figures, heading, line
from copydesk.dashboard.result_curve import ResultCurve
from copydesk.dashboard.signals import signal_rows, signals_table
from copydesk.dashboard.speech import Speech
from copydesk.dashboard.table import Column, Kind, Row, Table
from copydesk.dashboard.telling import tone_of

DAYS = (1, 7, 30, 365)
DAYS_FIRST = 30
SIGNALS_MAX = 50
POLLS = 4
_HUNDRED = 100


def show_bot(tab: Tab, bot_id: str) -> None:
    page = _BotPage(tab, bot_id)
    tab.keep(page.look, polls=POLLS)


class _BotPage:
    """Its places, from top to bottom, and what fills each."""

    def __init__(self, tab: Tab, bot_id: str) -> None:
        self._tab, self._bot_id = tab, bot_id
        self._days = DAYS_FIRST
        say = tab.say
        self._head = Drawn(ui.element("div").classes("stack"))
        self._body = ui.element("div").classes("stack")
        self._body.set_visibility(False)
        with self._body:
            self._tiles = Drawn(ui.element("div").classes("tiles"))
            with card():
                with line():
                    heading(say("bots.curve"))
                    spans = {one: say("bots.days", count=one) for one in DAYS}
                    chosen = ui.toggle(spans, value=DAYS_FIRST, on_change=self._choose).classes("end")
                    chosen.props("no-caps unelevated dense").props["aria-label"] = say("bots.span")
                self._curve = ResultCurve(
                    tab, name=say("bots.net"), label=say("bots.curve"), nothing=say("bots.no_curve")
                )
            self._owner = Drawn(ui.element("div").classes("stack"))
            with ui.element("div").classes("two"):
                with card():
                    self._followers = _followers_table(tab)
                with card():
                    title = say("bots.signals")
                    self._signals = signals_table(tab, title=title, rows_shown=8, with_bot=False)

    async def look(self) -> None:
        person, say = self._tab.person, self._tab.say
        try:
            bot = await person.ask(lambda api: api.bot(self._bot_id))
            found = await person.ask(lambda api: api.bot_results(self._bot_id, self._days))
        except Missing:
            self._head.show("missing", lambda: _missing(say))
            return
        self._body.set_visibility(True)
        self._head.show(bot, lambda: _head(say, bot))
        self._tiles.show(found, lambda: _tiles(say, found))
        self._curve.show([(one.at.isoformat(), float(one.net_usd)) for one in found.curve])
        self._followers.show([_follower(say, place, one) for place, one in enumerate(found.results, 1)])
        if bot.master_webhook_path is not None:
            self._owner.show(bot, lambda: show_owner(self._tab, bot))
        signals = await person.ask(lambda api: api.signals(most=SIGNALS_MAX, bot_id=self._bot_id, fared=True))
        self._signals.show(signal_rows(say, signals, await person.names()))

    async def _choose(self, event: Any) -> None:
        self._days = event.value
        await self.look()


def _missing(say: Speech) -> None:
    with card(), empty(say("bots.missing"), icon="search_off"):
        ui.link(say("bots.all"), "/bots")


def _head(say: Speech, bot: BotAnswer) -> None:
    with card():
        with line():
            heading(bot.name)
            chip(say.word("statuses", bot.status), "up" if bot.status == "active" else "muted")
            chip(say.word("markets", bot.market_type))
            chip(say.word("sources", bot.source))
        if bot.description:
            ui.label(bot.description).classes("muted")
        stop, profit, none = bot.default_stop_loss_pct, bot.default_take_profit_pct, say("bots.without")
        figures(
            [
                (say("bots.leverage"), f"{bot.default_leverage}×"),
                (say("bots.margin"), say.usd(bot.default_margin_usd)),
                (say("bots.stop_loss"), f"{say.number(stop)} %" if stop else none),
                (say("bots.take_profit"), f"{say.number(profit)} %" if profit else none),
                (say("bots.opposite"), say(f"bots.opposite_{bot.on_opposite}")),
                (say("bots.freshness"), f"{bot.open_freshness_s} s"),
            ]
        )


def _tiles(say: Speech, found: BotResultAnswer) -> None:
    won = "–" if found.trades == 0 else f"{say.number(round(_HUNDRED * found.won / found.trades))} %"
    shown = (
        ("bots.net", say.usd(found.net_usd, signed=True), tone_of(found.net_usd)),
        ("bots.trades", say.number(found.trades), ""),
        ("bots.won", won, ""),
        ("bots.fees", say.usd(found.fees_usd), ""),
        ("bots.followers", say.number(found.followers), ""),
    )
    for key, value, colour in shown:
        with ui.element("div").classes("card tile"):
            ui.label(say(key)).classes("muted")
            ui.label(value).classes(f"value {colour}")
            if key == "bots.net":
                ui.label(say(f"bots.whose_{found.whose}")).classes("small muted")


def _followers_table(tab: Tab) -> Table:
    say = tab.say
    columns = (
        Column(field="name", title=say("bots.follower"), width=120, grows=True),
        Column(field="status", title=say("bots.state"), width=100, wide_only=True),
        Column(field="net", title=say("bots.net"), unit="USD", kind=Kind.NUMBER, width=150, digits=2, tone="tone"),
        Column(field="trades", title=say("bots.trades"), kind=Kind.NUMBER, width=110),
        Column(field="held", title=say("bots.held"), kind=Kind.NUMBER, width=110, wide_only=True),
    )
    nobody = say("bots.no_followers")
    return Table(
        tab, columns, title=say("bots.follower_results"), empty=lambda: empty(nobody, icon="group_off"), rows_shown=8
    )


def _follower(say: Speech, place: int, one: FollowerResult) -> Row:
    return {
        "id": one.subscription_id,
        "name": one.name or say("bots.nameless", number=place),
        "status": say.word("statuses", one.status),
        "net": str(one.net_usd),
        "tone": tone_of(one.net_usd),
        "trades": one.trades,
        "held": one.open_positions,
    }


PAGE = Page(path="/bots/{bot_id}", title="bots.one", show=show_bot)
