"""Which strategies there are: ours by name, anybody's by the file that it is in."""

import importlib.util
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from copydesk.domain.errors import InvalidInput
from copydesk.ports.strategy import Strategy
from copydesk.strategies.own import own_strategy
from copydesk.strategies.rsi import RsiStrategy
from copydesk.strategies.streak import StreakStrategy

OURS: Mapping[str, Callable[[Mapping[str, Any]], Strategy]] = {
    "rsi": RsiStrategy.configured,
    "streak": StreakStrategy.configured,
}


class StrategyMaker:
    """Makes one strategy with different settings; its file is read once. A file is a program: run only what you trust."""

    def __init__(self, name: str) -> None:
        """Raises InvalidInput where there is no such strategy, or its file does not load."""
        self._name = name
        self._file = None if name in OURS else _load(name)

    def __call__(self, given: Mapping[str, Any]) -> Strategy:
        """Raises InvalidInput, naming the setting."""
        if self._file is None:
            return OURS[self._name](given)
        return own_strategy(Path(self._name).name, self._file, given)


def _load(name: str) -> Mapping[str, Any]:
    path = Path(name)
    if path.suffix != ".py":
        raise InvalidInput(f"there is no strategy {name}; there are {', '.join(OURS)}, or a file of yours: ./{name}.py")
    if not path.is_file():
        raise InvalidInput(f"{name}: there is no such file")
    spec = importlib.util.spec_from_file_location(f"copydesk_own_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise InvalidInput(f"{name}: this file cannot be loaded as Python")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # as dataclasses and the like in it expect
    try:
        spec.loader.exec_module(module)
    except (SyntaxError, ImportError, OSError) as error:
        raise InvalidInput(f"{name}: {error}") from None
    return vars(module)
