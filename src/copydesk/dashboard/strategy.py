"""One bot that copydesk runs: its figures, candles, positions, decisions and trades; for its owner start, pause, stop, settings."""

from collections.abc import Sequence
from decimal import Decimal

from nicegui import ui

from copydesk.client.errors import Missing
from copydesk.client.models import BotAnswer
from copydesk.client.strategies import BotPositionAnswer, BotTradeAnswer, StatusAnswer
from copydesk.dashboard.candles import CandleChart
from copydesk.dashboard.desk import now
from copydesk.dashboard.ladder import show_level, show_ruin
from copydesk.dashboard.page import Page, Tab
from copydesk.dashboard.parts import Drawn, card, chip, empty, figures, heading, line, since
from copydesk.dashboard.result_curve import Points, ResultCurve
from copydesk.dashboard.speech import Speech
from copydesk.dashboard.strategies import status_chip
from copydesk.dashboard.strategy_backtest import BacktestCard
from copydesk.dashboard.strategy_controls import show_controls
from copydesk.dashboard.strategy_settings import show_settings
from copydesk.dashboard.strategy_tables import Decisions, Trades
from copydesk.dashboard.strategy_toasts import Toasts
from copydesk.dashboard.telling import tone_of
from copydesk.domain.user import Role

TRADES_MAX = 500


def show_strategy(tab: Tab, bot_id: str) -> None:
    page = _StrategyPage(tab, bot_id)
    tab.keep(page.look)
    tab.keep(page.look_at_candles, polls=2)
    tab.keep(page.look_at_backtest)


class _StrategyPage:
    """Its places, from top to bottom, and what fills each."""

    def __init__(self, tab: Tab, bot_id: str) -> None:
        self._tab, self._bot_id = tab, bot_id
        self._bot: StatusAnswer | None = None
        self._mine = False
        self._trades_seen: Sequence[BotTradeAnswer] = ()
        self._held: Sequence[BotPositionAnswer] = ()
        self._open: tuple[float, Points] | None = None
        self._symbol = ""
        self._ruin_terms: object = None
        self._toasts = Toasts(tab.say)
        self._head = Drawn(ui.element("div").classes("stack"))
        self._body = ui.element("div").classes("stack")
        self._body.set_visibility(False)
        with self._body:
            self._fill()

    def _fill(self) -> None:
        tab, say = self._tab, self._tab.say
        self._tiles = Drawn(ui.element("div").classes("tiles"))
        with card():
            with line():
                heading(say("strategies.chart"))
                self._symbols = Drawn(ui.element("div").classes("end"))
            self._candles = CandleChart(tab, self._bot_id)
        with ui.element("div").classes("wide"):
            with card(say("strategies.curve")):
                self._curve_note = ui.label(say("strategies.curve_note")).classes("small muted")
                self._curve = ResultCurve(
                    tab,
                    name=say("strategies.profit"),
                    label=say("strategies.curve"),
                    nothing=say("strategies.no_trades"),
                    not_closed=say("strategies.not_closed"),
                )
            with card(say("strategies.positions")):
                self._positions = Drawn(ui.element("div").classes("stack"))
        with card():
            self._decisions = Decisions(tab)
        with card():
            self._trades = Trades(tab)
        self._backtest: BacktestCard | None = None
        self._backtest_place = ui.element("div")
        self._ruin = Drawn(ui.element("div"))
        self._settings = Drawn(ui.element("div"))

    async def look(self) -> None:
        person = self._tab.person
        try:
            status = (await person.ask(lambda api: api.strategy_status(bot_id=self._bot_id))).bot
            bot = await person.ask(lambda api: api.bot(self._bot_id))
        except Missing:
            status = None
        if status is None:
            self._head.show("missing", self._missing)
            return
        self._show(status, bot)
        held = await person.ask(lambda api: api.strategy_positions(bot_id=self._bot_id))
        self._positions.show((held, status.settings), lambda: _positions(self._tab.say, held, status))
        trades = await person.ask(lambda api: api.strategy_trades(bot_id=self._bot_id, limit=TRADES_MAX))
        self._trades.show(trades)
        self._trades_seen, self._held = trades, held
        self._show_curve(trades, held)
        self._decisions.show(await person.ask(lambda api: api.analysis(bot_id=self._bot_id)))
        self._toasts.tell(status, held, trades)
        await self._look_at_ruin(status)

    def _show_curve(self, trades: Sequence[BotTradeAnswer], held: Sequence[BotPositionAnswer]) -> None:
        """Its last point is what is open, as of when that changed last."""
        points, results = _curve(trades), [one.open_result for one in held if one.open_result is not None]
        self._curve_note.set_visibility(bool(results))
        if not results:
            self._open = None
            self._curve.show(points)
            return
        begin = points[-1] if points else (min(one.entry_timestamp or now() for one in held).isoformat(), 0.0)
        net = begin[1] + float(sum(results))
        if self._open is None or self._open[0] != net or self._open[1][0] != begin:
            self._open = net, [begin, (now().isoformat(), net)]
        self._curve.show(points, self._open[1])

    async def look_at_candles(self) -> None:
        if self._bot is not None and self._symbol:
            await self._candles.look(self._bot, self._symbol, self._trades_seen, self._held)

    async def look_at_backtest(self) -> None:
        if self._backtest is not None:
            await self._backtest.look()

    async def _look_at_ruin(self, status: StatusAnswer) -> None:
        """Asked for when what it is made of has changed; only an owner may, since it tells of the bot's own balance."""
        terms = (status.balance, status.settings)
        if self._mine and _last_level(status) is not None and terms != self._ruin_terms:
            found = await self._tab.person.ask(lambda api: api.ruin_card(self._bot_id))
            self._ruin.show(found, lambda: show_ruin(self._tab, found))
            self._ruin_terms = terms

    def _show(self, status: StatusAnswer, bot: BotAnswer) -> None:
        tab, self._bot = self._tab, status
        self._mine = tab.role is Role.ADMIN or bot.exchange_account_id is not None
        self._symbol = self._symbol if self._symbol in status.symbols else status.symbols[0]
        self._body.set_visibility(True)
        told = (status.name, status.status, status.message, status.since, status.symbols, status.timeframe)
        self._head.show(told, lambda: self._draw_head(status))
        self._tiles.show(status, lambda: _tiles(tab.say, status))
        self._symbols.show(status.symbols, lambda: self._choices(status.symbols))
        if self._mine and self._backtest is None:
            with self._backtest_place:
                self._backtest = BacktestCard(tab, status, bot)
        if self._mine:
            self._settings.show(status.settings, lambda: show_settings(tab, self._bot_id, status.settings))

    def _missing(self) -> None:
        with card(), empty(self._tab.say("strategies.missing"), icon="search_off"):
            ui.link(self._tab.say("strategies.all"), "/strategies")

    def _draw_head(self, status: StatusAnswer) -> None:
        say = self._tab.say
        with card():
            with line():
                heading(status.name)
                status_chip(say, status)
                chip(status.strategy)
                if status.book is not None:
                    chip(say("strategies.book", venue=status.book))
                since(status.since).classes("small muted")
                if self._mine:
                    show_controls(self._tab, status)
            if status.message:
                ui.label(status.message).classes("muted").props('role="status"')

    def _choices(self, symbols: Sequence[str]) -> None:
        chosen = ui.toggle(list(symbols), value=self._symbol, on_change=lambda event: self._choose(event.value))
        chosen.props("no-caps unelevated dense").props["aria-label"] = self._tab.say("strategies.symbols")

    async def _choose(self, symbol: str) -> None:
        self._symbol = symbol


def _tiles(say: Speech, bot: StatusAnswer) -> None:
    nothing = "–"
    shown = (
        ("balance", nothing if bot.balance is None else say.usd(bot.balance), ""),
        ("profit", say.usd(bot.profit, signed=True), tone_of(bot.profit)),
        ("roi", say.percent(bot.roi), tone_of(bot.roi, 1)),
        ("win_rate", say.percent(bot.win_rate) if bot.total_trades else nothing, ""),
        ("drawdown", say.percent(bot.drawdown_pct), ""),
        ("trades", say("strategies.won_lost", won=bot.wins, lost=bot.losses), ""),
    )
    for key, value, tone in shown:
        with ui.element("div").classes("card tile"):
            ui.label(say(f"strategies.{key}")).classes("muted")
            ui.label(value).classes(f"value {tone}")


def _positions(say: Speech, held: Sequence[BotPositionAnswer], bot: StatusAnswer) -> None:
    last = _last_level(bot)
    if not held:
        empty(say("strategies.flat"), icon="hourglass_empty")
    for one in held:
        with line():
            ui.label(one.symbol).classes("strong")
            ui.label(say.word("intentions", one.direction or ""))
            if one.entry_timestamp is not None:
                since(one.entry_timestamp).classes("small muted")
        if last is None:
            figures(_held(say, one))
        else:
            show_level(say, one, last)
            figures(_staked(say, one))


def _held(say: Speech, one: BotPositionAnswer) -> list[tuple[str, str]]:
    result = "–" if one.open_result is None else say.usd(one.open_result, signed=True)
    return [
        (say("strategies.open_result"), result),
        (say("strategies.quantity"), "–" if one.quantity is None else say.number(one.quantity)),
        (say("strategies.entry_price"), "–" if one.entry_price is None else say.number(one.entry_price)),
    ]


def _staked(say: Speech, one: BotPositionAnswer) -> list[tuple[str, str]]:
    money = {"stake_now": one.current_stake, "total_loss": one.total_loss, "next_stake": one.next_stake}
    told = [(say(f"strategies.{key}"), say.usd(Decimal(str(usd)))) for key, usd in money.items()]
    return [*told, (say("strategies.streak"), say("strategies.candles", count=one.entry_streak_size))]


def _last_level(bot: StatusAnswer) -> int | None:
    """A strategy with a last level plays a ladder."""
    last = bot.settings.get("max_level")
    return last if isinstance(last, int) else None


def _curve(trades: Sequence[BotTradeAnswer]) -> list[tuple[str, float]]:
    """What all trades came to after each one; they come newest first."""
    points, net = [], Decimal(0)
    for one in reversed(trades):
        net += one.profit
        points.append((one.exit_time.isoformat(), float(net)))
    return points


PAGE = Page(path="/strategies/{bot_id}", title="strategies.one", show=show_strategy)
