"""What signals that have passed would have done for a follower: planned one after the other by the planning that copies. Pure.

Results are estimates. Nobody knows here what happened between two signals, nor what an order would have paid in fees and slippage.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace

from copydesk.domain.bot import Bot, as_signalled
from copydesk.domain.contracts import ContractPlans
from copydesk.domain.following import TerminalPlans, follow
from copydesk.domain.guards import Exposure, Refusal
from copydesk.domain.instrument import plain
from copydesk.domain.planning import Copy, Follower, Quote, amount_of, plan_copy, trigger_price
from copydesk.domain.position import Position, increase, reduce, unfilled
from copydesk.domain.signal import Direction, LegKind, Side, Signal, Size, SizeUnit, Step
from copydesk.domain.subscription import Account, EffectiveSettings, Subscription, effective_settings

NOTHING = Decimal(0)


class PriceFrom(StrEnum):
    """Who told the price at a signal's time: the alert itself, the desk's own orders on it, or nobody (it is today's)."""

    ALERT = "alert"
    DESK = "desk"
    NOW = "now"


class Seen(Struct, frozen=True, kw_only=True):
    """A price at one moment."""

    price: Decimal
    told_by: PriceFrom

    @property
    def is_known(self) -> bool:
        """Whether it is that moment's, and not today's."""
        return self.told_by is not PriceFrom.NOW


class Past(Struct, frozen=True, kw_only=True):
    """A signal, and the price that the desk's own orders on it had where there were any."""

    signal: Signal
    desk_price: Decimal | None = None


class Stage(Struct, frozen=True, kw_only=True):
    """Who would have followed, and what the markets of today say; a symbol that is not among them is not traded there.

    `available_usd`: what a percentage in an alert is of; None where the venue did not tell.
    """

    bot: Bot
    subscription: Subscription
    account: Account
    quotes: Mapping[str, Quote]
    is_terminal: bool = False
    is_contracts: bool = False
    available_usd: Decimal | None = None


class Line(Struct, frozen=True, kw_only=True):
    """One thing that would have been done, or why not. `result_usd` is what it would have brought; None is not known.

    A stop's or target's line stands at the first signal whose price was beyond it.
    """

    signal: Signal
    leg: LegKind | None
    plan: Copy | Refusal
    seen: Seen | None = None
    result_usd: Decimal | None = None


class Held(Struct, frozen=True, kw_only=True):
    """What would be held at the end; `result_usd` at today's price, where its entry's price is known."""

    symbol: str
    position: Position
    result_usd: Decimal | None = None


class Rehearsal(Struct, frozen=True, kw_only=True):
    """In the order of the signals."""

    lines: Sequence[Line]
    held: Sequence[Held]


class _Open(Struct, frozen=True, kw_only=True):
    """A position, whether the prices it was opened at were those of their time, and what counted when it was opened.

    A contract ends by itself.
    """

    position: Position
    is_priced: bool
    settings: EffectiveSettings
    ends_at: datetime | None = None


def rehearse(pasts: Sequence[Past], stage: Stage) -> Rehearsal:
    """Oldest signal first. It begins flat, as whoever subscribes does."""
    return _Walk(stage).through(pasts)


class _Walk:
    """The follower's way through the signals: what is held, and what each day brought so far."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._open: dict[str, _Open] = {}
        self._days: dict[date, Decimal] = {}
        self._lines: list[Line] = []

    def through(self, pasts: Sequence[Past]) -> Rehearsal:
        for past in pasts:
            self._take(past)
        held = [self._held(place, one) for place, one in self._open.items()]
        return Rehearsal(lines=self._lines, held=held)

    def _take(self, past: Past) -> None:
        quote = self._stage.quotes.get(past.signal.symbol)
        seen = _seen(past, quote)
        signal = follow(past.signal) if self._stage.is_terminal else past.signal
        self._end_contracts(signal.received_at)
        if seen is not None and seen.is_known:
            self._trigger(signal, seen)
        if not signal.steps:
            nothing = Refusal(reason=signal.note or "Nothing to do", rule="no_change")
            self._lines.append(Line(signal=signal, leg=None, plan=nothing, seen=seen))
        for step in signal.steps:
            plan = self._plan(signal, step, None if quote is None or seen is None else _at(quote, seen))
            result = self._book(signal, plan, seen) if isinstance(plan, Copy) else None
            self._lines.append(Line(signal=signal, leg=step.leg, plan=plan, seen=seen, result_usd=result))

    def _plan(self, signal: Signal, step: Step, quote: Quote | None) -> Copy | Refusal:
        held = self._open.get(signal.symbol)
        follower = Follower(
            bot=as_signalled(self._stage.bot, signal),
            subscription=self._stage.subscription,
            account=self._stage.account,
            position=None if held is None else held.position,
            exposure=Exposure(
                slots_used=len(self._open.keys() - {signal.symbol}),
                loss_today_usd=max(-self._days.get(signal.received_at.date(), NOTHING), NOTHING),
            ),
        )
        size = self._own_amount(signal.size)
        if self._stage.is_terminal:
            return TerminalPlans(signal).plan(step, follower, size)
        if self._stage.is_contracts:
            return ContractPlans(signal, quote).plan(step, follower, size)
        return plan_copy(step, follower, quote, size)

    def _own_amount(self, size: Size | None) -> Size | None:
        if size is None or size.unit is not SizeUnit.PERCENT or self._stage.available_usd is None:
            return size
        return amount_of(size, self._stage.available_usd)

    def _book(self, signal: Signal, copy: Copy, seen: Seen | None) -> Decimal | None:
        if copy.leg is LegKind.OPEN:
            self._book_opening(signal, copy, seen)
            return None
        return None if copy.leg is LegKind.MODIFY else self._book_closing(signal, copy, seen)

    def _book_opening(self, signal: Signal, copy: Copy, seen: Seen | None) -> None:
        before = self._open.get(signal.symbol)
        settings = effective_settings(as_signalled(self._stage.bot, signal), self._stage.subscription)
        if self._stage.is_contracts:
            stake = replace(unfilled(copy.direction, signal.received_at), quantity=copy.quantity)
            ends_at = signal.received_at + timedelta(seconds=int(copy.inputs["duration_s"]))
            self._open[signal.symbol] = _Open(position=stake, is_priced=False, settings=settings, ends_at=ends_at)
            return
        if self._stage.is_terminal or seen is None:
            # Lots are worked out beside the terminal: what is held is known, what it is worth is not.
            position = unfilled(copy.direction, signal.received_at)
            self._open[signal.symbol] = _Open(position=position, is_priced=False, settings=settings)
            return
        position = increase(
            None if before is None else before.position,
            direction=copy.direction,
            quantity=copy.quantity,
            price=seen.price,
            fee_usd=NOTHING,
            at=signal.received_at,
        )
        is_priced = seen.is_known and (before is None or before.is_priced)
        self._open[signal.symbol] = _Open(position=position, is_priced=is_priced, settings=settings)

    def _book_closing(self, signal: Signal, copy: Copy, seen: Seen | None) -> Decimal | None:
        held = self._open.pop(signal.symbol)
        if held.position.quantity == 0:
            if copy.inputs.get("fraction", "1") != "1":
                self._open[signal.symbol] = held
            return None
        price = held.position.entry_price if seen is None else seen.price
        made = reduce(held.position, quantity=copy.quantity, price=price, fee_usd=NOTHING, at=signal.received_at)
        if made.position is not None:
            self._open[signal.symbol] = replace(held, position=made.position)
        if not (held.is_priced and seen is not None and seen.is_known):
            return None
        day = signal.received_at.date()
        self._days[day] = self._days.get(day, NOTHING) + made.gross_usd
        return made.gross_usd

    def _end_contracts(self, at: datetime) -> None:
        """What each brought nobody knows here: its payout was agreed on when it was bought."""
        self._open = {place: one for place, one in self._open.items() if one.ends_at is None or one.ends_at > at}

    def _trigger(self, signal: Signal, seen: Seen) -> None:
        """A stop or target that this price is beyond was hit before; it is taken at its own level."""
        held, quote = self._open.get(signal.symbol), self._stage.quotes.get(signal.symbol)
        if held is None or not held.is_priced or quote is None:
            return
        hit = _hit(held, quote, seen.price)
        if hit is None:
            return
        kind, level = hit
        word = "stop loss" if kind is LegKind.STOP_LOSS else "take profit"
        copy = Copy(
            leg=kind,
            side=Side.closing(held.position.direction),
            direction=held.position.direction,
            quantity=held.position.quantity,
            rule=f"the {word} at {plain(level)}: the price of this signal is beyond it",
            inputs={"entry_price": plain(held.position.entry_price)},
            numbers={"trigger_price": plain(level), "price": plain(seen.price)},
        )
        at_level = Seen(price=level, told_by=seen.told_by)
        result = self._book_closing(signal, copy, at_level)
        self._lines.append(Line(signal=signal, leg=kind, plan=copy, seen=at_level, result_usd=result))

    def _held(self, place: str, one: _Open) -> Held:
        quote, position = self._stage.quotes.get(place), one.position
        if quote is None or not one.is_priced:
            return Held(symbol=place, position=position)
        sign = 1 if position.direction is Direction.LONG else -1
        result = sign * (quote.last_price - position.entry_price) * position.quantity
        return Held(symbol=place, position=position, result_usd=result)


def _seen(past: Past, quote: Quote | None) -> Seen | None:
    if past.signal.price is not None and past.signal.price > 0:
        return Seen(price=past.signal.price, told_by=PriceFrom.ALERT)
    if past.desk_price is not None and past.desk_price > 0:
        return Seen(price=past.desk_price, told_by=PriceFrom.DESK)
    return None if quote is None else Seen(price=quote.last_price, told_by=PriceFrom.NOW)


def _at(quote: Quote, seen: Seen) -> Quote:
    return replace(quote, last_price=seen.price)


def _hit(one: _Open, quote: Quote, price: Decimal) -> tuple[LegKind, Decimal] | None:
    held, tick = one.position, quote.instrument.price_tick
    is_long = held.direction is Direction.LONG
    counts = {LegKind.STOP_LOSS: one.settings.stop_loss_pct, LegKind.TAKE_PROFIT: one.settings.take_profit_pct}
    for kind, percent in counts.items():
        level = trigger_price(kind, held.entry_price, held.direction, percent, tick)
        falls_to = is_long == (kind is LegKind.STOP_LOSS)
        if percent > 0 and (price <= level if falls_to else price >= level):
            return kind, level
    return None
