"""A backtest from the strategy's own page: what is asked of the hub, how far it is, what came of it, its report."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from nicegui import ui
from pydantic import ValidationError

from copydesk.client.backtests import CANDLES_LEAST, CANDLES_MOST, BacktestAnswer, NewBacktest
from copydesk.client.errors import NotUnderstood
from copydesk.client.models import BotAnswer
from copydesk.client.strategies import StatusAnswer
from copydesk.dashboard.backtest_report import report_path
from copydesk.dashboard.backtest_result import show_result
from copydesk.dashboard.page import Tab
from copydesk.dashboard.parts import Drawn, card, line, moment
from copydesk.dashboard.speech import Speech
from copydesk.domain.instrument import plain
from copydesk.ports.market import TIMEFRAMES

HOUR, DAY = 3_600, 86_400
PERIODS = (6 * HOUR, DAY, 3 * DAY, 7 * DAY, 30 * DAY, 90 * DAY, 365 * DAY, 3 * 365 * DAY)
PERIOD_FIRST_CANDLES = 1_500
"""About a day of one-minute candles: played before one has looked away."""

LISTED = 6
IDLE_LOOKS = 5
"""While nothing is under way, only each fifth look asks."""

UNDER_WAY = frozenset({"queued", "running"})


class BacktestCard:
    """Of one bot, for whoever owns it."""

    def __init__(self, tab: Tab, status: StatusAnswer, bot: BotAnswer) -> None:
        self._tab, self._bot_id, self._looks = tab, status.bot_id, 0
        self._has_contracts = "max_level" in status.settings
        self._shown_id = ""
        with card(tab.say("backtests.title")):
            ui.label(tab.say("backtests.note")).classes("small muted")
            self._fields = self._draw_fields(status, bot)
            with line():
                self._button = ui.button(tab.say("backtests.run"), icon="history", on_click=tab.on(self._start))
                self._button.props("no-caps unelevated")
            self._progress = _Progress(tab, self._remove)
            self._result = Drawn(ui.element("div").classes("stack"))
            self._earlier = Drawn(ui.element("div").classes("stack"))

    async def look(self) -> None:
        self._looks += 1
        if not self._progress.is_shown and self._looks % IDLE_LOOKS != 1:
            return
        await self._read()

    async def _read(self) -> None:
        found = await self._tab.person.ask(lambda api: api.backtests(bot_id=self._bot_id, most=LISTED))
        newest = next(iter(found), None)
        self._progress.show(newest if newest is not None and newest.state in UNDER_WAY else None)
        over = [one for one in found if one.state not in UNDER_WAY]
        self._earlier.show(over[1:], lambda: _earlier(self._tab, over[1:]))
        if not over:
            self._result.show(None, lambda: None)
        elif over[0].id != self._shown_id:
            whole = await self._tab.person.ask(lambda api: api.backtest(over[0].id))
            self._shown_id = whole.id
            self._result.show(whole, lambda: show_result(self._tab, whole))

    def _draw_fields(self, status: StatusAnswer, bot: BotAnswer) -> Mapping[str, Any]:
        say = self._tab.say
        balance = Decimal(10_000) if not status.balance else round(status.balance, 2)
        size = min(bot.default_margin_usd * bot.default_leverage, balance)
        periods = _periods(say, status.timeframe)
        sources = {one: say(f"backtests.from_{one}") for one in ("market", "stored")}
        with ui.element("div").classes("four"):
            fields: dict[str, Any] = {
                "symbol": ui.select(list(status.symbols), value=status.symbols[0], label=say("backtests.symbol")),
                "candles": ui.select(periods, value=_first(list(periods)), label=say("backtests.period")),
                "candles_from": ui.select(sources, value="market", label=say("backtests.candles_from")),
                "balance": ui.input(say("backtests.balance"), value=plain(balance)),
            }
            if self._has_contracts:
                fields["payout"] = ui.input(say("backtests.payout"), value="1.95")
            else:
                fields["size_usd"] = ui.input(say("backtests.size_usd"), value=plain(round(size, 2) or balance))
                fields["fee_pct"] = ui.input(say("backtests.fee_pct"), value="0.05")
                fields["slippage_pct"] = ui.input(say("backtests.slippage_pct"), value="0.01")
        for field in fields.values():
            field.props("outlined options-dense hide-bottom-space")
        return fields

    async def _start(self) -> None:
        wanted = self._wanted()
        if wanted is None:
            return
        self._button.props("loading")
        try:
            made = await self._tab.act(lambda api: self._ask(api.start_backtest, wanted))
        finally:
            self._button.props(remove="loading")
        if made is not None:
            self._progress.show(made)

    def _wanted(self) -> NewBacktest | None:
        """None where something is no number, which stands at its field then."""
        told = {name: _told(field) for name, field in self._fields.items()}
        for field in self._fields.values():
            _set_problem(field, None)
        try:
            return NewBacktest(bot_id=self._bot_id, **{name: one for name, one in told.items() if one != ""})
        except ValidationError as error:
            for one in error.errors():
                _set_problem(self._fields.get(str(one["loc"][0])), one["msg"])
            return None

    async def _ask(self, start: Any, wanted: NewBacktest) -> BacktestAnswer:
        try:
            answer: BacktestAnswer = await start(wanted)
        except NotUnderstood as error:
            for name, problem in error.fields.items():
                _set_problem(self._fields.get(name), problem)
            raise
        return answer

    async def _remove(self, backtest_id: str) -> None:
        await self._tab.act(lambda api: api.remove_backtest(backtest_id), done=self._tab.say("backtests.ended"))
        await self._read()


class _Progress:
    """A bar that moves, and a way to end it."""

    def __init__(self, tab: Tab, remove: Any) -> None:
        self._tab, self._shown, self.is_shown = tab, "", False
        with line() as self._place:
            self._words = ui.label().props('role="status"')
            self._bar = ui.linear_progress(0, show_value=False, size="8px").classes("grow").props("rounded")
            self._bar.props["aria-label"] = tab.say("backtests.title")
            button = ui.button(tab.say("backtests.end"), icon="close", on_click=tab.on(lambda: remove(self._shown)))
            button.props("flat dense no-caps")
        self._place.set_visibility(False)

    def show(self, one: BacktestAnswer | None) -> None:
        self.is_shown = one is not None
        self._place.set_visibility(self.is_shown)
        if one is None:
            return
        say, self._shown = self._tab.say, one.id
        if one.state == "queued":
            self._words.set_text(say("backtests.queued", count=one.ahead) if one.ahead else say("backtests.next"))
        else:
            self._words.set_text(say("backtests.playing", percent=round(100 * one.progress)))
        self._bar.set_value(one.progress)


def _earlier(tab: Tab, found: Sequence[BacktestAnswer]) -> None:
    if not found:
        return
    ui.label(tab.say("backtests.earlier")).classes("muted")
    for one in found:
        with line("small"):
            moment(one.created_at)
            ui.label(f"{one.symbol} · {tab.say('strategies.candles', count=one.candles)}")
            if one.figures is not None:
                ui.label(tab.say.usd(one.figures.net, signed=True))
            if one.has_report:
                ui.link(tab.say("backtests.report"), report_path(one.id), new_tab=True)
            elif one.problem:
                ui.label(one.problem).classes("down")


def _periods(say: Speech, timeframe: str) -> dict[int, str]:
    """Numbers of candles, by how long they span; those that the hub plays."""
    step = TIMEFRAMES[timeframe]
    fitting = [one for one in PERIODS if 2 * CANDLES_LEAST <= one // step <= CANDLES_MOST]
    return {one // step: _span(say, one) for one in fitting}


def _span(say: Speech, seconds: int) -> str:
    if seconds < DAY:
        return say("backtests.hours", count=seconds // HOUR)
    return say("backtests.days", count=seconds // DAY)


def _first(candles: Sequence[int]) -> int:
    return max((one for one in candles if one <= PERIOD_FIRST_CANDLES), default=candles[0])


def _told(field: Any) -> Any:
    return field.value.strip() if isinstance(field.value, str) else field.value


def _set_problem(field: Any, problem: str | None) -> None:
    if field is not None:
        field.error = problem
