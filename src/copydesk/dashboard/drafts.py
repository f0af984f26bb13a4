"""A subscription while somebody fills it in: empty fields take the bot's default, and 0 is a choice."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Self

from copydesk.client.models import BotAnswer, CopyChoices, NewSubscription, SubscriptionAnswer, SubscriptionChange
from copydesk.client.preview import PreviewWish
from copydesk.domain.bot import MarketType
from copydesk.domain.subscription import MarginMode, OnDailyLoss, OnUnprotected


@dataclass(slots=True, kw_only=True)
class Draft:
    """None: the bot's default, or no limit."""

    bot_id: str = ""
    account_id: str = ""
    custom_leverage: int | None = None
    custom_margin_usd: Decimal | None = None
    custom_stop_loss_pct: Decimal | None = None
    custom_take_profit_pct: Decimal | None = None
    max_daily_loss_usd: Decimal | None = None
    max_concurrent_positions: int | None = None
    margin_mode: MarginMode = MarginMode.ISOLATED
    on_unprotected: OnUnprotected = OnUnprotected.FLATTEN
    on_daily_loss: OnDailyLoss = OnDailyLoss.STOP_OPENS

    @classmethod
    def of(cls, one: SubscriptionAnswer) -> Self:
        return cls(
            bot_id=one.bot_id,
            account_id=one.exchange_account_id,
            custom_leverage=one.custom_leverage,
            custom_margin_usd=one.custom_margin_usd,
            custom_stop_loss_pct=one.custom_stop_loss_pct,
            custom_take_profit_pct=one.custom_take_profit_pct,
            max_daily_loss_usd=one.max_daily_loss_usd,
            max_concurrent_positions=one.max_concurrent_positions,
            margin_mode=one.copy_choices.margin_mode,
            on_unprotected=one.copy_choices.on_unprotected,
            on_daily_loss=one.copy_choices.on_daily_loss,
        )

    def new(self) -> NewSubscription:
        return NewSubscription(bot_id=self.bot_id, exchange_account_id=self.account_id, **self._chosen())

    def change(self) -> SubscriptionChange:
        """All of it: what is None goes back to the bot's default."""
        return SubscriptionChange(**self._chosen())

    def preview(self, *, signals: int) -> PreviewWish:
        return PreviewWish(bot_id=self.bot_id, exchange_account_id=self.account_id, signals=signals, **self._chosen())

    def _chosen(self) -> dict[str, Any]:
        choices = CopyChoices(
            margin_mode=self.margin_mode, on_unprotected=self.on_unprotected, on_daily_loss=self.on_daily_loss
        )
        return {
            "custom_leverage": self.custom_leverage,
            "custom_margin_usd": self.custom_margin_usd,
            "custom_stop_loss_pct": self.custom_stop_loss_pct,
            "custom_take_profit_pct": self.custom_take_profit_pct,
            "max_daily_loss_usd": self.max_daily_loss_usd,
            "max_concurrent_positions": self.max_concurrent_positions,
            "copy": choices,
        }


def default_of(bot: BotAnswer, name: str) -> Decimal:
    """What counts for a field that is left empty. Spot has no leverage."""
    if name == "custom_leverage":
        return Decimal(1 if bot.market_type is MarketType.SPOT else bot.default_leverage)
    default: Decimal = getattr(bot, name.replace("custom_", "default_"))
    return default
