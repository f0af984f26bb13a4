"""A bot and its followers, each with an account at the simulated exchange that is set up already."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from msgspec.structs import replace

from copydesk.domain.bot import Bot, BotStatus, MarketType, OnOpposite, PayloadSize
from copydesk.domain.ids import AccountId, BotId, UserId, new_id
from copydesk.domain.signal import SourceKind
from copydesk.domain.subscription import Account, Environment, KeyCheck, MarginMode, PositionMode, by_defaults
from copydesk.domain.user import Role, new_user
from copydesk.domain.venue import BINANCE_FUTURES
from copydesk.ports.store import Preparation
from copydesk.stores.store import Tables

SYMBOL = "BTCUSDT"

Key = tuple[str, str]
"""api_key, api_secret."""


def seed(tables: Tables, keys: Sequence[Key], now: datetime) -> Bot:
    """One follower a key, in the keys' order."""
    owner = new_user("bench", Role.ADMIN, at=now)
    bot = _bot(owner.id, now)
    tables.users.add(owner, "none")
    tables.bots.add(bot, "none")
    made = Preparation(leverage=1, margin_mode=MarginMode.ISOLATED, position_mode=PositionMode.ONE_WAY)
    for key, secret in keys:
        account = _account(owner.id, now)
        tables.accounts.add(account, {"api_key": key, "api_secret": secret})
        tables.subscriptions.add(by_defaults(owner.id, bot.id, account.id, now))
        tables.followers.save_preparation(account.id, SYMBOL, made, now)
    return bot


def listening_bot(owner_id: UserId, path: str, now: datetime) -> Bot:
    """One that takes alerts at a path."""
    return replace(_bot(owner_id, now), source=SourceKind.TRADINGVIEW, master_webhook_path=path, name=f"bench {path}")


def _bot(owner_id: UserId, now: datetime) -> Bot:
    return Bot(
        id=BotId(new_id(now)),
        owner_id=owner_id,
        name="bench",
        description="",
        market_type=MarketType.FUTURES,
        source=SourceKind.REST,
        master_webhook_path="bench",
        default_leverage=1,
        default_margin_usd=Decimal(200),
        default_stop_loss_pct=Decimal(0),
        default_take_profit_pct=Decimal(0),
        on_opposite=OnOpposite.CLOSE,
        payload_size=PayloadSize.IGNORE,
        open_freshness_s=300,
        signature_v0=False,
        status=BotStatus.ACTIVE,
        created_at=now,
        updated_at=now,
    )


def _account(owner_id: UserId, now: datetime) -> Account:
    return Account(
        id=AccountId(new_id(now)),
        owner_id=owner_id,
        name="bench",
        venue=BINANCE_FUTURES,
        environment=Environment.SIMULATOR,
        is_active=True,
        key_hint="",
        key_check=KeyCheck.ACCEPTED,
        key_problem=None,
        created_at=now,
        updated_at=now,
    )
