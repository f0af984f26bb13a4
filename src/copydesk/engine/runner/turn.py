"""One turn of a strategy: what it is shown, what it decides, and all of that in one commit with the signal it becomes.

Nothing is decided twice: what a strategy remembers is written with the version it was read at, in the transaction that stores the
signal. Whoever is killed before it has decided nothing; whoever is killed after it has told everybody.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from msgspec import Struct
from msgspec.structs import replace

from copydesk.domain.bot import Bot, BotStatus
from copydesk.domain.candle import Candle
from copydesk.domain.errors import InvalidInput
from copydesk.domain.ids import new_id
from copydesk.domain.signal import Action, ContractTerms, Direction, Instruction, Size, SizeUnit, Stops
from copydesk.domain.strategy_bot import Analysis, Contract, ContractStatus, Memory
from copydesk.engine.intake import Acceptance, accept_within
from copydesk.engine.runner.book import Held
from copydesk.ports.store import Transaction
from copydesk.ports.strategy import (
    BuyContract,
    Close,
    ContractStrategy,
    Decision,
    Hold,
    Mode,
    Open,
    Outcome,
    Settlement,
    State,
    Strategy,
    View,
)
from copydesk.ports.strategy_table import Series

FRESH = timedelta(seconds=30)
"""What a candle says may be acted on for so long after its close."""

SETTLED_LATE = timedelta(minutes=5)
"""A ladder goes on for so long after its contract's end: the streak that it bet against is another one by then."""

_APART = timedelta(milliseconds=1)
"""So that what was decided at one moment is listed in its order."""

_KEY_TTL_S = 10 * 365 * 86_400
_OPENS = {Direction.LONG: Action.OPEN_LONG, Direction.SHORT: Action.OPEN_SHORT}


class Seat(Struct, frozen=True, kw_only=True):
    """A strategy at one symbol's table, as it stands now. `window` are the closed candles it may see, oldest first; `balance` is
    that of its book, less what is staked.
    """

    bot: Bot
    strategy: Strategy
    series: Series
    timeframe_s: int
    mode: Mode
    memory: Memory | None
    held: Held | None
    window: Sequence[Candle]
    balance: Decimal
    on_paper: bool
    now: datetime

    @property
    def symbol(self) -> str:
        return self.series.symbol


class Step(Struct, frozen=True, kw_only=True):
    """One decision; `occasion` is what it was made on, `why_not` why its intention is not followed."""

    occasion: str
    candle: Candle
    decision: Decision
    why_not: str | None = None
    signal: Acceptance | None = None
    contract: Contract | None = None
    settled: Contract | None = None


class Turn(Struct, frozen=True, kw_only=True):
    """Decisions in their order, and what the strategy remembers after the last one."""

    steps: tuple[Step, ...]
    state: State


def decide(seat: Seat, new: Sequence[Candle]) -> Turn:
    """Once for each of the `new` candles, the last of the window. Pure, but for what a strategy's own code does."""
    known = len(seat.window) - len(new)
    state = seat.strategy.begin(seat.window[:known]) if seat.memory is None else seat.memory.state
    steps: list[Step] = []
    for index, candle in enumerate(new, known):
        decision = seat.strategy.decide(_view(seat, index, state))
        step = Step(occasion=f"candle:{candle.start_ms}", candle=candle, decision=decision)
        why_not = _why_not(seat, decision, candle, is_last=index == len(seat.window) - 1)
        steps.append(replace(step, why_not=why_not))
        state = decision.state
        if why_not is not None and isinstance(decision.intention, BuyContract):
            steps.append(_taken_back(seat, index, state, decision.intention))
            state = steps[-1].decision.state
    return Turn(steps=tuple(steps), state=state)


def settle(seat: Seat, ended: Contract) -> Turn:
    """What a strategy makes of the end of its contract; `seat.balance` already knows it."""
    last = len(seat.window) - 1
    state = {} if seat.memory is None else seat.memory.state
    profit = ended.profit if ended.profit is not None else Decimal(0)
    told = Settlement(number=ended.number, outcome=Outcome(ended.status.value), profit=profit)
    if not isinstance(seat.strategy, ContractStrategy):
        raise InvalidInput(f"{seat.strategy.name} has a contract, but is told of none")
    decision = seat.strategy.settle(_view(seat, last, state), told)
    step = Step(occasion=f"contract:{ended.number}", candle=seat.window[last], decision=decision, settled=ended)
    over_at = ended.opened_at + timedelta(seconds=ended.duration_s)
    why_not = "too late: its contract ended while nobody looked" if seat.now - over_at > SETTLED_LATE else None
    why_not = None if isinstance(decision.intention, Hold) else why_not or _refused_now(seat, decision)
    steps = [replace(step, why_not=why_not)]
    if why_not is not None and isinstance(decision.intention, BuyContract):
        steps.append(_taken_back(seat, last, decision.state, decision.intention))
    return Turn(steps=tuple(steps), state=steps[-1].decision.state)


def write(tables: Transaction, seat: Seat, turn: Turn, new: Sequence[Candle]) -> Turn:
    """All of it in this transaction; as it was followed. Raise StaleWrite where another has taken this turn."""
    steps = tuple(_follow(tables, seat, step) for step in turn.steps)
    for index, step in enumerate(steps):
        if step.settled is not None:
            tables.strategies.put_contract(step.settled)
        if step.contract is not None:
            tables.strategies.put_contract(step.contract)
        tables.strategies.add_analysis(_analysis(seat, step, seat.now + index * _APART))
    before = seat.memory
    last_ms = new[-1].start_ms if new else seat.window[-1].start_ms
    tables.strategies.put_memory(
        Memory(
            bot_id=seat.bot.id,
            symbol=seat.symbol,
            last_start_ms=last_ms,
            state=turn.state,
            version=1 if before is None else before.version + 1,
            updated_at=seat.now,
        )
    )
    tables.strategies.add_candles(seat.series, seat.window if before is None else new)
    return Turn(steps=steps, state=turn.state)


def _view(seat: Seat, index: int, state: State) -> View:
    first = max(0, index + 1 - max(1, seat.strategy.history))
    return View(
        candles=seat.window[first : index + 1],
        state=state,
        balance=seat.balance,
        position=None if seat.held is None else seat.held.holding,
        mode=seat.mode,
    )


def _why_not(seat: Seat, decision: Decision, candle: Candle, *, is_last: bool) -> str | None:
    """None where the intention is followed."""
    if isinstance(decision.intention, Hold):
        return None
    closed_at = candle.opened_at + timedelta(seconds=seat.timeframe_s)
    if not is_last or seat.now - closed_at > FRESH:
        return "too late: its candle closed while nobody looked"
    return _refused_now(seat, decision)


def _refused_now(seat: Seat, decision: Decision) -> str | None:
    if seat.bot.status is not BotStatus.ACTIVE:
        return f"the bot is {seat.bot.status}"
    if isinstance(decision.intention, BuyContract):
        return None
    if seat.mode is Mode.PAUSED:
        return "paused: nothing leaves"
    if seat.held is None:
        return "the bot has no book of its own"
    return "an order of the bot's own book is under way" if seat.held.under_way else None


def _taken_back(seat: Seat, index: int, state: State, wish: BuyContract) -> Step:
    """A contract that is not bought is told as one that was not placed."""
    told = Settlement(number=wish.number, outcome=Outcome.NOT_PLACED, profit=Decimal(0))
    strategy = seat.strategy
    view = _view(seat, index, state)
    decision = strategy.settle(view, told) if isinstance(strategy, ContractStrategy) else view.hold("not placed")
    return Step(occasion=f"contract:{wish.number}", candle=seat.window[index], decision=decision)


def _follow(tables: Transaction, seat: Seat, step: Step) -> Step:
    wish = step.decision.intention
    if step.why_not is not None or isinstance(wish, Hold):
        return step
    contract = _contract(seat, step, wish) if isinstance(wish, BuyContract) else None
    if contract is not None and isinstance(wish, BuyContract) and wish.paper:
        return replace(step, contract=contract)
    try:
        signal = accept_within(tables, seat.bot.id, _instruction(seat, step, wish), seat.now)
    except InvalidInput as error:
        if contract is not None:
            raise
        return replace(step, why_not=error.message)
    if contract is not None:
        contract = replace(contract, signal_id=signal.signal_id)
    return replace(step, signal=signal, contract=contract)


def _contract(seat: Seat, step: Step, wish: BuyContract) -> Contract:
    """On paper it begins with the next candle, as in a backtest; else now."""
    paper = wish.paper or seat.on_paper
    closed_at = step.candle.opened_at + timedelta(seconds=seat.timeframe_s)
    numbers = step.decision.numbers
    return Contract(
        bot_id=seat.bot.id,
        symbol=seat.symbol,
        number=wish.number,
        ladder=int(numbers.get("ladder") or 0),
        level=wish.level,
        entry_streak=int(numbers.get("entry_streak") or 0),
        contract_right=wish.right,
        stake=wish.stake,
        duration_s=wish.duration_s,
        paper=paper,
        signal_id=None,
        status=ContractStatus.OPEN,
        opened_at=closed_at if paper else seat.now,
    )


def _instruction(seat: Seat, step: Step, wish: Open | Close | BuyContract) -> Instruction:
    decision = step.decision
    told = Instruction(
        ticker=seat.symbol,
        symbol=seat.symbol,
        action=Action.CLOSE,
        key=f"strategy:{seat.symbol}:{step.occasion}",
        key_ttl_s=_KEY_TTL_S,
        price=step.candle.close,
        payload={"strategy": seat.strategy.name, "reason": decision.reason, "numbers": dict(decision.numbers)},
    )
    if isinstance(wish, Close):
        return told
    if isinstance(wish, BuyContract):
        terms = ContractTerms(duration_s=wish.duration_s, stake=wish.stake, level=wish.level, number=wish.number)
        return replace(told, action=_OPENS[wish.right.direction], contract=terms)
    stops = Stops(stop_loss_pct=wish.stop_loss_pct or Decimal(0), take_profit_pct=wish.take_profit_pct or Decimal(0))
    size = None if wish.size_usd is None else Size(unit=SizeUnit.QUOTE, amount=wish.size_usd)
    return replace(told, action=_OPENS[wish.direction], stops=stops, size=size)


def _analysis(seat: Seat, step: Step, at: datetime) -> Analysis:
    wish = step.decision.intention
    return Analysis(
        id=new_id(at),
        bot_id=seat.bot.id,
        symbol=seat.symbol,
        occasion=step.occasion,
        candle_at=step.candle.opened_at,
        price=step.candle.close,
        intention=_word(wish),
        reason=step.decision.reason,
        numbers=step.decision.numbers,
        followed=step.why_not is None and not isinstance(wish, Hold),
        why_not=step.why_not,
        signal_id=None if step.signal is None else step.signal.signal_id,
        created_at=seat.now,
    )


OPENS = frozenset({"BUY", "SELL"})
"""What `_word` calls the openings of a position."""


def _word(wish: Hold | Open | Close | BuyContract) -> str:
    """As people call it."""
    match wish:
        case Hold():
            return "HOLD"
        case Close():
            return "CLOSE"
        case Open():
            return "BUY" if wish.direction is Direction.LONG else "SELL"
        case BuyContract():
            return wish.right.value
