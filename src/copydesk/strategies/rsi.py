"""RSI: buy what fell too far, sell what rose too far; the opposite signal closes, and every position has its stop loss."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from enum import StrEnum
from typing import Any

import msgspec
from msgspec import Struct

from copydesk.domain.candle import Candle
from copydesk.domain.signal import Direction
from copydesk.ports.strategy import Columns, Decision, Signals, State, View
from copydesk.strategies.indicators import MACD_HISTORY, Macd, Rsi, rsi_series
from copydesk.strategies.settings import demand_percentage, demand_whole, read_settings, refuse, shown

RSI_PERIOD_MAX = 1_000


class Sides(StrEnum):
    """Which positions may be opened; the signal that would open the other one still closes."""

    BOTH = "both"
    LONG = "long"
    SHORT = "short"


class RsiSettings(Struct, frozen=True, kw_only=True):
    """RSI strictly below `rsi_buy` buys, strictly above `rsi_sell` sells. Stops are per cent of the entry price; a take
    profit of 0 is none.
    """

    rsi_period: int = 14
    rsi_buy: Decimal = Decimal(40)
    rsi_sell: Decimal = Decimal(60)
    stop_loss_pct: Decimal | None = Decimal(3)
    take_profit_pct: Decimal | None = Decimal(2)
    sides: Sides = Sides.BOTH


class _Memory(Struct, frozen=True, kw_only=True):
    """Its state; `last_ms` is the newest candle in it."""

    rsi: Rsi
    macd: Macd
    last_ms: int | None = None


class RsiStrategy:
    """One market; positions and orders are somebody else's."""

    name = "rsi"

    def __init__(self, settings: RsiSettings) -> None:
        """Raises InvalidInput where settings contradict themselves, or have no stop loss."""
        _demand_sense(settings)
        self._settings = settings
        self._buy, self._sell = float(settings.rsi_buy), float(settings.rsi_sell)
        self.history = max(settings.rsi_period + 1, MACD_HISTORY)

    @classmethod
    def configured(cls, given: Mapping[str, Any]) -> "RsiStrategy":
        """From settings by name, the rest as they come."""
        return cls(read_settings(RsiSettings, given))

    @property
    def settings(self) -> Mapping[str, Any]:
        return shown(self._settings)

    def begin(self, candles: Sequence[Candle]) -> State:
        memory = self._afresh()
        for candle in candles:
            memory = _after(memory, candle)
        return _state(memory)

    def decide(self, view: View) -> Decision:
        before = self._memory(view)
        if before.last_ms is not None and view.candles[-1].start_ms <= before.last_ms:
            return view.hold("this candle was decided on already")
        memory = _after(before, view.candles[-1])
        seen = view.remembering(_state(memory))
        rsi, macd = memory.rsi.value, memory.macd
        numbers = {
            "price": view.candles[-1].close,
            "rsi": rsi,
            "macd": macd.line,
            "macd_signal": macd.signal,
            "macd_histogram": macd.histogram,
        }
        if rsi is None:
            return seen.hold(f"fewer than {self._settings.rsi_period + 1} candles seen", **numbers)
        if rsi < self._buy:
            return self._bought(seen, numbers)
        if rsi > self._sell:
            return self._sold(seen, numbers)
        return seen.hold("RSI between its two thresholds", **numbers)

    def signals(self, columns: Columns) -> Signals:
        period = self._settings.rsi_period
        rsi = columns.once(("rsi", period), lambda: rsi_series(columns.closes, period))
        wishes = (rsi < self._buy).view("int8") - (rsi > self._sell).view("int8")
        return Signals(
            wishes=wishes,
            stop_loss_pct=self._settings.stop_loss_pct,
            take_profit_pct=self._settings.take_profit_pct or None,
            longs=self._settings.sides is not Sides.SHORT,
            shorts=self._settings.sides is not Sides.LONG,
        )

    def _bought(self, seen: View, numbers: Mapping[str, Any]) -> Decision:
        below = f"RSI below {self._settings.rsi_buy}"
        if seen.position is not None:
            if seen.position.direction is Direction.SHORT:
                return seen.close(f"{below}: the opposite signal closes the short", **numbers)
            return seen.hold(f"{below}, long already", **numbers)
        if self._settings.sides is Sides.SHORT:
            return seen.hold(f"{below}, but longs are not allowed", **numbers)
        return seen.open_long(below, **self._stops(), **numbers)

    def _sold(self, seen: View, numbers: Mapping[str, Any]) -> Decision:
        above = f"RSI above {self._settings.rsi_sell}"
        if seen.position is not None:
            if seen.position.direction is Direction.LONG:
                return seen.close(f"{above}: the opposite signal closes the long", **numbers)
            return seen.hold(f"{above}, short already", **numbers)
        if self._settings.sides is Sides.LONG:
            return seen.hold(f"{above}, but shorts are not allowed", **numbers)
        return seen.open_short(above, **self._stops(), **numbers)

    def _stops(self) -> dict[str, Decimal | None]:
        return {
            "stop_loss_pct": self._settings.stop_loss_pct,
            "take_profit_pct": self._settings.take_profit_pct or None,
        }

    def _memory(self, view: View) -> _Memory:
        """What the state says; where the period was changed meanwhile, what the candles before the last one say."""
        memory = msgspec.convert(view.state, _Memory) if view.state else None
        if memory is not None and memory.rsi.period == self._settings.rsi_period:
            return memory
        again = self._afresh()
        for candle in view.candles[:-1]:
            again = _after(again, candle)
        return again

    def _afresh(self) -> _Memory:
        return _Memory(rsi=Rsi(period=self._settings.rsi_period), macd=Macd())


def _after(memory: _Memory, candle: Candle) -> _Memory:
    close = float(candle.close)
    return _Memory(rsi=memory.rsi.after(close), macd=memory.macd.after(close), last_ms=candle.start_ms)


def _state(memory: _Memory) -> State:
    state: State = msgspec.to_builtins(memory)
    return state


def _demand_sense(settings: RsiSettings) -> None:
    demand_whole("rsi_period", settings.rsi_period, 2, RSI_PERIOD_MAX)
    demand_percentage("rsi_buy", settings.rsi_buy)
    demand_percentage("rsi_sell", settings.rsi_sell)
    if settings.rsi_buy >= settings.rsi_sell:
        refuse("rsi_buy", f"{settings.rsi_buy} is not below rsi_sell, {settings.rsi_sell}")
    if settings.stop_loss_pct is None or settings.stop_loss_pct == 0:
        refuse("stop_loss_pct", "a stop loss is compulsory; give a percentage of the entry price above 0")
    demand_percentage("stop_loss_pct", settings.stop_loss_pct or Decimal(0), most=Decimal(99))
    if settings.take_profit_pct is not None and settings.take_profit_pct != 0:
        demand_percentage("take_profit_pct", settings.take_profit_pct, most=Decimal(99))
