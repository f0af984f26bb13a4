"""Plan again what was planned before, by today's rules, out of what the stored plan says it saw. Pure."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from msgspec import Struct
from msgspec.structs import replace

from copydesk.domain.bot import Bot, MarketType, PayloadSize
from copydesk.domain.contracts import is_contract
from copydesk.domain.execution import Execution
from copydesk.domain.following import TerminalPlans, follow
from copydesk.domain.guards import Exposure, Refusal
from copydesk.domain.ids import SubscriptionId
from copydesk.domain.instrument import Instrument, plain
from copydesk.domain.planning import Copy, Follower, Quote, plan_copy
from copydesk.domain.position import Position, unfilled
from copydesk.domain.signal import LegKind, Signal, Size, SizeUnit, Step
from copydesk.domain.subscription import Account, KeyCheck, Subscription, SubscriptionStatus

_MUCH = Decimal(10) ** 30
_ONE = Decimal(1)
_OPENINGS = frozenset(
    {"opposite_position", "close_only", "one_subscription_per_symbol", "max_daily_loss_usd", "max_concurrent_positions"}
)
"""Refusals of openings that no price decides."""

_ANY = frozenset({"subscription_paused", "account_inactive", "key_refused", "no_position"})

_SIZED = frozenset({"margin_usd", "leverage", "last_price", "quantity_step", "price_tick", "notional_min"})


class Replayed(Struct, frozen=True, kw_only=True):
    """`differences` by name: then, and now. `left_out` says why it cannot be planned again; then there are none."""

    execution: Execution
    differences: Mapping[str, tuple[str, str]]
    left_out: str | None = None


def replay(execution: Execution, signal: Signal, follower: Follower, *, is_terminal: bool) -> Replayed:
    """`follower` is who it was; what they had and wanted then is taken from the stored plan."""
    known = _known(execution)
    if execution.kind not in {LegKind.OPEN, LegKind.CLOSE} or not known.rule:
        return Replayed(execution=execution, differences={}, left_out="it was not planned from a signal's step")
    if is_contract(execution):
        return Replayed(execution=execution, differences={}, left_out="a contract: its venue proposes the terms")
    then = _then(execution, follower, known)
    if then is None:
        return Replayed(execution=execution, differences={}, left_out=f"not decided by planning: {known.rule}")
    step = Step(leg=execution.kind, direction=execution.direction, fraction=execution.fraction)
    if is_terminal:
        now = TerminalPlans(follow(signal)).plan(step, then, None)
    else:
        now = plan_copy(step, then, _quote(execution, known, then.bot), known.size)
    return Replayed(execution=execution, differences=_differences(execution, known, now))


class _Known(Struct, frozen=True, kw_only=True):
    """What the stored plan says: its rule, and every number it saw or made."""

    rule: str
    said: Mapping[str, str]
    refused: bool

    def decimal(self, name: str, default: Decimal = Decimal(0)) -> Decimal:
        return Decimal(self.said[name]) if name in self.said else default

    @property
    def size(self) -> Size | None:
        if "alert_size" not in self.said:
            return None
        amount, unit = self.said["alert_size"].split()
        return Size(unit=SizeUnit(unit), amount=Decimal(amount))


def _known(execution: Execution) -> _Known:
    inputs, numbers = execution.plan.get("inputs"), execution.plan.get("numbers")
    said = {
        str(name): str(value) for part in (inputs, numbers) if isinstance(part, dict) for name, value in part.items()
    }
    refused = execution.reason is not None and execution.requested_quantity is None
    return _Known(rule=str(execution.plan.get("rule", "")), said=said, refused=refused)


def _then(execution: Execution, who: Follower, known: _Known) -> Follower | None:
    """The follower as they were; None where something else than planning had decided."""
    if known.refused and not _planning_decided(known):
        return None
    return Follower(
        bot=_bot(who.bot, known),
        subscription=_subscription(who.subscription, known),
        account=_account(who.account, known, execution),
        position=_position(execution, known),
        exposure=_exposure(known),
    )


def _planning_decided(known: _Known) -> bool:
    by_price = known.rule in {"quantity_min", "quantity_max", "notional_min"} and known.said.keys() >= _SIZED
    return known.rule in _OPENINGS | _ANY | {"no_stops", "market_type", "quantity_step"} or by_price


def _bot(bot: Bot, known: _Known) -> Bot:
    """What counted stands in the plan, whoever it came from: as the bot's it counts again."""
    return replace(
        bot,
        payload_size=PayloadSize.IGNORE if known.size is None else PayloadSize.USE,
        default_leverage=int(known.said.get("leverage", bot.default_leverage)),
        default_margin_usd=known.decimal("margin_usd", bot.default_margin_usd),
        default_stop_loss_pct=known.decimal("stop_loss_pct", known.decimal("terminal_stop_loss_pct")),
        default_take_profit_pct=known.decimal("take_profit_pct", known.decimal("terminal_take_profit_pct")),
    )


def _subscription(one: Subscription, known: _Known) -> Subscription:
    status = {
        "subscription_paused": SubscriptionStatus.PAUSED,
        "close_only": SubscriptionStatus.CLOSE_ONLY,
    }.get(known.rule, SubscriptionStatus.ACTIVE)
    limits = known.rule if known.rule in {"max_daily_loss_usd", "max_concurrent_positions"} else ""
    return replace(
        one,
        status=status,
        custom_leverage=None,
        custom_margin_usd=None,
        custom_stop_loss_pct=None,
        custom_take_profit_pct=None,
        max_daily_loss_usd=known.decimal(limits) if limits == "max_daily_loss_usd" else None,
        max_concurrent_positions=int(known.said[limits]) if limits == "max_concurrent_positions" else None,
    )


def _account(one: Account, known: _Known, execution: Execution) -> Account:
    problem = (execution.reason or "").removeprefix("The account's key is refused: ")
    refused = known.rule == "key_refused"
    return replace(
        one,
        is_active=known.rule != "account_inactive",
        key_check=KeyCheck.REFUSED if refused else KeyCheck.ACCEPTED,
        key_problem=problem if refused else None,
    )


def _exposure(known: _Known) -> Exposure:
    taken = known.said.get("subscription_id") if known.rule == "one_subscription_per_symbol" else None
    return Exposure(
        slots_used=int(known.said.get("current_positions", 0)),
        loss_today_usd=known.decimal("loss_today_usd"),
        symbol_taken_by=None if taken is None else SubscriptionId(taken),
        day_has_ended=known.rule == "max_daily_loss_usd",
    )


def _position(execution: Execution, known: _Known) -> Position | None:
    at: datetime = execution.created_at
    if known.rule == "opposite_position":
        quantity = known.decimal("quantity", known.decimal("lots"))
        return replace(unfilled(execution.direction.opposite, at), quantity=quantity)
    if execution.kind is not LegKind.CLOSE or known.rule == "no_position":
        return None
    held = known.decimal("held", known.decimal("held_lots"))
    return replace(unfilled(execution.direction, at), quantity=held, entry_price=known.decimal("entry_price"))


def _quote(execution: Execution, known: _Known, bot: Bot) -> Quote | None:
    """Steps that the plan did not tell did not decide it."""
    if execution.kind is LegKind.CLOSE and "quantity_step" not in known.said:
        return None
    step = known.decimal("quantity_step", _ONE)
    instrument = Instrument(
        symbol=execution.symbol,
        base="",
        quote="",
        price_tick=known.decimal("price_tick", _ONE),
        quantity_step=step,
        quantity_min=known.decimal("quantity_min", step),
        quantity_max=known.decimal("quantity_max", _MUCH),
        notional_min=known.decimal("notional_min"),
    )
    traded = frozenset[MarketType]() if known.rule == "market_type" else frozenset({bot.market_type})
    return Quote(
        instrument=instrument,
        last_price=known.decimal("last_price", _ONE),
        markets=traded,
        has_stops=known.rule != "no_stops",
    )


def _differences(execution: Execution, known: _Known, now: Copy | Refusal) -> Mapping[str, tuple[str, str]]:
    if isinstance(now, Refusal):
        wanted = {"decision": "refused", "rule": now.rule, "reason": now.reason}
    else:
        wanted = {
            "decision": "copied",
            "rule": now.rule,
            "side": now.side.value,
            "quantity": plain(now.quantity),
        }
    was = {"decision": "refused" if known.refused else "copied", "rule": known.rule, "reason": execution.reason or ""}
    quantity = execution.requested_quantity
    was |= {"side": execution.side.value, "quantity": "" if quantity is None else plain(quantity)}
    return {name: (was[name], value) for name, value in wanted.items() if was[name] != value}
