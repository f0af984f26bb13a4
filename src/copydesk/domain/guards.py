"""Limits that stand between a plan and an order; each refusal carries its rule and its numbers."""

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal

from msgspec import Struct, field

from copydesk.domain.breaker import Breaker
from copydesk.domain.ids import BotId, SubscriptionId
from copydesk.domain.instrument import plain
from copydesk.domain.subscription import Account, KeyCheck, Subscription, SubscriptionStatus


class Refusal(Struct, frozen=True, kw_only=True):
    """Why a follower is not copied: a sentence, the rule's name, and the numbers it saw."""

    reason: str
    rule: str
    numbers: Mapping[str, str] = field(default_factory=dict)


class Exposure(Struct, frozen=True, kw_only=True):
    """What already counts against a follower's limits, read in the transaction that reserves.

    `slots_used`: symbols held or being opened by this subscription; `symbol_taken_by`: another subscription that
    holds or is opening the symbol on the same account, or whose stops still stand there. Where there is a daily limit: `loss_today_usd` ≥ 0, net of fees
    and of the day's gains; `day_has_ended`: the desk closed everything because of the day's loss, what was still open counted in.
    """

    slots_used: int = 0
    loss_today_usd: Decimal = Decimal(0)
    day_has_ended: bool = False
    symbol_taken_by: SubscriptionId | None = None


def refuse_account(account: Account) -> Refusal | None:
    """Nothing is sent for an account that is switched off or whose key does not work."""
    if not account.is_active:
        return Refusal(reason="The account is switched off", rule="account_inactive")
    if account.key_check is KeyCheck.REFUSED:
        problem = account.key_problem or "the venue refused it"
        return Refusal(reason=f"The account's key is refused: {problem}", rule="key_refused")
    return None


def refuse_breaker(breakers: Iterable[Breaker], account: Account, bot_id: BotId) -> Refusal | None:
    """Openings stop as soon as a breaker that reaches them is pulled; closes never do."""
    for one in breakers:
        if one.reach.covers(account_id=account.id, bot_id=bot_id, venue=account.venue):
            whom = f"{one.reach.scope} {one.reach.target}".strip()
            numbers = {"scope": one.reach.scope, "target": one.reach.target, "mode": one.mode}
            return Refusal(reason=f"The breaker is pulled for {whom}", rule="breaker", numbers=numbers)
    return None


def refuse_open(subscription: Subscription, exposure: Exposure) -> Refusal | None:
    """The first limit that an opening would break."""
    return next(_broken_limits(subscription, exposure), None)


def _broken_limits(subscription: Subscription, exposure: Exposure) -> Iterator[Refusal]:
    if subscription.status is SubscriptionStatus.CLOSE_ONLY:
        yield Refusal(reason="The subscription copies closes only", rule="close_only")
    if exposure.symbol_taken_by is not None:
        yield Refusal(
            reason="Another subscription of this account already trades this symbol",
            rule="one_subscription_per_symbol",
            numbers={"subscription_id": exposure.symbol_taken_by},
        )
    loss_max = subscription.max_daily_loss_usd
    if loss_max is not None and (exposure.day_has_ended or exposure.loss_today_usd >= loss_max):
        yield Refusal(
            reason="Daily loss limit reached",
            rule="max_daily_loss_usd",
            numbers={"loss_today_usd": plain(exposure.loss_today_usd), "max_daily_loss_usd": plain(loss_max)},
        )
    slots = subscription.max_concurrent_positions
    if slots is not None and exposure.slots_used >= slots:
        yield Refusal(
            reason="Max concurrent positions reached",
            rule="max_concurrent_positions",
            numbers={"current_positions": str(exposure.slots_used), "max_concurrent_positions": str(slots)},
        )
