"""What bots brought those who follow them, and a signal that tries the way out."""

from datetime import datetime
from typing import Literal

from pydantic import Field

from copydesk.client.fields import Answer, Number, Request
from copydesk.domain.bot import BotStatus
from copydesk.domain.subscription import SubscriptionStatus


class CurvePoint(Answer):
    """The sum of all results up to a moment."""

    at: datetime
    net_usd: Number


class BotResult(Answer):
    """Realised, fees counted, of trades that were closed since the moment asked for."""

    bot_id: str
    name: str
    status: BotStatus
    whose: Literal["everybody", "own"] = Field(
        description="its owner and an admin see all followers', others their own"
    )
    followers: int = Field(description="of those whose results these are")
    trades: int
    won: int
    net_usd: Number
    fees_usd: Number
    curve: list[CurvePoint] = Field(description="oldest first; thinned out where there are many")


class LeaderboardAnswer(Answer):
    """The best net result first."""

    since: datetime
    items: list[BotResult]


class FollowerResult(Answer):
    """One follower's share. `name` is there for yourself and for an admin only."""

    subscription_id: str
    name: str | None
    status: SubscriptionStatus | Literal["left"]
    open_positions: int
    trades: int
    won: int
    net_usd: Number
    fees_usd: Number


class BotResultAnswer(BotResult):
    since: datetime
    results: list[FollowerResult] = Field(description="the best net result first")


class TrialSignal(Request):
    """Opens or closes on paper accounts only; the bot's own position stays as it is."""

    symbol: str = Field(min_length=1, max_length=40, pattern=r"^[A-Za-z0-9._/:-]+$")
    action: Literal["open_long", "open_short", "close"] = "open_long"
