"""What a bot's last signals would have done with given settings on a given account: `POST /api/v1/bot-subscriptions/preview`."""

from datetime import datetime
from typing import Literal

from pydantic import Field

from copydesk.client.fields import Answer, Number
from copydesk.client.models import EffectiveAnswer, NewSubscription
from copydesk.domain.rehearsal import PriceFrom

LAST_SIGNALS = 20


class PreviewWish(NewSubscription):
    """As a new subscription; nothing is stored."""

    signals: int = Field(LAST_SIGNALS, ge=1, le=100, description="how many of the bot's last signals")


class PreviewLine(Answer):
    """One step of a signal. `result_usd` is an estimate before fees and slippage, null where later prices are not known."""

    signal_id: str
    received_at: datetime
    symbol: str
    master_ticket: int | None = None
    action: str
    leg: str | None = Field(description="open, close, stop_loss, take_profit, modify; null: the signal changes nothing")
    would: Literal["copy", "refuse"]
    side: str | None = None
    direction: str | None = None
    quantity: Number | None = Field(None, description="base units; at a terminal lots, 0 where only it can tell")
    price: Number | None
    price_from: PriceFrom | None = Field(
        description="alert: the signal told it; desk: orders of that moment; now: today's"
    )
    reason: str | None = Field(None, description="why it would not be copied")
    rule: str
    inputs: dict[str, str]
    numbers: dict[str, str]
    result_usd: Number | None = None


class PreviewHeld(Answer):
    """What would still be held, its result at today's price."""

    symbol: str
    master_ticket: int | None = None
    direction: str
    quantity: Number
    entry_price: Number
    opened_at: datetime
    result_usd: Number | None


class PreviewAnswer(Answer):
    """Planned by what plans real signals, oldest first and beginning flat; told newest first."""

    effective: EffectiveAnswer
    signals: int = Field(description="how many there were")
    copied: int = Field(description="openings that would have been copied")
    refused: int = Field(description="openings that would not")
    realised_usd: Number | None = Field(description="of what would be closed; null where nothing of it is known")
    open_usd: Number | None = Field(description="of what would still be held, at today's price")
    lines: list[PreviewLine]
    held: list[PreviewHeld]
