"""What the hub tells the process that plays a backtest, and what that tells back: a line of JSON each."""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from copydesk.domain.bot import Bot
from copydesk.domain.subscription import Account
from copydesk.engine.backtest.terms import Terms
from copydesk.ports.strategy_table import Series
from copydesk.web.backtesting import CandlesFrom, Outcome


class Job(Struct, frozen=True, kw_only=True):
    """`strategy` is one of ours or the path of a file; `report` where the page goes; `parent` the process that asks."""

    settings: Mapping[str, Any]
    strategy: str
    given: Mapping[str, Any]
    terms: Terms
    bot: Bot
    account: Account
    series: Series
    candles_from: CandlesFrom
    candles: int
    report: str
    parent: int


class Told(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How far it is (0 to 1), why it cannot be, or what came of it."""

    progress: float | None = None
    problem: str | None = None
    outcome: Outcome | None = None
