"""Streak: after so many candles of one colour, bet on the other one; after a loss, bet more (a Martingale ladder).

A level is settled by its contract's own result and by nothing else: the colour of the next candle is not it.
The ruin card (`ruin.py`) says what such a ladder costs in the end.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from copydesk.domain.candle import Candle, Colour
from copydesk.domain.signal import Right
from copydesk.ports.strategy import Decision, Hold, Intention, Mode, Outcome, Settlement, State, View
from copydesk.strategies.ladder import Ladder, cents
from copydesk.strategies.settings import demand_money, demand_percentage, demand_whole, read_settings, refuse, shown

ALIASES = {"V100": "R_100"}
"""What people call a symbol, and what Deriv calls it."""

DRAWDOWN_ALERT_SHARE = Decimal("0.8")
"""Of the drawdown that stops: from here on there is a warning."""

STAKE_MIN = Decimal("0.35")
"""What Deriv asks for at least, in USD (seen on the venue, not documented)."""

_THRESHOLD_MAX, _LEVELS_MAX, _MULTIPLIER_MAX, _DAY_S = 1_000, 30, 10, 86_400


class StreakSettings(Struct, frozen=True, kw_only=True):
    """Defaults of the desk; `max_drawdown` is per cent of the highest balance seen."""

    symbol: str = "R_100"
    delay_threshold: int = 8
    max_level: int = 10
    initial_stake: Decimal = Decimal("1.00")
    multiplier: Decimal = Decimal("2.0")
    max_drawdown: Decimal = Decimal(25)
    auto_trading: bool = True
    duration_s: int = 60
    candle_s: int = 60
    accept_unfunded_ladder: bool = False


class _Memory(Struct, frozen=True, kw_only=True):
    """Its state: the streak, the ladder that waits for its contract, and how the balance has fared."""

    count: int = 0
    colour: Colour = Colour.DOJI
    last_ms: int | None = None
    ladder: Ladder | None = None
    ladders: int = 0
    peak: Decimal | None = None
    stopped: str | None = None


class StreakStrategy:
    """One symbol; `decide` reads candles and opens ladders, `settle` climbs or ends them."""

    name = "streak"
    history = 1

    def __init__(self, settings: StreakSettings) -> None:
        """Raises InvalidInput where a setting makes no sense. Settings may differ from those the state was made with:
        stakes of a ladder under way stay, limits hold at once.
        """
        _demand_sense(settings)
        self.terms = replace(settings, symbol=ALIASES.get(settings.symbol.upper(), settings.symbol))

    @classmethod
    def configured(cls, given: Mapping[str, Any]) -> "StreakStrategy":
        """From settings by name, the rest as they come."""
        return cls(read_settings(StreakSettings, given))

    @property
    def settings(self) -> Mapping[str, Any]:
        return shown(self.terms)

    def begin(self, candles: Sequence[Candle]) -> State:
        memory = _Memory()
        for candle in candles:
            memory = self._seen(memory, candle)
        return _state(memory)

    def restarted(self, state: State) -> State:
        """A person starts it again after a drawdown stop: the balance from here on is what counts."""
        return _state(replace(_memory(state), stopped=None, peak=None))

    def decide(self, view: View) -> Decision:
        memory = self._seen(_memory(view.state), view.candles[-1])
        memory = replace(memory, peak=max(memory.peak or view.balance, view.balance))
        wait = self._reason_to_wait(memory, view)
        trigger = self._trigger(memory)
        if wait is not None:
            return self._decided(memory, Hold(), wait, view, trigger=trigger)
        memory = replace(memory, ladder=self._new_ladder(memory, view), ladders=memory.ladders + 1)
        against = f"{memory.count} {memory.colour} candles: against the streak"
        return self._decided(memory, _wish(memory), against, view, trigger=trigger)

    def settle(self, view: View, settlement: Settlement) -> Decision:
        memory = _memory(view.state)
        ladder = memory.ladder
        if ladder is None or ladder.contract_number != settlement.number:
            return self._decided(memory, Hold(), f"contract {settlement.number} is not waited for", view)
        ladder = replace(ladder, result=ladder.result + settlement.profit)
        memory = replace(memory, ladder=ladder, peak=max(memory.peak or view.balance, view.balance))
        if not ladder.paper and _drawdown_pct(memory, view) >= self.terms.max_drawdown:
            memory = replace(memory, stopped=f"drawdown reached {self.terms.max_drawdown} %")
        end = self._reason_to_end(memory, ladder, view, settlement)
        if end is not None:
            return self._decided(replace(memory, ladder=None), Hold(), end, view, ended=ladder)
        memory = replace(memory, ladder=replace(ladder, level=ladder.level + 1))
        return self._decided(memory, _wish(memory), f"level {ladder.level} lost: level {ladder.level + 1}", view)

    def _seen(self, memory: _Memory, candle: Candle) -> _Memory:
        """A DOJI ends a streak, and so does a candle that is missing: what it was is not known."""
        if memory.last_ms is not None and candle.start_ms <= memory.last_ms:
            return memory
        follows = memory.last_ms is not None and candle.start_ms - memory.last_ms == self.terms.candle_s * 1_000
        colour = candle.colour
        count = 0 if colour is Colour.DOJI else 1
        if follows and colour is memory.colour and count:
            count = memory.count + 1
        return replace(memory, count=count, colour=colour, last_ms=candle.start_ms)

    def _trigger(self, memory: _Memory) -> Right | None:
        """What a streak that is long enough is bet against with, whether or not it is."""
        if memory.ladder is not None or memory.count < self.terms.delay_threshold:
            return None
        return _against(memory.colour)

    def _reason_to_wait(self, memory: _Memory, view: View) -> str | None:
        """None where a ladder is to be opened."""
        if memory.ladder is not None:
            return f"contract {memory.ladder.contract_number} is not settled"
        if memory.count < self.terms.delay_threshold:
            return f"a streak of {memory.count}, {self.terms.delay_threshold} are waited for"
        trigger = f"trigger: {memory.count} {memory.colour} candles"
        if not self.terms.auto_trading:
            return f"{trigger}, but auto_trading is off"
        if view.mode is Mode.PAUSED:
            return None
        if memory.stopped is not None:
            return f"{trigger}, but stopped: {memory.stopped}"
        if _drawdown_pct(memory, view) >= self.terms.max_drawdown:
            return f"{trigger}, but the drawdown is {self.terms.max_drawdown} % or more"
        if view.balance < self.terms.initial_stake:
            return f"{trigger}, but the balance cannot fund {self.terms.initial_stake}"
        return None

    def _reason_to_end(self, memory: _Memory, ladder: Ladder, view: View, settlement: Settlement) -> str | None:
        """None where the next level is to be bought."""
        lost = f"level {ladder.level} lost"
        reasons = (
            (settlement.outcome is Outcome.WON, f"level {ladder.level} won"),
            (settlement.outcome is Outcome.SOLD, f"level {ladder.level} was sold before its end"),
            (settlement.outcome is Outcome.NOT_PLACED, f"level {ladder.level} was not placed"),
            (ladder.level >= self.terms.max_level, f"{lost}, the last one"),
            (memory.stopped is not None and not ladder.paper, f"{lost}, stopped: {memory.stopped}"),
            (ladder.paper is not (view.mode is Mode.PAUSED), f"{lost}, and the bot was paused or resumed meanwhile"),
            (not self.terms.auto_trading, f"{lost}, and auto_trading is off"),
            (not ladder.paper and view.balance < ladder.next_stake, f"{lost}, the balance cannot fund the next"),
        )
        return next((text for holds, text in reasons if holds), None)

    def _new_ladder(self, memory: _Memory, view: View) -> Ladder:
        return Ladder(
            number=memory.ladders + 1,
            right=_against(memory.colour),
            entry_streak=memory.count,
            opened_ms=view.candles[-1].start_ms + self.terms.candle_s * 1_000,
            initial_stake=self.terms.initial_stake,
            multiplier=self.terms.multiplier,
            duration_s=self.terms.duration_s,
            paper=view.mode is Mode.PAUSED,
        )

    def _decided(
        self,
        memory: _Memory,
        intention: Intention,
        reason: str,
        view: View,
        *,
        ended: Ladder | None = None,
        trigger: Right | None = None,
    ) -> Decision:
        """With the numbers of the ladder that is under way, else of the one that has just ended."""
        drawdown = _drawdown_pct(memory, view)
        numbers: dict[str, str | int | float | None] = {
            "streak_count": memory.count,
            "streak_colour": memory.colour,
            "balance": str(view.balance),
            "peak": str(memory.peak),
            "drawdown_pct": str(drawdown),
            "drawdown_alert": alerts(drawdown, self.terms),
            "stopped": memory.stopped,
            "trigger": trigger,
        }
        if (ladder := memory.ladder or ended) is not None:
            numbers |= {
                "ladder": ladder.number,
                "level": ladder.level,
                "stake": str(ladder.stake),
                "next_stake": str(ladder.next_stake),
                "entry_streak": ladder.entry_streak,
                "ladder_result": str(ladder.result),
                "ladder_ended": ended is not None,
            }
        return Decision(intention=intention, reason=reason, numbers=numbers, state=_state(memory))


def alerts(drawdown_pct: Decimal, settings: StreakSettings) -> bool:
    """Whether a drawdown is near the one that stops."""
    return drawdown_pct >= settings.max_drawdown * DRAWDOWN_ALERT_SHARE


def _against(colour: Colour) -> Right:
    return Right.PUT if colour is Colour.GREEN else Right.CALL


def _wish(memory: _Memory) -> Intention:
    return memory.ladder.wish() if memory.ladder is not None else Hold()


def _drawdown_pct(memory: _Memory, view: View) -> Decimal:
    if memory.peak is None or memory.peak <= 0:
        return Decimal(0)
    return cents((memory.peak - view.balance) / memory.peak * 100)


def _memory(state: State) -> _Memory:
    return msgspec.convert(state, _Memory) if state else _Memory()


def _state(memory: _Memory) -> State:
    state: State = msgspec.to_builtins(memory)
    return state


def _demand_sense(settings: StreakSettings) -> None:
    if not settings.symbol.strip():
        refuse("symbol", "it is empty")
    demand_whole("delay_threshold", settings.delay_threshold, 1, _THRESHOLD_MAX)
    demand_whole("max_level", settings.max_level, 1, _LEVELS_MAX)
    demand_money("initial_stake", settings.initial_stake, least=STAKE_MIN)
    if not (settings.multiplier.is_finite() and 1 <= settings.multiplier <= _MULTIPLIER_MAX):
        refuse("multiplier", f"{settings.multiplier} is not from 1 to {_MULTIPLIER_MAX}")
    demand_percentage("max_drawdown", settings.max_drawdown)
    demand_whole("duration_s", settings.duration_s, 15, _DAY_S)
    demand_whole("candle_s", settings.candle_s, 60, _DAY_S)
