"""Rise/fall contracts in the place of positions: what a follower stakes on a signal, and how a contract is closed. Pure.

A contract is held as a position of its stake; its loss is the stake at most, so that leverage and stops mean nothing.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal

from copydesk.domain.bot import MarketType
from copydesk.domain.execution import Execution
from copydesk.domain.guards import Refusal, refuse_account, refuse_open
from copydesk.domain.instrument import plain, round_down
from copydesk.domain.life import AT_VENUE
from copydesk.domain.planning import Copy, Follower, Quote, counts_for
from copydesk.domain.signal import LegKind, Right, Side, Signal, Size, SizeUnit, Step
from copydesk.domain.subscription import SubscriptionStatus

CONTRACT_ID = "contract_id"
ENDS_AT = "ends_at"
PAYOUT = "payout"
RIGHT = "right"
ONLY_WAIT = "only_wait"
"""In the plan of a close that the contract's own end calls for: nothing is sold, it is only asked what it brought."""

ENDED = "contract_ended"
"""The rule of the desk's own close of a contract that has come to its end."""


class ContractPlans:
    """As planning.Plans, for accounts that buy contracts; one contract an account and symbol at a time."""

    def __init__(self, signal: Signal, quote: Quote | None) -> None:
        self._signal = signal
        self._quote = quote

    def plan(self, step: Step, follower: Follower, size: Size | None = None) -> Copy | Refusal:
        if follower.subscription.status is SubscriptionStatus.PAUSED:
            return Refusal(reason="The subscription is paused", rule="subscription_paused")
        refused = refuse_account(follower.account)
        if refused is not None:
            return refused
        if step.leg is LegKind.CLOSE:
            return _plan_close(step, follower)
        return refuse_open(follower.subscription, follower.exposure) or self._open(step, follower, size)

    def _open(self, step: Step, follower: Follower, size: Size | None) -> Copy | Refusal:
        held, quote = follower.position, self._quote
        if held is not None:
            return Refusal(
                reason="A contract on this symbol is still open on the account: one at a time",
                rule="contract_open",
                numbers={"stake": plain(held.quantity), RIGHT: Right.of(held.direction)},
            )
        if follower.bot.market_type is not MarketType.OPTIONS:
            problem = f"A {follower.bot.market_type} bot cannot be copied at {follower.account.venue}"
            return Refusal(reason=problem, rule="market_type")
        if quote is None:
            return Refusal(reason="No price for this symbol at the account's venue", rule="no_market_data")
        wanted, rule = self._wanted(follower, size)
        stake = round_down(wanted * step.fraction, quote.instrument.quantity_step)
        numbers = {"stake": plain(stake), **_ignored(follower)}
        return _refuse_stake(stake, quote, numbers) or Copy(
            leg=step.leg,
            side=Side.opening(step.direction),
            direction=step.direction,
            quantity=stake,
            rule=f"{rule} is the stake; leverage, stop loss and take profit mean nothing to a contract",
            inputs={
                RIGHT: Right.of(step.direction),
                "duration_s": str(self._duration_s(follower)),
                "margin_usd": plain(wanted),
                "spot": plain(quote.last_price),
                "quantity_step": plain(quote.instrument.quantity_step),
            },
            numbers=numbers,
        )

    def _wanted(self, follower: Follower, size: Size | None) -> tuple[Decimal, str]:
        told = self._signal.contract
        if told is not None and follower.account.id == follower.bot.exchange_account_id:
            return told.stake, "what the strategy stakes on its own book"
        if size is not None and size.unit is SizeUnit.QUOTE and counts_for(follower):
            return size.amount, f"the alert's own {plain(size.amount)} USD"
        return follower.settings.margin_usd, "the margin"

    def _duration_s(self, follower: Follower) -> int:
        told = self._signal.contract
        return follower.bot.contract_duration_s if told is None else told.duration_s


def _ignored(follower: Follower) -> Mapping[str, str]:
    settings = follower.settings
    return {
        "ignored_leverage": str(settings.leverage),
        "ignored_stop_loss_pct": plain(settings.stop_loss_pct),
        "ignored_take_profit_pct": plain(settings.take_profit_pct),
    }


def _refuse_stake(stake: Decimal, quote: Quote, numbers: Mapping[str, str]) -> Refusal | None:
    """What more a stake must be, the venue's own proposal says before anything is bought."""
    least, most = quote.instrument.quantity_min, quote.instrument.quantity_max
    if stake < least:
        reason = f"A stake of {plain(stake)} USD is below the venue's minimum {plain(least)}"
        return Refusal(reason=reason, rule="stake_min", numbers={**numbers, "stake_min": plain(least)})
    if stake > most:
        reason = f"A stake of {plain(stake)} USD is above the maximum {plain(most)}"
        return Refusal(reason=reason, rule="stake_max", numbers={**numbers, "stake_max": plain(most)})
    return None


def _plan_close(step: Step, follower: Follower) -> Copy | Refusal:
    held = follower.position
    if held is None or step.direction.opposite is held.direction:
        return Refusal(reason="No contract to close: it has ended, or was never bought", rule="no_position")
    if step.fraction != 1:
        numbers = {"stake": plain(held.quantity), "fraction": plain(step.fraction)}
        return Refusal(reason="A contract cannot be sold in part", rule="contract_part", numbers=numbers)
    return Copy(
        leg=step.leg,
        side=Side.closing(held.direction),
        direction=held.direction,
        quantity=held.quantity,
        rule="the contract that our own opening bought",
        inputs={RIGHT: Right.of(held.direction)},
        numbers={"stake": plain(held.quantity)},
    )


def is_contract(execution: Execution) -> bool:
    """By its plan."""
    inputs = execution.plan.get("inputs")
    return isinstance(inputs, dict) and RIGHT in inputs


def ends_at(opening: Execution) -> datetime | None:
    """When the contract that an opening bought ends: as the venue told, else by what was asked for."""
    shown = opening.plan.get(AT_VENUE)
    if isinstance(shown, dict) and ENDS_AT in shown:
        return datetime.fromisoformat(str(shown[ENDS_AT]))
    if opening.request is None or opening.frozen_at is None:
        return None
    return opening.frozen_at + timedelta(seconds=int(opening.request["duration_s"]))
