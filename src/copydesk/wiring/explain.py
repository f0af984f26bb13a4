"""Read one signal's story out of the store."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from copydesk.domain.execution import Execution, outcome
from copydesk.domain.ids import SignalId
from copydesk.domain.signal import Signal
from copydesk.settings import Settings
from copydesk.stores.store import Tables
from copydesk.wiring.admin import open_store


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One follower's execution, with the rule and the numbers that decided it."""

    execution: Execution
    account_name: str
    outcome: str
    rule: str
    numbers: Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """A signal and every execution it led to."""

    signal: Signal
    bot_name: str
    lines: Sequence[Line]


async def explain(settings: Settings, signal_id: str) -> Explanation | None:
    async with open_store(settings) as store:
        return await store.read(lambda tables: _explain(tables, SignalId(signal_id)))


def _explain(tables: Tables, signal_id: SignalId) -> Explanation | None:
    signal = tables.signals.get(signal_id)
    if signal is None:
        return None
    bot = tables.bots.get(signal.bot_id)
    lines = [_line(tables, one) for one in tables.executions.of_signal(signal_id)]
    return Explanation(signal=signal, bot_name=bot.name if bot else signal.bot_id, lines=lines)


def _line(tables: Tables, one: Execution) -> Line:
    account = tables.followers.account(one.account_id)
    numbers = one.plan.get("numbers")
    return Line(
        execution=one,
        account_name=account.name if account else one.account_id,
        outcome=outcome(one).value,
        rule=str(one.plan.get("rule", "")),
        numbers=numbers if isinstance(numbers, dict) else {},
    )
