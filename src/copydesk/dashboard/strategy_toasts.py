"""What a person should hear at once about the bot that they look at; what was so before they came is not told."""

from collections.abc import Sequence

from nicegui import ui

from copydesk.client.strategies import BotPositionAnswer, BotTradeAnswer, StatusAnswer
from copydesk.dashboard.ladder import LEVEL_WARNS
from copydesk.dashboard.speech import Speech

STAYS_MS = 8_000
TOLD_MAX = 3
"""Toasts of trades at once; more have closed only while the tab was away."""


class Toasts:
    """State, closed trades and late levels, as they change from one look to the next."""

    def __init__(self, say: Speech) -> None:
        self._say = say
        self._status: tuple[str, str] | None = None
        self._trades: frozenset[str] = frozenset()
        self._levels: dict[str, int] = {}

    def tell(self, bot: StatusAnswer, held: Sequence[BotPositionAnswer], trades: Sequence[BotTradeAnswer]) -> None:
        is_first = self._status is None
        status, levels = (bot.status, bot.message), {one.symbol: one.current_level for one in held}
        if not is_first:
            if status != self._status:
                self._tell_status(bot)
            for one in [one for one in trades if one.trade_id not in self._trades][:TOLD_MAX]:
                self._tell_trade(one)
            for symbol, level in levels.items():
                if level >= LEVEL_WARNS and level > self._levels.get(symbol, 0):
                    _toast(self._say("strategies.level_reached", symbol=symbol, level=level), "warning")
        self._status, self._levels = status, levels
        self._trades = frozenset(one.trade_id for one in trades)

    def _tell_status(self, bot: StatusAnswer) -> None:
        told = self._say("strategies.is_now", name=bot.name, status=self._say.word("run_statuses", bot.status))
        _toast(f"{told} {bot.message}".strip(), "positive" if bot.status == "RUNNING" else "warning")

    def _tell_trade(self, one: BotTradeAnswer) -> None:
        profit = self._say.usd(one.profit, signed=True)
        direction = self._say.word("intentions", one.direction)
        told = self._say("strategies.trade_closed", symbol=one.symbol, direction=direction, profit=profit)
        _toast(told, "positive" if one.result == "WIN" else "negative")


def _toast(text: str, kind: str) -> None:
    ui.notify(text, type=kind, multi_line=True, timeout=STAYS_MS)  # type: ignore[arg-type]
