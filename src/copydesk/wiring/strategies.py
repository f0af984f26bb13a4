"""Which strategies there are: ours by name, anybody's by the file that it is in."""

import importlib.util
import sys
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from copydesk.domain.bot import Bot
from copydesk.domain.errors import FieldError, InvalidInput
from copydesk.domain.subscription import Account
from copydesk.engine.desk import Desk
from copydesk.engine.runner.book import Purses
from copydesk.engine.runner.desk import StrategyDesk
from copydesk.engine.runner.shift import Tools
from copydesk.ports.clock import Clock
from copydesk.ports.market import Market
from copydesk.ports.strategy import Strategy
from copydesk.strategies.own import own_strategy
from copydesk.strategies.rsi import RsiStrategy
from copydesk.strategies.ruin import PAYOUT, demand_funded, ruin_card
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


class StrategyMakers:
    """By names that people may send: ours, and the files in one folder. Each file is read once; a change counts from the next start."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: dict[str, StrategyMaker] = {}

    def make(self, name: str, given: Mapping[str, Any]) -> Strategy:
        """Raises InvalidInput, naming the field."""
        if name not in self._known:
            own = self._folder / name
            if name not in OURS and not (own.suffix == ".py" and own.parent == self._folder and own.is_file()):
                problem = f"there is no {name}; there are {', '.join(self.names())}"
                raise InvalidInput(f"strategy: {problem}", (FieldError("strategy", problem),))
            self._known[name] = StrategyMaker(name if name in OURS else str(own))
        return self._known[name](given)

    def names(self) -> Sequence[str]:
        return [*OURS, *self._files()]

    def _files(self) -> Sequence[str]:
        return sorted(one.name for one in self._folder.glob("*.py")) if self._folder.is_dir() else ()


def strategy_desk(
    desk: Desk, clock: Clock, makers: StrategyMakers, market_of: Callable[[Bot, Account], Market]
) -> StrategyDesk:
    """Kept going by the desk, while its work is ours."""
    tools = Tools(
        store=desk.fenced,
        clock=clock,
        intake=desk.intake,
        purses=Purses(desk.fenced, desk.sessions, clock),
        make=makers.make,
        market_of=market_of,
        demand_startable=demand_startable,
    )
    bots = StrategyDesk(tools)
    desk.also(bots.run)
    return bots


def demand_startable(strategy: Strategy, balance: Decimal) -> None:
    """Raises InvalidInput for a ladder that the balance cannot pay to its end."""
    if isinstance(strategy, StreakStrategy):
        demand_funded(ruin_card(strategy.terms, balance=balance, payout=PAYOUT), strategy.terms)


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
