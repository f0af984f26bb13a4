"""Domain values that are valid as they are, each changeable by keyword; and a small desk to hang rows on."""

import itertools
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from hypothesis import settings
from msgspec.structs import replace

from copydesk.domain.bot import Bot, BotStatus, MarketType, OnOpposite, PayloadSize
from copydesk.domain.execution import Execution, State
from copydesk.domain.guards import Exposure
from copydesk.domain.ids import new_id
from copydesk.domain.instrument import Instrument
from copydesk.domain.planning import Follower, Quote
from copydesk.domain.position import Position, Trade
from copydesk.domain.signal import Action, Direction, LegKind, Side, Signal, SourceKind, Step
from copydesk.domain.subscription import Account, Environment, KeyCheck, Subscription, by_defaults
from copydesk.domain.user import Role, User, new_user
from copydesk.domain.venue import BINANCE_FUTURES
from copydesk.ports.venue import PaperOrder

NOW = datetime(2026, 3, 4, 5, 6, 7, 891234, tzinfo=UTC)

PROPERTY = settings(deadline=None, max_examples=200)
"""Two busy cores make any single example slow now and then: no deadline for one of them."""

_counter = itertools.count()


def fresh_id():
    """An id later than every one before it."""
    return new_id(NOW + timedelta(milliseconds=next(_counter)))


class StoppedClock:
    """Time stands still until somebody moves it."""

    def __init__(self, at=NOW):
        self.at = at

    def now(self):
        return self.at


def make_user(**changes):
    made = new_user(f"user-{fresh_id()}", Role.FOLLOWER, at=NOW)
    return replace(made, **changes)


def make_bot(**changes):
    identity = fresh_id()
    made = Bot(
        id=identity,
        owner_id="owner",
        name="Trend",
        description="",
        market_type=MarketType.FUTURES,
        source=SourceKind.TRADINGVIEW,
        master_webhook_path=f"path-{identity}",
        default_leverage=5,
        default_margin_usd=Decimal(20),
        default_stop_loss_pct=Decimal(2),
        default_take_profit_pct=Decimal(4),
        on_opposite=OnOpposite.CLOSE,
        payload_size=PayloadSize.IGNORE,
        open_freshness_s=30,
        signature_v0=False,
        status=BotStatus.ACTIVE,
        created_at=NOW,
        updated_at=NOW,
    )
    return replace(made, **changes)


def make_account(**changes):
    made = Account(
        id=fresh_id(),
        owner_id="follower",
        name="main",
        venue=BINANCE_FUTURES,
        environment=Environment.SIMULATOR,
        is_active=True,
        key_hint="…abcd",
        key_check=KeyCheck.ACCEPTED,
        key_problem=None,
        created_at=NOW,
        updated_at=NOW,
    )
    return replace(made, **changes)


def make_subscription(**changes):
    return replace(by_defaults("follower", "bot", "account", NOW), **{"id": fresh_id(), **changes})


def make_instrument(**changes):
    made = Instrument(
        symbol="BTCUSDT",
        base="BTC",
        quote="USDT",
        price_tick=Decimal("0.1"),
        quantity_step=Decimal("0.001"),
        quantity_min=Decimal("0.001"),
        quantity_max=Decimal(1000),
        notional_min=Decimal(50),
    )
    return replace(made, **changes)


def make_quote(price="95200", **changes):
    return Quote(instrument=make_instrument(**changes), last_price=Decimal(price), markets=frozenset(MarketType))


def make_position(**changes):
    made = Position(
        direction=Direction.LONG,
        quantity=Decimal("0.003"),
        entry_price=Decimal(95000),
        opened_quantity=Decimal("0.003"),
        closed_quantity=Decimal(0),
        closed_value=Decimal(0),
        gross_usd=Decimal(0),
        fees_usd=Decimal("0.1"),
        opened_at=NOW,
    )
    return replace(made, **changes)


def make_trade(**changes):
    made = Trade(
        direction=Direction.LONG,
        quantity=Decimal("0.003"),
        entry_price=Decimal(95000),
        exit_price=Decimal(96000),
        gross_usd=Decimal(3),
        fees_usd=Decimal("0.2"),
        net_usd=Decimal("2.8"),
        opened_at=NOW,
        closed_at=NOW + timedelta(hours=1),
    )
    return replace(made, **changes)


def make_follower(*, bot=None, subscription=None, account=None, position=None, exposure=None):
    return Follower(
        bot=bot or make_bot(),
        subscription=subscription or make_subscription(),
        account=account or make_account(),
        position=position,
        exposure=exposure or Exposure(),
    )


def make_signal(**changes):
    made = Signal(
        id=fresh_id(),
        bot_id="bot",
        source=SourceKind.TRADINGVIEW,
        ticker="BINANCE:BTCUSDT.P",
        symbol="BTCUSDT",
        action=Action.BUY,
        price=Decimal("95200.5"),
        size=None,
        steps=(Step(leg=LegKind.OPEN, direction=Direction.LONG),),
        note=None,
        payload={"ticker": "BINANCE:BTCUSDT.P", "nested": {"list": [1, "two", None, True]}},
        received_at=NOW,
        created_at=NOW + timedelta(microseconds=1),
    )
    return replace(made, **changes)


def make_execution(**changes):
    made = Execution(
        id=changes.get("id") or fresh_id(),
        signal_id="signal",
        subscription_id="subscription",
        account_id="account",
        bot_id="bot",
        owner_id="follower",
        leg=LegKind.OPEN.value,
        symbol="BTCUSDT",
        side=Side.BUY,
        direction=Direction.LONG,
        state=State.PLANNED,
        version=1,
        reason=None,
        plan={"rule": "margin × leverage ÷ price", "inputs": {"margin_usd": "20"}},
        requested_quantity=Decimal("0.001"),
        executed_quantity=Decimal(0),
        executed_price=None,
        fee_usd=Decimal(0),
        base_fee=Decimal(0),
        trigger_price=None,
        fraction=Decimal(1),
        exchange_order_id=None,
        client_order_id=None,
        attempt=1,
        request=None,
        request_hash=None,
        frozen_at=None,
        settle_at=None,
        expires_at=NOW + timedelta(seconds=30),
        absent_seen=0,
        next_look_at=None,
        cancel_wanted=False,
        execution_time_ms=None,
        created_at=NOW,
        updated_at=NOW,
    )
    return replace(made, **changes)


def make_paper_order(**changes):
    identity = fresh_id()
    made = PaperOrder(
        account_id="account",
        order_id=identity,
        client_order_id=f"cd-{identity}",
        symbol="BTCUSDT",
        side="BUY",
        direction=Direction.LONG,
        quantity=Decimal("0.001"),
        reduce_only=False,
        trigger_price=None,
        trigger_above=False,
        status="filled",
        executed_quantity=Decimal("0.001"),
        average_price=Decimal("95200.1"),
        fee_usd=Decimal("0.038"),
        created_at=NOW,
    )
    return replace(made, **changes)


@dataclass(frozen=True, kw_only=True)
class Desk:
    """A provider with a bot, and one follower of it."""

    provider: User
    bot: Bot
    follower: User
    account: Account
    subscription: Subscription

    def signal(self, **changes):
        return make_signal(**{"bot_id": self.bot.id, **changes})

    def execution(self, signal, **changes):
        return make_execution(
            **{
                "signal_id": signal.id,
                "subscription_id": self.subscription.id,
                "account_id": self.account.id,
                "bot_id": self.bot.id,
                "owner_id": self.follower.id,
                **changes,
            }
        )


def new_follower(tables, bot, **changes):
    """A follower of `bot` with an account of their own; returns user, account, subscription."""
    follower = make_user()
    tables.users.add(follower, "hash")
    account = make_account(owner_id=follower.id)
    tables.accounts.add(account, {"api_key": f"key-{account.id}", "api_secret": "made-up"})
    subscription = make_subscription(**{"owner_id": follower.id, "bot_id": bot.id, "account_id": account.id, **changes})
    tables.subscriptions.add(subscription)
    return follower, account, subscription


def new_desk(tables, **bot_changes):
    """Rows for one bot and one follower, in the given transaction."""
    provider = make_user(role=Role.PROVIDER)
    tables.users.add(provider, "hash")
    bot = make_bot(**{"owner_id": provider.id, **bot_changes})
    tables.bots.add(bot, f"fingerprint-{bot.id}")
    follower, account, subscription = new_follower(tables, bot)
    return Desk(provider=provider, bot=bot, follower=follower, account=account, subscription=subscription)
