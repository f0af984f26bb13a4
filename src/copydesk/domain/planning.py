"""The heart: one step of a signal and one follower make a Copy or a Refusal. Pure."""

from collections.abc import Mapping
from decimal import Decimal
from functools import cached_property

from msgspec import Struct

from copydesk.domain.bot import Bot, MarketType, PayloadSize
from copydesk.domain.guards import Exposure, Refusal, refuse_account, refuse_open
from copydesk.domain.instrument import Instrument, plain, round_down, round_to_tick
from copydesk.domain.position import Position
from copydesk.domain.signal import Direction, LegKind, Side, Size, SizeUnit, Step
from copydesk.domain.subscription import (
    Account,
    EffectiveSettings,
    Subscription,
    SubscriptionStatus,
    effective_settings,
)

PERCENT = Decimal(100)


class Follower(Struct, frozen=True, kw_only=True, dict=True):
    """Everything about one follower that a plan depends on; `position` is what our fills opened on the symbol."""

    bot: Bot
    subscription: Subscription
    account: Account
    position: Position | None
    exposure: Exposure

    @cached_property
    def settings(self) -> EffectiveSettings:
        return effective_settings(self.bot, self.subscription)


class Quote(Struct, frozen=True, kw_only=True):
    """What the market says: the instrument's steps, its last trade price, which bots' symbols are traded there, and
    whether stops can stand there.
    """

    instrument: Instrument
    last_price: Decimal
    markets: frozenset[MarketType]
    has_stops: bool = True


class Copy(Struct, frozen=True, kw_only=True):
    """What one follower should do, with the numbers it came from."""

    leg: LegKind
    side: Side
    direction: Direction
    quantity: Decimal
    rule: str
    inputs: Mapping[str, str]
    numbers: Mapping[str, str]


def plan_copy(step: Step, follower: Follower, quote: Quote | None, size: Size | None = None) -> Copy | Refusal:
    """A Copy or the first Refusal; without a quote nothing is opened, while a close needs only its own quantity.

    `size` is the sender's; a percentage must have become an amount of this follower's before (`amount_of`).
    """
    if follower.subscription.status is SubscriptionStatus.PAUSED:
        return Refusal(reason="The subscription is paused", rule="subscription_paused")
    refused = refuse_account(follower.account)
    if refused is not None:
        return refused
    if step.leg is LegKind.CLOSE:
        return _plan_close(step, follower, quote)
    return refuse_open(follower.subscription, follower.exposure) or _plan_open(step, follower, quote, size)


class Plans:
    """`plan_copy` with the quote that a signal's followers at one venue share."""

    def __init__(self, quote: Quote | None) -> None:
        self._quote = quote

    def plan(self, step: Step, follower: Follower, size: Size | None = None) -> Copy | Refusal:
        return plan_copy(step, follower, self._quote, size)


def what_counts(step: Step, follower: Follower) -> tuple[object, ...]:
    """Everything of a follower of one bot that their plan, and with it their order, depends on; who they are is no part of it."""
    held = follower.position
    grows = held is not None and step.leg is LegKind.OPEN and held.direction is step.direction
    position = None if held is None or grows else (held.direction, held.quantity, held.entry_price)
    return grows, position, follower.exposure, follower.subscription.terms, follower.account.terms


def counts_for(follower: Follower) -> bool:
    """Whether the sender's size counts: the bot says so, and the follower chose no margin of their own."""
    return follower.bot.payload_size is PayloadSize.USE and follower.subscription.custom_margin_usd is None


def amount_of(size: Size, available_usd: Decimal) -> Size:
    """What a percentage is of one account: a position worth that share of what is available, whatever the leverage."""
    if size.unit is not SizeUnit.PERCENT:
        return size
    return Size(unit=SizeUnit.QUOTE, amount=available_usd * size.amount / PERCENT)


def _plan_open(step: Step, follower: Follower, quote: Quote | None, size: Size | None) -> Copy | Refusal:
    held = follower.position
    if held is not None and held.direction is not step.direction:
        return Refusal(
            reason=f"The account still holds a {held.direction} position on this symbol",
            rule="opposite_position",
            numbers={"quantity": plain(held.quantity)},
        )
    if quote is None:
        return Refusal(reason="No price for this symbol at the account's venue", rule="no_market_data")
    wanted = _refuse_venue(follower, quote) or _wanted(follower, quote, size)
    if isinstance(wanted, Refusal):
        return wanted
    exact, rule = wanted[0] * step.fraction, wanted[1]
    settings = follower.settings
    inputs = {
        "margin_usd": plain(settings.margin_usd),
        "leverage": str(settings.leverage),
        "last_price": plain(quote.last_price),
        "quantity_step": plain(quote.instrument.quantity_step),
        "price_tick": plain(quote.instrument.price_tick),
        "notional_min": plain(quote.instrument.notional_min),
        "stop_loss_pct": plain(settings.stop_loss_pct),
        "take_profit_pct": plain(settings.take_profit_pct),
    } | ({} if step.fraction == 1 else {"fraction": plain(step.fraction)})
    quantity = round_down(exact, quote.instrument.quantity_step)
    if size is not None and counts_for(follower):
        inputs["alert_size"] = f"{plain(size.amount)} {size.unit}"
    numbers = {
        "exact_quantity": plain(Decimal(format(exact, ".8f"))),
        "quantity": plain(quantity),
        "notional": plain(quantity * quote.last_price),
    }
    return _refuse_size(quantity, quote, numbers | inputs) or Copy(
        leg=step.leg,
        side=Side.opening(step.direction),
        direction=step.direction,
        quantity=quantity,
        rule=f"{rule}, rounded down to the step",
        inputs=inputs,
        numbers=numbers,
    )


def _refuse_venue(follower: Follower, quote: Quote) -> Refusal | None:
    """What the venue cannot do for this bot or these settings."""
    if follower.bot.market_type not in quote.markets:
        problem = f"A {follower.bot.market_type} bot cannot be copied at {follower.account.venue}"
        return Refusal(reason=problem, rule="market_type")
    stop, target = follower.settings.stop_loss_pct, follower.settings.take_profit_pct
    if quote.has_stops or (stop == 0 and target == 0):
        return None
    return Refusal(
        reason="This venue holds no stops for the desk: set the stop loss and take profit to 0 to copy without",
        rule="no_stops",
        numbers={"stop_loss_pct": plain(stop), "take_profit_pct": plain(target)},
    )


def _wanted(follower: Follower, quote: Quote, size: Size | None) -> tuple[Decimal, str] | Refusal:
    """How much before rounding, and by which rule."""
    if size is None or not counts_for(follower):
        margin, leverage = follower.settings.margin_usd, follower.settings.leverage
        return margin * leverage / quote.last_price, "margin × leverage ÷ last price"
    if size.unit is SizeUnit.BASE:
        return size.amount, f"the alert's own quantity {plain(size.amount)}"
    if size.unit is SizeUnit.QUOTE:
        return size.amount / quote.last_price, f"the alert's own {plain(size.amount)} USD ÷ last price"
    share = plain(size.amount)
    return Refusal(
        reason=f"The alert asks for {share} % of the balance, which the venue did not tell",
        rule="balance_unknown",
        numbers={"percent": share},
    )


def _refuse_size(quantity: Decimal, quote: Quote, numbers: Mapping[str, str]) -> Refusal | None:
    instrument = quote.instrument
    if quantity < instrument.quantity_min or quantity == 0:
        least = plain(instrument.quantity_min)
        rounded = f"{numbers['exact_quantity']} rounded down to {plain(quantity)}"
        return Refusal(
            reason=f"Quantity {rounded} is below the venue's minimum {least}",
            rule="quantity_min",
            numbers={**numbers, "quantity_min": least},
        )
    if quantity > instrument.quantity_max:
        most = plain(instrument.quantity_max)
        return Refusal(
            reason=f"Quantity {plain(quantity)} is above the venue's maximum {most}",
            rule="quantity_max",
            numbers={**numbers, "quantity_max": most},
        )
    notional = quantity * quote.last_price
    if notional < instrument.notional_min:
        return Refusal(
            reason=f"Notional {plain(notional)} is below the venue's minimum {plain(instrument.notional_min)}",
            rule="notional_min",
            numbers=numbers,
        )
    return None


def _plan_close(step: Step, follower: Follower, quote: Quote | None) -> Copy | Refusal:
    held = follower.position
    if held is None or step.direction not in {held.direction, Direction.FLAT}:
        which = "" if step.direction is Direction.FLAT else f" {step.direction}"
        return Refusal(reason=f"No{which} position to close", rule="no_position")
    if step.fraction != 1 and quote is None:
        return Refusal(reason="No price for this symbol at the account's venue", rule="no_market_data")
    # Coins that are less than one step cannot be sold; a position off the step (after a split) can be closed whole.
    whole = step.fraction == 1 and follower.bot.market_type is not MarketType.SPOT
    quantity = held.quantity if quote is None or whole else _closable(held.quantity * step.fraction, quote)
    numbers = {"held": plain(held.quantity), "fraction": plain(step.fraction), "quantity": plain(quantity)}
    if quantity == 0:
        return Refusal(reason="The part to close is smaller than one step", rule="quantity_step", numbers=numbers)
    return Copy(
        leg=step.leg,
        side=Side.closing(held.direction),
        direction=held.direction,
        quantity=quantity,
        rule="at most what our own fills opened",
        inputs={"entry_price": plain(held.entry_price)} | _step_of(quote),
        numbers=numbers,
    )


def _step_of(quote: Quote | None) -> dict[str, str]:
    return {} if quote is None else {"quantity_step": plain(quote.instrument.quantity_step)}


def _closable(wanted: Decimal, quote: Quote) -> Decimal:
    """In whole steps. A third has no exact decimal: a millionth of a step makes good what its last digit lost."""
    step = quote.instrument.quantity_step
    quantity = round_down(wanted + step / 1_000_000, step)
    return quantity if quantity >= quote.instrument.quantity_min else Decimal(0)


def trigger_price(kind: LegKind, entry: Decimal, direction: Direction, percent: Decimal, tick: Decimal) -> Decimal:
    """Where a stop loss or take profit of `percent` of the entry price stands, on the venue's tick."""
    rises = (kind is LegKind.TAKE_PROFIT) == (direction is Direction.LONG)
    return round_to_tick(entry * (1 + (percent if rises else -percent) / PERCENT), tick)
