"""A strategy in somebody's own file: a function `decide(view)` is enough, the rest is taken as it comes.

What a file may hold:

- ``decide(view)`` or ``decide(view, settings)``, which answers with what ``view.open_long``, ``open_short``, ``close`` or
  ``hold`` make (or a ``Decision`` of its own). The only one that must be there.
- ``HISTORY``, how many closed candles ``view.candles`` holds (1 unless told otherwise).
- ``SETTINGS``, names and defaults, for ``--set`` and ``--sweep``.
- ``settle(view, settlement)``, for one that buys contracts; ``signals(columns)``, for compiled sweeps. Both take ``settings``
  as a last argument where they have one.
"""

import inspect
import json
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from copydesk.domain.candle import Candle
from copydesk.domain.errors import InvalidInput
from copydesk.ports.strategy import Columns, Decision, Settlement, Signals, State, View
from copydesk.strategies.settings import refuse

HISTORY_MAX = 100_000

_KINDS = (bool, int, float, Decimal, str)


class OwnStrategy:
    """One that decides by candles; state, if it keeps one, goes from each view into its decision."""

    def __init__(self, name: str, file: Mapping[str, Any], settings: Mapping[str, Any]) -> None:
        self.name = name
        self.history = _history(name, file)
        self.settings = settings
        self._decide = _function(name, file, "decide", 1)

    def begin(self, _candles: Sequence[Candle]) -> State:
        return {}

    def decide(self, view: View) -> Decision:
        return _checked(self.name, "decide", self._ask(self._decide, view))

    def _ask(self, function: Callable[..., Any], *about: Any) -> Any:
        takes = len(inspect.signature(function).parameters)
        return function(*about, self.settings) if takes > len(about) else function(*about)


class OwnContractStrategy(OwnStrategy):
    """One that is told what became of its contracts."""

    def __init__(self, name: str, file: Mapping[str, Any], settings: Mapping[str, Any]) -> None:
        super().__init__(name, file, settings)
        self._settle = _function(name, file, "settle", 2)

    def settle(self, view: View, settlement: Settlement) -> Decision:
        return _checked(self.name, "settle", self._ask(self._settle, view, settlement))


class OwnSweepStrategy(OwnStrategy):
    """One that can tell all its wishes at once."""

    def __init__(self, name: str, file: Mapping[str, Any], settings: Mapping[str, Any]) -> None:
        super().__init__(name, file, settings)
        self._signals = _function(name, file, "signals", 1)

    def signals(self, columns: Columns) -> Signals:
        found = self._ask(self._signals, columns)
        if not isinstance(found, Signals) or len(found.wishes) != len(columns.open):
            raise InvalidInput(f"{self.name}: signals(columns) must answer with Signals as long as the columns")
        return found


def own_strategy(name: str, file: Mapping[str, Any], given: Mapping[str, Any]) -> OwnStrategy:
    """From what the file defines. Raises InvalidInput, which names the file and what is missing or wrong in it."""
    settings = _settings(name, file, given)
    if "settle" in file:
        return OwnContractStrategy(name, file, settings)
    if "signals" in file:
        return OwnSweepStrategy(name, file, settings)
    return OwnStrategy(name, file, settings)


def _function(name: str, file: Mapping[str, Any], wanted: str, about: int) -> Callable[..., Any]:
    found = file.get(wanted)
    if not callable(found):
        raise InvalidInput(f"{name}: there is no function {wanted}; write one: def {wanted}({_ABOUT[wanted]}): …")
    takes = len(inspect.signature(found).parameters)
    if takes not in (about, about + 1):
        raise InvalidInput(
            f"{name}: {wanted} takes {takes} arguments; wanted is {wanted}({_ABOUT[wanted]}[, settings])"
        )
    function: Callable[..., Any] = found
    return function


_ABOUT = {"decide": "view", "settle": "view, settlement", "signals": "columns"}


def _history(name: str, file: Mapping[str, Any]) -> int:
    history = file.get("HISTORY", 1)
    if not isinstance(history, int) or isinstance(history, bool) or not 1 <= history <= HISTORY_MAX:
        raise InvalidInput(f"{name}: HISTORY is {history!r}; wanted is a whole number of candles, 1 to {HISTORY_MAX}")
    return history


def _settings(name: str, file: Mapping[str, Any], given: Mapping[str, Any]) -> Mapping[str, Any]:
    defaults = file.get("SETTINGS", {})
    if not isinstance(defaults, Mapping) or not all(isinstance(value, _KINDS) for value in defaults.values()):
        raise InvalidInput(f"{name}: SETTINGS must be names with a number, a text or True or False each")
    for one in given:
        if one not in defaults:
            refuse(one, f"{name} has no such setting; it has {', '.join(defaults) or 'none'}")
    return {one: _read(one, default, given.get(one, default)) for one, default in defaults.items()}


def _read(name: str, default: Any, value: Any) -> Any:
    """As the default is: text that is given becomes what the default is."""
    try:
        if isinstance(default, bool) and isinstance(value, str):
            return {"yes": True, "on": True, "true": True, "no": False, "off": False, "false": False}[value.lower()]
        return type(default)(value)
    except (ValueError, KeyError, InvalidOperation):
        refuse(name, f"{value!r} is not like its default, {default!r}")


def _checked(name: str, function: str, found: Any) -> Decision:
    if not isinstance(found, Decision):
        raise InvalidInput(
            f"{name}: {function} answered with {type(found).__name__}; wanted is what view.open_long, view.open_short, "
            "view.close or view.hold make"
        )
    try:
        json.dumps(found.state)
    except (TypeError, ValueError) as error:
        raise InvalidInput(f"{name}: the state cannot be kept, it must be as JSON: {error}") from None
    return found
