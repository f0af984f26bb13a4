"""A subscription: an account follows a bot, with its own overrides and limits; and the account it trades on."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from functools import cached_property
from typing import TypeVar

from msgspec import Struct

from copydesk.domain.bot import Bot, MarketType
from copydesk.domain.ids import AccountId, BotId, SubscriptionId, UserId, new_id
from copydesk.domain.venue import VenueName

T = TypeVar("T")


class Environment(StrEnum):
    """Which face of a venue: a local simulator, the venue's own demo, or real money."""

    SIMULATOR = "simulator"
    DEMO = "demo"
    LIVE = "live"


class PositionMode(StrEnum):
    """One signed position a symbol, or a long and a short side by side."""

    ONE_WAY = "one_way"
    HEDGE = "hedge"


class KeyCheck(StrEnum):
    """What the pre-flight check found about an account's key."""

    UNCHECKED = "unchecked"
    ACCEPTED = "accepted"
    REFUSED = "refused"


class Account(Struct, frozen=True, kw_only=True, dict=True):
    """A follower's account at a venue; its secrets are in the vault, never here."""

    id: AccountId
    owner_id: UserId
    name: str
    venue: VenueName
    environment: Environment
    is_active: bool
    key_hint: str
    key_check: KeyCheck
    key_problem: str | None
    created_at: datetime
    updated_at: datetime

    @cached_property
    def terms(self) -> tuple[object, ...]:
        """What an order for it depends on; that of others may be the same."""
        return self.venue, self.environment, self.is_active, self.key_check, self.key_problem


class SubscriptionStatus(StrEnum):
    """`close_only` copies closes but opens nothing."""

    ACTIVE = "active"
    PAUSED = "paused"
    CLOSE_ONLY = "close_only"


class OnUnprotected(StrEnum):
    """What to do when a filled position's stop loss cannot be confirmed."""

    FLATTEN = "flatten"
    ALERT = "alert"


class OnDailyLoss(StrEnum):
    """What reaching the daily loss limit does: open nothing more that day; or close what is held as well."""

    STOP_OPENS = "stop_opens"
    FLATTEN = "flatten"


class MarginMode(StrEnum):
    """Isolated: a position can lose its own margin and no more."""

    ISOLATED = "isolated"
    CROSS = "cross"


class CopyOptions(Struct, frozen=True, kw_only=True):
    """The follower's further choices (`copy` of the contract)."""

    margin_mode: MarginMode = MarginMode.ISOLATED
    on_unprotected: OnUnprotected = OnUnprotected.FLATTEN
    on_daily_loss: OnDailyLoss = OnDailyLoss.STOP_OPENS


class Subscription(Struct, frozen=True, kw_only=True, dict=True):
    """Overrides are None where the bot's default counts; 0 is a choice. Limits are None where there is none."""

    id: SubscriptionId
    owner_id: UserId
    bot_id: BotId
    account_id: AccountId
    status: SubscriptionStatus
    custom_leverage: int | None
    custom_margin_usd: Decimal | None
    custom_stop_loss_pct: Decimal | None
    custom_take_profit_pct: Decimal | None
    max_daily_loss_usd: Decimal | None
    max_concurrent_positions: int | None
    copy: CopyOptions
    created_at: datetime
    updated_at: datetime

    @cached_property
    def terms(self) -> tuple[object, ...]:
        """On which its owner follows; those of others may be the same."""
        return (
            self.status,
            self.custom_leverage,
            self.custom_margin_usd,
            self.custom_stop_loss_pct,
            self.custom_take_profit_pct,
            self.max_daily_loss_usd,
            self.max_concurrent_positions,
            self.copy,
        )


def by_defaults(owner_id: UserId, bot_id: BotId, account_id: AccountId, at: datetime) -> Subscription:
    """A new one that goes by the bot's own values in everything."""
    return Subscription(
        id=SubscriptionId(new_id(at)),
        owner_id=owner_id,
        bot_id=bot_id,
        account_id=account_id,
        status=SubscriptionStatus.ACTIVE,
        custom_leverage=None,
        custom_margin_usd=None,
        custom_stop_loss_pct=None,
        custom_take_profit_pct=None,
        max_daily_loss_usd=None,
        max_concurrent_positions=None,
        copy=CopyOptions(),
        created_at=at,
        updated_at=at,
    )


class EffectiveSettings(Struct, frozen=True, kw_only=True):
    """What counts for one follower: the own value where there is one, else the bot's."""

    leverage: int
    margin_usd: Decimal
    stop_loss_pct: Decimal
    take_profit_pct: Decimal


def effective_settings(bot: Bot, subscription: Subscription) -> EffectiveSettings:
    """0 is a choice: a custom stop of 0 means no stop, whatever the bot's default. Spot has no leverage."""
    spot = bot.market_type is MarketType.SPOT
    return EffectiveSettings(
        leverage=1 if spot else _own(subscription.custom_leverage, bot.default_leverage),
        margin_usd=_own(subscription.custom_margin_usd, bot.default_margin_usd),
        stop_loss_pct=_own(subscription.custom_stop_loss_pct, bot.default_stop_loss_pct),
        take_profit_pct=_own(subscription.custom_take_profit_pct, bot.default_take_profit_pct),
    )


def _own(custom: T | None, default: T) -> T:
    return custom if custom is not None else default
