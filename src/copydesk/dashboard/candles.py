"""Candles with RSI and MACD under them, marks where trades began and ended, a line for what is open. A new candle is one point more."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from nicegui import ui

from copydesk.client.strategies import (
    BotPositionAnswer,
    BotTradeAnswer,
    CandleAnswer,
    MarketDataAnswer,
    StatusAnswer,
)
from copydesk.dashboard.chart import Chart, Point, time_axis, value_axis
from copydesk.dashboard.page import Tab
from copydesk.dashboard.parts import empty

CANDLES_MAX = 200
CANDLES_NEWEST = 5
"""What is asked for once the chart is there: more are missing only after the tab or the hub was away."""

RSI_BUY, RSI_SELL = 30, 70
_PANES = (("6%", "50%"), ("62%", "13%"), ("80%", "15%"))
"""Each one's top and height."""

_RISING = frozenset({"BUY", "CALL"})


class CandleChart:
    """Of one bot's symbol at a time."""

    def __init__(self, tab: Tab, bot_id: str) -> None:
        self._tab, self._bot_id = tab, bot_id
        self._symbol = ""
        self._shown: list[CandleAnswer] = []
        self._trades: Sequence[BotTradeAnswer] = ()
        self._held: BotPositionAnswer | None = None
        self._marks: Mapping[str, Sequence[Any]] = {}
        self._chart: Chart | None = None
        self._nothing = empty(tab.say("strategies.no_candles"), icon="candlestick_chart")
        self._nothing.set_visibility(False)
        self._place = ui.element("div")

    async def look(
        self, bot: StatusAnswer, symbol: str, trades: Sequence[BotTradeAnswer], held: Sequence[BotPositionAnswer]
    ) -> None:
        self._trades = [one for one in trades if one.symbol == symbol]
        self._held = next((one for one in held if one.symbol == symbol), None)
        if symbol != self._symbol:
            self._symbol, self._shown, self._chart = symbol, [], None
        found = await self._read(CANDLES_NEWEST if self._shown else CANDLES_MAX)
        if self._symbol != symbol:
            return  # another one was chosen in the meantime
        new = _after(self._shown, found.candles)
        if new is None:
            self._draw(bot, (await self._read(CANDLES_MAX)).candles)
            return
        if self._chart is not None:
            self._chart.add(_points(new), most=CANDLES_MAX)
            self._shown = [*self._shown, *new][-CANDLES_MAX:]
            self._mark()

    async def _read(self, limit: int) -> MarketDataAnswer:
        symbol = self._symbol
        return await self._tab.person.ask(lambda api: api.market_data(bot_id=self._bot_id, symbol=symbol, limit=limit))

    def _draw(self, bot: StatusAnswer, candles: list[CandleAnswer]) -> None:
        self._shown = candles
        self._nothing.set_visibility(not candles)
        self._place.clear()
        if not candles:
            return
        self._marks = self._wanted_marks()
        label = self._tab.say("strategies.chart_of", symbol=self._symbol, timeframe=bot.timeframe)
        with self._place:
            options = _options(self._tab, bot, _points(candles), self._marks)
            self._chart = Chart(self._tab, options, label=label, classes="chart tall")

    def _mark(self) -> None:
        marks = self._wanted_marks()
        if self._chart is not None and marks != self._marks:
            self._marks = marks
            self._chart.change(marks)

    def _wanted_marks(self) -> Mapping[str, Sequence[Any]]:
        held = [] if self._held is None else _open_line(self._tab, self._shown, self._held)
        return {**_marks(self._tab, self._shown, self._trades), "open": held}


def _after(shown: Sequence[CandleAnswer], found: Sequence[CandleAnswer]) -> Sequence[CandleAnswer] | None:
    """Those that are new; None where they do not join on to what is shown."""
    if not shown or (found and found[0].timestamp > shown[-1].timestamp):
        return None
    return [one for one in found if one.timestamp > shown[-1].timestamp]


def _points(candles: Sequence[CandleAnswer]) -> dict[str, Sequence[Point]]:
    """By series; ECharts takes open, close, low, high."""
    times = [_ms(one.timestamp) for one in candles]
    rows = list(zip(times, candles, strict=True))
    return {
        "candles": [(at, float(one.open), float(one.close), float(one.low), float(one.high)) for at, one in rows],
        "rsi": [(at, one.rsi) for at, one in rows],
        "macd": [(at, one.macd) for at, one in rows],
        "signal": [(at, one.macd_signal) for at, one in rows],
        "histogram": [(at, one.macd_histogram) for at, one in rows],
    }


def _marks(tab: Tab, candles: Sequence[CandleAnswer], trades: Sequence[BotTradeAnswer]) -> dict[str, list[Any]]:
    """A triangle the way it was bought, and a diamond as it ended; a ladder without prices stands at its candles' closes."""
    palette, first = tab.palette, candles[0].timestamp
    entries, exits = [], []
    for one in reversed(trades):
        if one.entry_time >= first:
            rises = one.direction in _RISING
            place = (_ms(one.entry_time), float(one.entry_price or _close_at(candles, one.entry_time)))
            colour = {"color": palette.up if rises else palette.down}
            entries.append({"value": place, "symbolRotate": 0 if rises else 180, "itemStyle": colour})
        if one.exit_time >= first:
            place = (_ms(one.exit_time), float(one.exit_price or _close_at(candles, one.exit_time)))
            colour = {"color": palette.up if one.result == "WIN" else palette.down}
            exits.append({"value": place, "itemStyle": colour})
    return {"entries": entries, "exits": exits}


def _open_line(tab: Tab, candles: Sequence[CandleAnswer], held: BotPositionAnswer) -> list[Any]:
    """From where it was opened (or from the first candle that is shown) to the newest one, with its side and price."""
    entered_at = held.entry_timestamp or candles[0].timestamp
    price = float(held.entry_price or _close_at(candles, entered_at))
    rises = held.direction in _RISING
    colour = tab.palette.up if rises else tab.palette.down
    named = f"{tab.say.word('intentions', held.direction or '')} {tab.say.number(Decimal(str(price)))}"
    label = {"show": True, "position": "top", "align": "right", "formatter": named, "color": colour, "fontWeight": 600}
    label |= {"backgroundColor": tab.palette.card, "padding": [2, 5], "borderRadius": 4, "distance": 12}
    look = {"itemStyle": {"color": colour}}
    begin, end = max(entered_at, candles[0].timestamp), max(entered_at, candles[-1].timestamp)
    return [
        {"value": (_ms(begin), price), "symbol": "triangle", "symbolRotate": 0 if rises else 180, **look},
        {"value": (_ms(end), price), "symbol": "circle", "symbolSize": 6, "label": label, **look},
    ]


def _close_at(candles: Sequence[CandleAnswer], at: datetime) -> float:
    return float(next((one for one in reversed(candles) if one.timestamp <= at), candles[0]).close)


def _ms(at: datetime) -> int:
    return round(at.timestamp() * 1_000)


def _options(
    tab: Tab, bot: StatusAnswer, points: Mapping[str, Sequence[Point]], marks: Mapping[str, Sequence[Any]]
) -> dict[str, Any]:
    palette = tab.palette
    shown, panes = tab.say("strategies.price"), range(len(_PANES))
    every = list(panes)
    axes = [{**time_axis(palette), "gridIndex": pane} for pane in panes]
    for axis in axes[:-1]:
        axis["axisLabel"] = {"show": False}
    prices, rsi, macd = ({**value_axis(palette, ""), "gridIndex": pane} for pane in panes)
    return {
        "grid": [{"left": 64, "right": 12, "top": top, "height": height} for top, height in _PANES],
        "axisPointer": {"link": [{"xAxisIndex": "all"}]},
        "dataZoom": [{"type": "inside", "xAxisIndex": every}],
        "xAxis": axes,
        "yAxis": [
            {**prices, "name": shown, "nameTextStyle": {"color": palette.muted}},
            {**rsi, "min": 0, "max": 100, "interval": 50},
            {**macd, "splitNumber": 2},
        ],
        "series": [*_prices(tab, points, marks), *_indicators(tab, bot, points)],
    }


def _prices(
    tab: Tab, points: Mapping[str, Sequence[Point]], marks: Mapping[str, Sequence[Any]]
) -> list[dict[str, Any]]:
    palette, say = tab.palette, tab.say
    colours = {"color": palette.up, "borderColor": palette.up, "color0": palette.down, "borderColor0": palette.down}
    border = {"borderColor": palette.text, "borderWidth": 1}
    scatter = {"type": "scatter", "symbolSize": 12, "z": 5, "itemStyle": border}
    return [
        {
            "id": "candles",
            "name": say("strategies.price"),
            "type": "candlestick",
            "data": points["candles"],
            "itemStyle": colours,
        },
        {**scatter, "id": "entries", "name": say("strategies.entry"), "symbol": "triangle", "data": marks["entries"]},
        {**scatter, "id": "exits", "name": say("strategies.exit"), "symbol": "diamond", "data": marks["exits"]},
        {
            "id": "open",
            "name": say("strategies.open_position"),
            "type": "line",
            "symbolSize": 12,
            "z": 4,
            "lineStyle": {"type": "dashed", "width": 1.5, "color": palette.text},
            "data": marks["open"],
        },
    ]


def _indicators(tab: Tab, bot: StatusAnswer, points: Mapping[str, Sequence[Point]]) -> list[dict[str, Any]]:
    palette = tab.palette
    levels = [float(bot.settings.get("rsi_buy", RSI_BUY)), float(bot.settings.get("rsi_sell", RSI_SELL))]
    limits = {
        "silent": True,
        "symbol": "none",
        "lineStyle": {"color": palette.muted},
        "label": {"show": False},
        "data": [{"yAxis": level} for level in levels],
    }
    by_sign = {":color": f"one => one.value[1] < 0 ? '{palette.down}' : '{palette.up}'"}
    histogram = {"id": "histogram", "name": tab.say("strategies.histogram"), "type": "bar", "itemStyle": by_sign}
    return [
        {**_line("rsi", "RSI", palette.accent, points["rsi"], pane=1), "markLine": limits},
        {**histogram, "data": points["histogram"], **_pane(2)},
        _line("macd", "MACD", palette.accent, points["macd"], pane=2),
        _line("signal", tab.say("strategies.macd_signal"), palette.warn, points["signal"], pane=2),
    ]


def _line(key: str, name: str, colour: str, points: Sequence[Point], *, pane: int) -> dict[str, Any]:
    drawn = {"showSymbol": False, "lineStyle": {"width": 1.5, "color": colour}, "itemStyle": {"color": colour}}
    return {"id": key, "name": name, "type": "line", "data": points, **drawn, **_pane(pane)}


def _pane(number: int) -> dict[str, int]:
    return {"xAxisIndex": number, "yAxisIndex": number}
