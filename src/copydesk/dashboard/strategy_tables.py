"""Tables of a strategy bot: the newest decision on each symbol with its reason, and the closed trades."""

from collections.abc import Sequence

from copydesk.client.strategies import AnalysisAnswer, BotTradeAnswer
from copydesk.dashboard.page import Tab
from copydesk.dashboard.parts import empty, utc
from copydesk.dashboard.speech import Speech
from copydesk.dashboard.table import Column, Kind, Row, Table
from copydesk.dashboard.telling import tone_of


class Decisions:
    def __init__(self, tab: Tab) -> None:
        say = self._say = tab.say
        columns = (
            Column(field="symbol", title=say("strategies.symbol"), width=120),
            Column(field="intention", title=say("strategies.decision"), width=110, tone="tone"),
            Column(field="reason", title=say("strategies.reason"), width=180, grows=True),
            Column(field="price", title=say("strategies.price"), kind=Kind.NUMBER, width=120, wide_only=True),
            Column(field="at", title=say("strategies.candle_of"), kind=Kind.TIME, width=150, wide_only=True),
        )
        nothing = say("strategies.no_decisions")
        self._table = Table(
            tab, columns, title=say("strategies.decisions"), empty=lambda: empty(nothing, icon="psychology")
        )

    def show(self, found: Sequence[AnalysisAnswer]) -> None:
        self._table.show([self._row(one) for one in found])

    def _row(self, one: AnalysisAnswer) -> Row:
        why_not = "" if one.why_not is None else self._say("strategies.not_followed", why=one.why_not)
        return {
            "id": one.symbol,
            "symbol": one.symbol,
            "intention": self._say.word("intentions", one.intention),
            "tone": _tone(one.intention),
            "reason": f"{one.reason}{why_not}",
            "price": str(one.price),
            "at": utc(one.candle_at),
        }


class Trades:
    def __init__(self, tab: Tab) -> None:
        self._say = tab.say
        nothing = tab.say("strategies.no_trades")
        self._table = Table(
            tab,
            _trade_columns(tab.say),
            title=tab.say("strategies.closed_trades"),
            empty=lambda: empty(nothing, icon="receipt_long"),
            newest="closed",
        )

    def show(self, found: Sequence[BotTradeAnswer]) -> None:
        self._table.show([self._row(one) for one in found])

    def _row(self, one: BotTradeAnswer) -> Row:
        return {
            "id": one.trade_id,
            "closed": utc(one.exit_time),
            "symbol": one.symbol,
            "direction": self._say.word("intentions", one.direction),
            "entry": None if one.entry_price is None else str(one.entry_price),
            "exit": None if one.exit_price is None else str(one.exit_price),
            "stake": str(one.stake),
            "level": one.final_level or None,
            "profit": str(one.profit),
            "tone": tone_of(one.profit),
            "on": self._say("strategies.on_paper" if one.paper else "strategies.on_book"),
        }


def _trade_columns(say: Speech) -> tuple[Column, ...]:
    number, usd = Kind.NUMBER, "USD"
    return (
        Column(field="closed", title=say("strategies.closed"), kind=Kind.TIME, width=150),
        Column(field="symbol", title=say("strategies.symbol"), width=110, grows=True),
        Column(field="direction", title=say("strategies.direction"), width=100),
        Column(field="entry", title=say("strategies.entry_price"), kind=number, width=120, wide_only=True),
        Column(field="exit", title=say("strategies.exit_price"), kind=number, width=120, wide_only=True),
        Column(
            field="stake", title=say("strategies.stake"), unit=usd, kind=number, width=120, digits=2, wide_only=True
        ),
        Column(field="level", title=say("strategies.level"), kind=number, width=90, wide_only=True),
        Column(field="profit", title=say("strategies.profit"), unit=usd, kind=number, width=130, digits=2, tone="tone"),
        Column(field="on", title=say("strategies.where"), width=110, wide_only=True),
    )


def _tone(intention: str) -> str:
    return {"BUY": "up", "CALL": "up", "SELL": "down", "PUT": "down", "CLOSE": "warn"}.get(intention, "")
