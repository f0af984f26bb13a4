"""What a bot tells those who watch it: the events of the live API, made of what has just been committed. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from msgspec import Struct

from copydesk.domain.bot import Bot
from copydesk.domain.candle import Candle
from copydesk.domain.position import Position
from copydesk.domain.signal import Direction
from copydesk.domain.strategy_bot import Contract, ContractStatus, Standing
from copydesk.engine.runner.figures import BotTrade, Figures, percent, trade_id
from copydesk.engine.runner.turn import Step
from copydesk.ports.live import BotEvent, RunStatus

_CENT = Decimal("0.01")

FLAT: Mapping[str, Any] = {
    "in_position": False,
    "direction": None,
    "entry_timestamp": None,
    "entry_streak_size": 0,
    "current_level": 0,
    "current_stake": 0,
    "total_loss": 0,
    "next_stake": 0,
}


class Account(Struct, frozen=True, kw_only=True):
    """How a bot's own book stands after something ended."""

    standing: Standing
    trade: BotTrade | None
    figures: Figures


class Voice:
    """One bot's events; each says whose it is."""

    def __init__(self, bot: Bot) -> None:
        self._bot = bot

    def status(self, status: RunStatus, message: str) -> BotEvent:
        return self._event("bot_status", status=status.value, message=message)

    def alert(self, level: str, message: str) -> BotEvent:
        """`level`: success, warning, error or info."""
        return self._event("system_alert", level=level, message=message)

    def settings_updated(self, settings: Mapping[str, Any]) -> BotEvent:
        return self._event("settings_updated", success=True, settings=settings)

    def step(self, symbol: str, step: Step, now: datetime) -> Iterator[BotEvent]:
        """Of a decision on a candle, or on the end of a contract that is not the end of its ladder."""
        numbers = step.decision.numbers
        if step.settled is None and step.occasion.startswith("candle:"):
            yield self._candle(symbol, step.candle)
            yield self._market(symbol, step.candle, numbers)
        if (trigger := numbers.get("trigger")) is not None:
            streak = int(numbers.get("streak_count") or 0)
            yield self._event(
                "trigger_detected", symbol=symbol, streak_count=streak, direction=trigger, timestamp=_time(now)
            )
            yield self.alert("warning", f"{symbol}: {step.decision.reason}")
        if step.contract is not None:
            yield from self._bought(step.contract, numbers)
        elif step.why_not is not None:
            yield self.alert("info", f"{symbol}: {step.decision.reason}; not followed: {step.why_not}")

    def ended(self, step: Step, account: Account) -> Iterator[BotEvent]:
        """Of the end of a ladder."""
        contract = step.settled
        if contract is None:
            return
        if account.trade is None:
            yield self.position(FLAT, contract.symbol)
            yield self.alert("warning", f"{contract.symbol}: contract {contract.number} was not placed")
            return
        yield from self.closed(account)
        if (stopped := step.decision.numbers.get("stopped")) is not None:
            yield self.alert("error", f"Stopped: {stopped}")
        elif step.decision.numbers.get("drawdown_alert"):
            yield self.alert("warning", f"Drawdown is {step.decision.numbers.get('drawdown_pct')} %")

    def closed(self, account: Account) -> Iterator[BotEvent]:
        """A trade, whether a ladder or a position, has come to its end."""
        trade = account.trade
        if trade is None:
            return
        yield self._event(
            "trade_closed",
            trade_id=trade.trade_id,
            symbol=trade.symbol,
            exit_time=_time(trade.exit_time),
            result=trade.result,
            profit=_money(trade.profit),
            final_level=trade.final_level,
            balance=_money(account.standing.balance),
        )
        yield self.position(FLAT, trade.symbol)
        yield self.balance(account.standing)
        yield self.risk(account.figures)
        won = trade.profit > 0
        yield self.alert(
            "success" if won else "error", f"{trade.symbol}: {trade.result} {_money(trade.profit):+.2f} USD"
        )

    def opened(self, symbol: str, position: Position) -> Iterator[BotEvent]:
        """A position, which has one level and no streak."""
        direction = "BUY" if position.direction is Direction.LONG else "SELL"
        stake = position.quantity * position.entry_price
        at = position.opened_at
        yield self._event(
            "trade_opened",
            trade_id=trade_id(self._bot.id, symbol, None, at),
            symbol=symbol,
            entry_time=_time(at),
            direction=direction,
            level=1,
            stake=_money(stake),
            entry_streak_size=0,
        )
        yield self.position(holding(position), symbol)

    def balance(self, standing: Standing) -> BotEvent:
        return self._event(
            "balance_update",
            balance=_money(standing.balance),
            peak=_money(standing.peak),
            drawdown_pct=float(drawdown_pct(standing)),
            timestamp=_time(standing.updated_at),
        )

    def risk(self, figures: Figures) -> BotEvent:
        return self._event(
            "risk_stats",
            total_trades=figures.total_trades,
            wins=figures.wins,
            losses=figures.losses,
            win_rate=float(figures.win_rate),
            roi=float(figures.roi),
        )

    def position(self, shown: Mapping[str, Any], symbol: str) -> BotEvent:
        return self._event("position_update", symbol=symbol, **shown)

    def _bought(self, contract: Contract, numbers: Mapping[str, Any]) -> Iterator[BotEvent]:
        if contract.level == 1:
            yield self._event(
                "trade_opened",
                trade_id=trade_id(contract.bot_id, contract.symbol, contract.ladder, contract.opened_at),
                symbol=contract.symbol,
                entry_time=_time(contract.opened_at),
                direction=contract.contract_right.value,
                level=contract.level,
                stake=_money(contract.stake),
                entry_streak_size=contract.entry_streak,
            )
        yield self.position(running(contract, numbers), contract.symbol)
        if contract.level > 1:
            yield self.alert("warning", f"Martingale Level {contract.level}")

    def _candle(self, symbol: str, candle: Candle) -> BotEvent:
        prices = {name: float(getattr(candle, name)) for name in ("open", "high", "low", "close")}
        return self._event(
            "new_candle", symbol=symbol, timestamp=_time(candle.opened_at), color=candle.colour.value, **prices
        )

    def _market(self, symbol: str, candle: Candle, numbers: Mapping[str, Any]) -> BotEvent:
        return self._event(
            "market_data",
            symbol=symbol,
            price=float(candle.close),
            streak_count=int(numbers.get("streak_count") or 0),
            streak_direction=numbers.get("streak_colour"),
        )

    def _event(self, name: str, **data: Any) -> BotEvent:
        whose = {"bot_id": self._bot.id}
        return BotEvent(bot_id=self._bot.id, owner_id=self._bot.owner_id, name=name, data=data | whose)


def drawdown_pct(standing: Standing) -> Decimal:
    """Of the highest balance seen."""
    if standing.peak is None or standing.balance is None:
        return Decimal(0)
    return percent(standing.peak - standing.balance, standing.peak)


def holding(position: Position) -> Mapping[str, Any]:
    """A position as `position_update` shows it."""
    return dict(FLAT) | {
        "in_position": True,
        "direction": "BUY" if position.direction is Direction.LONG else "SELL",
        "entry_timestamp": _time(position.opened_at),
        "current_level": 1,
        "current_stake": _money(position.quantity * position.entry_price),
    }


def running(contract: Contract, numbers: Mapping[str, Any]) -> Mapping[str, Any]:
    """A ladder as `position_update` shows it; `numbers` are those of its newest decision."""
    result = Decimal(str(numbers.get("ladder_result") or 0))
    return {
        "in_position": contract.status is ContractStatus.OPEN,
        "direction": contract.contract_right.value,
        "entry_timestamp": _time(contract.opened_at),
        "entry_streak_size": contract.entry_streak,
        "current_level": contract.level,
        "current_stake": _money(contract.stake),
        "total_loss": _money(max(-result, Decimal(0))),
        "next_stake": _money(Decimal(str(numbers.get("next_stake") or 0))),
    }


def events(steps: Sequence[Step], symbol: str, voice: Voice, now: datetime) -> list[BotEvent]:
    """Of all that is no ladder's end."""
    return [event for step in steps for event in voice.step(symbol, step, now)]


def _money(amount: Decimal | None) -> float:
    return float((amount or Decimal(0)).quantize(_CENT, ROUND_HALF_UP))


def _time(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
